"""Losses that are linear in the critic's value: Wasserstein and hinge."""

import keras
from keras import ops

from keras_gan.losses.adversarial_loss import AdversarialLoss, Equilibrium, as_logits


@keras.saving.register_keras_serializable("keras_gan")
class Wasserstein(AdversarialLoss):
    """The Wasserstein game: a critic scores samples, the generator raises its scores.

    Formula:

    ```
    L_D = -D(x) + D(G(z))
    L_G = -D(G(z))
    ```

    Over all 1-Lipschitz critics the least `E L_D` is minus the Wasserstein-1 distance. Nothing
    in the loss keeps a critic Lipschitz: add `terms.GradientPenalty()`, `terms.WeightClipping()`
    or `layers.SpectralNormalization`. Without one of them, the critic grows without end.

    No bound is proved, since the loss does not know how steep the critic is. The log shows
    `critic_gap`, `E D(x) - E D(G(z))`, which is no distance. Equilibrium: `L_D = 0`. `L_G` is not
    unique: critics that differ by a constant play the same game.

    Example:

    >>> loss = keras_gan.losses.Wasserstein()
    >>> real, fake = keras.ops.ones((1, 1)), 3 * keras.ops.ones((1, 1))
    >>> float(loss.discriminator_loss(real, fake)[0, 0])
    2.0

    Reference:
        - [Arjovsky et al., 2017](https://arxiv.org/abs/1701.07875), Algorithm 1
    """

    name = "wasserstein"
    logged_name = "critic_gap"

    def discriminator_loss(self, real_logits, fake_logits):
        """Return `-D(x) + D(G(z))`."""
        real_logits, fake_logits = as_logits(real_logits, fake_logits)
        return fake_logits - real_logits

    def generator_loss(self, fake_logits, real_logits=None):
        """Return `-D(G(z))`."""
        return -as_logits(fake_logits)

    def logged(self, d_loss):
        """Return the critic gap, `-d_loss`."""
        return -d_loss

    @property
    def equilibrium(self):
        """`(0, None)`: the generator's loss is not unique."""
        return Equilibrium(0.0, None)


@keras.saving.register_keras_serializable("keras_gan")
class Hinge(AdversarialLoss):
    """The hinge game: the discriminator stops learning from samples beyond the margin.

    Formula:

    ```
    L_D = max(0, 1 - D(x)) + max(0, 1 + D(G(z)))
    L_G = -D(G(z))
    ```

    Bound: `1 - L_D / 2 <= TV(data, generated)`, the total variation distance (0 to 1), for any
    discriminator. Equilibrium: `L_D = 2`; `L_G` is not unique.

    Example:

    >>> loss = keras_gan.losses.Hinge()
    >>> zeros = keras.ops.zeros((1, 1))
    >>> float(loss.discriminator_loss(zeros, zeros)[0, 0])
    2.0

    Reference:
        - [Lim & Ye, 2017](https://arxiv.org/abs/1705.02894)
        - [Miyato et al., 2018](https://arxiv.org/abs/1802.05957), Eq. (16) and (17)
    """

    name = "hinge"
    divergence_name = "tv"

    def discriminator_loss(self, real_logits, fake_logits):
        """Return `max(0, 1 - D(x)) + max(0, 1 + D(G(z)))`."""
        real_logits, fake_logits = as_logits(real_logits, fake_logits)
        return ops.relu(1.0 - real_logits) + ops.relu(1.0 + fake_logits)

    def generator_loss(self, fake_logits, real_logits=None):
        """Return `-D(G(z))`."""
        return -as_logits(fake_logits)

    def divergence(self, d_loss):
        """Return `1 - d_loss / 2`, at most the total variation distance."""
        return 1 - d_loss / 2

    @property
    def equilibrium(self):
        """`(2, None)`: the generator's loss is not unique."""
        return Equilibrium(2.0, None)
