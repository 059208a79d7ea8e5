"""What the workers of a distribution strategy agree on, and which of them writes it down."""

import tensorflow as tf


def is_chief(model):
    """Return whether this process is the one that writes files; without workers it is.

    Args:
        model: a `keras_gan.GAN`.
    """
    strategy = getattr(model, "distribute_strategy", None)
    # The default strategy has no such attribute.
    extended = getattr(strategy, "extended", None)
    return getattr(extended, "should_save_checkpoint", True)


def are_several(model):
    """Return whether other processes train the same model.

    Args:
        model: a `keras_gan.GAN`.
    """
    strategy = model.distribute_strategy
    replicas = strategy.num_replicas_in_sync
    return replicas > 1 and replicas > len(strategy.extended.worker_devices)


def total(model, values):
    """Return the sums over all workers of what each of them has: all of them must call it.

    Args:
        model: a `keras_gan.GAN`.
        values: list of integers.

    Returns:
        List of integers, the values themselves where there is one process.
    """
    if not are_several(model):
        return list(values)
    strategy = model.distribute_strategy
    local = len(strategy.extended.worker_devices)
    sums = _sum(strategy, tf.constant(values, tf.int64))
    return [int(value) // local for value in sums.numpy()]


@tf.function(reduce_retracing=True)
def _sum(strategy, values):
    def add():
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)

    return strategy.experimental_local_results(strategy.run(add))[0]
