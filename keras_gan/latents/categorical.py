"""Categorical latents, one-hot."""

import keras
import tensorflow as tf

from keras_gan.latents.prior import GENERATOR, Prior, over
from keras_gan.utils import arguments


@keras.saving.register_keras_serializable("keras_gan")
class Categorical(Prior):
    """One of several categories, each as likely, as a one-hot vector.

    Codes cannot be interpolated: on the way from one to another they switch at the middle.

    Args:
        size: the number of categories; or a shape whose last side is that number, for several
            codes, each of its own.

    Raises:
        ValueError: when there are fewer than two categories.

    Example:

    >>> prior = keras_gan.latents.Categorical(10)
    >>> prior.sample(tf.constant([0, 1], tf.int64)).shape
    TensorShape([2, 10])

    Reference:
        - [Chen et al., 2016](https://arxiv.org/abs/1606.03657), codes of InfoGAN
    """

    def __init__(self, size):
        super().__init__(size)
        arguments.whole("size", self.shape[-1], least=2)

    continuous = False

    def draw(self, shape, seed, truncation=None):
        """Return one-hot codes; there is nothing to truncate."""
        self.check_truncation(truncation)
        categories = shape[-1]
        codes = tf.random.stateless_uniform(
            shape[:-1], seed, maxval=categories, dtype=tf.int32, alg=GENERATOR
        )
        return tf.one_hot(codes, categories)

    def interpolate(self, start, end, position):
        """Return the codes of the start before the middle, those of the end from there on."""
        return tf.where(over(position, start) < 0.5, start, end)
