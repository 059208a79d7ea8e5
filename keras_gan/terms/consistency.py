"""Consistency regularization: logits and samples that small changes should not move."""

import keras
import tensorflow as tf
from keras import ops

from keras_gan.augmentation import Translation
from keras_gan.augmentation.augmentation import check_strategy, follows_training
from keras_gan.data.signature import inputs_of, sample_shape
from keras_gan.terms.norms import squared_norm
from keras_gan.terms.path_length import check_latents
from keras_gan.terms.term import Term
from keras_gan.utils import arguments
from keras_gan.utils.tensors import wide

NOISE = 0.05


@keras.saving.register_keras_serializable("keras_gan")
class ConsistencyRegularization(Term):
    """Penalize a discriminator whose logits change when its samples are transformed.

    Formula:

    ```
    weight * (E ||D(x) - D(T(x))||^2  +  E ||D(G(z)) - D(T(G(z)))||^2)
    ```

    The first part is there with "real" in `on`, the second with "fake". CR-GAN has real samples
    alone, bCR both. With real samples alone, the generator may learn the transformations and show
    them. Squares are summed over the logits of a sample, and the gradient passes through both
    D's. The discriminator runs once more for each part, on T(x). For different weights, use two
    terms with names of their own.

    Args:
        weight: lambda, a finite number of at least 0; 10 in the papers, for either part.
        on: which samples, out of `"real"` and `"fake"`.
        augmentation: T, a Keras layer, called with `training=True`: a random transformation that
            leaves a sample what it is. `None` chooses in `compile`: for images a horizontal flip
            of every second one, by chance, and a shift by up to 1/8 of the sides; for other
            samples normal noise of standard deviation 0.05. Pass your own where mirror images are
            not images of the same kind (digits, text), or the data's scale is far from 1.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Raises:
        ValueError: when `weight` is negative or not finite, `interval` no positive integer, `on`
            something else, or, in `compile`, the samples' shape can't be read off the networks.
        TypeError: when `weight` is no number, `schedule` no schedule, or `augmentation` no layer.

    Example:

    ```python
    shift = keras_gan.augmentation.Translation(ratio=0.125)
    balanced = keras_gan.terms.ConsistencyRegularization(on=("real", "fake"), augmentation=shift)
    model.compile("hinge", terms=[balanced])
    ```

    Reference:
        - [Zhang et al., 2020](https://arxiv.org/abs/1910.12027) (CR)
        - [Zhao et al., 2020](https://arxiv.org/abs/2002.04724) (bCR)
    """

    def __init__(
        self,
        weight=10.0,
        on=("real",),
        augmentation=None,
        interval=1,
        schedule=None,
        name="consistency_regularization",
        **kwargs,
    ):
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)
        self.on = _sides(on)
        if not isinstance(augmentation, keras.layers.Layer | None):
            raise TypeError(
                "Expected `augmentation` to be a Keras layer, or None for a choice by the samples' "
                f"shape. Received: augmentation={augmentation!r}"
            )
        if augmentation is not None and follows_training(augmentation):
            raise ValueError(
                "Expected an `augmentation` that stays as it is: one that follows training, such "
                "as `Adaptive` or an annealed `InstanceNoise`, belongs in "
                f"`compile(augmentation=...)`. Received: augmentation={augmentation!r}"
            )
        self.augmentation = augmentation
        self._chosen = augmentation is None

    def attach(self, model):
        """Choose the transformation where none was given, and build it.

        Raises:
            ValueError: when the samples' shape is needed and the networks don't say it, or the
                transformation was made outside of the strategy's scope.
        """
        shape = _shape_of_samples(model)
        if self._chosen and shape:
            self.augmentation = _transformation(shape)
        layer = self.augmentation
        if not shape and (layer is None or not layer.built):
            raise ValueError(
                f"The term {self.name!r} needs the shape of the samples to choose or to build its "
                "transformation, and subclassed networks don't say it: pass one that is built, "
                "`layer.build((None, *sample_shape))`, as `augmentation`. "
                f"Received: augmentation={layer!r}"
            )
        if not layer.built:
            layer.build((None, *shape))
        check_strategy([self.augmentation], model.distribute_strategy)

    def discriminator_term(self, step):
        """Return the squared differences, for each row of logits."""
        return sum(self._difference(step, of) for of in self.on)

    def _difference(self, step, of):
        samples = tf.stop_gradient(wide(getattr(step, of)))
        transformed = ops.cast(self.augmentation(samples, training=True), samples.dtype)
        _, logits = step.discriminate(transformed)
        return squared_norm(getattr(step, f"{of}_logits") - logits)

    def get_config(self):
        """Return the constructor's arguments."""
        layer = None if self._chosen else self.augmentation
        return {
            **super().get_config(),
            "on": list(self.on),
            "augmentation": layer and keras.saving.serialize_keras_object(layer),
        }

    @classmethod
    def from_config(cls, config):
        """Build the term, and the layer it holds, from its config."""
        layer = config["augmentation"]
        layer = layer and keras.saving.deserialize_keras_object(layer)
        return super().from_config({**config, "augmentation": layer})


