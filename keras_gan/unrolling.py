"""Unrolled updates: the generator answers the discriminator as it will be some steps ahead."""

import contextlib

import keras
import tensorflow as tf

from keras_gan import replicas

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
    steps = STEPS if unrolled_steps is None else unrolled_steps
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
        raise ValueError(
            "Expected `unrolled_steps` to be a positive integer. "
            f"Received: unrolled_steps={unrolled_steps!r}"
        )
    return steps


def weights_ahead(model, step, steps):
    """Return the discriminator's trainable weights after some virtual steps on a step's batch.

    Formula:

    ```
    theta^{k+1} = theta^k - eta grad L_D(theta^k),    theta^0 the weights as they are
    ```

    L_D is the adversarial loss alone, without terms and regularizers; eta is the learning rate
    of the discriminator's optimizer, taken in plain gradient steps whatever the optimizer is.
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
    # The loss is scaled for float16, and the gradient unscaled by the same.
    rate = optimizer.learning_rate / optimizer.scale_loss(1.0)
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
        gradients = [replicas.mean_over_replicas(gradient) for gradient in gradients]
        moves = [tf.cast(rate, g.dtype) * g for g in gradients]
        weights = [w - move for w, move in zip(weights, moves, strict=True)]
    return weights


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
