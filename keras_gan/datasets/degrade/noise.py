"""Noise: Gaussian, and of photons, in color or in gray."""

import tensorflow as tf

from keras_gan.datasets.degrade.checks import check_images, check_range, drawn
from keras_gan.datasets.degrade.compression import to_bytes


@tf.autograph.experimental.do_not_convert
def noise(images, sigma, seed):
    """Add white Gaussian noise.

    It is neither clipped nor rounded, as in the benchmarks of denoising; `quantize` does both, as
    a file of a noisy image has it.

    Args:
        images: Float32 tensor `(n, height, width, channels)` in [-1, 1].
        sigma: Standard deviation in levels of 255: 15, 25 and 50 in the benchmarks; or a pair of
            numbers between which each sample draws its own.
        seed: Tensor of shape `(2,)`, int64, as `map` gives it.

    Returns:
        Float32 tensor of the same shape.

    Raises:
        ValueError: If `sigma` is negative or infinite.

    Example:
    >>> x = tf.zeros((4, 64, 64, 1))
    >>> noisy = keras_gan.datasets.degrade.noise(x, 25, seed=tf.constant([0, 0], tf.int64))
    >>> bool(abs(tf.math.reduce_std(noisy) * 127.5 - 25) < 1)
    True
    """
    images, bounds = check_images(images), check_range("sigma", sigma, 0, 1e6)
    seeds = tf.random.split(seed, 2, alg="philox")
    sigmas = drawn(bounds, tf.shape(images)[0], seeds[0])[:, None, None, None]
    white = tf.random.stateless_normal(tf.shape(images), seeds[1], alg="philox")
    return images + white * sigmas / 127.5


def gaussian(image, sigma, is_gray, seed):
    """Return the noise of one image in [-1, 1], the same in all channels where it is gray.

    Args:
        image: Float32 tensor `(height, width, channels)`.
        sigma: Scalar tensor, in levels of 255.
        is_gray: Scalar bool tensor.
        seed: Tensor of shape `(2,)`.
    """
    white = tf.random.stateless_normal(tf.shape(image), seed, alg="philox")
    return tf.where(is_gray, white[..., :1], white) * sigma / 127.5


def poisson(image, scale, is_gray, seed):
    """Return the noise of photon counts in one image in [-1, 1], times a scale.

    As many photons make white as the image has levels, to the next power of two.

    Args:
        image: Float32 tensor `(height, width, channels)`, of 1 or 3 channels.
        scale: Scalar tensor, of what the counts deviate by.
        is_gray: Scalar bool tensor: whether the luminance is counted, not each channel.
        seed: Tensor of shape `(2,)`.
    """
    luminance = tf.image.rgb_to_grayscale(image) if image.shape[-1] == 3 else image
    counted = tf.where(is_gray, luminance, image)
    levels = to_bytes(counted)
    unique = tf.cast(tf.size(tf.unique(tf.reshape(levels, [-1]))[0]), tf.float32)
    white = 2.0 ** tf.math.ceil(tf.math.log(unique) / tf.math.log(2.0) - 1e-6)
    expected = tf.cast(levels, tf.float32) / 255.0
    counts = tf.random.stateless_poisson(tf.shape(expected), seed, expected * white, tf.float32)
    deviation = counts / white - expected
    # Broadcast, luminance counts as many draws as it has channels: one of them stands for all.
    return tf.where(is_gray, deviation[..., :1], deviation) * scale * 2.0
