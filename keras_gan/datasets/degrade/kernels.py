"""Blur kernels: Gaussians, generalised and with a plateau, and the ringing of a sharp low pass."""

import math

import tensorflow as tf

RADIUS = 10  # Of the grid, in pixels: 21 x 21.


def blurring(x_sigma, y_sigma, angle, shape, plateau, radius):
    """Return a blur kernel that falls off with distance, on a grid of 21 x 21 pixels.

    With q the squared distance in units of the widths, it is proportional to
    `exp(-q**shape / 2)`, a Gaussian for `shape` 1, or to `1 / (1 + q**shape)`.

    Args:
        x_sigma: Scalar tensor, the width along the first axis of the ellipse, in pixels.
        y_sigma: Scalar tensor, the width along the second.
        angle: Scalar tensor, by how much the ellipse is turned, in radians.
        shape: Scalar tensor, the exponent.
        plateau: Scalar bool tensor, which of the two forms.
        radius: Scalar int tensor; beyond it, along either axis, the kernel is 0.

    Returns:
        Float32 tensor `(21, 21)` of sum 1.
    """
    x, y = _grid()
    along = (tf.cos(angle) * x + tf.sin(angle) * y) / x_sigma
    across = (tf.cos(angle) * y - tf.sin(angle) * x) / y_sigma
    distance = (along**2 + across**2) ** shape
    values = tf.where(plateau, 1.0 / (1.0 + distance), tf.exp(-0.5 * distance))
    return _normalized(values, radius)


def low_pass(cutoff, radius):
    """Return the kernel of a circular low pass, on a grid of 21 x 21 pixels: it rings.

    Args:
        cutoff: Scalar tensor, the frequency above which nothing passes, at most pi.
        radius: Scalar int tensor; beyond it, along either axis, the kernel is 0.

    Returns:
        Float32 tensor `(21, 21)` of sum 1.
    """
    x, y = _grid()
    distance = tf.sqrt(x**2 + y**2)
    apart = tf.maximum(distance, 1.0)
    values = cutoff * tf.math.special.bessel_j1(cutoff * apart) / (2 * math.pi * apart)
    values = tf.where(distance > 0, values, cutoff**2 / (4 * math.pi))
    return _normalized(values, radius)


def filtered(image, kernel):
    """Return one image under a kernel of `(21, 21)`; beyond the border it is its mirror."""
    height, width = tf.shape(image)[0], tf.shape(image)[1]
    padded = tf.gather(tf.gather(image, _reflected(height)), _reflected(width), axis=1)
    # Channels as batch: one filter serves all of them.
    planes = tf.transpose(padded, [2, 0, 1])[..., None]
    result = tf.nn.conv2d(planes, kernel[..., None, None], 1, "VALID")
    return tf.ensure_shape(tf.transpose(result[..., 0], [1, 2, 0]), image.shape)


def _reflected(side):
    """Return the indices of a line and of its mirror images around it, at any length of line."""
    period = tf.maximum(2 * (side - 1), 1)
    index = tf.range(-RADIUS, side + RADIUS) % period
    return tf.minimum(index, period - index) % side


def _grid():
    line = tf.range(-RADIUS, RADIUS + 1, dtype=tf.float32)
    return line[None, :], line[:, None]


def _normalized(values, radius):
    x, y = _grid()
    inside = tf.maximum(tf.abs(x), tf.abs(y)) <= tf.cast(radius, tf.float32)
    values = tf.where(inside, values, 0.0)
    return values / tf.reduce_sum(values)
