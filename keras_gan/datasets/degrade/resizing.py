"""Resizing as MATLAB's `imresize` does it, by which super-resolution is measured."""

import math

import numpy as np
import tensorflow as tf

from keras_gan.datasets.degrade.checks import check_images
from keras_gan.datasets.degrade.compression import quantize
from keras_gan.datasets.images import check_image_size
from keras_gan.utils.arguments import choice, shown, whole


@tf.autograph.experimental.do_not_convert
def bicubic(images, scale):
    """Make images smaller by a whole number, as the benchmarks of super-resolution do.

    The bicubic filter of MATLAB's `imresize` (a = -1/2, as wide as the step between its outputs),
    rounded to 8 bits. `tf.image.resize` without `antialias=True` and OpenCV make another task.

    Args:
        images: Float32 tensor `(n, height, width, channels)` in [-1, 1].
        scale: By how much: 2, 3, 4, ...

    Returns:
        Float32 tensor `(n, height / scale, width / scale, channels)`, of the 256 values that a
        byte stands for.

    Raises:
        ValueError: If a side is no multiple of `scale`: the benchmarks crop it to one.

    Example:
    >>> x = tf.reshape(tf.linspace(-1.0, 1.0, 64), (1, 8, 8, 1))
    >>> keras_gan.datasets.degrade.bicubic(x, 4).shape
    TensorShape([1, 2, 2, 1])

    Reference:
        Keys, [Cubic convolution interpolation for digital image processing](
        https://doi.org/10.1109/TASSP.1981.1163711), 1981.
    """
    images, scale = check_images(images, known=True), whole("scale", scale)
    height, width = images.shape[1:3]
    if height % scale or width % scale:
        fitting = f"{height - height % scale} x {width - width % scale}"
        raise ValueError(
            f"Expected images whose sides are multiples of {scale}. Crop them to {fitting} (height "
            f"x width), as the benchmarks do. Received: images of shape {images.shape}"
        )
    return quantize(resize(images, (height // scale, width // scale)))


@tf.autograph.experimental.do_not_convert
def upsample(images, scale, method="bicubic"):
    """Make images larger by a whole number: the baselines of super-resolution.

    As MATLAB's `imresize`, and Pillow away from the borders, rounded to 8 bits.

    Args:
        images: Float32 tensor `(n, height, width, channels)` in [-1, 1].
        scale: By how much: 2, 3, 4, ...
        method: "nearest", "bilinear", "bicubic" or "lanczos" (of three lobes).

    Returns:
        Float32 tensor `(n, height * scale, width * scale, channels)`.

    Raises:
        ValueError: If there is no such method.

    Example:
    >>> x = tf.reshape(tf.linspace(-1.0, 1.0, 64), (1, 8, 8, 1))
    >>> keras_gan.datasets.degrade.upsample(x, 4, "lanczos").shape
    TensorShape([1, 32, 32, 1])
    """
    images, scale = check_images(images, known=True), whole("scale", scale)
    height, width = images.shape[1:3]
    return quantize(resize(images, (height * scale, width * scale), method))


@tf.autograph.experimental.do_not_convert
def resize(images, image_size, method="bicubic"):
    """Resize images as MATLAB's `imresize` does, without rounding.

    The filter is as wide as the step between outputs where images become smaller; beyond the
    border the image is its mirror. Values may overshoot [-1, 1].

    Args:
        images: Float32 tensor `(n, height, width, channels)`.
        image_size: Side, or `(height, width)`, in pixels.
        method: "nearest", "bilinear", "bicubic" or "lanczos".

    Returns:
        Float32 tensor `(n, *image_size, channels)`.

    Raises:
        ValueError: If there is no such method, or a size is not positive.

    Example:
    >>> keras_gan.datasets.degrade.resize(tf.zeros((1, 8, 8, 1)), (3, 5)).shape
    TensorShape([1, 3, 5, 1])
    """
    images = check_images(images, known=True)
    size = check_image_size(image_size)
    if size is None:
        raise ValueError(f"Expected a size. Received: image_size={shown(image_size)}")
    choice("method", method, KERNELS)
    rows, columns = (
        tf.constant(matrix(old, new, method), images.dtype)
        for old, new in zip(images.shape[1:3], size, strict=True)
    )
    return tf.einsum("ih,nhwc,jw->nijc", rows, images, columns)


def matrix(old, new, method):
    """Return the float64 matrix, `(new, old)`, that resizes a line of pixels."""
    kernel, width = KERNELS[method]
    step = max(old / new, 1.0) if method != "nearest" else 1.0
    taps = math.ceil(width * step) + 2
    centers = (np.arange(new) + 0.5) * old / new - 0.5
    index = np.floor(centers - width * step / 2).astype(int)[:, None] + np.arange(taps)
    weights = kernel((centers[:, None] - index) / step)
    weights /= weights.sum(axis=1, keepdims=True)
    mirrored = index % (2 * old)
    mirrored = np.minimum(mirrored, 2 * old - 1 - mirrored)
    result = np.zeros((new, old))
    np.add.at(result, (np.arange(new)[:, None], mirrored), weights)
    return result


def _box(x):
    return ((x >= -0.5) & (x < 0.5)).astype("float64")


def _triangle(x):
    return np.maximum(1 - np.abs(x), 0)


def _cubic(x):
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0))


def _lanczos(x):
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


# Each with its width.
KERNELS = {
    "nearest": (_box, 1),
    "bilinear": (_triangle, 2),
    "bicubic": (_cubic, 4),
    "lanczos": (_lanczos, 6),
}
