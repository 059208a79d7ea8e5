"""Bound on the divergence, proved by a discriminator trained from scratch."""

import math

import keras
import numpy as np
import tensorflow as tf

from keras_gan.metrics import checks
from keras_gan.metrics.descent import Descent, batches
from keras_gan.metrics.metric import QualityMetric
from keras_gan.metrics.undisturbed import outside_strategies, undisturbed
from keras_gan.utils import arguments

LEAST = 10  # samples on a side
_WIDTH = 32
_LEARNING_RATE = 5e-3
_SMALLEST_BATCH, _LARGEST_BATCH = 16, 500  # of each side
_STEPS_PER_EPOCH = 50
_JUDGED_AT_ONCE = 2000


def fresh_discriminator(real, fake, discriminator=None, epochs=20, seed=0):
    """Train a new discriminator on one half of both sides and judge it on the other.

    Formula, on the halves that it was not trained on:

    ```
    log 2 - L_D / 2 <= JS(real, fake),   L_D = E softplus(-D(real)) + E softplus(D(fake))
    ```

    The bound holds in expectation whatever the discriminator has learnt: a bad one proves
    little, and none proves too much. Both sides count equally, whatever their numbers.

    Args:
        real: array of real samples, batch axis first: a random half trains, the other judges.
        fake: the same of generated samples; as many or not.
        discriminator: function without arguments that returns a new, uncompiled Keras model from
            samples to logits of shape `(batch, 1)`. By default a small network that scales its
            input: two Dense layers; for images of shape `(height, width, channels)` convolutions.
        epochs: passes over the training half of the larger side.
        seed: of weights and batches; the caller's random state is left alone.

    Returns:
        Dict of floats: `"js"`, the bound in nats, from 0 (a little below by chance, when there is
        nothing to tell apart) to log 2 = 0.693 (nothing in common), and its `"standard_error"`.

    Raises:
        ValueError: for fewer than 10 samples on a side, other shapes, or NaN.

    Example:

    >>> rng = np.random.default_rng(0)
    >>> real, fake = rng.normal(3, 1, (50_000, 1)), rng.normal(3.3, 1, (50_000, 1))
    >>> keras_gan.metrics.fresh_discriminator(real, fake)  # JS is 0.0111
    {'js': 0.011..., 'standard_error': 0.000...}

    Reference:
        - [Goodfellow et al., 2014](https://arxiv.org/abs/1406.2661), Theorem 1
    """
    real, fake = np.asarray(real, "float32"), np.asarray(fake, "float32")
    _check(real, fake)
    arguments.whole("epochs", epochs)
    real, fake = (checks.shuffled(rows, [seed, side]) for side, rows in enumerate((real, fake)))
    training, judging = zip(*(_split(side, len(side) // 2) for side in (real, fake)), strict=True)
    judge = outside_strategies(_trained, discriminator, *training, epochs, seed)
    return _bound(*judge(*judging))


@keras.saving.register_keras_serializable("keras_gan")
class FreshDiscriminator(QualityMetric):
    """The Jensen-Shannon divergence that a new discriminator proves between real and generated.

    It keeps all samples. `result()` trains a discriminator on a random half of each side and
    judges it on the other: see `fresh_discriminator` for its formula and accuracy. It does
    not depend on the model's own discriminator, which may have stopped learning.

    Memorized training samples go unnoticed: give it real samples that the model was not trained
    on.

    Args:
        features: what makes feature rows of samples; by default the samples in their own shape.
        discriminator: function without arguments that returns a new Keras model from samples (or
            feature rows) to logits. It is in no config: a metric that is loaded has none.
        epochs: passes over the training half.
        seed: of weights and batches.
        name: the key in logs.

    Example:

    ```python
    metric = keras_gan.metrics.FreshDiscriminator()
    metric.update_state(real=images, fake=model.generate(len(images), seed=0))
    metric.result()  # {"js": ..., "standard_error": ...}
    ```
    """

    keys = ("js", "standard_error")
    least = LEAST
    own_shape = True

    def __init__(self, features=None, discriminator=None, epochs=20, seed=0, name=None):
        super().__init__(features, name)
        self.epochs = arguments.whole("epochs", epochs)
        self.seed = arguments.whole("seed", seed, least=0)
        self._discriminator = discriminator
        self._lost_discriminator = False

    def compute(self, real, fake):
        """Return the bound and its standard error."""
        if self.unavailable:
            raise ValueError(self.unavailable)
        arguments = self._discriminator, self.epochs, self.seed
        return fresh_discriminator(real.values, fake.values, *arguments)

    @property
    def unavailable(self):
        """`None`, or why a metric that was loaded from a config can't run here."""
        if self._lost_discriminator:
            return (
                f"The metric {self.name!r} was given a `discriminator` of its own, which is in no "
                "config: build the metric again, and compile the model with it."
            )
        return super().unavailable

    def get_config(self):
        """Return the constructor's arguments, without the discriminator."""
        lost = self._discriminator is not None or self._lost_discriminator
        own = {"epochs": self.epochs, "seed": self.seed, "lost_discriminator": lost}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config):
        """Build the metric from its config."""
        config = dict(config)
        lost = config.pop("lost_discriminator")
        metric = cls(**config)
        metric._lost_discriminator = lost
        return metric


def _check(real, fake):
    few = min(map(len, (real, fake))) < LEAST
    if real.ndim < 2 or real.shape[1:] != fake.shape[1:] or few:
        raise ValueError(
            f"Expected at least {LEAST} samples on each side, of one shape, batch axis first. "
            f"Received: real.shape={real.shape}, fake.shape={fake.shape}"
        )
    for side, samples in (("real", real), ("fake", fake)):
        if not np.isfinite(samples).all():
            raise ValueError(f"Expected finite samples. Received: NaN or infinity in {side}")


def _split(samples, first):
    return samples[:first], samples[first:]


def _network(real, fake):
    """Return the default network, built for samples like these."""
    both = np.concatenate([real, fake]).reshape(-1, real.shape[-1])
    variance = both.var(axis=0, dtype="float64")
    layers = [
        keras.Input(real.shape[1:]),
        # Features that never vary say nothing; divided by their spread they would be NaN.
        keras.layers.Normalization(
            mean=both.mean(axis=0, dtype="float64"), variance=np.where(variance > 0, variance, 1)
        ),
    ]
    if real.ndim == 4:
        for width in (_WIDTH, 2 * _WIDTH):
            layers.append(keras.layers.Conv2D(width, 3, 2, padding="same", activation="relu"))
    layers.append(keras.layers.Flatten())
    layers += [keras.layers.Dense(_WIDTH, "relu") for _ in range(1 if real.ndim == 4 else 2)]
    return keras.Sequential([*layers, keras.layers.Dense(1)])


def _trained(discriminator, real, fake, epochs, seed):
    """Return the `_Judge` that a new network becomes."""
    with undisturbed(seed):
        network = discriminator() if discriminator else _network(real, fake)
        return _train(network, real, fake, epochs, seed)


def _train(network, real, fake, epochs, seed):
    """Fit the network to tell real from generated by its logits; keep its best weights.

    A fifth of the samples is kept out of the fit and says which weights are the best: with few
    samples of many dimensions the last ones know the others by heart.
    """
    sides, kept_out = zip(*(_split(side, 4 * len(side) // 5) for side in (real, fake)), strict=True)
    rows = max(map(len, sides))
    batch_size = max(_SMALLEST_BATCH, min(_LARGEST_BATCH, rows // _STEPS_PER_EPOCH))
    batch_size = min(batch_size, *map(len, sides))
    steps = epochs * (rows // batch_size)

    def loss(step, sides, orders):
        x = [tf.gather(side, order[step]) for side, order in zip(sides, orders, strict=True)]
        real, fake = tf.split(_logits(network, tf.concat(x, 0), training=True), 2)
        return tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))

    orders = [
        batches(len(side), batch_size, steps, [seed, index]) for index, side in enumerate(sides)
    ]
    judge = _Judge(network)
    Descent(loss, network, steps, _LEARNING_RATE).run(
        lambda: sum(losses.mean() for losses in judge(*kept_out)),
        [tf.constant(side) for side in sides],
        orders,
    )
    return judge


class _Judge:
    """The losses of a network on real and generated samples, in inference mode."""

    def __init__(self, network):
        self._logits = tf.function(
            lambda x: _logits(network, x, training=False), reduce_retracing=True, autograph=False
        )

    def __call__(self, real, fake):
        """Return a float64 array of losses for each side, one for each sample."""
        return [np.logaddexp(0, sign * self._on(x)) for x, sign in ((real, -1), (fake, 1))]

    def _on(self, samples):
        parts = np.array_split(samples, -(-len(samples) // _JUDGED_AT_ONCE))
        logits = [self._logits(tf.constant(part)).numpy() for part in parts]
        return np.concatenate(logits).reshape(len(samples), -1).mean(axis=1, dtype="float64")


def _logits(network, samples, training):
    return tf.cast(network(samples, training=training), tf.float32)


def _bound(real_losses, fake_losses):
    js = math.log(2) - (real_losses.mean() + fake_losses.mean()) / 2
    variance = sum(losses.var(ddof=1) / len(losses) for losses in (real_losses, fake_losses))
    return {"js": float(js), "standard_error": float(math.sqrt(variance) / 2)}
