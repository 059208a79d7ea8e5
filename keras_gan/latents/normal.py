"""Normal latents, truncated or not."""

import keras
import tensorflow as tf

from keras_gan.latents.prior import GENERATOR, Prior, over
from keras_gan.utils import arguments


@keras.saving.register_keras_serializable("keras_gan")
class Normal(Prior):
    """Standard normal latents.

    `truncation=t` draws from the normal distribution restricted to [-t, t] (the truncation
    trick).

    Args:
        size: the number of dimensions, or a shape.

    Example:

    >>> prior = keras_gan.latents.Normal(64)
    >>> prior.sample(tf.constant([0, 1], tf.int64)).shape
    TensorShape([2, 64])

    Reference:
        - [Brock et al., 2019](https://arxiv.org/abs/1809.11096), Section 3.1 (truncation)
    """

    truncates = True

    def draw(self, shape, seed, truncation=None):
        """Return normal latents, restricted to [-truncation, truncation] if given."""
        free = tf.random.stateless_normal(shape, seed, alg=GENERATOR)
        if truncation is None:
            return free
        # Another draw, as its distribution is inverted: infinity stands for no truncation at all.
        bound = _truncated_normal(shape, seed, truncation)
        return tf.where(tf.math.is_inf(tf.cast(truncation, tf.float32)), free, bound)

    def interpolate(self, start, end, position):
        """Return latents on the arc between two, at the norm that normal ones have; see `Prior`."""
        return _spherical(start, end, position)


@keras.saving.register_keras_serializable("keras_gan")
class TruncatedNormal(Prior):
    """Normal latents restricted to [-threshold, threshold], in training too.

    `truncation=t` restricts them to the smaller of `t` and the threshold.

    Args:
        size: the number of dimensions, or a shape.
        threshold: positive, in standard deviations of the untruncated normal.

    Raises:
        ValueError: when `threshold` is not positive and finite.
    """

    truncates = True

    def __init__(self, size, threshold=2.0):
        super().__init__(size)
        self.threshold = arguments.number("threshold", threshold, above=0)

    def draw(self, shape, seed, truncation=None):
        """Return normal latents within the threshold, or within `truncation` if smaller."""
        bound = self.threshold if truncation is None else tf.minimum(self.threshold, truncation)
        return _truncated_normal(shape, seed, bound)

    def interpolate(self, start, end, position):
        """Return latents on the arc between two, as for `Normal`; some may pass the threshold."""
        return _spherical(start, end, position)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "threshold": self.threshold}


def _truncated_normal(shape, seed, bound):
    """Invert the distribution function: exact, one draw per value, and XLA can compile it."""
    bound = tf.cast(bound, tf.float64)
    uniform = tf.random.stateless_uniform(shape, seed, dtype=tf.float64, alg=GENERATOR)
    tail = 0.5 * tf.math.erfc(bound / tf.sqrt(tf.constant(2.0, tf.float64)))
    normal = tf.math.ndtri(tail + uniform * (1 - 2 * tail))
    return tf.cast(tf.clip_by_value(normal, -bound, bound), tf.float32)


def _spherical(start, end, position):
    """Interpolate on the arc between two latents (White, 2016, https://arxiv.org/abs/1609.04468).

    A line between two normal latents passes nearer to the origin than any that were trained on.
    """
    axes = list(range(1, len(start.shape)))
    position = over(position, start)

    def dot(one, other):
        return tf.reduce_sum(one * other, axes, keepdims=True)

    length = tf.sqrt(dot(start, start) * dot(end, end))
    cosine = tf.math.divide_no_nan(dot(start, end), length)
    angle = tf.acos(tf.clip_by_value(cosine, -1.0, 1.0))
    sine = tf.sin(angle)
    # Of one direction, or of opposite ones, no arc is told from others: the line then.
    flat = (sine < 1e-4) | (length == 0)
    sine = tf.where(flat, 1.0, sine)
    before = tf.where(flat, 1 - position, tf.sin((1 - position) * angle) / sine)
    after = tf.where(flat, position, tf.sin(position * angle) / sine)
    return before * start + after * end
