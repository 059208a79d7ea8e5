"""Resampling by a FIR filter: images doubled, halved and blurred without aliasing."""

import keras
import numpy as np
import tensorflow as tf

from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown


class _FIR2D(keras.layers.Layer):
    """A layer that filters rows and columns of every channel by the same few taps."""

    def __init__(self, kernel=(1, 3, 3, 1), name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.kernel = _taps(kernel)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    @property
    def _normalized(self):
        return np.array(self.kernel) / sum(self.kernel)

    def _side(self, side):
        """Return how long a side becomes."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape):
        """Return the shape of the images that come out."""
        batch, *sides, channels = input_shape
        sides = [None if side is None else self._side(side) for side in sides]
        if any(side is not None and side < 1 for side in sides):
            raise ValueError(
                f"Expected images that are larger than what `{type(self).__name__}` takes away. "
                f"Received: an input of shape {tuple(input_shape)}, kernel={self.kernel}"
            )
        return (batch, *sides, channels)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "kernel": self.kernel}


@keras.saving.register_keras_serializable("keras_gan")
class FIRUpsampling2D(_FIR2D):
    """Make images twice as high and wide, by zeros between the pixels and a filter over them.

    Formula, for a row x and the kernel k, normalized to sum 1; columns the same:

    ```
    u[2 i] = x[i],  u[2 i + 1] = 0
    y[i] = 2 sum_j k[j] u[i - j + 1]          with the kernel (1, 3, 3, 1)
    ```

    That is y[2 i] = (x[i - 1] + 3 x[i]) / 4 and y[2 i + 1] = (3 x[i] + x[i + 1]) / 4: bilinear
    upsampling, but for the border, beyond which everything is zero. Of other kernels, u begins
    `len(kernel) // 2 - 1` places later.

    Args:
        kernel: taps of the filter, two numbers or more, for rows and for columns; normalized.
        name: the layer's name.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        `(batch, 2 height, 2 width, channels)`.

    Raises:
        ValueError: when `kernel` has fewer than two numbers, or a sum of 0.
        TypeError: when it is no tuple of numbers.

    Example:

    >>> row = np.array([[[[1.0], [2.0], [3.0]], [[1.0], [2.0], [3.0]]]])
    >>> y = keras_gan.layers.FIRUpsampling2D()(row)
    >>> keras.ops.convert_to_numpy(y)[0, 1, :, 0]
    array([0.75, 1.25, 1.75, 2.25, 2.75, 2.25], dtype=float32)

    Reference:
        - [Karras et al., 2019](https://arxiv.org/abs/1812.04948), Section 2
        - [Huang et al., 2024](https://arxiv.org/abs/2501.05441), Section 3
    """

    def call(self, inputs):
        """Return the larger images."""
        taps = 2.0 * self._normalized
        margins = (len(taps) + 1) // 2, (len(taps) - 2) // 2
        rows = _filtered(_with_zeros(inputs, 1), taps, 1, margins)
        return _filtered(_with_zeros(rows, 2), taps, 2, margins)

    def _side(self, side):
        return 2 * side


@keras.saving.register_keras_serializable("keras_gan")
class FIRDownsampling2D(_FIR2D):
    """Make images half as high and wide, by a filter of which every second value is kept.

    Formula, for a row x with zeros beyond it, and the kernel k, normalized to sum 1:

    ```
    y[i] = sum_j k[j] x[2 i - j + 2]          with the kernel (1, 3, 3, 1)
    ```

    `FIRUpsampling2D` is 4 times the transpose of this layer. An odd side loses its half pixel.

    Args:
        kernel: taps of the filter, two numbers or more, for rows and for columns; normalized.
        name: the layer's name.

    Input shape:
        `(batch, height, width, channels)`, with sides of at least 2.

    Output shape:
        `(batch, height // 2, width // 2, channels)`.

    Raises:
        ValueError: when `kernel` has fewer than two numbers, or a sum of 0, or a side is 1.
        TypeError: when it is no tuple of numbers.

    Example:

    >>> y = keras_gan.layers.FIRDownsampling2D()(np.ones((1, 2, 8, 1)))
    >>> keras.ops.convert_to_numpy(y)[0, 0, :, 0]
    array([0.65625, 0.75   , 0.75   , 0.65625], dtype=float32)

    Reference:
        - [Karras et al., 2019](https://arxiv.org/abs/1812.04948), Section 2
        - [Huang et al., 2024](https://arxiv.org/abs/2501.05441), Section 3
    """

    def call(self, inputs):
        """Return the smaller images."""
        self.compute_output_shape(inputs.shape)
        taps = self._normalized
        margins = [(len(taps) - 1) // 2, (len(taps) - 2) // 2]
        # One pass over rows and columns. Of two, the first would filter what the second drops.
        kernel = _of_every_channel(np.outer(taps, taps), inputs)
        padding = [[0, 0], margins, margins, [0, 0]]
        return tf.nn.depthwise_conv2d(inputs, kernel, [1, 2, 2, 1], padding)

    def _side(self, side):
        return side // 2


@keras.saving.register_keras_serializable("keras_gan")
class FIRBlur2D(_FIR2D):
    """Filter images by a kernel, between zeros beyond the border.

    A convolution with strides is kept from aliasing by a blur before it, a transposed one by a blur
    behind it, which also crops its output. For a convolution of 3 by 3 pixels:

    ```
    smaller:  FIRBlur2D(padding=2), Conv2D(strides=2, padding="valid")
    larger:   Conv2DTranspose(strides=2, padding="valid"), FIRBlur2D(padding=1, gain=4)
    ```

    Args:
        kernel: taps of the filter, two numbers or more, for rows and for columns; normalized.
        padding: zeros before and behind each row and column: a whole number, or a pair.
        gain: factor of the output: 4 behind a transposed convolution, since three in four of the
            pixels that it spreads are zeros.
        name: the layer's name.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        `(batch, new height, new width, channels)`: each side with its padding, less
        `len(kernel) - 1`.

    Raises:
        ValueError: when an argument is out of range, or a side too small.
        TypeError: when `kernel` is no tuple of numbers, or `gain` no number.

    Example:

    >>> keras_gan.layers.FIRBlur2D(padding=2)(keras.Input((32, 32, 3))).shape
    (None, 33, 33, 3)

    Reference:
        - [Zhang, 2019](https://arxiv.org/abs/1904.11486)
        - [Karras et al., 2020](https://arxiv.org/abs/1912.04958), Appendix B
    """

    def __init__(self, kernel=(1, 3, 3, 1), padding=2, gain=1.0, name=None, **kwargs):
        super().__init__(kernel, name=name, **kwargs)
        self.padding = _margins(padding)
        self.gain = arguments.number("gain", gain, above=0)

    def call(self, inputs):
        """Return the blurred images."""
        self.compute_output_shape(inputs.shape)
        taps = self._normalized * self.gain**0.5
        return _filtered(_filtered(inputs, taps, 1, self.padding), taps, 2, self.padding)

    def _side(self, side):
        return side + sum(self.padding) - len(self.kernel) + 1

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "padding": self.padding, "gain": self.gain}


def _taps(kernel):
    if not isinstance(kernel, (tuple, list)):
        raise TypeError(
            "Expected `kernel` to be a tuple of numbers, such as (1, 3, 3, 1). "
            f"Received: kernel={shown(kernel)}"
        )
    taps = tuple(arguments.number("kernel", tap, low=-float("inf")) for tap in kernel)
    if len(taps) < 2 or not sum(taps):
        raise ValueError(
            "Expected `kernel` to be two numbers or more, whose sum is not 0: it is normalized. "
            f"Received: kernel={shown(kernel)}"
        )
    return taps


def _margins(padding):
    """Return `(before, behind)`."""
    pair = padding if isinstance(padding, (tuple, list)) else (padding, padding)
    if len(pair) != 2:
        raise ValueError(
            "Expected `padding` to be a whole number or a pair (before, behind). "
            f"Received: padding={shown(padding)}"
        )
    return tuple(arguments.whole("padding", size, least=0) for size in pair)


def _of_every_channel(taps, images):
    """Return taps of shape (height, width) as the kernel of a depthwise convolution of images."""
    # Reversed, for a convolution: TensorFlow's is a correlation.
    kernel = tf.constant(taps[::-1, ::-1, None, None], images.dtype)
    return tf.tile(kernel, [1, 1, images.shape[-1], 1])


def _filtered(images, taps, axis, margins):
    """Return images that are filtered along one of their axes, with zeros beyond the border."""
    kernel = _of_every_channel(taps[:, None] if axis == 1 else taps[None, :], images)
    padding = [[0, 0] for _ in range(4)]
    padding[axis] = list(margins)
    return tf.nn.depthwise_conv2d(images, kernel, [1, 1, 1, 1], padding)


def _with_zeros(images, axis):
    """Return images with a zero behind each of their values along an axis."""
    sides = list(tf.unstack(tf.shape(images)))
    sides[axis] *= 2
    margins = [[0, 0] for _ in range(5)]
    margins[axis + 1] = [0, 1]
    spread = tf.reshape(tf.pad(tf.expand_dims(images, axis + 1), margins), sides)
    known = list(images.shape)
    known[axis] = None if known[axis] is None else 2 * known[axis]
    return tf.ensure_shape(spread, known)
