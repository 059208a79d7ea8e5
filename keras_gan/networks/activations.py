"""Activations behind convolutions with biases, in forms that TensorFlow's graph optimizer can fuse.

On CPUs it tries to fuse a convolution, its bias, what is added to it and a ReLU or leaky ReLU.
Where gradients need the sum itself it fails, prints so, and leaves the whole graph as it is.
"""

import keras
import tensorflow as tf
from keras import ops


def relu(x):
    """Return max(x, 0) of a sum of two branches, which the optimizer leaves alone."""
    return ops.maximum(x, 0.0)


@keras.saving.register_keras_serializable("keras_gan")
class LeakyReLU(keras.layers.LeakyReLU):
    """A leaky ReLU whose gradient needs its output alone, which has the sign of its input.

    Args:
        negative_slope: above 0.
    """

    def call(self, inputs):
        """Return the activations."""
        return _leaky_relu(inputs, self.negative_slope)


def _leaky_relu(x, slope):
    @tf.custom_gradient
    def activated(x):
        y = tf.nn.leaky_relu(x, slope)
        return y, lambda dy: tf.raw_ops.LeakyReluGrad(gradients=dy, features=y, alpha=slope)

    return activated(x)
