"""Relativistic losses, which compare real with generated samples."""

import math
from collections.abc import Callable
from typing import NamedTuple

import keras
from keras import ops

from keras_gan.losses.adversarial_loss import AdversarialLoss, Equilibrium, as_logits
from keras_gan.utils.arguments import choice
from keras_gan.utils.replicas import mean_over_replicas


class _Relativistic(AdversarialLoss):
    """What both share: the generator plays the discriminator's game with the sides swapped."""

    uses_real_logits = True

    def generator_loss(self, fake_logits, real_logits=None):
        """Return the discriminator's loss with real and fake swapped.

        Raises:
            ValueError: without real logits, or when the shapes differ.
        """
        if real_logits is None:
            raise ValueError(
                f"{type(self).__name__} compares generated samples with real ones: pass "
                "`real_logits` to `generator_loss`, of the same shape. Received: real_logits=None"
            )
        return self.discriminator_loss(fake_logits, real_logits)


@keras.saving.register_keras_serializable("keras_gan")
class RelativisticPairing(_Relativistic):
    """The relativistic pairing game (RpGAN): tell which of two is real.

    Formula, for the i-th real and the i-th generated sample of a batch:

    ```
    L_D = softplus(D(G(z)) - D(x))
    L_G = softplus(D(x) - D(G(z)))
    ```

    Invariant under D -> D + c: what logits say is who of two is the more real, and `real_score`
    and `fake_score` mean something by their difference alone. Over finitely many free points the
    game has no bad basins, where those of separate losses, such as the logistic, have many, in
    which points have collapsed (Sun et al.): a statement about the landscape of the empirical
    loss, not that networks never collapse.

    Bound: `log 2 - L_D <= JS(p x q, q x p)` in nats, of pairs in one order and the other, for any
    discriminator. Equilibrium: `L_D = L_G = log 2`.

    Example:

    >>> loss = keras_gan.losses.RelativisticPairing()
    >>> zeros = keras.ops.zeros((1, 1))
    >>> float(loss.generator_loss(zeros, zeros)[0, 0])  # log 2
    0.6931471...

    Reference:
        - [Jolicoeur-Martineau, 2018](https://arxiv.org/abs/1807.00734), Section 4
        - [Sun et al., 2020](https://arxiv.org/abs/2011.04926), on its landscape
        - [Huang et al., 2024](https://arxiv.org/abs/2501.05441), with R1 and R2
    """

    name = "relativistic_pairing"
    compares_pairs = True
    divergence_name = "js_pair"

    def discriminator_loss(self, real_logits, fake_logits):
        """Return `softplus(D(G(z)) - D(x))`, pair by pair."""
        real_logits, fake_logits = as_logits(real_logits, fake_logits)
        return ops.softplus(fake_logits - real_logits)

    def divergence(self, d_loss):
        """Return `log 2 - d_loss`, at most JS(p x q, q x p)."""
        return math.log(2) - d_loss

    @property
    def equilibrium(self):
        """`(log 2, log 2)`."""
        return Equilibrium(math.log(2), math.log(2))


class _Form(NamedTuple):
    """What is taken of a sample's advantage over the mean of the other side."""

    real: Callable
    fake: Callable
    at_equilibrium: float


_FORMS = {
    "logistic": _Form(lambda t: ops.softplus(-t), ops.softplus, 2 * math.log(2)),
    "least_squares": _Form(lambda t: ops.square(t - 1), lambda t: ops.square(t + 1), 2.0),
    "hinge": _Form(lambda t: ops.relu(1 - t), lambda t: ops.relu(1 + t), 2.0),
}


@keras.saving.register_keras_serializable("keras_gan")
class RelativisticAverage(_Relativistic):
    """The relativistic average game (RaGAN): compare with the other side's mean.

    Formula, with `r = D(x) - mean D(G(z))` and `f = D(G(z)) - mean D(x)`:

    ```
    logistic (RaSGAN):         L_D = softplus(-r) + softplus(f)
    least_squares (RaLSGAN):   L_D = (r - 1)^2 + (f + 1)^2
    hinge (RaHingeGAN):        L_D = max(0, 1 - r) + max(0, 1 + f)
    ```

    and `L_G` the same with real and generated samples swapped. A sum of two means, not halved.
    The means are over all logits of the batch, over all replicas, and gradients flow through
    them. Invariant under D -> D + c.

    Bound: none. `log 2 - L_D / 2` can exceed the Jensen-Shannon divergence: it is 0.30 for
    p = (3/4, 1/4), q = (1/4, 3/4) and D = ±1, where JS is 0.13. Equilibrium:
    `L_D = L_G`, 2 log 2 for the logistic form and 2 for the others.

    Args:
        form: `"logistic"`, `"least_squares"` or `"hinge"`.

    Raises:
        ValueError: for another form.

    Example:

    >>> loss = keras_gan.losses.RelativisticAverage(form="hinge")
    >>> zeros = keras.ops.zeros((1, 1))
    >>> float(loss.discriminator_loss(zeros, zeros)[0, 0])
    2.0

    Reference:
        - [Jolicoeur-Martineau, 2018](https://arxiv.org/abs/1807.00734), Section 4 and Appendix
    """

    name = "relativistic_average"

    def __init__(self, form="logistic"):
        self.form = choice("form", form, sorted(_FORMS))

    def discriminator_loss(self, real_logits, fake_logits):
        """Return the form's loss of `D(x) - mean D(G(z))` and `D(G(z)) - mean D(x)`."""
        real_logits, fake_logits = as_logits(real_logits, fake_logits)
        form = _FORMS[self.form]
        real_mean, fake_mean = _means(real_logits, fake_logits)
        return form.real(real_logits - fake_mean) + form.fake(fake_logits - real_mean)

    @property
    def equilibrium(self):
        """`(2 log 2, 2 log 2)` for the logistic form, `(2, 2)` for the others."""
        value = _FORMS[self.form].at_equilibrium
        return Equilibrium(value, value)

    def get_config(self):
        """Return the constructor's arguments."""
        return {"form": self.form}


def _means(real_logits, fake_logits):
    """Return the means of all replicas' real and fake logits."""
    # Sums and counts, as the last batch of an evaluation may leave replicas with unequal shares,
    # or with none, whose own mean would be NaN.
    count = ops.cast(ops.size(real_logits), real_logits.dtype)
    sums = ops.stack([ops.sum(real_logits), ops.sum(fake_logits), count])
    real, fake, count = ops.unstack(mean_over_replicas(sums))
    return real / count, fake / count
