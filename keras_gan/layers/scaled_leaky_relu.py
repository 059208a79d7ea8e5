"""Leaky ReLU with a gain that keeps the scale of what passes."""

import math

import keras
from keras import ops

from keras_gan.utils import arguments


@keras.saving.register_keras_serializable("keras_gan")
class ScaledLeakyReLU(keras.layers.Layer):
    """Apply a leaky ReLU, times the square root of 2: features of unit scale stay near it.

    Formula:

    ```
    y = sqrt(2) max(x, negative_slope x)
    ```

    Of inputs of N(0, 1) the mean square of the outputs is `1 + negative_slope²`, 1.04 by default.
    StyleGAN2 has it behind every layer but the last, so that no initialization needs a factor for
    the activation.

    Args:
        negative_slope: from 0 to 1.
        name: the layer's name.

    Raises:
        ValueError: when `negative_slope` is out of range.
        TypeError: when it is no number.

    Example:

    >>> keras.ops.convert_to_numpy(keras_gan.layers.ScaledLeakyReLU()(np.array([-5.0, 1.0])))
    array([-1.4142135,  1.4142135], dtype=float32)

    Reference:
        - [Karras et al., 2020](https://arxiv.org/abs/1912.04958), whose code has this gain
    """

    def __init__(self, negative_slope=0.2, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.negative_slope = arguments.number("negative_slope", negative_slope, high=1)

    def call(self, inputs):
        """Return the activations."""
        # Scaled first, which is the same: TensorFlow's graph optimizer tries to fuse a convolution,
        # its bias and a leaky ReLU, fails in training and prints so.
        return ops.leaky_relu(inputs * math.sqrt(2), self.negative_slope)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "negative_slope": self.negative_slope}
