"""Schedules: numbers that follow the course of training, and an Adam that takes two of them."""

import math

import keras
from keras import ops

from keras_gan.utils import arguments, registry
from keras_gan.utils.arguments import shown

__all__ = ["Cosine", "Linear", "LogCosine", "Schedule", "ScheduledAdam", "at", "get", "weight"]

Schedule = keras.optimizers.schedules.LearningRateSchedule


def get(schedule, name="schedule"):
    """Return the schedule of a strength, from an instance or a config, or `None`.

    Args:
        schedule: a `keras.optimizers.schedules.LearningRateSchedule`, its serialized config, or
            `None` for a constant strength.
        name: what the argument is called.

    Raises:
        ValueError: for one of this module that goes below 0.
        TypeError: for anything else.
    """
    schedule = registry.from_config(schedule, name, keras.optimizers.schedules.deserialize)
    if not isinstance(schedule, Schedule | None):
        raise TypeError(
            f"Expected `{name}` to be None or a Keras LearningRateSchedule, such as "
            f"`keras_gan.schedules.Linear(1, 0, end=10_000)`. Received: {name}={shown(schedule)}"
        )
    if isinstance(schedule, _Anneal) and min(schedule.initial, schedule.final) < 0:
        raise ValueError(
            f"Expected `{name}` to stay at 0 or above: it multiplies a strength. Received: "
            f"initial={schedule.initial}, final={schedule.final}"
        )
    return schedule


def weight(name, value):
    """Return a weight that may follow training: a number, or a schedule.

    Args:
        name: what the argument is called.
        value: a number of at least 0, a schedule, or the config of one.

    Raises:
        ValueError: for a number below 0, or a schedule of this module that goes below it.
        TypeError: for anything else.
    """
    if isinstance(value, (dict, Schedule)):
        return get(value, name)
    try:
        return arguments.number(name, value)
    except TypeError:
        raise TypeError(
            f"Expected `{name}` to be a number of at least 0, or a schedule such as "
            f"`keras_gan.schedules.Linear(0, 1, end=10_000)`. Received: {name}={shown(value)}"
        ) from None


def at(value, step):
    """Return what a weight is at a training step.

    Args:
        value: a number, or a schedule.
        step: int64 scalar, training steps taken before this one.
    """
    return ops.cast(value(step), "float32") if callable(value) else value


def config_of(value):
    """Return what stands in a config for a number, a schedule or `None`."""
    return keras.optimizers.schedules.serialize(value) if isinstance(value, Schedule) else value


class _Anneal(Schedule):
    """From `initial` to `final` between two training steps, constant before and after."""

    def __init__(self, initial, final, end, start=0):
        super().__init__()
        self.initial = arguments.number("initial", initial, low=-math.inf)
        self.final = arguments.number("final", final, low=-math.inf)
        self.end = arguments.whole("end", end, least=0)
        self.start = arguments.whole("start", start, least=0)
        if end <= start:
            raise ValueError(
                f"Expected a schedule that ends after it starts. Received: start={start}, end={end}"
            )

    def _progress(self, step):
        """Return the share of the way from start to end, from 0 to 1."""
        share = (ops.cast(step, "float32") - self.start) / (self.end - self.start)
        return ops.clip(share, 0.0, 1.0)

    def _between(self, share):
        # Not initial + (final - initial) * share: its rounding may pass a small final value, 0 too.
        return (1.0 - share) * self.initial + share * self.final

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            "initial": self.initial,
            "final": self.final,
            "end": self.end,
            "start": self.start,
        }


@keras.saving.register_keras_serializable("keras_gan")
class Linear(_Anneal):
    """Go from one value to another in a straight line.

    Like the other schedules of this module a Keras `LearningRateSchedule`: for a term's
    `schedule=` (where the value multiplies the weight), for the strength of an augmentation, for
    an optimizer's learning rate. An optimizer counts its own updates: a discriminator's, with
    `discriminator_steps=k`, are k to a training step.

    Args:
        initial: value at the step `start` and before.
        final: value at the step `end` and after.
        end: training step at which the final value is reached.
        start: training step at which the value begins to move.

    Raises:
        ValueError: when `end` is not after `start`, or a value is not finite.

    Example:

    >>> float(keras_gan.schedules.Linear(1.0, 0.0, end=100)(25))
    0.75
    """

    def __call__(self, step):
        """Return the value at a training step, a float32 scalar."""
        return self._between(self._progress(step))


