"""The exponential loss, known from boosting."""

import keras
from keras import ops

from keras_gan.losses.adversarial_loss import AdversarialLoss, Equilibrium, as_logits


@keras.saving.register_keras_serializable("keras_gan")
class Exponential(AdversarialLoss):
    """The game of the exponential loss, whose optimum is the Hellinger distance.

    Formula:

    ```
    L_D = exp(-D(x)) + exp(D(G(z)))
    L_G = exp(-D(G(z)))
    ```

    The best discriminator is `log(p / q) / 2`. Mistakes cost exponentially: in float32 one value
    is finite for logits within ±88, the mean of a batch within ±80. Useful where a penalty such
    as `terms.R1` keeps logits far smaller.

    Bound: `1 - L_D / 2 <= 1 - sum sqrt(p q)`, the squared Hellinger distance (0 to 1), for any
    discriminator. Equilibrium: `L_D = 2`, `L_G = 1`.

    Example:

    >>> loss = keras_gan.losses.Exponential()
    >>> zeros = keras.ops.zeros((1, 1))
    >>> float(loss.discriminator_loss(zeros, zeros)[0, 0])
    2.0

    Reference:
        - [Nguyen et al., 2009](https://arxiv.org/abs/math/0510521), on losses and the
          f-divergences that they bound
    """

    name = "exponential"
    divergence_name = "hellinger"

    def discriminator_loss(self, real_logits, fake_logits):
        """Return `exp(-D(x)) + exp(D(G(z)))`."""
        real_logits, fake_logits = as_logits(real_logits, fake_logits)
        return ops.exp(-real_logits) + ops.exp(fake_logits)

    def generator_loss(self, fake_logits, real_logits=None):
        """Return `exp(-D(G(z)))`."""
        return ops.exp(-as_logits(fake_logits))

    def divergence(self, d_loss):
        """Return `1 - d_loss / 2`, at most the squared Hellinger distance."""
        return 1 - d_loss / 2

    @property
    def equilibrium(self):
        """`(2, 1)`."""
        return Equilibrium(2.0, 1.0)
