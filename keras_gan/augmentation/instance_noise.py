"""Instance noise on real and generated samples, so that their distributions overlap."""

import keras
from keras import ops

from keras_gan import schedules
from keras_gan.augmentation.augmentation import Augmentation
from keras_gan.utils import arguments


@keras.saving.register_keras_serializable("keras_gan")
class InstanceNoise(Augmentation):
    """Add normal noise to real and generated samples alike, as a rule less and less of it.

    Data of few dimensions in a space of many can be told from anything else perfectly, and a
    perfect discriminator teaches nothing. With noise both distributions fill the space and
    overlap.

    Formula:

    ```
    x <- x + sigma_t n,    sigma_t = sigma * schedule(t),    n ~ N(0, I)
    ```

    t counts training steps from 0. Samples of any rank. The log shows sigma_t, of the step that
    comes next, as `noise_sigma`.

    Args:
        sigma: standard deviation, at least 0, in units of the samples.
        schedule: factor of sigma over training steps, such as
            `keras_gan.schedules.Linear(1, 0, end=10_000)`: any
            `keras.optimizers.schedules.LearningRateSchedule` whose values are at least 0.
            `None` keeps sigma as it is.

    Attributes:
        current: sigma_t, a weight that no optimizer trains.

    Raises:
        ValueError: when `sigma` is negative or not finite, or `schedule` goes below 0.
        TypeError: when `sigma` is no number, or `schedule` no schedule.

    Example:

    ```python
    noise = keras_gan.augmentation.InstanceNoise(
        sigma=0.1, schedule=keras_gan.schedules.Linear(1.0, 0.0, end=10_000)
    )
    model.compile("non_saturating", augmentation=noise)
    ```

    Reference:
        - [Sønderby et al., 2017](https://arxiv.org/abs/1610.04490)
        - [Arjovsky & Bottou, 2017](https://arxiv.org/abs/1701.04862), Section 3
    """

    log_names = ("noise_sigma",)

    def __init__(self, sigma=0.1, schedule=None, **kwargs):
        super().__init__(**kwargs)
        self.sigma = arguments.number("sigma", sigma)
        self.schedule = schedules.get(schedule)
        self.generator = keras.random.SeedGenerator()
        start = keras.initializers.Constant(float(self._at(0)))
        self.current = self.add_weight((), start, dtype="float32", trainable=False, name="current")

    def _at(self, count):
        """Return sigma_t of a training step."""
        if self.schedule is None:
            return self.sigma
        return self.sigma * ops.cast(self.schedule(count), "float32")

    def call(self, samples, training=True):
        """Return the samples with noise, in their shape and dtype."""
        if not training:
            return samples
        dtype = "float64" if samples.dtype == "float64" else "float32"
        noise = keras.random.normal(ops.shape(samples), dtype=dtype, seed=self.generator)
        noise *= ops.cast(self.current, dtype)
        return ops.cast(ops.cast(samples, dtype) + noise, samples.dtype)

    def together(self, samples, conditions):
        """Return the parts of samples, those of floating point with noise; conditions stay."""
        return [self(part) if part.dtype.is_floating else part for part in samples], conditions

    def attach(self, model):
        """Go on from the training steps that the model has behind it."""
        self.current.assign(self._at(model.steps))

    def after_update(self, player, step):
        """Take the next step's sigma, after the last forward of this one."""
        if player == "generator" and self.schedule is not None:
            self.current.assign(self._at(step.count + 1))

    def logs(self):
        """Return the next step's sigma."""
        return {"noise_sigma": self.current}

    def get_config(self):
        """Return the constructor's arguments."""
        schedule = self.schedule and keras.optimizers.schedules.serialize(self.schedule)
        return {**super().get_config(), "sigma": self.sigma, "schedule": schedule}
