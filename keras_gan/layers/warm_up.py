"""A factor that follows training, within a network: a warm-up of its condition."""

import keras
from keras import ops

from keras_gan import schedules
from keras_gan.utils.arguments import shown


@keras.saving.register_keras_serializable("keras_gan")
class WarmUp(keras.layers.Layer):
    """Multiply by a schedule's value at each update of the network that holds the layer.

    Formula, n being the number of updates of the network before this one:

    ```
    y = s(n) x
    ```

    Behind the learned vector of a label, `Linear(0, 1, start=..., end=...)` lets a network begin
    without classes, and brings them in when it has learned what all of them share. Where classes
    have few images each, a conditional network collapses to one image a class where one without
    classes does not. Put it into both networks, and before a discriminator's projection, so that
    its unconditional score is there from the start; give a term such as `AuxiliaryClassifier` the
    same `schedule=`.

    The number of updates is a weight that no optimizer trains. In a `keras_gan.GAN` the training
    step counts; with `discriminator_steps=k` a discriminator has k updates to a step. In a loop of
    your own, call `before_update()`. Samples are made with the factor of the last update.

    Args:
        schedule: one of `keras_gan.schedules`, or any
            `keras.optimizers.schedules.LearningRateSchedule`.

    Raises:
        TypeError: when it is no schedule.
        ValueError: when it goes below 0.

    Example:

    >>> label = keras.Input((), dtype="int32")
    >>> vector = keras.layers.Embedding(10, 64)(label)
    >>> ramp = keras_gan.schedules.Linear(0, 1, start=2_000, end=4_000)
    >>> keras_gan.layers.WarmUp(ramp)(vector).shape
    (None, 64)

    Reference:
        - [Shahbazi et al., 2022](https://arxiv.org/abs/2201.06578), Section 4
    """

    def __init__(self, schedule, **kwargs):
        super().__init__(**kwargs)
        self.schedule = schedules.get(schedule)
        if self.schedule is None:
            raise TypeError(
                "Expected a schedule, such as `keras_gan.schedules.Linear(0, 1, end=10_000)`. "
                f"Received: schedule={shown(schedule)}"
            )

    def build(self, input_shape):
        """Create the number of updates."""
        # Of all replicas alike; an average of the network copies whole numbers as they are.
        self.updates = self.add_weight(
            (),
            "zeros",
            dtype="int64",
            trainable=False,
            aggregation="only_first_replica",
            name="updates",
        )

    def before_update(self):
        """Count an update of the network that holds the layer."""
        if self.built:
            self.updates.assign(ops.convert_to_tensor(self.updates) + 1)

    def call(self, inputs):
        """Return the inputs times the schedule's value."""
        before = ops.maximum(ops.convert_to_tensor(self.updates) - 1, 0)
        return inputs * ops.cast(self.schedule(before), inputs.dtype)

    def compute_output_shape(self, input_shape):
        """Return the shape of the inputs."""
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {**super().get_config(), "schedule": schedule}