@keras.saving.register_keras_serializable("keras_gan")
class LatentConsistency(Term):
    """Let near latents make different samples, and give these the same logits (zCR).

    Formula:

    ```
    L_D += weight * E ||D(G(z)) - D(G(z + delta))||^2,       delta ~ N(0, noise^2 I)
    L_G -= generator_weight * E mean (G(z) - G(z + delta))^2
    ```

    The generator is paid for samples that move with their latents, the discriminator for not
    minding. The mean runs over the numbers of a sample, so that the weight means the same at all
    resolutions. Each player's term runs the generator once more, with a delta of its own, and the
    discriminator's term the discriminator too. The log shows both distances, without weights, as
    `name/discriminator` and `name/generator`.

    Args:
        weight: the discriminator's, a finite number of at least 0.
        generator_weight: the generator's, a finite number of at least 0 (it is subtracted).
        noise: standard deviation of the step in the latents, a finite number of at least 0.
        interval: compute it on every `interval`-th step only.
        schedule: factor of both weights over training steps, such as `keras_gan.schedules.Cosine`.
        name: beginning of the keys in the logs.

    Raises:
        ValueError: when a number is negative or not finite, `interval` is no positive integer, or,
            in `compile`, the generator has no latents.
        TypeError: when one is no number, or `schedule` no schedule.

    Example:

    ```python
    improved = [  # ICR: both kinds of consistency together
        keras_gan.terms.ConsistencyRegularization(on=("real", "fake")),
        keras_gan.terms.LatentConsistency(),
    ]
    model.compile("hinge", terms=improved)
    ```

    Reference:
        - [Zhao et al., 2020](https://arxiv.org/abs/2002.04724)
    """

    def __init__(
        self,
        weight=20.0,
        generator_weight=0.5,
        noise=NOISE,
        interval=1,
        schedule=None,
        name="latent_consistency",
        **kwargs,
    ):
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)
        self.generator_weight = arguments.number("generator_weight", generator_weight)
        self.noise = arguments.number("noise", noise)

    def attach(self, model):
        """Check that there are latents to move.

        Raises:
            ValueError: when the generator has none.
        """
        check_latents(self, model)

    def weight_of(self, player):
        """Return the weight in a player's loss; the generator's is negative."""
        return self.weight if player == "discriminator" else -self.generator_weight

    def discriminator_term(self, step):
        """Return the squared difference of the logits, for each row of them."""
        _, logits = step.discriminate(tf.stop_gradient(self._beside(step)))
        return squared_norm(step.fake_logits - logits)

    def generator_term(self, step):
        """Return the mean squared difference of the samples, for each of them."""
        difference = wide(step.fake) - wide(self._beside(step))
        return ops.mean(ops.square(difference), axis=tuple(range(1, len(difference.shape))))

    def _beside(self, step):
        """Return the samples of latents near this step's."""
        latents = step.latents
        delta = tf.random.stateless_normal(
            tf.shape(latents), step.seeds.next(), stddev=self.noise, dtype=latents.dtype
        )
        return step.generate(latents + delta)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "generator_weight": self.generator_weight,
            "noise": self.noise,
        }


def _sides(on):
    sides = (on,) if isinstance(on, str) else tuple(on or ())
    if not sides or len(set(sides)) < len(sides) or not set(sides) <= {"real", "fake"}:
        raise ValueError(
            f'Expected `on` to be ("real",), ("fake",) or ("real", "fake"). Received: on={on!r}'
        )
    return sides


def _shape_of_samples(model):
    """Return the shape of one sample, or `None` when neither network says it."""
    tensors = inputs_of(model.discriminator) or getattr(model.generator, "outputs", None)
    return sample_shape(tensors[0]) if tensors else None


def _transformation(shape):
    if len(shape) == 3:
        # Keras's own RandomTranslation does not compile with XLA.
        flip = keras.layers.RandomFlip("horizontal", dtype="float32")
        return keras.Sequential([flip, Translation(0.125)])
    return keras.layers.GaussianNoise(NOISE, dtype="float32")
