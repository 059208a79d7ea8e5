"""Weight clipping, which bounds the critic of the first WGAN."""

import keras
import tensorflow as tf

from keras_gan.terms.term import Term
from keras_gan.utils import arguments


@keras.saving.register_keras_serializable("keras_gan")
class WeightClipping(Term):
    """Clip all of the critic's weights after each of its updates.

    Formula:

    ```
    w <- min(max(w, -bound), bound)
    ```

    for every trainable variable of the discriminator, biases and scales too, so that its slope is
    bounded. It adds to no loss and has no key in the logs.

    Args:
        bound: finite number of at least 0; 0.01 in the paper.
        interval: clip on every `interval`-th step only, after each of its discriminator updates.
        schedule: factor of the bound over training steps, such as `keras_gan.schedules.Cosine`.
        name: the term's name.

    Raises:
        ValueError: when `bound` is negative or not finite, or `interval` no positive integer.
        TypeError: when `bound` is no number, or `schedule` no schedule.

    Example:

    ```python
    model.compile("wasserstein", terms=["weight_clipping"], discriminator_steps=5)
    ```

    Reference:
        - [Arjovsky et al., 2017](https://arxiv.org/abs/1701.07875), Algorithm 1
    """

    def __init__(self, bound=0.01, interval=1, schedule=None, name="weight_clipping", **kwargs):
        bound = arguments.number("bound", bound)
        super().__init__(weight=bound, interval=interval, schedule=schedule, name=name, **kwargs)

    @property
    def bound(self):
        """The largest absolute value of a weight."""
        return self.weight

    def after_update(self, player, step):
        """Clip, after every update of the discriminator."""
        if player != "discriminator":
            return
        bound = self.bound * self.factor(step.count)
        due = tf.equal(step.count % self.interval, 0)
        for variable in step.discriminator.trainable_variables:
            value = tf.convert_to_tensor(variable)
            limit = tf.cast(bound, value.dtype)
            # Not in a branch: strategies can't assign what is mirrored there.
            variable.assign(tf.where(due, tf.clip_by_value(value, -limit, limit), value))

    def get_config(self):
        """Return the constructor's arguments."""
        config = super().get_config()
        config["bound"] = config.pop("weight")
        return config
