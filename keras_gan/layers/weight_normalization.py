"""Weight normalization: length and direction of kernels as weights of their own."""

import keras
from keras import ops

from keras_gan.layers.reparametrized import Reparametrized
from keras_gan.utils.kernels import as_matrix, is_transposed, kernel_of


@keras.saving.register_keras_serializable("keras_gan")
class WeightNormalization(Reparametrized):
    """Let a layer work with a kernel whose length and direction are trained apart.

    Formula, with v what the layer has as its kernel and one g for each output channel:

    ```
    w = g v / ||v||
    ```

    The norm is that of all numbers of an output channel. g begins as ||v||: the layer starts as it
    is. Both g and v are trained, and the bias is left alone. Vocoders, whose networks have no other
    normalization, are trained with it.

    - A kernel regularizer acts on v, whose length has no effect on the output; leave it out.
    - In mixed precision w is computed in float32 and rounded once.
    - PyTorch's form has one g for each *input* channel of a transposed convolution; here, as in the
      paper, it is an output channel's.

    Args:
        layer: the layer to wrap: Dense, Conv1D to Conv3D, Conv1DTranspose to Conv3DTranspose,
            Embedding, or another with one kernel, its output channels on the last axis (not a
            depthwise convolution or EinsumDense).
        name: the layer's name.

    Attributes:
        g: weight of shape `(output channels,)`, the kernels' lengths.

    Raises:
        TypeError: when `layer` is not a Keras layer.
        ValueError: when it is built and has no kernel.

    Example:

    >>> layer = keras_gan.layers.WeightNormalization(keras.layers.Conv1D(64, 7, padding="same"))
    >>> layer(keras.Input((100, 8))).shape, tuple(layer.g.shape)
    ((None, 100, 64), (64,))

    Reference:
        - [Salimans & Kingma, 2016](https://arxiv.org/abs/1602.07868), Eq. (2)
    """

    def build(self, input_shape):
        """Build the layer, and take its kernel's lengths."""
        super().build(input_shape)

        # Keras may create variables long before it gives them values, the kernel's first: only
        # an initializer sees them.
        def lengths(shape, dtype):
            return ops.cast(self._lengths(), dtype)

        channels = as_matrix(self.layer, kernel_of(self.layer)).shape[1]
        self.g = self.add_weight((channels,), lengths, autocast=False, name="g")

    def normalized_kernel(self):
        """Return `g v / ||v||` in the kernel's shape, in float32 or, of a float64 kernel, that."""
        length, g = self._lengths(), ops.cast(self.g, self._kernel_dtype)
        # A kernel of zeros stays one.
        scale = g / ops.where(length > 0, length, ops.ones_like(length))
        kernel = ops.cast(kernel_of(self.layer), self._kernel_dtype)
        return kernel * (scale[:, None] if is_transposed(self.layer) else scale)

    def _lengths(self):
        matrix = as_matrix(self.layer, ops.cast(kernel_of(self.layer), self._kernel_dtype))
        squared = ops.sum(ops.square(matrix), axis=0)
        # Twice: the root's gradient at 0 is infinite, and what is not selected is multiplied by 0.
        positive = squared > 0
        root = ops.sqrt(ops.where(positive, squared, ops.ones_like(squared)))
        return ops.where(positive, root, ops.zeros_like(squared))
