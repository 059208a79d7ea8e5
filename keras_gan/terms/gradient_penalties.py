"""Penalties on the gradient of the discriminator's logits with respect to its input."""

import keras
from keras import ops

from keras_gan.terms.term import Term


def squared_norm(gradient):
    """Return the squared Euclidean norm of each sample's gradient, over all non-batch axes.

    Args:
        gradient: tensor of shape `(batch, ...)`.

    Returns:
        Tensor of shape `(batch,)`.
    """
    return ops.sum(ops.square(gradient), axis=tuple(range(1, len(gradient.shape))))


@keras.saving.register_keras_serializable("keras_gan")
class R1(Term):
    """Penalize the discriminator's gradient on real samples: zero-centred, local convergence.

    Formula:

    ```
    gamma / 2 * E ||grad_x D(x)||^2,  x real
    ```

    The norm runs over all non-batch axes; the discriminator's forward on the real batch is
    shared with its loss. The log shows `E ||grad_x D(x)||^2 / 2`, without gamma.

    Args:
        gamma: weight, at least 0. From 0.01 to 100 with the resolution of images; 10 in the
            paper.
        interval: compute it on every `interval`-th step only (lazy regularization; 16 in
            StyleGAN2).
        schedule: factor of gamma over training steps, a
            `keras.optimizers.schedules.LearningRateSchedule`.
        name: key in the logs.

    Raises:
        ValueError: when `gamma` is negative or `interval` below 1.

    Example:

    ```python
    model.compile(loss="non_saturating", terms=[keras_gan.terms.R1(gamma=1.0)])
    ```

    Reference:
        - [Mescheder et al., 2018](https://arxiv.org/abs/1801.04406), Eq. (9)
        - [Karras et al., 2020](https://arxiv.org/abs/1912.04958), Section 3.1 (interval)
    """

    watches = frozenset({"real"})

    def __init__(self, gamma=1.0, interval=1, schedule=None, name="r1", **kwargs):
        if not gamma >= 0:
            raise ValueError(f"Expected `gamma` to be at least 0. Received: gamma={gamma}")
        super().__init__(weight=gamma, interval=interval, schedule=schedule, name=name, **kwargs)

    @property
    def gamma(self):
        """The penalty's weight."""
        return self.weight

    def discriminator_term(self, step):
        """Return `||grad_x D(x)||^2 / 2` for each real sample."""
        return 0.5 * squared_norm(step.gradient("real"))

    def get_config(self):
        """Return the constructor's arguments."""
        config = super().get_config()
        config["gamma"] = config.pop("weight")
        return config
