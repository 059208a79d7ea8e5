"""Moving average of the generator's weights, which makes better samples than the last step."""

import keras
import tensorflow as tf

from keras_gan import schedules
from keras_gan.utils import arguments, registry
from keras_gan.utils.arguments import shown
from keras_gan.utils.copying import copy_of

__all__ = ["GeneratorAverage", "get"]


@keras.saving.register_keras_serializable("keras_gan")
class GeneratorAverage(keras.layers.Layer):
    """Exponential moving average of the generator's weights and buffers.

    Formula, at each training step:

    ```
    average = beta * average + (1 - beta) * generator
    beta = decay, or 0.5 ** (batch / half_life)
    ```

    A half-life that follows a schedule may begin at 0, where the average is the generator itself,
    and grow, as R3GAN's does. With `ramp_up`, it is at most `ramp_up * images seen`. Either way the
    first, random generators are forgotten early. A plain decay keeps `decay ** steps` of the first
    one, 2 % after 4,000 steps at 0.999: use `ramp_up` in short runs. Buffers (BatchNorm statistics)
    are averaged as weights are; integer state is copied.

    Args:
        decay: beta for each step, in [0, 1); give this or `half_life`.
        half_life: in images: the number of real images after which a generator's share in the
            average has halved, whatever the batch size. A number, or a schedule of the training
            step such as `keras_gan.schedules.Cosine(0, 500_000, end=10_000)`.
        ramp_up: `None`, or a positive fraction of the images seen so far that caps the
            half-life (0.05 in StyleGAN2). Only with `half_life`.

    Raises:
        ValueError: when not exactly one of decay and half_life is given, or one is out of range.
        TypeError: when one is no number, and `half_life` no schedule either.

    Example:

    ```python
    model.compile("non_saturating", ema=keras_gan.GeneratorAverage(half_life=10_000, ramp_up=0.05))
    ```

    Reference:
        - [Yazici et al., 2019](https://arxiv.org/abs/1806.04498)
        - [Karras et al., 2020](https://arxiv.org/abs/2006.06676), the half-life in images
        - [Huang et al., 2024](https://arxiv.org/abs/2501.05441), a half-life that grows
    """

    def __init__(self, decay=None, half_life=None, ramp_up=None, **kwargs):
        super().__init__(trainable=False, **kwargs)
        if isinstance(half_life, (dict, schedules.Schedule)):
            half_life = schedules.get(half_life, "half_life")
        _check(decay, half_life, ramp_up)
        self.decay = decay
        self.half_life = half_life
        self.ramp_up = ramp_up

    def follow(self, generator, values=None):
        """Copy the generator's architecture, and start from its values.

        Args:
            generator: a built Keras model.
            values: arrays to start from instead, such as those of an earlier average.

        Raises:
            ValueError: when the generator can't be rebuilt from its config.
        """
        if not self.built:
            self.network = copy_of(generator)
            self.network.trainable = False
            self.built = True
        self.network.set_weights(generator.get_weights() if values is None else values)

    def update(self, generator, count, images):
        """Move the average towards the generator.

        Args:
            generator: the network that was copied.
            count: int64 scalar, training steps taken before this one.
            images: int scalar, real images that one training step takes, over all replicas.
        """
        beta = self._beta(count, tf.cast(images, tf.float32))
        for average, value in zip(self.network.weights, generator.weights, strict=True):
            if "float" in keras.backend.standardize_dtype(value.dtype):
                step = (1 - beta) * (tf.cast(value, tf.float32) - tf.cast(average, tf.float32))
                average.assign_add(tf.cast(step, average.dtype))
            else:
                average.assign(value)

    def _beta(self, count, images):
        if self.decay is not None:
            return self.decay
        half_life = tf.cast(schedules.at(self.half_life, count), tf.float32)
        if self.ramp_up is not None:
            half_life = tf.minimum(
                half_life, self.ramp_up * (tf.cast(count, tf.float32) + 1) * images
            )
        return 0.5 ** (images / half_life)  # Of a half-life of 0 this is 0, by infinity.

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            "name": self.name,
            "decay": self.decay,
            "half_life": schedules.config_of(self.half_life),
            "ramp_up": self.ramp_up,
        }


def get(identifier):
    """Return the average that `compile(ema=...)` stands for, or `None`.

    Args:
        identifier: `None`, a decay per step, a `GeneratorAverage` or its config.

    Raises:
        TypeError: for anything else.
        ValueError: for a decay out of range.
    """
    identifier = registry.from_config(identifier, "ema")
    if identifier is None or isinstance(identifier, GeneratorAverage):
        return identifier
    if isinstance(identifier, (int, float)) and not isinstance(identifier, bool):
        return GeneratorAverage(decay=arguments.number("ema", identifier, below=1))
    raise TypeError(
        "Expected `ema` to be None, a decay per step such as 0.999, or a "
        f"`keras_gan.GeneratorAverage`. Received: ema={shown(identifier)}"
    )


def _check(decay, half_life, ramp_up):
    if (decay is None) == (half_life is None):
        raise ValueError(
            "Expected either `decay` (per step) or `half_life` (in images). "
            f"Received: decay={decay}, half_life={half_life}"
        )
    if decay is not None:
        arguments.number("decay", decay, below=1)
    if half_life is not None and not isinstance(half_life, schedules.Schedule):
        arguments.number("half_life", half_life, above=0)
    if ramp_up is not None:
        arguments.number("ramp_up", ramp_up, above=0)
        if half_life is None:
            raise ValueError(
                "Expected `ramp_up` together with `half_life`. "
                f"Received: ramp_up={ramp_up}, half_life=None"
            )
