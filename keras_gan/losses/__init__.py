"""Adversarial losses: two pure functions of logits, one for each player."""

from keras_gan.losses.adversarial_loss import AdversarialLoss, Equilibrium, WeightedSum
from keras_gan.losses.critics import Hinge, Wasserstein
from keras_gan.losses.exponential import Exponential
from keras_gan.losses.f_divergence import FDivergence
from keras_gan.losses.least_squares import LeastSquares
from keras_gan.losses.logistic import Minimax, NonSaturating
from keras_gan.losses.relativistic import RelativisticAverage, RelativisticPairing
from keras_gan.utils import registry

__all__ = [
    "AdversarialLoss",
    "Equilibrium",
    "Exponential",
    "FDivergence",
    "Hinge",
    "LeastSquares",
    "Minimax",
    "NonSaturating",
    "RelativisticAverage",
    "RelativisticPairing",
    "Wasserstein",
    "WeightedSum",
    "get",
]


def get(identifier):
    """Return the loss that a name, a config or an instance stands for.

    Args:
        identifier: an `AdversarialLoss`, its name or its serialized config.

    Returns:
        An `AdversarialLoss`.

    Raises:
        ValueError: for an unknown name, with the known ones and the nearest.
        TypeError: for anything else.

    Example:

    >>> keras_gan.losses.get("non_saturating")
    NonSaturating(label_smoothing=0.0)
    """
    classes = registry.classes_of(__name__, AdversarialLoss)
    return registry.resolve(identifier, classes, AdversarialLoss, "loss")
