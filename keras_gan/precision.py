"""What is computed in float32 whatever the precision of the networks: losses and penalties."""

import keras
from keras import ops


def wide(tensor):
    """Return a tensor in float32; float64 stays."""
    if keras.backend.standardize_dtype(tensor.dtype) == "float64":
        return tensor
    return ops.cast(tensor, "float32")
