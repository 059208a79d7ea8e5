"""Grouped convolution: channels in groups, each convolved by kernels of its own."""

import functools

import keras
import tensorflow as tf

from keras_gan.utils import arguments


@keras.saving.register_keras_serializable("keras_gan")
class GroupedConv2D(keras.layers.Conv2D):
    """Convolve groups of channels apart from each other, at the speed that this saves.

    The function, the weights and the arguments are those of `keras.layers.Conv2D(groups=)`. Keras
    sends a grouped convolution on a CPU through XLA, whose gradients take hundreds of times as
    long. This layer calls TensorFlow's own convolution, whose gradients of first and second order
    are faster than those of all channels together.

    Formula, for group g of n, whose channels are the g-th n-th part of those of x and y:

    ```
    y_g = W_g x_g + b_g
    ```

    With as many groups as channels it is a depthwise convolution. Where TensorFlow lacks the
    gradient the groups are convolved one by one, which is slower: on CPUs in float64 and float16,
    and without oneDNN. Where there is no GPU a model with this layer takes no
    `jit_compile=True`: Keras warns, and goes on without.

    Args:
        filters: number of output channels, which `groups` divides.
        kernel_size: side of the kernel in pixels, or a pair.
        strides: step of the kernel in pixels, or a pair of equal numbers.
        padding: `"same"` or `"valid"`.
        groups: number of groups, which divides the channels of the input too.
        **kwargs: what else `keras.layers.Conv2D` takes, but for `data_format`: channels are last.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        `(batch, new height, new width, filters)`.

    Raises:
        ValueError: when `groups` does not divide `filters` or the channels of the input, channels
            are not last, or what Keras's `Conv2D` refuses.

    Example:

    >>> layer = keras_gan.layers.GroupedConv2D(32, 3, padding="same", groups=4)
    >>> layer(keras.Input((8, 8, 64))).shape, tuple(layer.kernel.shape)
    ((None, 8, 8, 32), (3, 3, 16, 32))

    Reference:
        - [Xie et al., 2017](https://arxiv.org/abs/1611.05431), Section 3
        - keras-team/keras issues 18180 and 20471, on the detour through XLA
    """

    def __init__(self, filters, kernel_size, strides=1, padding="valid", groups=1, **kwargs):
        filters = arguments.whole("filters", filters)
        groups = arguments.whole("groups", groups)
        _check_divides(groups, "filters", filters)
        super().__init__(filters, kernel_size, strides, padding, groups=groups, **kwargs)
        if self.data_format != "channels_last":
            raise ValueError(
                "Expected channels to be last. Drop the argument `data_format`. "
                f"Received: data_format={self.data_format!r}"
            )
        # On a CPU XLA makes a grouped convolution of one that has thousands of groups.
        self.supports_jit = bool(tf.config.list_physical_devices("GPU"))

    def build(self, input_shape):
        """Create kernel and bias."""
        _check_divides(self.groups, "the channels of the input", input_shape[-1])
        super().build(input_shape)

    def convolution_op(self, inputs, kernel):
        """Return the convolution, without its bias."""
        kernel = tf.convert_to_tensor(kernel, inputs.dtype)
        if self.groups == 1 or _has_gradients(inputs.dtype):
            return self._convolved(inputs, kernel)
        parts = tf.split(inputs, self.groups, -1), tf.split(kernel, self.groups, -1)
        return tf.concat([self._convolved(*pair) for pair in zip(*parts, strict=True)], -1)

    def _convolved(self, inputs, kernel):
        padding = self.padding.upper()
        return tf.nn.conv2d(inputs, kernel, self.strides, padding, dilations=self.dilation_rate)


@functools.cache
def _has_gradients(dtype):
    """Tell whether TensorFlow has gradients of grouped convolutions on this machine."""
    # Of first order as an operation: a tape records nothing within this scope.
    with tf.init_scope():
        x, kernel = tf.ones((1, 4, 4, 4), dtype), tf.ones((3, 3, 2, 4), dtype)
        options = {"out_backprop": x, "strides": [1, 1, 1, 1], "padding": "SAME"}
        try:
            tf.raw_ops.Conv2DBackpropInput(input_sizes=x.shape, filter=kernel, **options)
        except tf.errors.OpError:
            return False
        return True


def _check_divides(groups, what, number):
    if number % groups:
        raise ValueError(
            f"Expected the number of groups to divide {what}. "
            f"Received: groups={groups}, {what}={number}"
        )
