"""Random shifts of series within a discriminator of sound."""

import keras
from keras import ops

from keras_gan.utils import arguments


@keras.saving.register_keras_serializable("keras_gan")
class PhaseShuffle(keras.layers.Layer):
    """Shift series by a few steps, at random, in training.

    Transposed convolutions leave artifacts of a fixed phase, a pitched noise. A discriminator could
    tell generated sound by this phase alone; behind random shifts it is of no use. At each forward
    in training one shift from -radius to radius is drawn, all as likely, for the whole batch. What
    a shift leaves empty is filled by reflection at the end. At inference nothing is shifted.

    Args:
        radius: the largest shift, in steps; 2 in the paper. With 0 there is none.
        name: the layer's name.

    Input shape:
        `(batch, steps, channels)`, of more than `radius` steps.

    Output shape:
        That of the input.

    Raises:
        ValueError: when `radius` is no whole number of at least 0, or the input is no series of
            more steps.

    Example:

    >>> features = keras.Input((1024, 128))
    >>> keras_gan.layers.PhaseShuffle(radius=2)(features).shape
    (None, 1024, 128)

    Reference:
        - [Donahue et al., 2019](https://arxiv.org/abs/1802.04208), Section 3.3; one shift for a
          whole batch is its code's
    """

    def __init__(self, radius=2, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.radius = arguments.whole("radius", radius, least=0)
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, inputs, training=False):
        """Return the inputs, shifted in training."""
        self.compute_output_shape(inputs.shape)
        if not training or not self.radius:
            return inputs
        start = keras.random.randint((), 0, 2 * self.radius + 1, seed=self.seed_generator)
        margin = (self.radius, self.radius)
        padded = ops.pad(inputs, ((0, 0), margin, (0, 0)), mode="reflect")
        return ops.slice(padded, ops.stack([0, start, 0]), ops.shape(inputs))

    def compute_output_shape(self, input_shape):
        """Return the shape of the inputs."""
        shape = tuple(input_shape)
        if len(shape) != 3 or (shape[1] is not None and shape[1] <= self.radius):
            raise ValueError(
                f"Expected series of shape (batch, steps, channels), of more than {self.radius} "
                f"steps. Received: inputs of shape {shape}"
            )
        return shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "radius": self.radius}
