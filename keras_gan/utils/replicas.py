"""Sums and means over replicas: gradients, and statistics of the whole batch."""

import tensorflow as tf


def replica_count():
    """Return how many replicas train together, 1 without a strategy."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def mean_over_replicas(value):
    """Return the mean of each replica's value: of equal shares, that of the whole batch.

    Gradients flow back to every replica's share. One replica's value is returned as it is; so
    is any outside of a replica's own code, where there is nothing to reduce.

    Args:
        value: float tensor of the same shape on every replica. Not within `tf.cond`, where
            strategies can't communicate.
    """
    return _reduced(tf.distribute.ReduceOp.MEAN, value)


def sum_over_replicas(values):
    """Return the sums over all replicas of what each of them has, in one exchange.

    Whatever has to be agreed on at one moment belongs in one call: on several machines an
    exchange costs its latency however little it carries.

    Args:
        values: nest of tensors of the same shapes on every replica; `None` stays `None`.
    """
    flat = tf.nest.flatten(values)
    there = [value for value in flat if value is not None]
    sums = iter(_reduced(tf.distribute.ReduceOp.SUM, there) if there else ())
    summed = [None if value is None else next(sums) for value in flat]
    return tf.nest.pack_sequence_as(values, summed)


def _reduced(how, values):
    if replica_count() == 1 or tf.distribute.in_cross_replica_context():
        return values
    # Copies on the replica's own device: workers can't reduce what is on none, as a loss may be.
    own = tf.nest.map_structure(tf.identity, values)
    return tf.distribute.get_replica_context().all_reduce(how, own)
