"""The losses of f-GAN, which bound a chosen divergence."""

import math
from collections.abc import Callable
from typing import NamedTuple

import keras
from keras import ops

from keras_gan.losses.adversarial_loss import AdversarialLoss, Equilibrium, as_logits
from keras_gan.utils.arguments import choice


class _Row(NamedTuple):
    """One divergence: its output activation g, f* after g in a stable form, and where p = q.

    `threshold` is the output v at which g(v) = f'(1), where the discriminator is undecided, and
    `equilibrium` the losses there: -f(1), and -f*(f'(1)).
    """

    activation: Callable
    conjugate: Callable
    threshold: float = 0.0
    equilibrium: Equilibrium = Equilibrium(0.0, 0.0)


_ROWS = {
    "kl": _Row(
        lambda v: v, lambda v: ops.exp(v - 1), threshold=1.0, equilibrium=Equilibrium(0.0, -1.0)
    ),
    "reverse_kl": _Row(lambda v: -ops.exp(-v), lambda v: v - 1, equilibrium=Equilibrium(0.0, 1.0)),
    "pearson": _Row(lambda v: v, lambda v: ops.square(v) / 4 + v),
    "squared_hellinger": _Row(lambda v: 1 - ops.exp(-v), lambda v: ops.exp(v) - 1),
    "jensen_shannon": _Row(
        lambda v: math.log(2) - ops.softplus(-v), lambda v: ops.softplus(v) - math.log(2)
    ),
    "gan": _Row(
        lambda v: -ops.softplus(-v),
        ops.softplus,
        equilibrium=Equilibrium(2 * math.log(2), -math.log(2)),
    ),
}


@keras.saving.register_keras_serializable("keras_gan")
class FDivergence(AdversarialLoss):
    """The game of an f-divergence (f-GAN): the discriminator's loss bounds it.

    Formula, with v the discriminator's output, g the row's activation and f* the conjugate of f:

    ```
    L_D = -g(D(x)) + f*(g(D(G(z))))
    L_G = -f*(g(D(G(z))))
    ```

    | divergence | D_f(p, q) | f(u) | g(v) | f*(g(v)) |
    |---|---|---|---|---|
    | `"kl"` | KL(p, q) | u log u | v | exp(v - 1) |
    | `"reverse_kl"` | KL(q, p) | -log u | -exp(-v) | v - 1 |
    | `"pearson"` | sum (p - q)^2 / q | (u - 1)^2 | v | v^2 / 4 + v |
    | `"squared_hellinger"` | sum (sqrt p - sqrt q)^2 | (sqrt u - 1)^2 | 1 - exp(-v) | exp(v) - 1 |
    | `"jensen_shannon"` | 2 JS(p, q) | u log u - (u + 1) log((u + 1) / 2) | log 2 - softplus(-v) | softplus(v) - log 2 |
    | `"gan"` | 2 JS(p, q) - log 4 | u log u - (u + 1) log(u + 1) | -softplus(-v) | softplus(v) |

    The generator minimizes the bound itself, which makes these losses good measures and often
    poor teachers. What reaches it through the output v of a generated sample is

    - "jensen_shannon" and "gan": `-sigmoid(v)`, as in `Minimax`: nothing where the discriminator
      rejects with confidence;
    - "kl" and "squared_hellinger": `-exp(v - 1)` and `-exp(v)`: nothing there either, and without
      limit where it accepts;
    - "reverse_kl": -1 everywhere;
    - "pearson": `-(1 + v / 2)`, which turns round below v = -2 and pushes the generator to be
      rejected more. The best discriminator, `2 (p / q - 1)`, never goes there; others may.

    The "kl", "reverse_kl" and "squared_hellinger" rows hold an exponential: in float32 one value
    is finite for logits within ±88, the mean of a batch within ±80. They want a penalty such as
    `terms.R1`.

    Bound: `-L_D <= D_f(p, q)`, for any discriminator, logged under the divergence's name.
    Equilibrium: `L_D = -f(1)`, 0 but for "gan", where it is 2 log 2, and `L_G` at the output v
    with g(v) = f'(1): -1 for "kl", 1 for "reverse_kl", -log 2 for "gan", 0 for the others.

    Args:
        divergence: a row of the table.

    Raises:
        ValueError: for another divergence.

    Example:

    >>> loss = keras_gan.losses.FDivergence("pearson")
    >>> zeros = keras.ops.zeros((1, 1))
    >>> float(loss.discriminator_loss(zeros, zeros)[0, 0])
    0.0

    Reference:
        - [Nowozin et al., 2016](https://arxiv.org/abs/1606.00709), Eq. (4), (7), Tables 1 and 2
    """  # noqa: E501

    name = "f_divergence"

    def __init__(self, divergence="jensen_shannon"):
        # What a bound is logged as; `divergence` itself is the bound, as with every loss.
        self.divergence_name = choice("divergence", divergence, sorted(_ROWS))

    @property
    def _row(self):
        return _ROWS[self.divergence_name]

    def discriminator_loss(self, real_logits, fake_logits):
        """Return `-g(D(x)) + f*(g(D(G(z))))`."""
        real_logits, fake_logits = as_logits(real_logits, fake_logits)
        return self._row.conjugate(fake_logits) - self._row.activation(real_logits)

    def generator_loss(self, fake_logits, real_logits=None):
        """Return `-f*(g(D(G(z))))`."""
        return -self._row.conjugate(as_logits(fake_logits))

    def divergence(self, d_loss):
        """Return `-d_loss`, at most the divergence."""
        return -d_loss

    def says_real(self, logits):
        """Return whether logits are above the output of an undecided discriminator."""
        return logits > self._row.threshold

    @property
    def equilibrium(self):
        """`(-f(1), -f*(f'(1)))`."""
        return self._row.equilibrium

    def get_config(self):
        """Return the constructor's arguments."""
        return {"divergence": self.divergence_name}
