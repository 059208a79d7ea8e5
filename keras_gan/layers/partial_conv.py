"""Partial convolution: a convolution of the pixels that are known, and the map of those."""

import math

import keras
from keras import ops

from keras_gan.utils import arguments


@keras.saving.register_keras_serializable("keras_gan")
class PartialConv2D(keras.layers.Layer):
    """Convolve what is known of a map, scaled by how much of each window that is.

    Formula, with m 1 where x is known and 0 in the hole, sums over the window of a place, and K
    the number of values of m in a whole window:

    ```
    y  = W (x m) K / sum(m) + b    where sum(m) > 0, else 0
    m' = 1                         where sum(m) > 0, else 0
    ```

    The padding of `"same"` counts as a hole. What stands in the hole has no effect, whatever it is,
    NaN included, and gets no gradient. Each layer makes the hole smaller by half a kernel on every
    side.

    The map is the opposite of the mask of an inpainting, which is 1 in the hole: pass `1 - mask`.

    Args:
        filters: number of output channels.
        kernel_size: side of the kernel in pixels, or a pair.
        strides: step of the kernel in pixels, or a pair.
        padding: `"same"` or `"valid"`.
        dilation_rate: distance between the kernel's pixels, or a pair.
        activation: what y goes through at last, or `None`.
        use_bias: whether there is b.
        kernel_initializer: initializer of the kernel.
        name: the layer's name.

    Input shape:
        `[x, m]`: `(batch, height, width, channels)`, and the same with one channel for all, or
        with one for each channel of x.

    Output shape:
        `[y, m']`: `(batch, new height, new width, filters)`, and the same with one channel.

    Raises:
        ValueError: when the input is no such pair, `filters` no positive integer, or what Keras's
            `Conv2D` refuses.

    Example:

    >>> x, known = np.ones((1, 4, 4, 1)), np.zeros((1, 4, 4, 1))
    >>> known[:, 0] = 1
    >>> _, known = keras_gan.layers.PartialConv2D(8, 3)([x, known])
    >>> keras.ops.convert_to_numpy(known)[0, :, 0, 0]
    array([1., 1., 0., 0.], dtype=float32)

    Reference:
        - [Liu et al., 2018](https://arxiv.org/abs/1804.07723), Section 3.1
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="same",
        dilation_rate=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        name=None,
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.filters = arguments.whole("filters", filters)
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.convolution = keras.layers.Conv2D(
            self.filters,
            kernel_size,
            strides,
            padding,
            dilation_rate=dilation_rate,
            use_bias=False,
            kernel_initializer=kernel_initializer,
            dtype=self.dtype_policy,
            name="convolution",
        )

    def build(self, input_shape):
        """Build the convolution, and the bias that comes after the scaling."""
        self.convolution.build(_pair(input_shape)[0])
        if self.use_bias:
            self.bias = self.add_weight((self.filters,), "zeros", name="bias")

    def call(self, inputs):
        """Return the features, and what is known of them."""
        x, known = inputs
        _pair([x.shape, known.shape])
        known = known > 0
        # Not a product: what stands in the hole may be NaN.
        features = self.convolution(ops.where(known, x, ops.zeros_like(x)))
        count, whole = self._count(known)
        scale = ops.where(count > 0, whole / ops.maximum(count, 1.0), ops.zeros_like(count))
        features = features * ops.cast(scale, features.dtype)
        if self.use_bias:
            features += ops.cast(self.bias, features.dtype)
        features = ops.where(count > 0, features, ops.zeros_like(features))
        if self.activation is not None:
            features = self.activation(features)
        return [features, ops.cast(count > 0, features.dtype)]

    def _count(self, known):
        """Return how many values are known in each window, and how many there are in a whole one.

        In float32 whatever the policy: they are whole numbers, of which bfloat16 has few.
        """
        convolution = self.convolution
        window = (*convolution.kernel_size, known.shape[-1])
        count = ops.conv(
            ops.cast(known, "float32"),
            ops.ones((*window, 1), "float32"),
            strides=convolution.strides,
            padding=convolution.padding,
            data_format="channels_last",
            dilation_rate=convolution.dilation_rate,
        )
        return count, float(math.prod(window))

    def compute_output_shape(self, input_shape):
        """Return the shapes of the features and of what is known of them."""
        shape = tuple(self.convolution.compute_output_shape(_pair(input_shape)[0]))
        return [shape, (*shape[:-1], 1)]

    def get_config(self):
        """Return the constructor's arguments."""
        inner = self.convolution.get_config()
        names = "kernel_size", "strides", "padding", "dilation_rate", "kernel_initializer"
        return {
            **super().get_config(),
            "filters": self.filters,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **{name: inner[name] for name in names},
        }


def _pair(shapes):
    """Return the shapes of x and m, if that is what they can be."""
    x, known = shapes if len(shapes) == 2 else (None, None)
    if x is None or len(x) != 4 or len(known) != 4 or known[-1] not in (1, x[-1]):
        raise ValueError(
            "Expected `[x, known]`: a map and what is known of it, with one channel or as many as "
            f"the map has. Received: inputs of shape {shapes}"
        )
    return shapes
