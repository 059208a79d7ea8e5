"""Norms of gradients and differences, one for each row of logits, in float32 or wider."""

import tensorflow as tf
from keras import ops

from keras_gan.utils import nests
from keras_gan.utils.tensors import wide


def rows_of(logits):
    """Return how many rows logits have: what the discriminator judges one by one."""
    return tf.shape(logits)[0]


def by_rows(samples, rows):
    """Return samples as a matrix of one row for each row of logits.

    A discriminator that packs judges several samples at once, which follow each other: together
    they are its input, and one row here.

    Args:
        samples: tensor of shape `(batch, ...)`.
        rows: how many rows, a divisor of the batch.
    """
    # Not -1: of a replica left without a share of a small batch, nothing could be inferred.
    return tf.reshape(samples, (rows, tf.size(samples) // tf.maximum(rows, 1)))


def squared_norm(nest, rows=None):
    """Return the squared Euclidean norm of each row, over all that belongs to it.

    Args:
        nest: tensor of shape `(batch, ...)`, or a nest of them, whose squares are added up.
        rows: how many rows it is to be taken as (see `by_rows`); by default one for each sample.

    Returns:
        Tensor of shape `(rows,)`, float32 or wider.
    """
    first, *others = (_squares(tensor, rows) for tensor in nests.leaves(nest))
    return sum(others, start=first)


def _squares(tensor, rows):
    matrix = by_rows(wide(tensor), rows_of(tensor) if rows is None else rows)
    return ops.sum(ops.square(matrix), axis=1)


def norm(nest, rows=None):
    """Return the Euclidean norm of each row; its gradient where the norm is 0 is 0.

    Args:
        nest: tensor of shape `(batch, ...)`, or a nest of them.
        rows: as in `squared_norm`.
    """
    squared = squared_norm(nest, rows)
    positive = squared > 0
    # Twice: the root's gradient at 0 is infinite, and what is not selected is multiplied by 0.
    root = ops.sqrt(ops.where(positive, squared, ops.ones_like(squared)))
    return ops.where(positive, root, ops.zeros_like(squared))
