"""What degradations ask of the images that they are given."""

import tensorflow as tf

from keras_gan.utils.arguments import number, shown


def check_images(images, known=False):
    """Return images as a tensor, or say what was expected.

    Args:
        images: What was given.
        known: Whether height and width have to be known.

    Raises:
        ValueError: If they are no float32 batch of images.
    """
    images = tf.convert_to_tensor(images)
    if images.dtype != tf.float32 or images.shape.rank != 4:
        raise ValueError(
            "Expected float32 images in [-1, 1], of shape (n, height, width, channels). "
            f"Received: {images.dtype.name} of shape {images.shape}"
        )
    if known and None in images.shape[1:3]:
        raise ValueError(
            "Expected images of known height and width: crop or resize them in the pipeline. "
            f"Received: images of shape {images.shape}"
        )
    return images


def check_range(name, value, least, most):
    """Return an argument as a pair of floats, of which a number alone is both.

    Args:
        name: What the argument is called.
        value: A number, or a pair of them, the lesser first.
        least: The least value allowed.
        most: The largest value allowed.

    Raises:
        ValueError: If one is out of range, or the first is larger.
    """
    low, high = value if isinstance(value, (tuple, list)) and len(value) == 2 else (value, value)
    low, high = number(name, low, least, most), number(name, high, least, most)
    if low > high:
        raise ValueError(f"Expected the lesser number first. Received: {name}={shown(value)}")
    return low, high


def drawn(bounds, count, seed):
    """Return a float32 number for each sample, uniform between bounds."""
    low, high = bounds
    if low == high:
        return tf.fill([count], tf.constant(low, tf.float32))
    return tf.random.stateless_uniform([count], seed, low, high, alg="philox")
