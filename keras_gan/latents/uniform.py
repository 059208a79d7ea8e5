"""Uniform latents."""

import math

import keras
import tensorflow as tf

from keras_gan.latents.prior import GENERATOR, Prior
from keras_gan.utils import arguments


@keras.saving.register_keras_serializable("keras_gan")
class Uniform(Prior):
    """Uniform latents on [low, high).

    Args:
        size: the number of dimensions, or a shape.
        low: lower end.
        high: upper end, above `low`.

    Raises:
        ValueError: when `high` is not above `low`.
    """

    def __init__(self, size, low=-1.0, high=1.0):
        super().__init__(size)
        self.low = arguments.number("low", low, low=-math.inf)
        self.high = arguments.number("high", high, low=-math.inf, above=self.low)

    def draw(self, shape, seed, truncation=None):
        """Return uniform latents; there is nothing to truncate."""
        self.check_truncation(truncation)
        return tf.random.stateless_uniform(shape, seed, self.low, self.high, alg=GENERATOR)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "low": self.low, "high": self.high}
