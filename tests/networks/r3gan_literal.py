"""R3GAN's networks in NumPy, written from the paper's description, for given weights."""

import numpy as np
import scipy.signal
from keras import layers

from keras_gan.layers import GroupedConv2D

SLOPE = 0.2


def leaky(x):
    return np.where(x > 0, x, SLOPE * x)


def grouped(x, kernel, groups):
    """Return the correlation of images with a kernel of 3 by 3 pixels, group by group."""
    batch, rows, columns, channels = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    y = np.zeros((batch, rows, columns, kernel.shape[-1]))
    size, filters = channels // groups, kernel.shape[-1] // groups
    for group in range(groups):
        read, write = (slice(n * group, n * (group + 1)) for n in (size, filters))
        for i in range(3):
            for j in range(3):
                window = padded[:, i : i + rows, j : j + columns, read]
                y[..., write] += window @ kernel[i, j, :, write]
    return y


def block(x, first, middle, last):
    """Return what a residual block makes of a map, from the weights of its three convolutions."""
    (kernel, bias), (grouped_kernel, grouped_bias), (last_kernel,) = first, middle, last
    groups = kernel.shape[-1] // grouped_kernel.shape[2]
    y = leaky(x @ kernel[0, 0] + bias)
    y = leaky(grouped(y, grouped_kernel, groups) + grouped_bias)
    return x + y @ last_kernel[0, 0]


def up(x):
    for axis in (1, 2):
        y = scipy.signal.upfirdn(np.array([1, 3, 3, 1]) / 4, x, up=2, axis=axis)
        x = np.moveaxis(np.moveaxis(y, axis, 0)[1:-1], 0, axis)
    return x


def down(x):
    for axis in (1, 2):
        y = scipy.signal.upfirdn(np.array([1, 3, 3, 1]) / 8, x, axis=axis)
        x = np.moveaxis(np.moveaxis(y, axis, 0)[2:-1:2], 0, axis)
    return x


def _convolutions(network):
    """Return the weights of the convolutions, in order, in float64."""
    found = [layer for layer in network.layers if isinstance(layer, layers.Conv2D)]
    return [[w.astype("float64") for w in layer.get_weights()] for layer in found]


def _linear(network):
    """Return the kernels of the linear layers by name, the one without a name of ours as ""."""
    found = [layer for layer in network.layers if isinstance(layer, layers.Dense)]
    return {
        "" if layer.name.startswith("dense") else layer.name: layer.get_weights()[0]
        for layer in found
    }


def generated(network, widths, blocks, latents, labels=None):
    """Return the images of latents."""
    linear, convolutions = _linear(network), iter(_convolutions(network))
    if labels is not None:
        latents = np.concatenate([latents, linear["condition_embedding"][labels]], -1)
    (basis,) = network.get_layer("basis").get_weights()
    x = basis * (latents @ linear[""])[:, None, None]
    for stage, width in enumerate(widths):
        if stage:
            if width != widths[stage - 1]:
                x = x @ next(convolutions)[0][0, 0]
            x = up(x)
        for _ in range(blocks):
            x = block(x, *(next(convolutions) for _ in range(3)))
    return x @ next(convolutions)[0][0, 0]


def judged(network, widths, blocks, images, labels=None):
    """Return the logits of images, of shape (batch, 1)."""
    linear, convolutions = _linear(network), iter(_convolutions(network))
    x = images @ next(convolutions)[0][0, 0]
    for stage, width in enumerate(widths[::-1]):
        if stage:
            x = down(x)
            if width != widths[::-1][stage - 1]:
                x = x @ next(convolutions)[0][0, 0]
        for _ in range(blocks):
            x = block(x, *(next(convolutions) for _ in range(3)))
    (basis,) = next(convolutions)
    features = np.sum(x * basis[:, :, 0], axis=(1, 2))
    if labels is None:
        return features @ linear["logits"]
    product = (features @ linear["projection"]) * linear["condition_embedding"][labels]
    return np.sum(product, axis=1, keepdims=True)


def grouped_layers(network):
    """Return the convolutions in groups."""
    return [layer for layer in network.layers if isinstance(layer, GroupedConv2D)]
