"""Gated convolution: a convolution that learns which of its outputs count, and where."""

import keras
from keras import ops

from keras_gan.utils import arguments


@keras.saving.register_keras_serializable("keras_gan")
class GatedConv2D(keras.layers.Layer):
    """Multiply the features of a convolution by gates in (0, 1), which it computes beside them.

    Formula, with W one kernel of twice as many output channels, features first:

    ```
    f, g = split(W x + b)
    y = activation(f) sigmoid(g)
    ```

    Every output has a gate of its own in every place. In inpainting the gates learn to follow the
    hole, where a plain convolution takes its pixels for an image.

    DeepFill's code calls the number of f and g together the width of a layer: its 48 are 24
    `filters` here.

    Args:
        filters: number of output channels.
        kernel_size: side of the kernel in pixels, or a pair.
        strides: step of the kernel in pixels, or a pair.
        padding: `"same"` or `"valid"`.
        dilation_rate: distance between the kernel's pixels, or a pair.
        activation: that of the features.
        use_bias: whether there is b.
        kernel_initializer: initializer of the kernel.
        name: the layer's name.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        `(batch, new height, new width, filters)`.

    Raises:
        ValueError: when `filters` is no positive integer, or what Keras's `Conv2D` refuses.

    Example:

    >>> keras_gan.layers.GatedConv2D(24, 3, strides=2)(keras.Input((32, 32, 5))).shape
    (None, 16, 16, 24)

    Reference:
        - [Yu et al., 2019](https://arxiv.org/abs/1806.03589), Section 3.1
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="same",
        dilation_rate=1,
        activation="elu",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        name=None,
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.filters = arguments.whole("filters", filters)
        self.activation = keras.activations.get(activation)
        self.convolution = keras.layers.Conv2D(
            2 * self.filters,
            kernel_size,
            strides,
            padding,
            dilation_rate=dilation_rate,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            dtype=self.dtype_policy,
            name="convolution",
        )

    def build(self, input_shape):
        """Build the convolution."""
        self.convolution.build(input_shape)

    def call(self, inputs):
        """Return the gated features."""
        features, gates = ops.split(self.convolution(inputs), 2, axis=-1)
        return self.activation(features) * ops.sigmoid(gates)

    def compute_output_shape(self, input_shape):
        """Return the shape of the features."""
        return (*self.convolution.compute_output_shape(input_shape)[:-1], self.filters)

    def get_config(self):
        """Return the constructor's arguments."""
        inner = self.convolution.get_config()
        names = "kernel_size", "strides", "padding", "dilation_rate", "use_bias"
        return {
            **super().get_config(),
            "filters": self.filters,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": inner["kernel_initializer"],
            **{name: inner[name] for name in names},
        }
