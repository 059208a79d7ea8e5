"""Small forms of SNGAN, SAGAN and BigGAN, and their forward passes in NumPy."""

import keras
import numpy as np

from keras_gan import networks
from keras_gan.layers import ConditionalBatchNormalization, SpectralNormalization
from keras_gan.utils.kernels import kernel_of

CLASSES = 3
SMALL = {
    "sngan": {"latent_dim": 5, "width": 4},
    "sagan": {"latent_dim": 5, "width": 8},
    "biggan": {"latent_dim": 7, "width": 2, "embedding_dim": 3, "attention": 8},
}


def small(name, num_classes=None, **options):
    """Return both networks of a paper, for images of 16 pixels."""
    build = getattr(networks, name)
    return build((16, 16, 3), num_classes=num_classes, **SMALL[name], **options)


def randomized(network, seed=0):
    """Return a network with weights and moving averages that are none of the first ones."""
    random = np.random.default_rng(seed)
    for weight in network.weights:
        if weight.trainable and len(weight.shape) < 2:  # Biases, scales and offsets.
            weight.assign(weight + 0.3 * random.standard_normal(weight.shape))
        if "moving" in weight.path:
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
    for layer in network.layers:
        if isinstance(layer, ConditionalBatchNormalization) and layer.num_classes:
            for table in (layer.scale, layer.offset):
                table.embeddings.assign(random.standard_normal(table.embeddings.shape))
    return network


class Literal:
    """The layers of a network, one after the other in the order that the papers call them.

    A network makes each block's shortcut before its other two convolutions.

    Attributes:
        convolutions: those of a network, in the order in which it was made.
        normalizations: the same for normalizations over the batch.
    """

    def __init__(self, network):
        self.network = network
        self.convolutions = iter(self._of(keras.layers.Conv2D))
        batch = keras.layers.BatchNormalization, ConditionalBatchNormalization
        self.normalizations = iter(self._of(batch))

    def _of(self, kinds):
        found = [
            layer
            for layer in self.network.layers
            if isinstance(getattr(layer, "layer", layer), kinds)
        ]
        # By the numbers of their names.
        return sorted(found, key=lambda layer: _number(layer.name, found))

    def convolution(self, padding=1):
        """Return the next convolution, as a function."""
        layer = next(self.convolutions)
        kernel, bias = kernel_and_bias(layer)
        assert kernel.shape[:2] == (2 * padding + 1,) * 2

        def convolve(x):
            height, width = x.shape[1:3]
            x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
            return bias + sum(
                x[:, i : i + height, j : j + width] @ kernel[i, j]
                for i in range(kernel.shape[0])
                for j in range(kernel.shape[1])
            )

        return convolve

    def normalized(self, x, label=None):
        """Return a map, normalized by moving averages and the label."""
        layer = next(self.normalizations)
        if label is None:
            scale, offset = np.asarray(layer.gamma), np.asarray(layer.beta)
            own = layer
        else:
            tables = np.asarray(layer.scale.embeddings), np.asarray(layer.offset.embeddings)
            scale, offset = (table[label][:, None, None] for table in (1 + tables[0], tables[1]))
            own = layer.normalization
        mean, variance = np.asarray(own.moving_mean), np.asarray(own.moving_variance)
        return scale * (x - mean) / np.sqrt(variance + own.epsilon) + offset


def _number(name, found):
    """Return which one of a kind a layer is, by the number at the end of its name."""
    end = name.rsplit("_", 1)[-1]
    return int(end) if end.isdigit() else 0


def kernel_and_bias(layer):
    """Return the kernel that a layer works with, and its bias."""
    inner = getattr(layer, "layer", layer)
    wrapped = isinstance(layer, SpectralNormalization)
    kernel = layer.normalized_kernel() if wrapped else kernel_of(layer)
    return np.asarray(kernel), np.asarray(inner.bias)


def relu(x):
    return np.maximum(x, 0)


def doubled(x):
    return x.repeat(2, axis=1).repeat(2, axis=2)


def halved(x):
    n, height, width, channels = x.shape
    return x.reshape(n, height // 2, 2, width // 2, 2, channels).mean((2, 4))


def generated(network, latents, label=None):
    """Return SNGAN's images: two blocks which double."""
    layers = Literal(network)
    kernel, bias = kernel_and_bias(network.layers[1] if label is None else _dense(network))
    x = (latents @ kernel + bias).reshape(len(latents), 4, 4, -1)
    for _ in range(2):
        shortcut, first, second = (
            layers.convolution(0),
            layers.convolution(),
            layers.convolution(),
        )
        h = first(doubled(relu(layers.normalized(x, label))))
        h = second(relu(layers.normalized(h, label)))
        x = h + shortcut(doubled(x))
    return np.tanh(layers.convolution()(relu(layers.normalized(x))))


def _dense(network):
    return next(x for x in network.layers if isinstance(x, keras.layers.Dense))


def features(network, images):
    """Return SNGAN's sums over the last map: two blocks which halve, and two which do not."""
    layers = Literal(network)
    shortcut, first, second = layers.convolution(0), layers.convolution(), layers.convolution()
    x = halved(second(relu(first(images)))) + shortcut(halved(images))
    shortcut, first, second = layers.convolution(0), layers.convolution(), layers.convolution()
    x = halved(second(relu(first(relu(x))))) + halved(shortcut(x))
    for _ in range(2):
        first, second = layers.convolution(), layers.convolution()
        x = x + second(relu(first(relu(x))))
    return relu(x).sum((1, 2))
