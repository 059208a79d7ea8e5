"""Label planes: the numbers of a label beside every pixel of an image."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gan")
class LabelPlanes(keras.layers.Layer):
    """Put a vector beside every pixel of an image, one plane for each of its numbers.

    The first layer of a convolutional network that takes an image and a label. Labels are vectors,
    such as attributes that are 0 or 1, or classes as `keras.ops.one_hot` writes them.

    An instance normalization subtracts the mean of each channel, and a plane is nothing but a
    mean. Of a label it leaves what the convolution before it pads with zeros: the border. So pad
    with zeros, as StarGAN does. Where the padding reflects, nothing is left.

    Input shape:
        `[image, label]`: `(batch, height, width, channels)` and `(batch, numbers)`.

    Output shape:
        `(batch, height, width, channels + numbers)`.

    Raises:
        ValueError: when the input is no such pair.

    Example:

    >>> image, label = keras.Input((8, 8, 3)), keras.Input((5,))
    >>> keras_gan.layers.LabelPlanes()([image, label]).shape
    (None, 8, 8, 8)

    Reference:
        - [Choi et al., 2018](https://arxiv.org/abs/1711.09020), Section 3.1
    """

    def call(self, inputs):
        """Return the image with the planes beside it."""
        image, label = inputs
        self.compute_output_shape([image.shape, label.shape])
        planes = ops.cast(label, image.dtype)[:, None, None, :]
        sides = ops.shape(image)[:-1]
        planes = ops.broadcast_to(planes, (*sides, label.shape[-1]))
        return ops.concatenate([image, planes], axis=-1)

    def compute_output_shape(self, input_shape):
        """Return the image's shape with more channels."""
        if len(input_shape) != 2 or [len(shape) for shape in input_shape] != [4, 2]:
            raise ValueError(
                "Expected `[image, label]`, of shapes (batch, height, width, channels) and "
                f"(batch, numbers). Received: inputs of shape {input_shape}"
            )
        image, label = input_shape
        return (*image[:-1], image[-1] + label[-1])
