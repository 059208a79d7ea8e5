"""LeCam regularization: logits kept near the average of the other side's."""

import keras
import tensorflow as tf
from keras import ops

from keras_gan.terms.term import Term
from keras_gan.utils import arguments, nests, replicas
from keras_gan.utils.tensors import wide


@keras.saving.register_keras_serializable("keras_gan")
class LeCam(Term):
    """Keep real logits near the average of past generated ones, and the other way round.

    For small datasets: it keeps a discriminator that has memorized its samples from driving the
    two sides apart.

    Formula:

    ```
    weight * (E (D(x) - a_F)^2 + E (D(G(z)) - a_R)^2)
    a_R <- decay a_R + (1 - decay) E D(x),  a_F likewise of D(G(z))
    ```

    The averages a_R and a_F are over all replicas. They start at 0, move at every update of the
    discriminator, also when the term is lazy, and are saved with the model. The term adds no
    forward. The log shows the value without its weight.

    Args:
        weight: lambda, a finite number of at least 0; 0.3 to 0.5 for BigGAN.
        decay: of the averages for each update of the discriminator, from 0 to 1.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as
            `keras_gan.schedules.Linear(0, 1, end=1000)` to let the averages settle first.
        name: key in the logs.

    Attributes:
        anchors: `(a_R, a_F)`, a weight that no optimizer trains; a row of it for each head of
            logits where there are several.

    Raises:
        ValueError: when a number is out of range, or `interval` no positive integer.
        TypeError: when `weight` or `decay` is no number, or `schedule` no schedule.

    Example:

    ```python
    model.compile("hinge", terms=[keras_gan.terms.LeCam(weight=0.3)], augmentation="diff_augment")
    ```

    Reference:
        - [Tseng et al., 2021](https://arxiv.org/abs/2104.03310); the code it published squares only
          what is positive of `D(x) - a_F` and `a_R - D(G(z))`
    """

    def __init__(self, weight=0.3, decay=0.99, interval=1, schedule=None, name="lecam", **kwargs):
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)
        self.decay = arguments.number("decay", decay, high=1)

    def attach(self, model):
        """Create the averages, in the model's strategy scope."""
        heads = len(model.signature.head_names or [""])
        self.anchors = self.add_weight(
            (2,) if heads == 1 else (heads, 2),
            initializer="zeros",
            dtype="float32",
            trainable=False,
            name="anchors",
        )

    def discriminator_term(self, step):
        """Return the squared distances of the logits from the other side's average."""
        heads = step.real_logits, step.fake_logits
        anchors = nests.pack_as(heads[0], self._by_head(heads[0]))
        return nests.map(_distances, *heads, anchors)

    def _by_head(self, heads):
        """Return the averages of each head of logits, a list."""
        count = len(nests.leaves(heads))
        anchors = tf.convert_to_tensor(self.anchors)
        if count != (1 if len(anchors.shape) == 1 else anchors.shape[0]):
            raise ValueError(
                f"The term {self.name!r} keeps averages for each head of logits, and must know "
                "the heads when it is compiled: use a Functional discriminator. "
                f"Received: a discriminator with {count} heads"
            )
        return [anchors] if count == 1 else ops.unstack(anchors)

    def after_update(self, player, step):
        """Move the averages, after every update of the discriminator."""
        if player != "discriminator":
            return
        sides = zip(nests.leaves(step.real_logits), nests.leaves(step.fake_logits), strict=True)
        means = [ops.stack([ops.mean(real), ops.mean(fake)]) for real, fake in sides]
        means = means[0] if len(means) == 1 else ops.stack(means)
        means = replicas.mean_over_replicas(ops.cast(means, "float32"))
        self.anchors.assign(self.decay * self.anchors + (1.0 - self.decay) * means)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "decay": self.decay}


def _distances(real, fake, anchors):
    """Return the squared distances of one head's logits from the other side's average."""
    real, fake = wide(real), wide(fake)
    real_anchor, fake_anchor = ops.unstack(ops.cast(anchors, real.dtype))
    return ops.square(real - fake_anchor) + ops.square(fake - real_anchor)
