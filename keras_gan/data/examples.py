"""Examples of what networks take: arrays of the shape and dtype of an input."""

import numpy as np
import tensorflow as tf

# The length in examples of sides that may be of any size.
SIDE = 64


def example(spec, rows=1, side=SIDE):
    """Return an array that an input's spec allows: zeros, or empty texts.

    Args:
        spec: a `tf.TensorSpec`, batch axis first.
        rows: how many rows.
        side: length of sides that may be of any size.
    """
    shape = [rows, *(side if own is None else own for own in spec.shape[1:])]
    return np.full(shape, "") if spec.dtype == tf.string else np.zeros(shape, spec.dtype.name)


def varied_example(spec, rows, side, value_range, num_classes=None):
    """Return such an array of rows that differ: floats at random, labels in turn.

    Args:
        spec: a `tf.TensorSpec`, batch axis first.
        rows: how many rows.
        side: length of sides that may be of any size.
        value_range: `(lowest, highest)` value of floats.
        num_classes: number of labels, `None` where integers are no labels.
    """
    array = example(spec, rows, side)
    if spec.dtype.is_floating:
        return np.random.default_rng(0).uniform(*value_range, array.shape).astype(array.dtype)
    if num_classes and spec.dtype.is_integer:
        turn = np.arange(rows) % num_classes
        turn = np.broadcast_to(turn.reshape(-1, *[1] * (array.ndim - 1)), array.shape)
        return turn.astype(array.dtype)
    return array
