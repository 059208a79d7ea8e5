"""Contrast of patches: what is at a place of a translation should tell what was there before."""

import keras
import tensorflow as tf
from keras import ops

from keras_gan.data.symbolic import output_of_layer, sample_shape
from keras_gan.terms.style import by_position, unit
from keras_gan.terms.term import Term
from keras_gan.utils import arguments, nests
from keras_gan.utils.arguments import shown
from keras_gan.utils.tensors import compatible, wide


@keras.saving.register_keras_serializable("keras_gan")
class PatchNCE(Term):
    """Let each place of a translation be recognized among the places of its source (CUT).

    Formula:

    ```
    L_G += weight * E mean_l mean_s -log( exp(q_s . k_s / t) / sum_p exp(q_s . k_p / t) )
    q_s = unit(H_l(E_l(G(y))_s)),   k_p = unit(H_l(E_l(y)_p))
    ```

    E_l are layers of the generator itself, its encoder half. H_l is a head of two dense layers for
    each of them, trained with the generator and saved with the model. s and p are positions, the
    same of both images, drawn anew at each step; the other positions of the same image are what
    the right one is told from. No gradient passes through the keys k. It needs no pairs and no
    second generator: data elements are `(target, source)` in any order, and the discriminator
    sees samples alone.

    With `identity` the value is the mean of that and the same of an image of the target domain and
    its translation: G(x) should stay x. It takes one more forward of the generator, and two of its
    encoder. The log shows the value without its weight.

    Args:
        layers: names of layers of the generator, from its input to its innermost ones; that of the
            input stands for the pixels.
        weight: finite number of at least 0. CUT's is 1, FastCUT's 10, beside least squares that are
            not halved: 0.5 and 5 beside `LeastSquares`.
        identity: whether images of the target domain count too; CUT does so, FastCUT does not.
        positions: how many places of an image are drawn; all where there are fewer.
        temperature: t, a finite number above 0.
        width: units of each dense layer of the heads.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Attributes:
        heads: list of the heads, one for each layer.

    Raises:
        ValueError: when a number is out of range, `layers` are no names, or, in `compile`, the
            generator has no such layer, takes more than its source, or makes images of another
            shape than that.
        TypeError: when `weight` or `temperature` is no number, `identity` no flag, or `schedule`
            no schedule.

    Example:

    ```python
    x = source = keras.Input((8, 8, 1), name="pixels")
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(x)
    generator = keras.Model(source, keras.layers.Conv2D(1, 3, padding="same")(x))
    discriminator = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(1, 4, 2)])
    model = keras_gan.GAN(generator, discriminator, latents=None, conditional="generator")
    nce = keras_gan.terms.PatchNCE(["pixels", "first"], weight=0.5, identity=True)
    model.compile("least_squares", terms=[nce])
    ```

    Reference:
        - [Park et al., 2020](https://arxiv.org/abs/2007.15651), Section 3
    """

    player = "generator"

    def __init__(
        self,
        layers,
        weight=1.0,
        identity=False,
        positions=256,
        temperature=0.07,
        width=256,
        interval=1,
        schedule=None,
        name="patch_nce",
        **kwargs,
    ):
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)
        self.layers = tuple(arguments.listed(layers))  # A tuple: Keras tracks lists.
        if not self.layers or not all(isinstance(each, str) for each in self.layers):
            raise ValueError(
                "Expected `layers` to be the names of one layer of the generator or more. "
                f"Received: layers={shown(layers)}"
            )
        self.identity = arguments.flag("identity", identity)
        self.positions = arguments.whole("positions", positions, least=2)
        self.temperature = arguments.number("temperature", temperature, above=0)
        self.width = arguments.whole("width", width)
        self._encode = None

    def attach(self, model):
        """Find the layers, and build a head for each.

        Raises:
            ValueError: when the generator has no such layer, takes more than its source, or makes
                images of another shape than that.
        """
        generator = model.generator
        _check_source(self, model)
        maps = [output_of_layer(generator, name) for name in self.layers]
        maps = [keras.tree.flatten(each)[0] for each in maps]
        encoder = keras.Model(generator.inputs[0], maps)
        # In a function: as an attribute Keras would take the generator's layers for the term's own.
        self._encode = lambda inputs: keras.tree.flatten(encoder(inputs, training=True))
        self.heads = [_head(each.shape[-1], self.width) for each in maps]
        self._condition = model.condition

    def generator_term(self, step):
        """Return the mean cross-entropy of the right positions, for each image."""
        seen = self._condition.seen_by("generator", step.fake_condition)
        (source,) = nests.leaves(seen)
        value = self._contrast(step, source, step.fake)
        if not self.identity:
            return value
        target = nests.pack_as(seen, [step.real])
        same = step.generate(
            step.latents, self._condition.replaced("generator", step.fake_condition, target)
        )
        return (value + self._contrast(step, step.real, same)) / 2

    def _contrast(self, step, source, translated):
        keys, queries = (self._encode(images) for images in (source, translated))
        layers = [
            self._of_layer(head, *maps, step.seeds.next())
            for head, *maps in zip(self.heads, keys, queries, strict=True)
        ]
        return sum(layers) / len(layers)

    def _of_layer(self, head, keys, queries, seed):
        keys, queries = by_position(wide(keys)), by_position(wide(queries))
        chosen = _drawn(ops.shape(keys)[1], self.positions, seed)
        keys, queries = (unit(head(ops.take(side, chosen, axis=1))) for side in (keys, queries))
        return contrast(queries, tf.stop_gradient(keys), self.temperature)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "layers": list(self.layers),
            "identity": self.identity,
            "positions": self.positions,
            "temperature": self.temperature,
            "width": self.width,
        }


def contrast(queries, keys, temperature):
    """Return the cross-entropy of each query's own key among all keys of its image, its mean.

    Args:
        queries: tensor of shape `(batch, positions, width)`, of length 1 each.
        keys: the same.
        temperature: what products are divided by.

    Returns:
        Tensor of shape `(batch,)`.
    """
    logits = ops.matmul(queries, ops.swapaxes(keys, 1, 2)) / temperature
    own = ops.sum(queries * keys, axis=2) / temperature
    return ops.mean(ops.logsumexp(logits, axis=2) - own, axis=1)


def _drawn(count, most, seed):
    """Return the numbers of some of the positions, each set of them as likely as any other."""
    draws = tf.random.stateless_uniform((count,), seed)
    # Not a shuffle, which XLA does not compile.
    return tf.math.top_k(draws, ops.minimum(count, most)).indices


def _head(channels, width):
    """Return the two dense layers of CUT, built: what is trained and saved must be there."""
    first, second = (
        keras.layers.Dense(
            width,
            activation=activation,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
            dtype=keras.config.floatx(),  # Not 16 bits, as a policy may have it.
        )
        for activation in ("relu", None)
    )
    return keras.Sequential([keras.Input((None, channels)), first, second])


def _check_source(term, model):
    """Raise when a generator does not take one image alone, of the shape of what it makes."""
    sources = nests.leaves(model.signature.generator_condition)
    samples = nests.leaves(model.signature.samples)
    shapes = [sample_shape(each) for each in (*sources, *samples)]
    one = model.latents is None and not model.condition.of_samples and len(shapes) == 2
    if not one or not compatible(*shapes):
        raise ValueError(
            f"The term {term.name!r} shows the generator its own translations: expected a "
            "Functional generator that takes one image and makes one of the same shape, "
            '`GAN(generator, discriminator, latents=None, conditional="generator")`. Received: a '
            f"generator {model.generator.name!r} with sources and samples of shapes {shapes}"
        )
