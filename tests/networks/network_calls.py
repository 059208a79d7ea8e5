"""Networks called on NumPy arrays."""

import keras
import numpy as np


def call(network, *inputs, **options):
    """Return what a network makes of NumPy inputs, in NumPy."""
    inputs = [keras.ops.convert_to_tensor(x) for x in inputs]
    outputs = network(inputs if len(inputs) > 1 else inputs[0], **options)
    return keras.ops.convert_to_numpy(outputs)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")
