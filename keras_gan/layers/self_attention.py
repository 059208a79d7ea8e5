"""Self-attention over the places of a map, as SAGAN and BigGAN have it."""

import keras
import tensorflow as tf
from keras import ops

from keras_gan.layers.spectral_normalization import SpectralNormalization
from keras_gan.utils import arguments

# Of the map's channels, in parts: what places are compared by, and what they give.
COMPARED, GIVEN = 8, 2


@keras.saving.register_keras_serializable("keras_gan")
class SelfAttention(keras.layers.Layer):
    """Add to each place of a map a mean of all places, in which those that match it count most.

    Formula, with places in rows, C channels, and P a max-pooling by 2:

    ```
    y = x + gamma o(softmax(theta(x) P(phi(x))^T) P(g(x)))
    ```

    theta and phi make C / 8 channels of x, g makes C / 2, and o makes C of them: convolutions of
    1 pixel without bias, with gamma 1.25 C² + 1 weights. The softmax goes over the places of phi
    and is computed in float32. What goes into it is not divided by a root of the channels.

    gamma is one number, at the start 0, so that the layer starts as the identity. It may become
    negative, and often stays near 0 on small images.

    This is the form of the paper's code, and of BigGAN's. The paper's formulas have no pooling and
    C / 8 channels everywhere.

    An image of N places has a matrix of N² / 4 numbers: 1 MB for a map of 32 by 32, 16 MB for 64 by
    64.

    Args:
        spectral_norm: whether the convolutions are wrapped in
            `keras_gan.layers.SpectralNormalization`.
        kernel_initializer: initializer of their kernels.
        name: the layer's name.

    Input shape:
        `(batch, height, width, channels)`, with even sides and at least 8 channels.

    Output shape:
        The same.

    Raises:
        TypeError: when `spectral_norm` is no flag.
        ValueError: when a side is odd, or there are fewer than 8 channels; sides that are not
            fixed are checked when maps come (`tf.errors.InvalidArgumentError` in a graph).

    Example:

    >>> keras_gan.layers.SelfAttention()(keras.Input((16, 16, 32))).shape
    (None, 16, 16, 32)

    Reference:
        - [Zhang et al., 2019](https://arxiv.org/abs/1805.08318), Section 3, by its code
    """

    def __init__(
        self, spectral_norm=True, kernel_initializer="glorot_uniform", name=None, **kwargs
    ):
        super().__init__(name=name, **kwargs)
        self.spectral_norm = arguments.flag("spectral_norm", spectral_norm)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        """Build the convolutions, and create gamma."""
        channels = self.compute_output_shape(input_shape)[-1]
        self.theta = self._convolution("theta", channels // COMPARED)
        self.phi = self._convolution("phi", channels // COMPARED)
        self.g = self._convolution("g", channels // GIVEN)
        self.o = self._convolution("o", channels)
        for layer in (self.theta, self.phi, self.g):
            layer.build(input_shape)
        self.o.build((*input_shape[:-1], channels // GIVEN))
        self.gamma = self.add_weight((), "zeros", name="gamma")

    def _convolution(self, name, filters):
        layer = keras.layers.Conv2D(
            filters,
            1,
            use_bias=False,
            kernel_initializer=self.kernel_initializer.clone(),
            dtype=self.dtype_policy,
            name=name,
        )
        return SpectralNormalization(layer, name=name) if self.spectral_norm else layer

    def call(self, inputs):
        """Return the map with what it attends to added."""
        x = self._with_even_sides(inputs)
        weights = self.weights_of(x)
        given = _places(_pooled(self.g(x)))
        attended = ops.matmul(ops.cast(weights, given.dtype), given)
        attended = ops.reshape(attended, (*ops.shape(x)[:-1], given.shape[-1]))
        return x + ops.cast(self.gamma, x.dtype) * self.o(attended)

    def weights_of(self, x):
        """Return how much each place of a map attends to each pooled one.

        Args:
            x: float tensor of shape `(batch, height, width, channels)`.

        Returns:
            Tensor of shape `(batch, height width, height width / 4)`, float32 unless the layer
            computes in float64. Each row sums to 1.
        """
        keys = ops.swapaxes(_places(_pooled(self.phi(x))), 1, 2)
        scores = ops.matmul(_places(self.theta(x)), keys)
        dtype = keras.backend.result_type(scores.dtype, "float32")
        return ops.softmax(ops.cast(scores, dtype), axis=-1)

    def _with_even_sides(self, x):
        self.compute_output_shape(x.shape)
        if None not in x.shape[1:3]:
            return x
        sides = tf.shape(x)[1:3]
        even = tf.debugging.Assert(
            tf.reduce_all(sides % 2 == 0), ["Expected a map of even sides. Received:", sides]
        )
        with tf.control_dependencies([even]):
            return tf.identity(x)

    def compute_output_shape(self, input_shape):
        """Return the shape of the map."""
        sides, channels = input_shape[1:3], input_shape[-1]
        if any(side is not None and side % 2 for side in sides):
            raise ValueError(
                "Expected a map of even sides, which are pooled by 2. "
                f"Received: an input of shape {tuple(input_shape)}"
            )
        if channels < COMPARED:
            raise ValueError(
                f"Expected a map of at least {COMPARED} channels: places are compared by an eighth "
                f"of them. Received: an input of shape {tuple(input_shape)}"
            )
        return tuple(input_shape)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "spectral_norm": self.spectral_norm,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


def _pooled(x):
    """Return the largest of each four places; XLA has no second gradient of pools in bfloat16."""
    batch, height, width = ops.shape(x)[:3]
    blocks = ops.reshape(x, (batch, height // 2, 2, width // 2, 2, x.shape[-1]))
    return ops.max(blocks, axis=(2, 4))


def _places(x):
    """Return a map as one row for each place."""
    shape = ops.shape(x)
    return ops.reshape(x, (shape[0], shape[1] * shape[2], x.shape[-1]))
