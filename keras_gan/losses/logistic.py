"""The logistic losses of the first GAN paper, minimax and non-saturating."""

import math

import keras
from keras import ops

from keras_gan.losses.adversarial_loss import AdversarialLoss, Equilibrium, as_logits
from keras_gan.utils import arguments


class _Logistic(AdversarialLoss):
    """The discriminator's side, which both generators share."""

    divergence_name = "js"

    def __init__(self, label_smoothing=0.0):
        self.label_smoothing = arguments.number("label_smoothing", label_smoothing)
        if self.label_smoothing > 0.5:
            raise ValueError(
                "Expected `label_smoothing` to be at most 0.5: the target of real samples is "
                "1 - label_smoothing. For a target of 0.9 write 0.1. "
                f"Received: label_smoothing={label_smoothing}"
            )
        if self.label_smoothing:
            self.divergence_name = None

    def discriminator_loss(self, real_logits, fake_logits):
        """Return `(1-s) softplus(-D(x)) + s softplus(D(x)) + softplus(D(G(z)))`."""
        real_logits, fake_logits = as_logits(real_logits, fake_logits)
        real = ops.softplus(-real_logits)
        if self.label_smoothing:
            # (1-s) softplus(-t) + s softplus(t) = softplus(-t) + s t.
            real = real + self.label_smoothing * real_logits
        return real + ops.softplus(fake_logits)

    def divergence(self, d_loss):
        """Return `log 2 - d_loss / 2`, at most JS(data, generated) in nats; `None` if smoothed."""
        return None if self.label_smoothing else math.log(2) - d_loss / 2

    @property
    def _optimal_probability(self):
        """D = p (1-s) / (p + q) with p = q."""
        return (1 - self.label_smoothing) / 2

    @property
    def _optimal_discriminator_loss(self):
        d, target = self._optimal_probability, 1 - self.label_smoothing
        return -target * math.log(d) - (2 - target) * math.log(1 - d)

    def get_config(self):
        """Return the constructor's arguments."""
        return {"label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable("keras_gan")
class Minimax(_Logistic):
    """The minimax game, whose generator loss saturates.

    Formula:

    ```
    L_D = softplus(-D(x)) + softplus(D(G(z)))
    L_G = -softplus(D(G(z)))
    ```

    where D is the logit: `-log sigmoid(D) = softplus(-D)`. The generator minimizes
    `log(1 - sigmoid(D(G(z))))`, whose gradient `-sigmoid(D)` vanishes once the discriminator
    rejects its samples with confidence. Prefer `NonSaturating` for training.

    Bound: `log 2 - L_D / 2 <= JS(data, generated)`, for any discriminator.
    Equilibrium: `L_D = 2 log 2`, `L_G = -log 2`.

    Args:
        label_smoothing: `s` in [0, 0.5]; the discriminator's target for real samples is `1 - s`
            (one-sided: fakes keep the target 0). No bound is proved with `s > 0`.

    Raises:
        ValueError: when `label_smoothing` is outside [0, 0.5].

    Example:

    >>> loss = keras_gan.losses.Minimax()
    >>> float(loss.generator_loss(keras.ops.zeros((1, 1)))[0, 0])  # -log 2
    -0.6931471...

    Reference:
        - [Goodfellow et al., 2014](https://arxiv.org/abs/1406.2661), Eq. (1)
        - [Salimans et al., 2016](https://arxiv.org/abs/1606.03498), Section 3.4 (smoothing)
    """

    name = "minimax"

    def generator_loss(self, fake_logits, real_logits=None):
        """Return `-softplus(D(G(z)))`."""
        return -ops.softplus(as_logits(fake_logits))

    @property
    def equilibrium(self):
        """`(2 log 2, -log 2)` without smoothing."""
        return Equilibrium(
            self._optimal_discriminator_loss, math.log(1 - self._optimal_probability)
        )


@keras.saving.register_keras_serializable("keras_gan")
class NonSaturating(_Logistic):
    """The logistic game with the non-saturating generator: the default choice.

    Formula:

    ```
    L_D = softplus(-D(x)) + softplus(D(G(z)))
    L_G = softplus(-D(G(z)))
    ```

    where D is the logit. The generator minimizes `-log sigmoid(D(G(z)))`; its gradient,
    `-(1 - sigmoid(D))`, tends to -1 where the discriminator rejects its samples.

    Bound: `log 2 - L_D / 2 <= JS(data, generated)`, for any discriminator.
    Equilibrium: `L_D = 2 log 2`, `L_G = log 2`.

    Args:
        label_smoothing: `s` in [0, 0.5]; the discriminator's target for real samples is `1 - s`
            (one-sided: fakes keep the target 0). No bound is proved with `s > 0`.

    Raises:
        ValueError: when `label_smoothing` is outside [0, 0.5].

    Example:

    >>> loss = keras_gan.losses.NonSaturating()
    >>> zeros = keras.ops.zeros((1, 1))
    >>> float(loss.discriminator_loss(zeros, zeros)[0, 0])  # 2 log 2
    1.3862943...

    Reference:
        - [Goodfellow et al., 2014](https://arxiv.org/abs/1406.2661), Section 3
        - [Salimans et al., 2016](https://arxiv.org/abs/1606.03498), Section 3.4 (smoothing)
    """

    name = "non_saturating"

    def generator_loss(self, fake_logits, real_logits=None):
        """Return `softplus(-D(G(z)))`."""
        return ops.softplus(-as_logits(fake_logits))

    @property
    def equilibrium(self):
        """`(2 log 2, log 2)` without smoothing."""
        return Equilibrium(self._optimal_discriminator_loss, -math.log(self._optimal_probability))
