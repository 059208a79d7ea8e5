"""Unrolled updates: the generator answers the discriminator as it will be some steps ahead."""

import contextlib

import keras
import tensorflow as tf

from keras_gan.utils import arguments, replicas
from keras_gan.utils.keras_internals import adam_moments

STEPS = 5


def steps_of(update, unrolled_steps):
    """Return how many steps the discriminator is unrolled by, `None` for other updates.

    Args:
        update: the order of updates that `compile` was given.
        unrolled_steps: what it was given beside it.

    Raises:
        ValueError: when it is not a positive integer, or the update is another.
    """
    if update != "unrolled":
        if unrolled_steps is not None:
            raise ValueError(
                "Expected `unrolled_steps` with update='unrolled' alone. Received: "
                f"unrolled_steps={unrolled_steps!r}, update={update!r}"
            )
        return None
    return STEPS if unrolled_steps is None else arguments.whole("unrolled_steps", unrolled_steps)


def weights_ahead(model, step, steps):
    """Return the discriminator's trainable weights after some virtual steps on a step's batch.

    Formula:

    ```
    theta^{k+1} = theta^k - eta grad L_D(theta^k),    theta^0 the weights as they are
    ```

    with SGD; with Adam, Adam's step from its moments as they are. eta is the optimizer's learning
    rate. L_D is the adversarial loss alone, without terms and regularizers.
    Differentiable with respect to the generated samples. The discriminator itself stays as it
    is, and so do its buffers and all seed states: every virtual step repeats the same draws.

    The generator's logits, and `step.fake_outputs`, are those of the weights ahead. A term of the
    generator that runs the discriminator itself, such as `FeatureMatching()` without an `output`,
    meets it as it is after its own step.

    Args:
        model: the compiled `GAN`.
        step: its `Step`, with the real and the generated samples.
        steps: how many.

    Returns:
        List of tensors, one for each trainable variable.

    Reference:
        - [Metz et al., 2017](https://arxiv.org/abs/1611.02163), Section 2.2
    """
    optimizer = model.discriminator_optimizer
    virtual = _RULES[type(_plain(optimizer))](_plain(optimizer))
    weights = [tf.convert_to_tensor(v) for v in model.discriminator.trainable_variables]
    for _ in range(steps):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            with playing(model.discriminator, weights):
                _, real_logits = step.discriminate(step.real)
                _, fake_logits = step.discriminate(step.fake)
            loss = tf.reduce_mean(model.loss.discriminator_loss(real_logits, fake_logits))
            loss = optimizer.scale_loss(loss)
        gradients = tape.gradient(loss, weights, unconnected_gradients="zero")
        # The loss is scaled for float16, and the gradient unscaled by the same.
        scale = optimizer.scale_loss(1.0)
        gradients = [replicas.mean_over_replicas(g) / tf.cast(scale, g.dtype) for g in gradients]
        weights = [w - m for w, m in zip(weights, virtual.moves(gradients), strict=True)]
    return weights


class _GradientSteps:
    """Moves of SGD."""

    def __init__(self, optimizer):
        self.rate = optimizer.learning_rate

    def moves(self, gradients):
        """Return what to subtract from the weights."""
        return [tf.cast(self.rate, g.dtype) * g for g in gradients]


class _AdamSteps:
    """Moves of Adam from its moments as they are, which stay so; differentiable."""

    def __init__(self, optimizer):
        self.optimizer = optimizer
        self.rate, self.count = optimizer.learning_rate, optimizer.iterations
        moments = adam_moments(optimizer)
        self.first, self.second = ([tf.convert_to_tensor(m) for m in each] for each in moments)

    def moves(self, gradients):
        """Return what to subtract from the weights, and take the moments a step on."""
        self.count = self.count + 1
        first, second = self.optimizer.beta_1, self.optimizer.beta_2
        self.first = [m + (1 - first) * (g - m) for m, g in zip(self.first, gradients, strict=True)]
        squares = zip(self.second, gradients, strict=True)
        self.second = [v + (1 - second) * (g * g - v) for v, g in squares]
        return [self._move(m, v) for m, v in zip(self.first, self.second, strict=True)]

    def _move(self, first, second):
        count = tf.cast(self.count, first.dtype)
        correction = tf.sqrt(1 - self.optimizer.beta_2**count) / (1 - self.optimizer.beta_1**count)
        # Where no gradient has come yet the root's slope is infinite, and times 0 it is NaN.
        root = tf.where(second > 0, tf.sqrt(tf.where(second > 0, second, 1.0)), 0.0)
        return (
            tf.cast(self.rate, first.dtype) * correction * first / (root + self.optimizer.epsilon)
        )


_RULES = {keras.optimizers.SGD: _GradientSteps, keras.optimizers.Adam: _AdamSteps}


def check_optimizer(optimizer):
    """Raise when an optimizer's steps can't be unrolled.

    Args:
        optimizer: the discriminator's.

    Raises:
        ValueError: for any but SGD without momentum and Adam, or one of these with clipping, weight
            decay or the like.
    """
    plain = _plain(optimizer)
    options = "momentum", "amsgrad", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm"
    used = [name for name in options if getattr(plain, name, None)]
    if type(plain) not in _RULES or used:
        raise ValueError(
            "Expected the discriminator's optimizer to be SGD without momentum, or Adam, without "
            "clipping and weight decay, for update='unrolled': the generator's gradient runs "
            "through its steps. Received: "
            f"discriminator_optimizer={type(plain).__name__}"
            + (f" with {', '.join(used)}" if used else "")
        )


def _plain(optimizer):
    """Return the optimizer that a loss scale may be wrapped around."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def playing(discriminator, weights):
    """Let the discriminator play with other weights, and forget what it assigns meanwhile.

    Args:
        discriminator: a Keras model.
        weights: tensors, one for each trainable variable, or `None` for its own.
    """
    if weights is None:
        return contextlib.nullcontext()
    mapping = zip(discriminator.trainable_variables, weights, strict=True)
    return keras.StatelessScope(mapping, initialize_variables=False)