@keras.saving.register_keras_serializable("keras_gan")
class Cosine(_Anneal):
    """Go from one value to another along half a cosine: slowly at both ends.

    Args:
        initial: value at the step `start` and before.
        final: value at the step `end` and after.
        end: training step at which the final value is reached.
        start: training step at which the value begins to move.

    Raises:
        ValueError: when `end` is not after `start`, or a value is not finite.

    Example:

    >>> float(keras_gan.schedules.Cosine(1.0, 0.1, end=100)(50))
    0.55...

    Reference:
        - [Loshchilov & Hutter, 2017](https://arxiv.org/abs/1608.03983)
        - [Huang et al., 2024](https://arxiv.org/abs/2501.05441), which anneals learning rate,
          gamma and the average's half-life so
    """

    def __call__(self, step):
        """Return the value at a training step, a float32 scalar."""
        return self._between(_half_cosine(self._progress(step)))


@keras.saving.register_keras_serializable("keras_gan")
class LogCosine(_Anneal):
    """Go from one positive value to another along half a cosine of their logarithms.

    For values that change by orders of magnitude, such as a penalty's from 1 to 0.001: equal
    times are spent at each order, but for the longer stay at both ends.

    Args:
        initial: value at the step `start` and before, positive.
        final: value at the step `end` and after, positive.
        end: training step at which the final value is reached.
        start: training step at which the value begins to move.

    Raises:
        ValueError: when `end` is not after `start`, or a value is not finite and positive.

    Example:

    >>> round(float(keras_gan.schedules.LogCosine(1.0, 0.01, end=100)(50)), 6)
    0.1
    """

    def __init__(self, initial, final, end, start=0):
        super().__init__(initial, final, end, start)
        arguments.number("initial", initial, above=0)
        arguments.number("final", final, above=0)

    def __call__(self, step):
        """Return the value at a training step, a float32 scalar."""
        distance = math.log(self.final / self.initial)
        return self.initial * ops.exp(distance * _half_cosine(self._progress(step)))


def _half_cosine(progress):
    return (1.0 - ops.cos(math.pi * progress)) / 2.0


@keras.saving.register_keras_serializable("keras_gan")
class ScheduledAdam(keras.optimizers.Adam):
    """Adam whose beta_2 follows training, as its learning rate may.

    Formula, for the update t from 1 on, with g the gradient and b = beta_2(t - 1):

    ```
    m <- beta_1 m + (1 - beta_1) g
    v <- b v + (1 - b) g^2
    w <- w - learning_rate(t - 1) (m / (1 - beta_1^t)) / (sqrt(v / (1 - b^t)) + epsilon')
    ```

    The correction of v is that of PyTorch's Adam whose betas are set anew before each step, which
    is how R3GAN is trained: a power of the present beta_2. The weights of all gradients in v add up
    to 1 less the product of all beta_2 so far. The two differ only where beta_2 moves while this
    product is far from 0, in the first hundreds of updates. As in Keras, epsilon' is
    epsilon / sqrt(1 - b^t).

    Schedules count this optimizer's own updates. With a number for `beta_2` it is Keras's Adam.

    Args:
        learning_rate: a number, or a schedule.
        beta_1: decay of the mean of gradients.
        beta_2: decay of the mean of their squares: a number in [0, 1), or a schedule.
        epsilon: small number beside the root.
        **kwargs: what else `keras.optimizers.Adam` takes.

    Raises:
        ValueError: for a `beta_2` outside [0, 1), or a schedule of this module that goes there.
        TypeError: for one that is neither number nor schedule.

    Example:

    >>> rising = keras_gan.schedules.Cosine(0.9, 0.99, end=1000)
    >>> optimizer = keras_gan.schedules.ScheduledAdam(2e-4, beta_1=0.0, beta_2=rising)
    >>> round(float(optimizer.beta_2), 6)
    0.9

    Reference:
        - [Kingma & Ba, 2015](https://arxiv.org/abs/1412.6980), Algorithm 1
        - [Huang et al., 2024](https://arxiv.org/abs/2501.05441)
    """

    def __init__(
        self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, name="adam", **kwargs
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name=name, **kwargs)

    @property
    def beta_2(self):
        """That of the next update: a number, or a float32 scalar where there is a schedule."""
        return at(self._beta_2, self.iterations)

    @beta_2.setter
    def beta_2(self, value):
        self._beta_2 = _decay("beta_2", value)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "beta_2": config_of(self._beta_2)}


def _decay(name, value):
    """Return a decay that may follow training: a number in [0, 1), or a schedule."""
    if not isinstance(value, (dict, Schedule)):
        return arguments.number(name, value, below=1)
    schedule = get(value, name)
    if isinstance(schedule, _Anneal) and max(schedule.initial, schedule.final) >= 1:
        raise ValueError(
            f"Expected `{name}` to stay below 1. Received: "
            f"initial={schedule.initial}, final={schedule.final}"
        )
    return schedule
