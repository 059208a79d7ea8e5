"""Every kind of layer that can be normalized, and spectral normalization in NumPy."""

import keras
import numpy as np
from keras import layers

from keras_gan.layers import SpectralNormalization

# Each with the shape of one sample.
KINDS = {
    "Dense": (lambda **o: layers.Dense(5, **o), (4,)),
    "Conv1D": (lambda **o: layers.Conv1D(3, 3, **o), (7, 2)),
    "Conv2D": (lambda **o: layers.Conv2D(3, (2, 3), **o), (5, 6, 2)),
    "Conv3D": (lambda **o: layers.Conv3D(3, 2, **o), (4, 4, 3, 2)),
    "Conv1DTranspose": (lambda **o: layers.Conv1DTranspose(3, 3, 2, **o), (4, 2)),
    "Conv2DTranspose": (lambda **o: layers.Conv2DTranspose(3, (2, 3), 2, **o), (3, 3, 2)),
    "Conv3DTranspose": (lambda **o: layers.Conv3DTranspose(3, 2, **o), (3, 3, 2, 2)),
    "Embedding": (lambda **o: layers.Embedding(6, 4, **o), ()),
}


def inputs(kind, count=3, dtype="float32"):
    """Return a batch that a kind of layer takes."""
    if kind == "Embedding":
        return np.array([1, 4, 4, 0, 2][:count], "int32")
    return np.random.default_rng(0).normal(size=(count, *KINDS[kind][1])).astype(dtype)


def wrapped(kind, dtype="float32", **options):
    """Return a built layer with u and v that have not converged: sigma is below the norm."""
    layer = SpectralNormalization(KINDS[kind][0](dtype=dtype, **options))
    layer(inputs(kind, dtype=dtype))
    disturb(layer)
    return layer


def disturb(layer, seed=0):
    """Set u and v to what one power step makes of a random u."""
    layer.u.assign(np.random.default_rng(seed).normal(size=layer.u.shape))
    layer.before_update()


def kernel_of(layer):
    """Return the kernel's variable in a normalized layer."""
    inner = layer.layer
    return inner.embeddings if isinstance(inner, layers.Embedding) else inner.kernel


def weight_matrix(layer, kernel=None):
    """Return W, one row for each output channel, in float64."""
    kernel = np.asarray(kernel_of(layer) if kernel is None else kernel, "float64")
    if "Transpose" in type(layer.layer).__name__:
        kernel = np.moveaxis(kernel, -2, -1)
    return kernel.reshape(-1, kernel.shape[-1]).T


def sigma_of(layer, kernel=None):
    """Return u^T W v with u and v of length 1."""
    u, v = (np.asarray(w, "float64") for w in (layer.u, layer.v))
    return u @ weight_matrix(layer, kernel) @ v / np.linalg.norm(u) / np.linalg.norm(v)


def spectral_norm(layer):
    """Return the largest singular value of the kernel that the layer works with."""
    kernel = keras.ops.convert_to_numpy(layer.normalized_kernel())
    return np.linalg.norm(weight_matrix(layer, kernel), 2)


def power_steps(matrix, u, count):
    """Return u and v after some steps of Algorithm 1."""
    u, v = np.asarray(u, "float64"), None
    for _ in range(count):
        v = matrix.T @ u
        v /= np.linalg.norm(v)
        u = matrix @ v
        u /= np.linalg.norm(u)
    return u, v


def normalized_layers(*networks):
    """Return the SpectralNormalizations in networks."""
    return [
        layer
        for network in networks
        for layer in network._flatten_layers()
        if isinstance(layer, SpectralNormalization)
    ]
