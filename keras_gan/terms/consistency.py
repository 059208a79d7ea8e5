"""Consistency regularization: logits and samples that small changes should not move."""

import keras
import tensorflow as tf
from keras import ops

from keras_gan.augmentation import Translation
from keras_gan.augmentation.augmentation import check_strategy, following, follows_training
from keras_gan.data.symbolic import sample_shape
from keras_gan.latents.composite import nest_of
from keras_gan.terms.distances import distance
from keras_gan.terms.norms import squared_norm
from keras_gan.terms.path_length import check_latents
from keras_gan.terms.term import Term, sides
from keras_gan.utils import arguments, nests
from keras_gan.utils.arguments import shown
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
        self.on = sides(on)
        if not isinstance(augmentation, keras.layers.Layer | None):
            raise TypeError(
                "Expected `augmentation` to be a Keras layer, or None for a choice by the samples' "
                f"shape. Received: augmentation={shown(augmentation)}"
            )
        if augmentation is not None and follows_training(augmentation):
            raise ValueError(
                "Expected an `augmentation` that stays as it is: one that follows training, such "
                "as `Adaptive` or an annealed `InstanceNoise`, belongs in "
                f"`compile(augmentation=...)`. Received: augmentation={shown(augmentation)}"
            )
        self.augmentation = augmentation
        self._chosen = augmentation is None

    def attach(self, model):
        """Choose the transformation where none was given, and build it.

        Raises:
            ValueError: when the samples' shape is needed and the networks don't say it, or the
                transformation was made outside of the strategy's scope.
        """
        shapes = _shapes_of_samples(model)
        if self._chosen and shapes:
            self.augmentation = _transformation(shapes)
        layer = self.augmentation
        if not shapes and (layer is None or not layer.built):
            raise ValueError(
                f"The term {self.name!r} needs the shape of the samples to choose or to build its "
                "transformation, and subclassed networks don't say it: pass one that is built, "
                "`layer.build((None, *sample_shape))`, as `augmentation`. "
                f"Received: augmentation={shown(layer)}"
            )
        if not layer.built:
            layer.build((None, *shapes[0]))
        check_strategy([self.augmentation], model.distribute_strategy)
        for part in following([self.augmentation]):
            part.attach(model)

    def discriminator_term(self, step):
        """Return the squared differences, for each row of logits."""
        differences = [self._difference(step, of) for of in self.on]
        return nests.map(lambda *parts: sum(parts), *differences)

    def _difference(self, step, of):
        samples = nests.map(lambda part: tf.stop_gradient(wide(part)), getattr(step, of))
        moved, condition = step.transformed(self.augmentation, samples, step.condition_of(of))
        transformed = nests.map(lambda new, old: ops.cast(new, old.dtype), moved, samples)
        _, heads = step.discriminate(transformed, condition)
        before = getattr(step, f"{of}_logits")
        return nests.map(lambda *logits: squared_norm(logits[0] - logits[1]), before, heads)

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
    minding. Of composite latents the continuous parts move, codes
    stay. The mean runs over the numbers of a sample, so that the weight means the same at all
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

    needs_fresh_fake = True

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
        parts = nests.leaves(nest_of(model.latents))
        self._moved = tuple(part.continuous for part in parts)

    def weight_of(self, player):
        """Return the weight in a player's loss; the generator's is negative."""
        return self.weight if player == "discriminator" else -self.generator_weight

    def discriminator_term(self, step):
        """Return the squared difference of the logits, for each row of them."""
        beside = nests.map(tf.stop_gradient, self._beside(step))
        _, heads = step.discriminate(beside, step.fake_condition)
        return nests.map(
            lambda *logits: squared_norm(logits[0] - logits[1]), step.fake_logits, heads
        )

    def generator_term(self, step):
        """Return the mean squared difference of the samples, for each of them."""
        pairs = zip(nests.leaves(step.fake), nests.leaves(self._beside(step)), strict=True)
        first, *others = (distance("l2", wide(one), wide(other)) for one, other in pairs)
        return sum(others, start=first) / (1 + len(others)) if others else first

    def _beside(self, step):
        """Return the samples of latents near this step's."""
        latents = [
            self._near(part, step) if moved else part
            for part, moved in zip(nests.leaves(step.latents), self._moved, strict=True)
        ]
        return step.generate(nests.pack_as(step.latents, latents))

    def _near(self, latents, step):
        delta = tf.random.stateless_normal(
            tf.shape(latents), step.seeds.next(), stddev=self.noise, dtype=latents.dtype
        )
        return latents + delta

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "generator_weight": self.generator_weight,
            "noise": self.noise,
        }


def _shapes_of_samples(model):
    """Return the shapes of a sample's parts, `None` when neither network says them."""
    samples = model.signature.samples
    return None if samples is None else [sample_shape(part) for part in nests.leaves(samples)]


def _transformation(shapes):
    if all(len(shape) == 3 for shape in shapes):
        # Keras's own RandomTranslation does not compile with XLA.
        flip = keras.layers.RandomFlip("horizontal", dtype="float32")
        return keras.Sequential([flip, Translation(0.125)])
    return keras.layers.GaussianNoise(NOISE, dtype="float32")
