"""Path length regularization: latent steps that change every sample by as much."""

import keras
import tensorflow as tf
from keras import ops

from keras_gan.terms.norms import norm
from keras_gan.terms.term import Term
from keras_gan.utils import arguments, nests


@keras.saving.register_keras_serializable("keras_gan")
class PathLength(Term):
    """Make latent steps of a given length change all samples by about as much.

    Formula:

    ```
    weight * E (||J^T y|| - a)^2,  J = dG(z)/dz,  y ~ N(0, I) / sqrt(H W)
    a <- a + decay (E ||J^T y|| - a)
    ```

    H W is the number of positions in a sample: the product of all its axes but the last, 1 for
    vectors. J^T y is the gradient of `G(z) . y` with respect to the latents, from the generator's
    own forward. Of a side output with one style for each layer of the generator, shape
    `(batch, layers, style_dim)`, the squared norm is the mean over the layers of the sums over
    `style_dim`, as in StyleGAN2's code.

    The average a starts at 0, moves whenever the term is computed, and is saved with the model. No
    gradient passes through it. The log shows the value without its weight.

    Args:
        weight: finite number of at least 0; 2 in StyleGAN2's code.
        decay: share of the new mean in the average, from 0 to 1.
        of: what a step is taken in: `"latents"`, or the name of a side output of the generator
            that its samples are made from, such as the styles of a mapping network.
        interval: compute it on every `interval`-th step only; 4 in StyleGAN2's code.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Attributes:
        length: a, a weight that no optimizer trains.

    Raises:
        ValueError: when a number is out of range, `interval` is no positive integer, or, in
            `compile`, the generator has no latents, or no such side output.
        TypeError: when `weight` or `decay` is no number, `of` no name, or `schedule` no schedule.

    Example:

    ```python
    model.compile("non_saturating", terms=[keras_gan.terms.PathLength(interval=4)])
    ```

    Reference:
        - [Karras et al., 2020](https://arxiv.org/abs/1912.04958), Eq. (4)
    """

    player = "generator"

    def __init__(
        self,
        weight=2.0,
        decay=0.01,
        of="latents",
        interval=1,
        schedule=None,
        name="path_length",
        **kwargs,
    ):
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)
        self.of = output_of_generator("latents", of)
        self.decay = arguments.number("decay", decay, high=1)

    @property
    def watches(self):
        """The tensor whose steps are measured."""
        return frozenset({self.of})

    def attach(self, model):
        """Create the average, in the model's strategy scope.

        Raises:
            ValueError: when the generator has no latents, or no such side output.
        """
        if self.of == "latents":
            check_latents(self, model)
        else:
            check_side_output(self, model, self.of)
        self.length = self.add_weight(
            (), initializer="zeros", dtype="float32", trainable=False, name="length"
        )

    def generator_term(self, step):
        """Return the squared distance of each sample's path length from the average; move it."""
        gradient = step.gradient(self.of, direction=self._direction(step))
        if self.of != "latents":
            gradient = nests.map(_of_one_layer, gradient)
        lengths = norm(gradient)
        average = tf.convert_to_tensor(self.length)
        mean = ops.cast(ops.mean(lengths), "float32")
        self.length.assign(average + self.decay * (mean - average))
        return ops.square(lengths - ops.cast(average, lengths.dtype))

    def _direction(self, step):
        def direction(fake):
            shape = tf.shape(fake)
            dtype = "float64" if fake.dtype == "float64" else "float32"
            noise = tf.random.stateless_normal(shape, step.seeds.next(), dtype=dtype)
            places = tf.cast(tf.reduce_prod(shape[1:-1]), dtype)
            return tf.cast(noise / tf.sqrt(places), fake.dtype)

        return nests.map(direction, step.fake)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "decay": self.decay, "of": self.of}


def _of_one_layer(styles):
    """Return the gradient of styles, scaled so that its squares are a mean over the layers."""
    layers = tf.reduce_prod(tf.shape(styles)[1:-1])
    return styles * tf.math.rsqrt(tf.cast(layers, styles.dtype))


def output_of_generator(usual, of):
    """Return an argument `of`, if it can be the name of something that a generator returns.

    Args:
        usual: what it is by default.
        of: what it was given.

    Raises:
        TypeError: when it is no name.
    """
    what = f"{usual!r} or the name of a side output of the generator"
    return arguments.string("of", of, what)


def check_side_output(term, model, name):
    """Raise when a term needs a side output that the generator is known not to give.

    Raises:
        ValueError: naming the term and the side outputs that there are.
    """
    there = model.signature.side_outputs
    if there is not None and name not in there:
        raise ValueError(
            f"The term {term.name!r} needs the generator's side output {name!r}: let the generator "
            f"return a dict of it beside its samples, {{'samples': ..., {name!r}: ...}}. "
            f"Received: a generator with the side outputs {there}"
        )


def check_latents(term, model):
    """Raise when a term needs latents and the model's generator has none.

    Raises:
        ValueError: naming the term.
    """
    if model.latents is None:
        raise ValueError(
            f"The term {term.name!r} moves the generator's latents, and this generator has none: "
            "leave it out, or give `GAN` a prior such as `latents=keras_gan.latents.Normal(64)`. "
            f"Received: latents=None for the generator {model.generator.name!r}"
        )
