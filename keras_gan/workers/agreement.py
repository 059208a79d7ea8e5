"""What workers of a distribution strategy agree on: the chief, sums over all, when to end."""

import tensorflow as tf

from keras_gan.workers.absence import readable_errors


def is_chief(model):
    """Return whether this process writes files: the chief of several workers, or the only one.

    Use it for files that a program writes itself. The library's callbacks, `save` and `export`
    check it already.

    Args:
        model: a `keras_gan.GAN`.

    Example:

    >>> if keras_gan.workers.is_chief(model):
    ...     callbacks.append(keras.callbacks.CSVLogger("history.csv"))
    """
    return model.distribute_strategy.extended.should_checkpoint


def are_several(model):
    """Return whether other processes train the same model.

    Args:
        model: a `keras_gan.GAN`.
    """
    return of_several(model.distribute_strategy)


def of_several(strategy):
    """Return whether a strategy is that of several processes."""
    replicas = strategy.num_replicas_in_sync
    return replicas > 1 and replicas > len(strategy.extended.worker_devices)


def total(model, values):
    """Return sums over all workers, all of which must call it.

    Args:
        model: a `keras_gan.GAN`.
        values: list of integers.

    Returns:
        List of integers, the values themselves where there is one process.
    """
    if not are_several(model):
        return list(values)
    return [int(value) for value in _sums(model, tf.constant(values, tf.int64))]


def wait_for_all(model):
    """Wait until all workers have come here, however long that takes.

    At the end of a program, so that workers end together: what the chief does by itself when
    training is over, an export for example, may fail, and is then done again by a restart of all.

    Args:
        model: a `keras_gan.GAN`.

    Raises:
        tf.errors.UnavailableError: when another worker is gone.

    Example:

    >>> if keras_gan.workers.is_chief(model):
    ...     model.save_weights("digits.weights.h5")
    >>> keras_gan.workers.wait_for_all(model)
    """
    with readable_errors(model):
        total(model, [0])


def of_chief(model, logs):
    """Return the chief's values. All workers must call it, with the same keys.

    The workers' own values may differ in their last digits, and callbacks that compare them with
    a limit would decide differently.

    Args:
        model: a `keras_gan.GAN`.
        logs: dict of floats.
    """
    if not are_several(model) or not logs:
        return logs
    own = [float(value) if is_chief(model) else 0.0 for value in logs.values()]
    sums = _sums(model, tf.constant(own, tf.float64))
    return {name: float(value) for name, value in zip(logs, sums, strict=True)}


def _sums(model, values):
    strategy = model.distribute_strategy
    return _sum(strategy, values).numpy() / len(strategy.extended.worker_devices)


@tf.function(reduce_retracing=True, autograph=False)
def _sum(strategy, values):
    def add():
        # A copy on the replica's own device: a tensor without a device can't be reduced.
        own = tf.identity(values)
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, own)

    return strategy.experimental_local_results(strategy.run(add))[0]
