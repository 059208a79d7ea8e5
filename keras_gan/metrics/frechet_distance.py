"""The Fréchet distance: between the Gaussians of two sets of features."""

import warnings

import keras
import numpy as np

from keras_gan.metrics.accumulators import Moments
from keras_gan.metrics.metric import QualityMetric

# Eigenvalues below this share of the largest, times the dimension, are rounding.
_ROUNDING = 10 * np.finfo("float64").eps
# Pivots of at least this share of the largest leave a Cholesky factor its digits.
_WELL_CONDITIONED = 1e-9


def frechet_distance(real_mean, real_covariance, fake_mean, fake_covariance):
    """Return the squared Fréchet (2-Wasserstein) distance between two Gaussians.

    Formula: `|m - m'|² + tr(S + S' - 2 (S S')^(1/2))`

    The trace of the root is computed as the sum of the singular values of `F^T F'`, with
    `S = F F^T`: singular covariances need no constant on the diagonal, and no imaginary parts
    arise.

    Args:
        real_mean: array of shape `(d,)`.
        real_covariance: array of shape `(d, d)`, symmetric and positive semidefinite.
        fake_mean: as `real_mean`.
        fake_covariance: as `real_covariance`.

    Returns:
        The distance, a float of at least 0 in squared units of the features.

    Raises:
        ValueError: when shapes differ, values are not finite, or a matrix is no covariance.

    Example:

    >>> keras_gan.metrics.frechet_distance([0.0], [[1.0]], [3.0], [[4.0]])  # 3² + (2 - 1)²
    10.0

    Reference:
        - [Dowson and Landau, 1982](https://doi.org/10.1016/0047-259X(82)90077-X)
        - [Heusel et al., 2017](https://arxiv.org/abs/1706.08500), Equation (6)
    """
    means = [np.asarray(mean, "float64") for mean in (real_mean, fake_mean)]
    covariances = [np.asarray(matrix, "float64") for matrix in (real_covariance, fake_covariance)]
    _check(means, covariances)
    factors = [_factor(matrix) for matrix in covariances]
    overlap = np.linalg.svd(factors[0].T @ factors[1], compute_uv=False).sum()
    traces = sum(np.trace(matrix) for matrix in covariances)
    return max(0.0, float(np.sum((means[0] - means[1]) ** 2) + traces - 2 * overlap))


def _factor(covariance):
    """Return F with `F F^T` the covariance, of full column rank."""
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return _root(covariance)
    pivots = np.diag(factor) ** 2
    return factor if pivots.min() > _WELL_CONDITIONED * pivots.max() else _root(covariance)


def _root(covariance):
    """Return F by eigenvalues: slower, and right for a singular covariance."""
    values, vectors = np.linalg.eigh(covariance)
    rounding = _ROUNDING * len(values) * max(values[-1], 0.0)
    if values[0] < -max(1e-6 * values[-1], rounding):
        raise ValueError(
            "Expected covariances, which have no negative eigenvalues. "
            f"Received: a matrix with the eigenvalue {values[0]:g}"
        )
    kept = values > rounding
    return vectors[:, kept] * np.sqrt(values[kept])


def _check(means, covariances):
    shapes = [a.shape for a in (*means, *covariances)]
    d = means[0].shape
    if len(d) != 1 or not d[0] or shapes != [d, d, d * 2, d * 2]:
        raise ValueError(
            "Expected two means of shape (d,) and two covariances of shape (d, d). "
            f"Received: means of shapes {shapes[:2]} and covariances of shapes {shapes[2:]}"
        )
    for array in (*means, *covariances):
        if not np.isfinite(array).all():
            raise ValueError("Expected finite means and covariances. Received: NaN or infinity")
    for matrix in covariances:
        skew = np.abs(matrix - matrix.T).max()
        if skew > 1e-6 * np.abs(matrix).max():
            raise ValueError(
                "Expected covariances, which are symmetric. Received: a matrix that differs from "
                f"its transpose by up to {skew:g}"
            )


@keras.saving.register_keras_serializable("keras_gan")
class FrechetDistance(QualityMetric):
    """Fréchet distance between real and generated features: FID, on Inception's features.

    Unbiased covariances in float64, from moments that are updated batch by batch: memory of d²,
    not of n·d. The distance itself is biased: fewer samples give a larger one. Compare only
    values of equal counts, beside the same distance between two real sets.

    From fewer samples than dimensions a covariance is singular: the distance is defined all the
    same, says little, and comes with a warning.

    Args:
        features: `keras_gan.metrics.features.Features`; by default the samples, flattened.
        name: key in the logs.

    Example:

    >>> metric = keras_gan.metrics.FrechetDistance()
    >>> metric.update_state(real=[[0.0], [2.0]])  # mean 1, variance 2
    >>> metric.update_state(fake=[[3.0], [5.0]])  # mean 4, variance 2
    >>> metric.result()
    9.0

    Reference:
        - [Heusel et al., 2017](https://arxiv.org/abs/1706.08500)
    """

    least = 2
    accumulator = Moments

    def compute(self, real, fake):
        """Return the distance between the two sides' moments."""
        fewest = min(real.count, fake.count)
        if fewest <= len(real.mean):
            warnings.warn(
                f"A Fréchet distance in {len(real.mean)} dimensions from {fewest} samples: with "
                "fewer samples than dimensions it is far above that of many. Use more samples, "
                "or features of fewer dimensions.",
                stacklevel=3,
            )
        return frechet_distance(real.mean, real.covariance, fake.mean, fake.covariance)
