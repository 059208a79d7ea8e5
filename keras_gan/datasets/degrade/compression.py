"""JPEG compression, and the rounding to 8 bits that every image file has."""

import tensorflow as tf

from keras_gan.datasets.degrade.checks import check_images, check_range, drawn


def quantize(images):
    """Round images to the 256 values that a byte stands for.

    Args:
        images: Float32 tensor in [-1, 1]; what lies beyond is clipped.

    Returns:
        Float32 tensor of the same shape.

    Example:
    >>> keras_gan.datasets.degrade.quantize(tf.constant([-1.5, 0.5])).numpy().tolist()
    [-1.0, 0.49803924560546875]
    """
    return tf.cast(to_bytes(images), tf.float32) / 127.5 - 1.0


def to_bytes(images):
    """Return images in [-1, 1] as uint8."""
    # Halves go up, as MATLAB rounds them; `tf.round` takes the even neighbour.
    return tf.saturate_cast(tf.floor((images + 1.0) * 127.5 + 0.5), tf.uint8)


@tf.autograph.experimental.do_not_convert
def jpeg(images, quality, seed=None):
    """Compress images as JPEG files, and decode them again.

    Args:
        images: Float32 tensor `(n, height, width, channels)` in [-1, 1], of 1 or 3 channels.
        quality: Number from 1 to 100, or a pair of them between which each sample draws its own.
        seed: Tensor of shape `(2,)`, int64, as `map` gives it. Needed for a pair.

    Returns:
        Float32 tensor of the same shape.

    Raises:
        ValueError: If a quality is out of range, there are other channels, or a pair comes without
            `seed`.

    Example:
    >>> x = tf.reshape(tf.linspace(-1.0, 1.0, 256), (1, 16, 16, 1))
    >>> keras_gan.datasets.degrade.jpeg(x, 30).shape
    TensorShape([1, 16, 16, 1])
    """
    images, bounds = check_images(images), check_range("quality", quality, 1, 100)
    if images.shape[-1] not in (1, 3):
        raise ValueError(
            "Expected images of 1 or 3 channels, as JPEG knows them. "
            f"Received: images of shape {images.shape}"
        )
    if seed is None and bounds[0] != bounds[1]:
        raise ValueError(
            "Expected a `seed` to draw each sample's quality from, such as `datasets.map` gives. "
            f"Received: quality={quality} and seed=None"
        )
    qualities = drawn(bounds, tf.shape(images)[0], seed)
    return tf.map_fn(
        lambda pair: compressed(*pair), (images, qualities), fn_output_signature=images.dtype
    )


def compressed(image, quality):
    """Return one image, compressed at a quality that is a tensor."""
    encoded = tf.raw_ops.EncodeJpegVariableQuality(
        images=to_bytes(image), quality=tf.cast(tf.round(quality), tf.int32)
    )
    decoded = tf.io.decode_jpeg(encoded, dct_method="INTEGER_ACCURATE")
    return tf.ensure_shape(tf.cast(decoded, tf.float32) / 127.5 - 1.0, image.shape)
