"""Precision and recall, density and coverage: how far two sets of features overlap."""

import keras
import numpy as np

from keras_gan.metrics import checks
from keras_gan.metrics.distances import neighbour_squares, squared_distances
from keras_gan.metrics.metric import QualityMetric
from keras_gan.utils import arguments

# A distance equal to a radius but for rounding, as of a copied sample, counts as equal.
_TIE = 1e-10


def precision_recall(real, fake, k=3):
    """Return the share of generated samples within the real manifold, and the reverse.

    The manifold of a set is the union of balls around its samples, each of which reaches to the
    sample's k-th nearest other one, border included.

    Args:
        real: feature rows of shape `(n, d)`.
        fake: feature rows of shape `(m, d)`.
        k: the neighbour that sets the radius.

    Returns:
        Dict of `"precision"` (fidelity) and `"recall"` (variety), in [0, 1].

    Raises:
        ValueError: for fewer than k + 1 rows on a side, or features that are not finite.

    Example:

    >>> keras_gan.metrics.precision_recall([[0.0], [1.0], [2.0]], [[0.5], [0.6], [9.0]], k=1)
    {'precision': 0.666..., 'recall': 0.666...}

    Reference:
        - [Kynkäänniemi et al., 2019](https://arxiv.org/abs/1904.06991), Equations (1) and (2)
    """
    k = arguments.whole("k", k)
    real, fake = checks.as_rows(least=k + 1, real=real, fake=fake)
    real_radii, fake_radii = (neighbour_squares(rows, k) * (1 + _TIE) for rows in (real, fake))
    precise, recalled = 0, np.zeros(len(real), bool)
    for part, squares in squared_distances(fake, real):
        precise += np.sum((squares <= real_radii).any(axis=1))
        recalled |= (squares <= fake_radii[part, None]).any(axis=0)
    return {"precision": float(precise / len(fake)), "recall": float(recalled.mean())}


def density_coverage(real, fake, k=5):
    """Return how densely generated samples lie around real ones, and how many of these they reach.

    Unlike precision and recall, neither builds a manifold of generated samples, and neither is
    moved much by a single outlier.

    Args:
        real: feature rows of shape `(n, d)`.
        fake: feature rows of shape `(m, d)`.
        k: the neighbour that sets the radius of the ball around each real sample.

    Returns:
        Dict of `"density"` (1 for equal distributions, may be above), the mean number of real
        balls that a generated sample lies in, over k; and of `"coverage"`, the share of real
        balls that hold a generated sample (for equal distributions and counts
        `1 - 2^-k`, about).

    Raises:
        ValueError: for fewer than k + 1 real rows, or features that are not finite.

    Example:

    >>> keras_gan.metrics.density_coverage([[0.0], [1.0], [2.0]], [[0.5], [0.6], [9.0]], k=1)
    {'density': 1.333..., 'coverage': 0.666...}

    Reference:
        - [Naeem et al., 2020](https://arxiv.org/abs/2002.09797), Section 3
    """
    k = arguments.whole("k", k)
    (real,) = checks.as_rows(least=k + 1, real=real)
    real, fake = checks.as_rows(real=real, fake=fake)
    radii = neighbour_squares(real, k) * (1 - _TIE)
    inside, covered = 0, np.zeros(len(real), bool)
    for _, squares in squared_distances(fake, real):
        within = squares < radii
        inside += within.sum()
        covered |= within.any(axis=0)
    return {"density": float(inside / (k * len(fake))), "coverage": float(covered.mean())}


class _Neighbourhoods(QualityMetric):
    """A metric of balls that reach to the k-th neighbour."""

    def __init__(self, features=None, k=3, name=None):
        super().__init__(features, name)
        self.k = arguments.whole("k", k)
        self.least = self.k + 1

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "k": self.k}


@keras.saving.register_keras_serializable("keras_gan")
class PrecisionRecall(_Neighbourhoods):
    """Precision (fidelity) and recall (variety) of generated samples; see `precision_recall`.

    All feature rows are kept. Distances are computed block by block: n² of time, not of memory.
    Compare only values of equal counts: both fall as samples grow fewer.

    Args:
        features: `keras_gan.metrics.features.Features`; by default the samples, flattened.
        k: the neighbour that sets the radius.
        name: key in the logs, for the two values `precision` and `recall`.

    Reference:
        - [Kynkäänniemi et al., 2019](https://arxiv.org/abs/1904.06991)
    """

    keys = ("precision", "recall")

    def compute(self, real, fake):
        """Return precision and recall."""
        return precision_recall(real.values, fake.values, self.k)


@keras.saving.register_keras_serializable("keras_gan")
class DensityCoverage(_Neighbourhoods):
    """Density and coverage of generated samples; see `density_coverage`.

    Args:
        features: `keras_gan.metrics.features.Features`; by default the samples, flattened.
        k: the neighbour that sets the radius.
        name: key in the logs, for the two values `density` and `coverage`.

    Reference:
        - [Naeem et al., 2020](https://arxiv.org/abs/2002.09797)
    """

    keys = ("density", "coverage")

    def __init__(self, features=None, k=5, name=None):
        super().__init__(features, k, name)

    def compute(self, real, fake):
        """Return density and coverage."""
        return density_coverage(real.values, fake.values, self.k)
