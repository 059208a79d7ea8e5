"""Kernels of Keras's layers, as matrices of one column for each output channel."""

import keras
from keras import ops

from keras_gan.utils import keras_internals

_TRANSPOSED = (
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)
# One filter for each input channel, or axes of any meaning: no matrix of output channels.
_OTHERS = (
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.EinsumDense,
)


def kernel_of(layer):
    """Return the variable that a layer multiplies its input by, or `None`.

    Args:
        layer: a built Keras layer: Dense, a convolution, a transposed convolution, or Embedding;
            of depthwise convolutions and EinsumDense there is `None`.
    """
    if isinstance(layer, _OTHERS):
        return None
    return keras_internals.kernel_variable(layer)


def is_transposed(layer):
    """Tell whether a layer keeps its kernel's output channels on the last axis but one."""
    return isinstance(layer, _TRANSPOSED)


def as_matrix(layer, kernel):
    """Return a kernel as a matrix with one column for each output channel.

    Args:
        layer: the layer that it belongs to; transposed convolutions keep their output channels on
            the last axis but one.
        kernel: tensor or variable of the shape of the layer's kernel.

    Returns:
        Tensor of shape `(everything else, output channels)`.
    """
    kernel = ops.convert_to_tensor(kernel)
    if is_transposed(layer):
        kernel = ops.swapaxes(kernel, -1, -2)
    return ops.reshape(kernel, (-1, kernel.shape[-1]))
