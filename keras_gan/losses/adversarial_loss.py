"""Base class of adversarial losses, and weighted sums of them."""

import numbers
from typing import NamedTuple

import keras
from keras import ops

from keras_gan.utils import arguments, registry
from keras_gan.utils.arguments import shown
from keras_gan.utils.tensors import compatible, wide


class Equilibrium(NamedTuple):
    """The two losses where the generator matches the data and the discriminator is optimal.

    A loss that takes no unique value there is `None`.
    """

    discriminator: float | None
    generator: float | None


class AdversarialLoss:
    """The pair of losses that defines an adversarial game.

    Both are pure functions of logits (critic values, no sigmoid), unreduced: one value per
    logit. The training step takes their mean. Losses compose:
    `0.5 * NonSaturating() + 0.5 * LeastSquares()`.

    To write one, override `discriminator_loss` and `generator_loss`, and `get_config` when the
    constructor takes arguments.

    Attributes:
        name: snake_case name, by which `compile(loss=...)` and the logs know the loss.
        divergence_name: the log key of the divergence bound, or `None` when none is proved.
        logged_name: the log key of the value that the loss derives from `d_loss`. By default,
            that of the bound; `None` for no value.
        uses_real_logits: whether `generator_loss` needs the logits of real samples too
            (relativistic losses do), which costs the training step one more forward.
        compares_pairs: whether the loss compares the real and the generated sample of a row, which
            then need the same condition.

    Example:

    ```python
    class Absolute(keras_gan.losses.AdversarialLoss):  # logits of 1 for real, of 0 for fake
        name = "absolute"

        def discriminator_loss(self, real_logits, fake_logits):
            return keras.ops.abs(real_logits - 1) + keras.ops.abs(fake_logits)

        def generator_loss(self, fake_logits, real_logits=None):
            return keras.ops.abs(fake_logits - 1)


    model.compile(Absolute())
    ```
    """

    name = None
    divergence_name = None
    uses_real_logits = False
    compares_pairs = False

    def discriminator_loss(self, real_logits, fake_logits):
        """Return what the discriminator minimizes, one value per pair of logits.

        Args:
            real_logits: logits of real samples: `(batch, 1)`, `(batch,)` or a patch map.
            fake_logits: logits of generated samples, of the same shape.

        Returns:
            Tensor of the shape of the logits.

        Raises:
            ValueError: when the shapes differ.
        """
        raise NotImplementedError

    def generator_loss(self, fake_logits, real_logits=None):
        """Return what the generator minimizes, one value per logit.

        Args:
            fake_logits: logits of generated samples.
            real_logits: logits of real samples; only relativistic losses use them.

        Returns:
            Tensor of the shape of the logits.

        Raises:
            ValueError: of losses that use real logits, without them or when the shapes differ.
        """
        raise NotImplementedError

    def divergence(self, d_loss):
        """Return the lower bound on a divergence that a discriminator loss proves.

        It holds for any discriminator that judges samples one by one. With `layers.Packing` it is
        one of packs; a discriminator that compares the samples of a batch (`MinibatchStdDev`, batch
        normalization) proves nothing of single samples.

        Args:
            d_loss: mean discriminator loss, the adversarial part alone.

        Returns:
            The bound, a number or tensor as `d_loss` is, or `None` when no bound is proved.
        """
        return None

    @property
    def logged_name(self):
        """The log key of `logged`, by default that of the bound."""
        return self.divergence_name

    def logged(self, d_loss):
        """Return what the log shows of a discriminator loss: by default the bound it proves."""
        return self.divergence(d_loss)

    def says_real(self, logits):
        """Return whether logits call their samples real, a tensor of bools: those above 0.

        For critics, whose values mean nothing by themselves, this is a convention.
        """
        return logits > 0

    @property
    def equilibrium(self):
        """`Equilibrium` losses; `None` for one that is not unique, or in place of both."""
        return None

    def get_config(self):
        """Return the constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config):
        """Build the loss from its config."""
        return cls(**config)

    def __mul__(self, weight):
        """Weigh the loss."""
        if not isinstance(weight, numbers.Real):
            return NotImplemented
        return WeightedSum([self], [weight])

    __rmul__ = __mul__

    def __add__(self, other):
        """Add two losses."""
        if not isinstance(other, AdversarialLoss):
            return NotImplemented
        first, second = _as_sum(self), _as_sum(other)
        return WeightedSum(first.losses + second.losses, first.weights + second.weights)

    def __radd__(self, other):
        """Add to 0, where `sum` starts."""
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def __repr__(self):
        """Show the loss as the call that makes it."""
        arguments = ", ".join(f"{key}={shown(value)}" for key, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


@keras.saving.register_keras_serializable("keras_gan")
class WeightedSum(AdversarialLoss):
    """A weighted sum of adversarial losses on the same logits.

    Made by arithmetic on losses rather than by hand. A sum of one loss keeps that loss's bound
    and equilibrium; a sum of several has neither.

    Args:
        losses: list of `AdversarialLoss`.
        weights: list of as many finite, non-negative numbers.

    Raises:
        ValueError: when the lengths differ, or a weight is negative or not finite,
            or all are zero.
        TypeError: when a loss is no `AdversarialLoss`, or a weight no number.

    Example:

    >>> from keras_gan.losses import LeastSquares, NonSaturating
    >>> loss = 0.5 * NonSaturating() + 0.5 * LeastSquares()
    >>> float(loss.generator_loss(keras.ops.zeros((1, 1)))[0, 0])  # (log 2 + 1/2) / 2
    0.5965735...
    """

    name = "weighted_sum"

    def __init__(self, losses, weights):
        if len(losses) != len(weights) or not losses:
            raise ValueError(
                "Expected one weight for each loss. "
                f"Received: {len(losses)} losses and {len(weights)} weights"
            )
        self.weights = [arguments.number("weight", weight) for weight in weights]
        if not any(weights):
            raise ValueError(
                f"Expected at least one positive weight. Received: weights={list(weights)}"
            )
        self.losses = [registry.from_config(loss, "loss") for loss in losses]
        for loss in self.losses:
            if not isinstance(loss, AdversarialLoss):
                raise TypeError(
                    "Expected the parts of a sum to be losses, objects of `keras_gan.losses`. "
                    f"Received: {shown(loss)}"
                )

    @property
    def uses_real_logits(self):
        """Whether any part needs the real logits in the generator's loss."""
        return any(loss.uses_real_logits for loss in self.losses)

    @property
    def compares_pairs(self):
        """Whether any part compares the samples of a row."""
        return any(loss.compares_pairs for loss in self.losses)

    @property
    def divergence_name(self):
        """The bound's name when the sum has one part."""
        return self.losses[0].divergence_name if len(self.losses) == 1 else None

    def discriminator_loss(self, real_logits, fake_logits):
        """Return the weighted sum of the parts' discriminator losses."""
        return self._weigh(
            loss.discriminator_loss(real_logits, fake_logits) for loss in self.losses
        )

    def generator_loss(self, fake_logits, real_logits=None):
        """Return the weighted sum of the parts' generator losses."""
        return self._weigh(loss.generator_loss(fake_logits, real_logits) for loss in self.losses)

    def divergence(self, d_loss):
        """Return the single part's bound, or `None` for several."""
        if len(self.losses) > 1:
            return None
        return self.losses[0].divergence(d_loss / self.weights[0])

    @property
    def logged_name(self):
        """The single part's log key, or `None` for several."""
        return self.losses[0].logged_name if len(self.losses) == 1 else None

    def logged(self, d_loss):
        """Return the single part's value."""
        return self.losses[0].logged(d_loss / self.weights[0])

    def says_real(self, logits):
        """Return whether logits call their samples real, as the first part has it."""
        return self.losses[0].says_real(logits)

    @property
    def equilibrium(self):
        """The single part's equilibrium, weighted, or `None` for several."""
        if len(self.losses) > 1 or self.losses[0].equilibrium is None:
            return None
        weight, values = self.weights[0], self.losses[0].equilibrium
        return Equilibrium(*(None if value is None else weight * value for value in values))

    def get_config(self):
        """Return the serialized parts and their weights."""
        losses = [keras.saving.serialize_keras_object(loss) for loss in self.losses]
        return {"losses": losses, "weights": self.weights}

    def __mul__(self, weight):
        """Weigh every part."""
        if not isinstance(weight, numbers.Real):
            return NotImplemented
        return WeightedSum(self.losses, [weight * part for part in self.weights])

    __rmul__ = __mul__

    def __repr__(self):
        """Show the sum as the arithmetic that makes it."""
        return " + ".join(
            f"{w:g} * {loss!r}" for w, loss in zip(self.weights, self.losses, strict=True)
        )

    def _weigh(self, values):
        return sum(
            weight * value for weight, value in zip(self.weights, values, strict=True) if weight
        )


def _as_sum(loss):
    return loss if isinstance(loss, WeightedSum) else WeightedSum([loss], [1.0])


def as_logits(*logits):
    """Return the logits as tensors of equal shape, in float32 or wider.

    Low-precision logits are widened, so that losses and what derives from them are computed in
    float32 under mixed precision.

    Raises:
        ValueError: when the shapes differ: `(batch, 1)` against `(batch,)` would broadcast to
            `(batch, batch)` in silence.
    """
    wide_logits = [wide(ops.convert_to_tensor(tensor)) for tensor in logits]
    first, *others = (tuple(tensor.shape) for tensor in wide_logits)
    for other in others:
        if not compatible(first, other):
            raise ValueError(
                "Expected real and fake logits of equal shape, one logit for each sample (or "
                "patch) of equally large batches. Received: real_logits and fake_logits of "
                f"shapes {first} and {other}"
            )
    return wide_logits if len(wide_logits) > 1 else wide_logits[0]
