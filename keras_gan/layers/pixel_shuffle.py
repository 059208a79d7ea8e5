"""Pixel shuffle and its inverse: channels become pixels, pixels become channels."""

import keras
import tensorflow as tf

from keras_gan.utils import arguments


class _Shuffle(keras.layers.Layer):
    """A layer that exchanges channels for pixels, `scale` times `scale` of them."""

    def __init__(self, scale=2, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.scale = arguments.whole("scale", scale, least=2)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable("keras_gan")
class PixelShuffle(_Shuffle):
    """Make an image `scale` times larger from the channels of a map.

    Formula, with r the scale and C the channels of the output:

    ```
    y[i r + dy, j r + dx, c] = x[i, j, (dy r + dx) C + c]
    ```

    This is the order of `tf.nn.depth_to_space`. PyTorch's `PixelShuffle` reads the channels as
    (c, dy, dx) instead: `weights.reshape(..., C, r, r).transpose(..., 1, 2, 0)` of a kernel's last
    axis turns its order into the one here. With the initializer `ICNR` on the convolution before
    it, the layer starts as nearest upsampling, without a checkerboard.

    Args:
        scale: r, how many times larger the sides become, an integer of at least 2.
        name: the layer's name.

    Input shape:
        `(batch, height, width, scale * scale * channels)`.

    Output shape:
        `(batch, scale * height, scale * width, channels)`.

    Raises:
        ValueError: when `scale` is no integer of at least 2, or its square does not divide the
            channels.

    Example:

    >>> image = keras_gan.layers.PixelShuffle(2)(np.arange(4.0).reshape(1, 1, 1, 4))
    >>> keras.ops.convert_to_numpy(image)[0, ..., 0]
    array([[0., 1.],
           [2., 3.]], dtype=float32)

    Reference:
        - [Shi et al., 2016](https://arxiv.org/abs/1609.05158)
    """

    def call(self, inputs):
        """Return the larger image."""
        self.compute_output_shape(inputs.shape)
        return tf.nn.depth_to_space(inputs, self.scale)

    def compute_output_shape(self, input_shape):
        """Return the shape of the larger image."""
        batch, height, width, channels = _image_shape(input_shape)
        if channels % self.scale**2:
            raise ValueError(
                f"Expected channels that {self.scale}² = {self.scale**2} divides, for "
                f"PixelShuffle(scale={self.scale}). "
                f"Received: an input of shape {tuple(input_shape)}"
            )
        sides = (None if side is None else self.scale * side for side in (height, width))
        return (batch, *sides, channels // self.scale**2)


@keras.saving.register_keras_serializable("keras_gan")
class PixelUnshuffle(_Shuffle):
    """Make a map with more channels from an image, `scale` times smaller: `PixelShuffle` undone.

    Formula, with r the scale and C the channels of the input:

    ```
    y[i, j, (dy r + dx) C + c] = x[i r + dy, j r + dx, c]
    ```

    Args:
        scale: r, how many times smaller the sides become, an integer of at least 2.
        name: the layer's name.

    Input shape:
        `(batch, height, width, channels)`, with sides that `scale` divides.

    Output shape:
        `(batch, height / scale, width / scale, scale * scale * channels)`.

    Raises:
        ValueError: when `scale` is no integer of at least 2, or does not divide the sides.

    Example:

    >>> keras_gan.layers.PixelUnshuffle(2)(keras.Input((8, 6, 3))).shape
    (None, 4, 3, 12)

    Reference:
        - [Wang et al., 2021](https://arxiv.org/abs/2107.10833), before the network for scale 2
    """

    def call(self, inputs):
        """Return the map."""
        self.compute_output_shape(inputs.shape)
        return tf.nn.space_to_depth(inputs, self.scale)

    def compute_output_shape(self, input_shape):
        """Return the shape of the map."""
        batch, height, width, channels = _image_shape(input_shape)
        if any(side is not None and side % self.scale for side in (height, width)):
            raise ValueError(
                f"Expected sides that {self.scale} divides, for PixelUnshuffle(scale={self.scale})."
                f" Received: an input of shape {tuple(input_shape)}"
            )
        sides = (None if side is None else side // self.scale for side in (height, width))
        return (batch, *sides, channels * self.scale**2)


def _image_shape(shape):
    if len(shape) != 4 or shape[-1] is None:
        raise ValueError(
            "Expected images of shape (batch, height, width, channels), with a fixed number of "
            f"channels. Received: an input of shape {tuple(shape)}"
        )
    return tuple(shape)
