"""Pixel normalization: vectors divided by the root of their mean square."""

import keras
from keras import ops

_EPSILON = 1e-8  # The paper's.


@keras.saving.register_keras_serializable("keras_gan")
class PixelNormalization(keras.layers.Layer):
    """Divide each vector of features by the root of its mean square; it has no weights.

    Formula, over the last axis:

    ```
    y = x / sqrt(mean x^2 + 1e-8)
    ```

    Behind convolutions it normalizes every pixel by itself, as in ProGAN. Before a mapping network
    it brings latents, and a label's vector beside them, to one length, as in StyleGAN. Squares and
    mean are computed in float32 in mixed precision too.

    Input shape:
        `(batch, ..., features)`.

    Output shape:
        That of the input.

    Example:

    >>> keras.ops.convert_to_numpy(keras_gan.layers.PixelNormalization()(np.array([[3.0, -3.0]])))
    array([[ 1., -1.]], dtype=float32)

    Reference:
        - [Karras et al., 2018](https://arxiv.org/abs/1710.10196), Section 4.2
    """

    def call(self, inputs):
        """Return the normalized vectors."""
        x = ops.cast(inputs, "float64" if inputs.dtype == "float64" else "float32")
        square = ops.mean(ops.square(x), axis=-1, keepdims=True)
        return ops.cast(x * ops.rsqrt(square + _EPSILON), inputs.dtype)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape
