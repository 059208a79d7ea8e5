"""Tensors in the precision of losses, and shapes with unknown sides."""

import keras
from keras import ops


def wide(tensor):
    """Return a tensor in float32; float64 stays."""
    if keras.backend.standardize_dtype(tensor.dtype) == "float64":
        return tensor
    return ops.cast(tensor, "float32")


def compatible(first, second):
    """Tell whether two shapes agree, `None` standing for any side."""
    if len(first) != len(second):
        return False
    return all(a is None or b is None or a == b for a, b in zip(first, second, strict=True))
