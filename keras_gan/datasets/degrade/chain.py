"""The second-order degradation of Real-ESRGAN: photographs as they come from the net."""

import math
import typing

import tensorflow as tf

from keras_gan.datasets.degrade import kernels
from keras_gan.datasets.degrade import noise as noises
from keras_gan.datasets.degrade.checks import check_images
from keras_gan.datasets.degrade.compression import compressed, quantize
from keras_gan.utils.arguments import whole

# Chances of isotropic and anisotropic kernels: Gaussian, generalised, with a plateau.
_FORMS = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
_NUMBERS = 64  # More than a sample draws.
_RADII = (3, 11)  # Kernels of 7 x 7 to 21 x 21 pixels.
_RESIZERS = ("area", "bilinear", "bicubic")
_GRAY = 0.4
_QUALITY = (30.0, 95.0)


class _Round(typing.NamedTuple):
    """What differs between the first and the second round."""

    blurs: tuple  # Widths in pixels.
    chances: tuple  # Of a size that is larger, smaller, and as it was.
    factors: tuple  # Of the sides: the least and the most.
    levels: tuple  # Of Gaussian noise.
    scales: tuple  # Of photon noise.


_FIRST = _Round((0.2, 3.0), (0.2, 0.7, 0.1), (0.15, 1.5), (1.0, 30.0), (0.05, 3.0))
_SECOND = _Round((0.2, 1.5), (0.3, 0.4, 0.3), (0.3, 1.2), (1.0, 25.0), (0.05, 2.5))


