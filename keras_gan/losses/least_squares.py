"""The least-squares loss."""

import math

import keras
from keras import ops

from keras_gan.losses.adversarial_loss import AdversarialLoss, Equilibrium, as_logits
from keras_gan.utils import arguments


@keras.saving.register_keras_serializable("keras_gan")
class LeastSquares(AdversarialLoss):
    """The least-squares game (LSGAN), with the paper's factor 1/2.

    Formula:

    ```
    L_D = (D(x) - b)^2 / 2 + (D(G(z)) - a)^2 / 2
    L_G = (D(G(z)) - c)^2 / 2
    ```

    with `a = fake_label`, `b = real_label`, `c = target`. The paper uses two settings:
    `(0, 1, 1)`, the default, and `(-1, 1, 0)`, for which the value of the game against the
    optimal discriminator is half the Pearson chi-squared divergence between `p + q` and `2 q`.

    Bound: `2 - 8 L_D / (b - a)^2 <= sum (p - q)^2 / (p + q)`, the triangular discrimination (0
    to 2), for any discriminator. Equilibrium: `L_D = (b - a)^2 / 4`,
    `L_G = ((a + b) / 2 - c)^2 / 2`.

    Args:
        fake_label: `a`, the discriminator's target for generated samples.
        real_label: `b`, the discriminator's target for real samples; `0.9` instead of 1 is
            one-sided label smoothing.
        target: `c`, what the generator wants the discriminator to return.

    Raises:
        ValueError: when `fake_label` equals `real_label`, or one is not finite.
        TypeError: when one is no number.

    Example:

    >>> loss = keras_gan.losses.LeastSquares()
    >>> zeros = keras.ops.zeros((1, 1))
    >>> float(loss.discriminator_loss(zeros, zeros)[0, 0])
    0.5

    Reference:
        - [Mao et al., 2017](https://arxiv.org/abs/1611.04076), Eq. (2)
    """

    name = "least_squares"
    divergence_name = "triangular"

    def __init__(self, fake_label=0.0, real_label=1.0, target=1.0):
        labels = {"fake_label": fake_label, "real_label": real_label, "target": target}
        for name, value in labels.items():
            setattr(self, name, arguments.number(name, value, low=-math.inf))
        if fake_label == real_label:
            raise ValueError(
                "Expected `fake_label` and `real_label` to differ, else the discriminator has "
                f"nothing to tell apart. Received: fake_label={fake_label}, "
                f"real_label={real_label}"
            )

    def discriminator_loss(self, real_logits, fake_logits):
        """Return `(D(x) - b)^2 / 2 + (D(G(z)) - a)^2 / 2`."""
        real_logits, fake_logits = as_logits(real_logits, fake_logits)
        real = ops.square(real_logits - self.real_label)
        return 0.5 * (real + ops.square(fake_logits - self.fake_label))

    def generator_loss(self, fake_logits, real_logits=None):
        """Return `(D(G(z)) - c)^2 / 2`."""
        return 0.5 * ops.square(as_logits(fake_logits) - self.target)

    def divergence(self, d_loss):
        """Return `2 - 8 d_loss / (b - a)^2`, at most the triangular discrimination."""
        return 2 - 8 * d_loss / (self.real_label - self.fake_label) ** 2

    def says_real(self, logits):
        """Return whether logits are nearer to the real label than to the fake one."""
        return ops.abs(logits - self.real_label) < ops.abs(logits - self.fake_label)

    @property
    def equilibrium(self):
        """`((b - a)^2 / 4, ((a + b) / 2 - c)^2 / 2)`."""
        middle = (self.fake_label + self.real_label) / 2
        return Equilibrium(
            (self.real_label - self.fake_label) ** 2 / 4, (middle - self.target) ** 2 / 2
        )

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            "fake_label": self.fake_label,
            "real_label": self.real_label,
            "target": self.target,
        }
