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


def images_of(generator, inputs):
    """Return a generator's images, without its side outputs."""
    outputs = generator(inputs, training=False)
    return outputs["samples"] if isinstance(outputs, dict) else outputs


def disturbed(network):
    """Give all weights other values: what starts from zero hides what depends on it."""
    rng = np.random.default_rng(0)
    values = [value + 0.1 * rng.normal(size=value.shape) for value in network.get_weights()]
    # Variances stay positive.
    network.set_weights([np.abs(value) + 0.1 if value.ndim == 1 else value for value in values])


def kernels_within_wrappers(network):
    """Return how many kernels a network has, and how many of them are spectrally normalized."""
    found = list(network._flatten_layers(include_self=False))
    wrapped = [layer for layer in found if isinstance(layer, SpectralNormalization)]
    return sum(kernel_of(layer) is not None for layer in found), len(wrapped)
