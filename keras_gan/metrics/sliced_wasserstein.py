"""The sliced Wasserstein distance: exact distances along many lines."""

import functools

import keras
import numpy as np

from keras_gan.metrics import checks
from keras_gan.metrics.metric import QualityMetric
from keras_gan.utils import arguments


def sliced_wasserstein(real, fake, projections=128, p=2, seed=0):
    """Return the sliced Wasserstein distance between two sets of features.

    Formula: `(mean over directions of W_p(projected real, projected fake)^p)^(1/p)`

    Each one-dimensional distance is exact, for different counts too; on features of one
    dimension it is the Wasserstein distance itself.

    Args:
        real: feature rows of shape `(n, d)`.
        fake: feature rows of shape `(m, d)`.
        projections: random directions, uniform on the sphere.
        p: order of the distance, at least 1.
        seed: of the directions.

    Returns:
        The distance, a float in units of the features.

    Raises:
        ValueError: for an argument out of range, or features that are not finite.

    Example:

    >>> keras_gan.metrics.sliced_wasserstein([[0.0], [1.0]], [[2.0], [3.0]])
    2.0

    Reference:
        - [Bonneel et al., 2015](https://doi.org/10.1007/s10851-014-0506-3)
        - [Deshpande et al., 2018](https://arxiv.org/abs/1803.11188), for generators
    """
    real, fake = checks.as_rows(real=real, fake=fake)
    _check_options(projections, p, seed)
    lines = directions(real.shape[1], projections, seed)
    return distance(real @ lines, fake @ lines, p)


@functools.lru_cache(4)
def directions(dimension, count, seed):
    """Return random directions, uniform on the sphere, an array of shape `(dimension, count)`."""
    normal = np.random.default_rng(seed).standard_normal((dimension, count))
    return normal / np.linalg.norm(normal, axis=0)


def distance(real, fake, p):
    """Return the mean over columns, to the power 1/p, of the distances between their values.

    Args:
        real: projected rows of shape `(n, projections)`.
        fake: the same of the other side, of any number.
        p: order of the distance.
    """
    real, fake = np.sort(real, axis=0), np.sort(fake, axis=0)
    n, m = len(real), len(fake)
    # Both quantile functions are steps: between these levels, counted in 1/(n m), neither jumps.
    levels = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    widths = np.diff(levels, prepend=0) / (n * m)
    last = levels - 1
    costs = np.abs(real[last // m] - fake[last // n]) ** p
    return float((widths @ costs).mean() ** (1 / p))


def _check_options(projections, p, seed):
    arguments.whole("projections", projections)
    arguments.whole("seed", seed, least=0)
    arguments.number("p", p, low=1)


@keras.saving.register_keras_serializable("keras_gan")
class SlicedWasserstein(QualityMetric):
    """Sliced Wasserstein distance between real and generated features.

    The projections are kept, not the features: memory of n times `projections`.

    Args:
        features: `keras_gan.metrics.features.Features`; by default the samples, flattened.
        projections: random directions.
        p: order of the distance.
        seed: of the directions.
        name: key in the logs.

    Reference:
        - [Bonneel et al., 2015](https://doi.org/10.1007/s10851-014-0506-3)
    """

    def __init__(self, features=None, projections=128, p=2, seed=0, name=None):
        super().__init__(features, name)
        _check_options(projections, p, seed)
        self.projections, self.p, self.seed = projections, p, seed

    def prepare(self, rows):
        """Return the rows' projections."""
        return rows @ directions(rows.shape[1], self.projections, self.seed)

    def compute(self, real, fake):
        """Return the distance between the two sides' projections."""
        return distance(real.values, fake.values, self.p)

    def get_config(self):
        """Return the constructor's arguments."""
        own = {"projections": self.projections, "p": self.p, "seed": self.seed}
        return {**super().get_config(), **own}