@tf.autograph.experimental.do_not_convert
def real_esrgan(images, scale, seed):
    """Degrade images by the chain on which Real-ESRGAN is trained.

    Twice: a blur (Gaussian, generalised, with a plateau, or a low pass that rings), a resize,
    noise (Gaussian or of photons, in color or gray) and JPEG. Then the last size, with another
    ringing low pass before or after the last JPEG, and 8 bits. Every sample draws each of these
    by itself. Bicubic resizes have a = -1/2 here, where PyTorch's have -3/4; the paper's network
    also learns from sharpened targets.

    Args:
        images: Float32 tensor `(n, height, width, channels)` in [-1, 1], of 1 or 3 channels.
            Blurs are as wide as 21 pixels: it is made for images of 100 pixels and more.
        scale: By how much the result is smaller: 4 in the paper. 1 keeps the size.
        seed: Tensor of shape `(2,)`, int64, as `map` gives it.

    Returns:
        Float32 tensor `(n, height // scale, width // scale, channels)`.

    Raises:
        ValueError: If there are other channels, height or width are not known, or `scale` is
            larger than a side.

    Example:
    >>> x = tf.random.stateless_uniform((2, 64, 64, 3), [0, 0], -1, 1)
    >>> seed = tf.constant([0, 0], tf.int64)
    >>> keras_gan.datasets.degrade.real_esrgan(x, 4, seed).shape
    TensorShape([2, 16, 16, 3])

    Reference:
        Wang et al., [Real-ESRGAN: Training real-world blind super-resolution with pure synthetic
        data](https://arxiv.org/abs/2107.10833), 2021, section 3, and its published options.
    """
    images, scale = check_images(images, known=True), whole("scale", scale)
    height, width, channels = images.shape[1:]
    if channels not in (1, 3) or min(height, width) < scale:
        raise ValueError(
            f"Expected images of 1 or 3 channels, with sides of at least {scale} pixels. "
            f"Received: images of shape {images.shape}"
        )
    size = (height // scale, width // scale)
    return tf.map_fn(
        lambda pair: _degraded(_Draws(pair[1]), pair[0], size),
        (images, tf.random.split(seed, tf.shape(images)[0], alg="philox")),
        fn_output_signature=tf.TensorSpec((*size, channels), tf.float32),
    )


class _Draws:
    """The draws of one sample, all from its seed: numbers, one after the other, and two seeds."""

    def __init__(self, seed):
        first, *seeds = tf.unstack(tf.random.split(seed, 3, alg="philox"))
        # At once, as each operation takes time to trace.
        self._numbers = iter(
            tf.unstack(tf.random.stateless_uniform([_NUMBERS], first, alg="philox"))
        )
        self._seeds = iter(seeds)

    def seed(self):
        return next(self._seeds)

    def uniform(self, low=0.0, high=1.0):
        return low + next(self._numbers) * (high - low)

    def whole(self, low, high):
        """Return a whole number from `low` on, below `high`."""
        return tf.cast(self.uniform(low, high), tf.int32)

    def chance(self, probability):
        return self.uniform() < probability

    def choice(self, chances):
        """Return which of several, a scalar int tensor."""
        bounds = tf.cumsum(tf.constant(chances))[:-1]
        return tf.reduce_sum(tf.cast(self.uniform() >= bounds, tf.int32))


def _degraded(draws, image, size):
    channels = image.shape[-1]
    image = kernels.filtered(image, _blur(draws, _FIRST.blurs))
    image = _resized(draws, image, _sides(draws, _FIRST, tf.shape(image)[:2]))
    image = compressed(_noisy(draws, image, _FIRST), draws.uniform(*_QUALITY))

    blurred = kernels.filtered(image, _blur(draws, _SECOND.blurs))
    image = tf.where(draws.chance(0.8), blurred, image)
    image = _resized(draws, image, _sides(draws, _SECOND, tf.constant(size)))
    image = _noisy(draws, image, _SECOND)

    quality, mode = draws.uniform(*_QUALITY), draws.choice((1 / 3,) * 3)
    ringing = kernels.low_pass(draws.uniform(math.pi / 3, math.pi), draws.whole(*_RADII))
    is_ringing = draws.chance(0.8)

    def finished(image):
        image = _resized_by(mode, image, size)
        return tf.where(is_ringing, kernels.filtered(image, ringing), image)

    image = tf.cond(
        draws.chance(0.5),
        lambda: compressed(finished(image), quality),
        lambda: finished(compressed(image, quality)),
    )
    return tf.ensure_shape(quantize(image), (*size, channels))


def _blur(draws, sigmas):
    """Return a kernel of either kind: one that falls off, or, once in ten, one that rings."""
    radius = draws.whole(*_RADII)
    form = draws.choice(_FORMS)
    is_plateau, is_generalised, is_isotropic = form >= 4, form >= 2, form % 2 == 0
    x_sigma, y_sigma = draws.uniform(*sigmas), draws.uniform(*sigmas)
    y_sigma = tf.where(is_isotropic, x_sigma, y_sigma)
    # Half of the exponents lie below 1 and half above, but for plateaus: 1 is their least.
    is_low, below = draws.chance(0.5), draws.uniform(0.5, 1.0)
    generalised = tf.where(is_low, below, draws.uniform(1.0, 4.0))
    plateau = tf.where(is_low, 1.0, draws.uniform(1.0, 2.0))
    shape = tf.where(is_plateau, plateau, tf.where(is_generalised, generalised, 1.0))
    angle = draws.uniform(-math.pi, math.pi)
    falling = kernels.blurring(x_sigma, y_sigma, angle, shape, is_plateau, radius)
    lowest = tf.where(radius < 6, math.pi / 3, math.pi / 5)
    ringing = kernels.low_pass(lowest + draws.uniform() * (math.pi - lowest), radius)
    return tf.where(draws.chance(0.1), ringing, falling)


def _sides(draws, of, sides):
    """Return height and width, larger, smaller or as they are, at least one pixel."""
    least, most = of.factors
    larger, smaller = draws.uniform(1.0, most), draws.uniform(least, 1.0)
    factor = tf.gather(tf.stack([larger, smaller, 1.0]), draws.choice(of.chances))
    return tf.maximum(tf.cast(tf.cast(sides, tf.float32) * factor, tf.int32), 1)


def _resized(draws, image, size):
    return _resized_by(draws.choice((1 / 3,) * 3), image, size)


def _resized_by(mode, image, size):
    return tf.switch_case(
        mode, [lambda name=name: tf.image.resize(image, size, name) for name in _RESIZERS]
    )


def _noisy(draws, image, of):
    """Return an image with noise of either kind, clipped."""
    is_gray, seed = draws.chance(_GRAY), draws.seed()
    sigma, scale = draws.uniform(*of.levels), draws.uniform(*of.scales)
    added = tf.cond(
        draws.chance(0.5),
        lambda: noises.gaussian(image, sigma, is_gray, seed),
        lambda: noises.poisson(image, scale, is_gray, seed),
    )
    return tf.clip_by_value(image + added, -1.0, 1.0)
