"""Images on their way from a file to a network: one size, one range of values."""

import tensorflow as tf

from keras_gan.utils.arguments import shape, shown

# Decoded images up to this many bytes are kept in memory, where any sample is at hand: the
# shuffle is then over the whole dataset. Larger datasets are read as they are used.
MEMORY_LIMIT = 2 * 1024**3


def scale(images):
    """Map unsigned integer images linearly onto [-1, 1] as float32.

    Args:
        images: Tensor of dtype uint8 or uint16.

    Returns:
        Float32 tensor of the same shape; 0 becomes -1 and the dtype's maximum 1.
    """
    return tf.cast(images, tf.float32) / (images.dtype.max / 2) - 1.0


def on_images(function):
    """Return the function of a batch, `x` or `(x, label)`, that applies `function` to `x`."""

    def apply(batch):
        if isinstance(batch, tuple):
            return (function(batch[0]), *batch[1:])
        return function(batch)

    return apply


def resize(images, image_size):
    """Resize images with an antialiased bicubic filter, keeping their dtype and range.

    The aspect ratio is not kept: images are stretched to `image_size`.

    Args:
        images: Tensor of shape `(height, width, channels)` or `(n, height, width, channels)`, of
            an unsigned integer dtype, or float in [-1, 1].
        image_size: `(height, width)` in pixels.

    Returns:
        Tensor of the same rank and dtype.
    """
    resized = tf.image.resize(images, image_size, method="bicubic", antialias=True)
    # A bicubic filter overshoots at edges.
    if images.dtype.is_floating:
        return tf.clip_by_value(resized, -1.0, 1.0)
    return tf.saturate_cast(tf.round(resized), images.dtype)


def check_image_size(image_size):
    """Return `image_size` as `(height, width)` or None, or say what was expected."""
    if image_size is None:
        return None
    sides = shape("image_size", image_size)
    if len(sides) > 2:
        raise ValueError(
            "Expected `image_size` to be a whole number or a pair (height, width) of them, in "
            f"pixels. Received: image_size={shown(image_size)}"
        )
    return (sides * 2)[:2]


def fits_in_memory(count, image_shape, itemsize=1):
    """Return whether `count` decoded images of `image_shape` stay under the limit."""
    height, width, channels = image_shape
    return count * height * width * channels * itemsize < MEMORY_LIMIT
