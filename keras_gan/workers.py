"""Workers of a distribution strategy: the chief, and sums over all of them."""

import contextlib
import re

import tensorflow as tf

__all__ = ["are_several", "is_chief", "of_chief", "readable_errors", "total"]


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
    strategy = model.distribute_strategy
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


@contextlib.contextmanager
def readable_errors(model):
    """Say which worker is gone when one is, rather than how its absence showed.

    Args:
        model: a `keras_gan.GAN`.

    Raises:
        tf.errors.UnavailableError: on the workers that are left, seconds after one has ended or
            can't be reached.
    """
    try:
        yield
    except tf.errors.OpError as error:
        gone = _gone(model, error.message) if are_several(model) else []
        if not gone:
            raise
        raise tf.errors.UnavailableError(error.node_def, error.op, " ".join(gone)) from error


def _gone(model, message):
    """Return sentences that name the workers which an error says are gone, if it says so."""
    if not re.search("(?i)collective|heartbeat|unhealthy|failed to connect", message):
        return []
    resolver = model.distribute_strategy.cluster_resolver
    addresses = resolver.cluster_spec().as_dict().get("worker", [])
    named = {
        int(index) for index in re.findall(r"/job:worker/(?:replica:\d+/)?task:(\d+)", message)
    }
    named -= {resolver.task_id}
    which = [f"{i} of {len(addresses)} ({addresses[i]})" for i in sorted(named)]
    if not which:
        return []
    return [
        f"Worker {' and '.join(which)} has ended or can't be reached, and the others can't go on "
        "without it: see its own output for why.",
        "Start all workers again; with `keras_gan.callbacks.Backup` training goes on from the "
        "last backup.",
    ]
