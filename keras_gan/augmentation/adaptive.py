"""Adaptive augmentation, as often as overfitting calls for."""

import math

import keras
from keras import ops

from keras_gan.augmentation.augmentation import Augmentation
from keras_gan.augmentation.diff_augment import DiffAugment
from keras_gan.augmentation.together import together
from keras_gan.utils import arguments, nests, replicas
from keras_gan.utils.arguments import shown


@keras.saving.register_keras_serializable("keras_gan")
class Adaptive(Augmentation):
    """Apply another augmentation with a probability p that follows the discriminator's overfitting.

    Each transformation is applied to each sample with probability p, independently: to all parts
    of the sample, and to what moves with it. A discriminator that calls more and more real samples
    real is memorizing them. Every few updates p moves one step, up or down, to hold the share of
    such samples at the target.

    Formula:

    ```
    r_t = E sign D(x)                                               x real, over interval updates
    p  <- clip(p + sign(r_t - target) * batch * interval / images, 0, 1)
    ```

    The batch is that of all replicas. sign D is 1 where the discriminator says real, by the
    loss's own threshold, and -1 elsewhere. The log shows p as `augment_p` and r_t as `augment_rt`
    (0 until first measured). Relativistic losses and Wasserstein's determine logits only up to a
    constant, so their sign means little: use a fixed p there, with `images=float("inf")`.

    Args:
        augmentation: `DiffAugment` by default; its `transformations` are drawn independently of
            each other. Any other Keras layer is one transformation.
        target: r_t to hold, from -1 to 1.
        interval: discriminator updates from one move of p to the next.
        images: the least number of real images in which p goes from 0 to 1, positive; infinity
            keeps p where it starts.
        initial: p at the start, from 0 to 1.

    Attributes:
        p: the probability, a weight that no optimizer trains.
        rt: r_t as last measured, a weight too.

    Raises:
        ValueError: for a value out of range.
        TypeError: when `augmentation` is not a Keras layer, or another no number.

    Example:

    ```python
    model.compile("non_saturating", augmentation=keras_gan.augmentation.Adaptive())
    ```

    Reference:
        - [Karras et al., 2020](https://arxiv.org/abs/2006.06676), Section 3
    """

    log_names = ("augment_p", "augment_rt")
    moves = True

    def __init__(
        self, augmentation=None, target=0.6, interval=4, images=500_000, initial=0.0, **kwargs
    ):
        super().__init__(**kwargs)
        augmentation = DiffAugment() if augmentation is None else augmentation
        if not isinstance(augmentation, keras.layers.Layer):
            raise TypeError(
                "Expected `augmentation` to be a Keras layer, or None for DiffAugment. "
                f"Received: augmentation={shown(augmentation)}"
            )
        self.augmentation = augmentation
        self.target = arguments.number("target", target, low=-1, high=1)
        self.interval = arguments.whole("interval", interval)
        self.images = _images(images)
        self.initial = arguments.number("initial", initial, high=1)
        self.generator = keras.random.SeedGenerator()
        self.p = self._state("p", self.initial)
        self.rt = self._state("rt", 0.0)
        # Since p last moved, and of each replica's share: how many real samples were taken for
        # real less how many were not, how many there were, in how many updates.
        self._counts = self._state("counts", 0.0, shape=(3,))
        self.built = True

    def _state(self, name, value, shape=()):
        start = keras.initializers.Constant(value)
        return self.add_weight(shape, start, dtype="float32", trainable=False, name=name)

    def call(self, samples, training=True):
        """Return the samples, some of them transformed, in their shape and dtype."""
        return self.together([samples], [])[0][0] if training else samples

    def together(self, samples, conditions):
        """Return the parts of samples, and image conditions; the choice is one for them all."""
        transformations = getattr(self.augmentation, "transformations", [self.augmentation])
        for transformation in transformations:
            chosen = self._chosen(samples[0])
            moved = together(transformation, samples, conditions)
            samples, conditions = (
                [_where(chosen, *pair) for pair in zip(new, old, strict=True)]
                for new, old in zip(moved, (samples, conditions), strict=True)
            )
        return samples, conditions

    def _chosen(self, samples):
        """Return which samples to transform: bools that broadcast against them."""
        shape = (ops.shape(samples)[0], *[1] * (len(samples.shape) - 1))
        return keras.random.uniform(shape, dtype="float32", seed=self.generator) < self.p

    def after_update(self, player, step):
        """Measure how many real samples the discriminator takes for real; move p when due."""
        if player != "discriminator":
            return
        counts = self._counts + replicas.mean_over_replicas(_signs(step))
        balance, samples, updates = ops.unstack(counts)
        due = updates >= self.interval
        rt = balance / samples
        moved = self.p + ops.sign(rt - self.target) * (
            samples * replicas.replica_count() / self.images
        )
        # Not in a branch: there is little to save, and a strategy's replicas could not agree.
        self.p.assign(ops.where(due, ops.clip(moved, 0.0, 1.0), self.p))
        self.rt.assign(ops.where(due, rt, self.rt))
        self._counts.assign(ops.where(due, ops.zeros_like(counts), counts))

    def logs(self):
        """Return p and r_t as they are now."""
        return {"augment_p": self.p, "augment_rt": self.rt}

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "augmentation": keras.saving.serialize_keras_object(self.augmentation),
            "target": self.target,
            "interval": self.interval,
            "images": self.images,
            "initial": self.initial,
        }

    @classmethod
    def from_config(cls, config):
        """Build the layer, and the one it wraps, from its config."""
        layer = keras.saving.deserialize_keras_object(config["augmentation"])
        return cls(**{**config, "augmentation": layer})


def _where(chosen, transformed, samples):
    """Return the chosen rows transformed, the others as they are."""
    if transformed is samples:
        return samples
    if len(chosen.shape) != len(samples.shape):
        chosen = ops.reshape(chosen, (-1, *[1] * (len(samples.shape) - 1)))
    # A stock layer may return the dtype of its own policy.
    return ops.where(chosen, ops.cast(transformed, samples.dtype), samples)


def _signs(step):
    """Return one update's `(sum of signs over samples, samples, 1)`.

    Patches are averaged; a pack's sign counts for each of its samples.
    """
    samples = ops.cast(nests.batch_size(step.real), "float32")
    balances = [_balance(real, samples) for real in nests.leaves(step.says_real(step.real_logits))]
    balance = balances[0] if len(balances) == 1 else sum(balances) / len(balances)
    return ops.stack([balance, samples, ops.ones(())])


def _balance(taken_for_real, samples):
    """Return the sum of signs over samples that one head of logits gives."""
    signs = 2.0 * ops.cast(taken_for_real, "float32") - 1.0
    # Sums rather than means: a replica may be left without a share of a small batch.
    return ops.sum(signs) * samples / ops.maximum(ops.cast(ops.size(signs), "float32"), 1.0)


def _images(images):
    number = images if images == math.inf else arguments.number("images", images)
    if not number > 0:
        raise ValueError(
            "Expected `images` to be a positive number, how many it takes p to go from 0 to 1. "
            f"Received: images={images}"
        )
    return number
