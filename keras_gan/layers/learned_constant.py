"""A learned constant: the map from which a generator builds every sample."""

import keras
from keras import ops

from keras_gan.utils import arguments


@keras.saving.register_keras_serializable("keras_gan")
class LearnedConstant(keras.layers.Layer):
    """Return one learned tensor for every sample of a batch, whatever the samples are.

    StyleGAN begins with a constant map, and latents enter only as styles. R3GAN multiplies such a
    map, its basis, by what it makes of the latents.

    Args:
        shape: that of the constant, without the batch axis.
        initializer: initializer of the constant, by default N(0, 1).
        name: the layer's name.

    Input shape:
        `(batch, ...)`: any tensor, of which the size of the batch is taken alone.

    Output shape:
        `(batch, *shape)`.

    Raises:
        ValueError: when a side of `shape` is no positive integer.
        TypeError: when it is no tuple.

    Example:

    >>> keras_gan.layers.LearnedConstant((4, 4, 16))(np.zeros((2, 8))).shape
    TensorShape([2, 4, 4, 16])

    Reference:
        - [Karras et al., 2019](https://arxiv.org/abs/1812.04948), Section 2
    """

    def __init__(self, shape, initializer=None, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.shape = arguments.shape("shape", shape)
        if initializer is None:
            initializer = keras.initializers.RandomNormal(stddev=1.0)
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape):
        """Create the constant."""
        self.constant = self.add_weight(self.shape, self.initializer, name="constant")

    def call(self, inputs):
        """Return the constant for each sample."""
        constant = ops.cast(self.constant, self.compute_dtype)
        return ops.broadcast_to(constant, (ops.shape(inputs)[0], *self.shape))

    def compute_output_shape(self, input_shape):
        """Return the shape of the constants."""
        return (input_shape[0], *self.shape)

    def get_config(self):
        """Return the constructor's arguments."""
        initializer = keras.initializers.serialize(self.initializer)
        return {**super().get_config(), "shape": self.shape, "initializer": initializer}
