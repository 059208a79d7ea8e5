"""Balance of the players: accuracies, and norms of gradients and updates, for the logs."""

import keras
import tensorflow as tf

ACCURACIES = ("balance/real_accuracy", "balance/fake_accuracy")
NORMS = tuple(
    f"balance/{player}_{figure}"
    for player in ("discriminator", "generator")
    for figure in ("gradient", "update")
)


def apply(name, player, gradients):
    """Update a player, and return how large its gradient and its update were.

    Args:
        name: `"generator"` or `"discriminator"`.
        player: the `Player`.
        gradients: of its scaled loss, the sum over all replicas.

    Returns:
        Dict from log key to `(value, weight)`: the norm of the gradient that all replicas
        together have, before clipping; and the norm of the update over that of the weights. An
        update that a loss scale has skipped, its gradient not being finite, has weight 0.
    """
    norm = _norm(gradients) / player.optimizer.scale_loss(1.0)
    before = [tf.identity(variable.value) for variable in player.variables]
    player.apply(gradients)
    steps = [variable.value - old for variable, old in zip(player.variables, before, strict=True)]
    ratio = tf.math.divide_no_nan(tf.linalg.global_norm(steps), tf.linalg.global_norm(before))
    weight = 1.0
    if isinstance(player.optimizer, keras.optimizers.LossScaleOptimizer):
        weight = tf.cast(tf.math.is_finite(norm), tf.float32)
        norm = tf.where(tf.math.is_finite(norm), norm, 0.0)
    gradient, update = (f"balance/{name}_{figure}" for figure in ("gradient", "update"))
    return {gradient: (norm, weight), update: (ratio, weight)}


def _norm(gradients):
    dense = [tf.convert_to_tensor(gradient) for gradient in gradients if gradient is not None]
    return tf.linalg.global_norm([tf.cast(gradient, tf.float32) for gradient in dense])
