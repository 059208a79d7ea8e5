"""Modulated convolution: a convolution whose kernel each sample scales by its style."""

import math

import keras
import tensorflow as tf
from keras import initializers, ops

from keras_gan.layers.equalized import EqualizedDense
from keras_gan.layers.resampling import FIRBlur2D
from keras_gan.utils import arguments

_EPSILON = 1e-8  # The paper's.
_UPSAMPLED_KERNEL = 3  # That for which the blur's margins give twice the sides.


@keras.saving.register_keras_serializable("keras_gan")
class ModulatedConv2D(keras.layers.Layer):
    """Convolve each sample by a kernel of its own: the layer's, scaled by the sample's style.

    Formula, with i input channels, o output channels and k places in the kernel:

    ```
    s = styles A + 1 at the start        an EqualizedDense to one scale for each input channel
    w'_iok  = s_i w_iok
    w''_iok = w'_iok / sqrt(sum_i,k w'_iok^2 + 1e-8)        demodulation
    y = w'' * x + b
    ```

    Demodulation takes the place of normalizing features: of inputs of unit scale the outputs have
    unit scale, whatever the style. Without it s is divided by the root of kernel_size² times the
    input channels, as in the layers of StyleGAN2 that turn features into colors.

    The kernels of single samples are never made. As s depends on input channels alone, and the
    root on output channels alone, the layer scales the features before and after one convolution
    for all samples, which is the same.

    Args:
        filters: number of output channels.
        kernel_size: side of the kernel in pixels; the borders are padded with zeros.
        upsampling: whether the sides double: by a transposed convolution with a stride of 2, and
            `FIRBlur2D` behind it. The kernel must then have 3 pixels a side.
        demodulate: whether there is demodulation.
        name: the layer's name.

    Input shape:
        `[x, styles]`: `(batch, height, width, channels)` and `(batch, style_dim)`.

    Output shape:
        `(batch, height, width, filters)`, with `upsampling` of twice the sides.

    Raises:
        ValueError: when a size is no positive integer, `upsampling` goes with another kernel than
            of 3 pixels, or the input is no such pair.
        TypeError: when `upsampling` or `demodulate` is not True or False.

    Example:

    >>> x, styles = keras.Input((8, 8, 16)), keras.Input((64,))
    >>> keras_gan.layers.ModulatedConv2D(32, 3, upsampling=True)([x, styles]).shape
    (None, 16, 16, 32)

    Reference:
        - [Karras et al., 2020](https://arxiv.org/abs/1912.04958), Eq. (1) to (3)
    """

    def __init__(
        self, filters, kernel_size, upsampling=False, demodulate=True, name=None, **kwargs
    ):
        # Not in the compute dtype, nor are the weights: sums of squares stay in float32.
        super().__init__(name=name, autocast=False, **kwargs)
        self.filters = arguments.whole("filters", filters)
        self.kernel_size = arguments.whole("kernel_size", kernel_size)
        self.upsampling = arguments.flag("upsampling", upsampling)
        self.demodulate = arguments.flag("demodulate", demodulate)
        if self.upsampling and self.kernel_size != _UPSAMPLED_KERNEL:
            raise ValueError(
                "Expected `kernel_size=3` with `upsampling=True`. "
                f"Received: kernel_size={kernel_size}"
            )

    def build(self, input_shape):
        """Create kernel and bias, and build the layer of scales."""
        features, styles = _checked(input_shape)
        side, channels = self.kernel_size, features[-1]
        unit = initializers.RandomNormal(stddev=1.0)
        self.fan_in = side * side * channels
        shape = (side, side, channels, self.filters)
        self.kernel = self.add_weight(shape, unit, autocast=False, name="kernel")
        self.bias = self.add_weight((self.filters,), "zeros", autocast=False, name="bias")
        self.affine = EqualizedDense(
            channels, bias_initializer="ones", dtype=self.variable_dtype, name="affine"
        )
        self.affine.build(styles)
        if self.upsampling:
            self.blur = FIRBlur2D(padding=1, gain=4.0, dtype=self.dtype_policy, name="blur")

    def call(self, inputs):
        """Return the features, convolved by each sample's kernel."""
        x, styles = inputs
        self.compute_output_shape([x.shape, styles.shape])
        # StyleGAN2 has this factor only where there is no demodulation, which cancels it. It keeps
        # sums of many products in the range of float16, for which StyleGAN2 divides kernels and
        # styles by their largest values; bfloat16 has the range of float32.
        scales = self.affine(styles) * (1 / math.sqrt(self.fan_in))
        y = self._convolved(self._cast(x) * self._of_pixels(scales))
        if self.demodulate:
            y *= self._of_pixels(self._demodulation(scales))
        if self.upsampling:
            y = self.blur(y)
        return y + self._cast(self.bias)

    def _convolved(self, x):
        kernel = self._cast(self.kernel)
        if not self.upsampling:
            return ops.conv(x, kernel, padding="same")
        batch, height, width, _ = tf.unstack(tf.shape(x))
        larger = [batch, *(2 * side + self.kernel_size - 2 for side in (height, width))]
        # Not Keras's, which ends the process where sides are not known in a graph.
        kernel = ops.swapaxes(kernel, 2, 3)
        return tf.nn.conv2d_transpose(x, kernel, [*larger, self.filters], 2, "VALID")

    def _demodulation(self, scales):
        """Return what each output channel of each sample is to be multiplied by."""
        squares = ops.sum(ops.square(self.kernel), axis=(0, 1))
        # Of scales with a factor: with the same factor, 1e-8 has the effect of the formula's.
        return ops.rsqrt(ops.matmul(ops.square(scales), squares) + _EPSILON / self.fan_in)

    def _of_pixels(self, vectors):
        return self._cast(vectors[:, None, None, :])

    def _cast(self, x):
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Return the shape of the features that come out."""
        features, _ = _checked(input_shape)
        factor = 2 if self.upsampling else 1
        return (features[0], *(side and factor * side for side in features[1:3]), self.filters)

    def get_config(self):
        """Return the constructor's arguments."""
        names = "filters", "kernel_size", "upsampling", "demodulate"
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _checked(shapes):
    shapes = [tuple(shape) for shape in shapes]
    if [len(shape) for shape in shapes] != [4, 2]:
        raise ValueError(
            "Expected `[x, styles]`, of shapes (batch, height, width, channels) and "
            f"(batch, style_dim). Received: inputs of shape {shapes}"
        )
    return shapes
