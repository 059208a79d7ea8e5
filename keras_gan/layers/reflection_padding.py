"""Reflection padding: borders that continue an image instead of ending it in black."""

import keras
from keras import ops

from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown


@keras.saving.register_keras_serializable("keras_gan")
class ReflectionPadding2D(keras.layers.Layer):
    """Pad images with their own pixels, mirrored at the border, which itself is not repeated.

    A row `a b c d` becomes `c b a b c d c b` with a padding of 2. Zeros at the border, which are
    what convolutions pad with, show in the borders of translated images.

    Args:
        padding: pixels on each side: an integer, a pair `(vertical, horizontal)`, or
            `((top, bottom), (left, right))`.
        name: the layer's name.

    Input shape:
        `(batch, height, width, channels)`, with sides longer than what is padded there.

    Output shape:
        `(batch, top + height + bottom, left + width + right, channels)`.

    Raises:
        ValueError: when `padding` is none of these, the input is no batch of images, or a side is
            too small. A side that is known only when images come is refused then, by TensorFlow.

    Example:

    >>> row = keras_gan.layers.ReflectionPadding2D((0, 1))(np.array([[[[1.0], [2.0], [3.0]]]]))
    >>> keras.ops.convert_to_numpy(row).ravel()
    array([2., 1., 2., 3., 2.], dtype=float32)

    Reference:
        - [Zhu et al., 2017](https://arxiv.org/abs/1703.10593), Appendix 7.2
    """

    def __init__(self, padding=1, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.padding = _margins(padding)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs):
        """Return the padded images."""
        self.compute_output_shape(inputs.shape)
        return ops.pad(inputs, ((0, 0), *self.padding, (0, 0)), mode="reflect")

    def compute_output_shape(self, input_shape):
        """Return the shape of the padded images."""
        batch, *sides, channels = input_shape
        for side, margin in zip(sides, self.padding, strict=True):
            if side is not None and side <= max(margin):
                raise ValueError(
                    "Expected sides longer than their reflection padding, "
                    f"{self.padding} pixels at ((top, bottom), (left, right)). "
                    f"Received: an input of shape {tuple(input_shape)}"
                )
        padded = (
            None if side is None else side + sum(margin)
            for side, margin in zip(sides, self.padding, strict=True)
        )
        return (batch, *padded, channels)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "padding": self.padding}


def _margins(padding):
    """Return `((top, bottom), (left, right))`."""
    both = padding if isinstance(padding, (tuple, list)) else (padding, padding)
    margins = [side if isinstance(side, (tuple, list)) else (side, side) for side in both]
    if len(margins) != 2 or any(len(margin) != 2 for margin in margins):
        raise ValueError(
            "Expected `padding` to be a whole number, a pair of them, or a pair of pairs. "
            f"Received: padding={shown(padding)}"
        )
    return tuple(
        tuple(arguments.whole("padding", size, least=0) for size in margin) for margin in margins
    )
