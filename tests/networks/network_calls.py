"""Networks called on NumPy arrays."""

import keras
import numpy as np

from keras_gan.layers import SpectralNormalization
from keras_gan.utils.kernels import kernel_of


def call(network, *inputs, **options):
    """Return what a network makes of NumPy inputs, in NumPy."""
    inputs = [keras.ops.convert_to_tensor(x) for x in inputs]
    outputs = network(inputs if len(inputs) > 1 else inputs[0], **options)
    return keras.ops.convert_to_numpy(outputs)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def kernels_within_wrappers(network):
    """Return how many kernels a network has, and how many of them are spectrally normalized."""
    found = list(network._flatten_layers(include_self=False))
    wrapped = [layer for layer in found if isinstance(layer, SpectralNormalization)]
    return sum(kernel_of(layer) is not None for layer in found), len(wrapped)
