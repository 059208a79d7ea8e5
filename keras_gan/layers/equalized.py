"""Layers of an equalized learning rate: kernels stored at one scale, and scaled when used."""

import math

import keras
from keras import initializers, ops

from keras_gan.utils import arguments


class _Equalized(keras.layers.Layer):
    """A layer with a kernel of standard normal numbers, scaled whenever it is used."""

    def __init__(
        self, use_bias=True, bias_initializer="zeros", lr_multiplier=1.0, name=None, **kwargs
    ):
        super().__init__(name=name, **kwargs)
        self.use_bias = arguments.flag("use_bias", use_bias)
        self.bias_initializer = initializers.get(bias_initializer)
        self.lr_multiplier = arguments.number("lr_multiplier", lr_multiplier, above=0)

    def _add_weights(self, shape):
        """Create the kernel, of a shape that ends in the output channels, and the bias."""
        unit = initializers.RandomNormal(stddev=1 / self.lr_multiplier)
        self.kernel_gain = self.lr_multiplier / math.sqrt(math.prod(shape[:-1]))
        # Scaled before they are rounded to 16 bits, not after.
        self.kernel = self.add_weight(shape, unit, autocast=False, name="kernel")
        self.bias = None
        if self.use_bias:
            first = self.bias_initializer
            self.bias = self.add_weight(shape[-1:], first, autocast=False, name="bias")

    def scaled_kernel(self):
        """Return the kernel that the layer works with, in the compute dtype."""
        return ops.cast(self.kernel * self.kernel_gain, self.compute_dtype)

    def _biased(self, x):
        if self.bias is None:
            return x
        return x + ops.cast(self.bias * self.lr_multiplier, self.compute_dtype)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "use_bias": self.use_bias,
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "lr_multiplier": self.lr_multiplier,
        }


@keras.saving.register_keras_serializable("keras_gan")
class EqualizedDense(_Equalized):
    """A Dense layer whose weights all learn at one speed, whatever its size.

    Formula, with m the `lr_multiplier`, W of N(0, 1) / m at the start, and n inputs:

    ```
    y = x W m / sqrt(n) + b m
    ```

    Adam moves every weight by about its learning rate, large or small. W is stored at one scale
    for all layers, so a step changes each by the same share. The factor makes the kernel in use
    that of He's initialization without its factor of 2. With m = 0.01, as in the mapping networks
    of StyleGAN, the weights in use move a hundred times slower.

    Args:
        units: number of outputs.
        use_bias: whether there is b.
        bias_initializer: initializer of b as it is stored.
        lr_multiplier: m, above 0.
        name: the layer's name.

    Input shape:
        `(batch, ..., inputs)`.

    Output shape:
        `(batch, ..., units)`.

    Raises:
        ValueError: when `units` is no positive integer, or `lr_multiplier` is not above 0.
        TypeError: when `lr_multiplier` is no number, or `use_bias` not True or False.

    Example:

    >>> keras_gan.layers.EqualizedDense(64, lr_multiplier=0.01)(keras.Input((32,))).shape
    (None, 64)

    Reference:
        - [Karras et al., 2018](https://arxiv.org/abs/1710.10196), Section 4.1
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = arguments.whole("units", units)

    def build(self, input_shape):
        """Create kernel and bias."""
        self._add_weights((input_shape[-1], self.units))

    def call(self, inputs):
        """Return the outputs."""
        return self._biased(ops.matmul(inputs, self.scaled_kernel()))

    def compute_output_shape(self, input_shape):
        """Return the shape of the outputs."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("keras_gan")
class EqualizedConv2D(_Equalized):
    """A convolution whose weights all learn at one speed, whatever its size.

    As `EqualizedDense`, with n = kernel_size² times the input channels:

    ```
    y = (W m / sqrt(n)) * x + b m
    ```

    Args:
        filters: number of output channels.
        kernel_size: side of the kernel in pixels.
        strides: step of the kernel in pixels.
        padding: `"same"` or `"valid"`.
        use_bias: whether there is b.
        bias_initializer: initializer of b as it is stored.
        lr_multiplier: m, above 0.
        name: the layer's name.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        `(batch, new height, new width, filters)`.

    Raises:
        ValueError: when a size is no positive integer, `padding` is neither of the two, or
            `lr_multiplier` is not above 0.
        TypeError: when `lr_multiplier` is no number, or `use_bias` not True or False.

    Example:

    >>> keras_gan.layers.EqualizedConv2D(64, 3)(keras.Input((32, 32, 3))).shape
    (None, 32, 32, 64)

    Reference:
        - [Karras et al., 2018](https://arxiv.org/abs/1710.10196), Section 4.1
    """

    def __init__(self, filters, kernel_size, strides=1, padding="same", **kwargs):
        super().__init__(**kwargs)
        self.filters = arguments.whole("filters", filters)
        self.kernel_size = arguments.whole("kernel_size", kernel_size)
        self.strides = arguments.whole("strides", strides)
        self.padding = arguments.choice("padding", padding, ["same", "valid"])

    def build(self, input_shape):
        """Create kernel and bias."""
        self._add_weights((self.kernel_size, self.kernel_size, input_shape[-1], self.filters))

    def call(self, inputs):
        """Return the features."""
        kernel = self.scaled_kernel()
        return self._biased(ops.conv(inputs, kernel, self.strides, self.padding))

    def compute_output_shape(self, input_shape):
        """Return the shape of the features."""
        sides = (side and self._side(side) for side in input_shape[1:3])
        return (input_shape[0], *sides, self.filters)

    def _side(self, side):
        reach = self.kernel_size - 1 if self.padding == "valid" else 0
        return -(-(side - reach) // self.strides)

    def get_config(self):
        """Return the constructor's arguments."""
        names = "filters", "kernel_size", "strides", "padding"
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
