"""Means over all replicas, for statistics of the whole batch."""

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
    if replica_count() == 1 or tf.distribute.in_cross_replica_context():
        return value
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, value)
