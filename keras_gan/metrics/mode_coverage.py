"""Coverage of known modes, for mixtures with given centers."""

import keras
import numpy as np
import tensorflow as tf

from keras_gan.metrics import checks
from keras_gan.metrics.distances import squared_distances
from keras_gan.metrics.metric import QualityMetric
from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown

_WITHIN = 3.0  # Standard deviations from a center: high quality, as in VEEGAN and PacGAN.


def mode_coverage(samples, centers, std, frequencies=None):
    """Return how a sample covers the modes of a mixture of round Gaussians.

    Args:
        samples: array of shape `(n, d)`.
        centers: the modes' centers, array of shape `(modes, d)`.
        std: the modes' standard deviation along each axis.
        frequencies: the modes' weights, by default equal.

    Returns:
        Dict of

        - `"modes"`: how many hold a sample within 3 standard deviations;
        - `"high_quality"`: share of such samples (of a perfect sampler 98.89 % in 2-D);
        - `"reverse_kl"`: KL divergence, in nats, of the histogram of nearest modes from
          the frequencies (of a perfect sampler about (modes - 1) / 2n, not 0);
        - `"spread"`: standard deviation of high-quality samples around their mode's mean, over
          `std`; corrected for the cut, so that it is 1 for a perfect sampler in any dimension,
          and 0 where each mode is a single point.

    Raises:
        ValueError: when shapes don't fit, or `std` or a frequency is not positive.

    Example:

    >>> ring = keras_gan.datasets.Ring()
    >>> keras_gan.metrics.mode_coverage(ring.centers[:4], ring.centers, ring.std)["modes"]
    4

    Reference:
        - [Srivastava et al., 2017](https://arxiv.org/abs/1705.07761), Section 4.1
        - [Lin et al., 2018](https://arxiv.org/abs/1712.04086), Section 4.1
    """
    centers, samples = checks.as_rows(centers=centers, samples=samples)
    std = arguments.number("std", std)
    if not std > 0:
        raise ValueError(f"Expected `std` to be a positive number. Received: std={shown(std)}")
    frequencies = checks.as_frequencies(frequencies, len(centers))
    nearest, squares = _nearest(samples, centers)
    good = squares < (_WITHIN * std) ** 2
    return {
        "modes": len(np.unique(nearest[good])),
        "high_quality": float(good.mean()),
        "reverse_kl": reverse_kl(nearest, frequencies),
        "spread": _spread(np.asarray(samples[good], "float64"), nearest[good]) / std,
    }


def reverse_kl(labels, frequencies):
    """Return the KL divergence of the histogram of labels from expected frequencies, in nats.

    Args:
        labels: integers from 0.
        frequencies: array of one number for each label, summing to 1; infinity is returned when
            a label occurs whose frequency is 0.
    """
    counts = np.bincount(labels, minlength=len(frequencies))
    shares = counts[counts > 0] / len(labels)
    expected = frequencies[counts > 0]
    return float(np.sum(shares * np.log(shares / expected))) if expected.all() else float("inf")


def _nearest(samples, centers):
    parts = [
        (squares.argmin(axis=1), squares.min(axis=1))
        for _, squares in squared_distances(samples, centers)
    ]
    return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]


def _spread(samples, modes):
    """Return the pooled standard deviation within modes, 0 when none has two samples."""
    _, modes, counts = np.unique(modes, return_inverse=True, return_counts=True)
    dimensions = samples.shape[1]
    freedom = np.sum(counts - 1) * dimensions
    if not freedom:
        return 0.0
    sums = np.zeros((len(counts), dimensions))
    np.add.at(sums, modes, samples)
    squares = np.sum((samples - sums[modes] / counts[modes, None]) ** 2)
    return float(np.sqrt(squares / freedom / _variance_within(dimensions)))


def _variance_within(dimensions):
    """Return the variance, along an axis, of a standard normal cut at the radius `_WITHIN`."""
    shape, limit = dimensions / 2, _WITHIN**2 / 2
    cut, whole = (
        tf.math.igamma(tf.constant(a, tf.float64), tf.constant(limit, tf.float64)).numpy()
        for a in (shape + 1, shape)
    )
    return cut / whole


@keras.saving.register_keras_serializable("keras_gan")
class ModeCoverage(QualityMetric):
    """How generated samples cover the modes of a known mixture; see `mode_coverage`.

    Real samples are not needed, and not looked at.

    Args:
        centers: the modes' centers, array of shape `(modes, d)`.
        std: the modes' standard deviation.
        frequencies: the modes' weights, by default equal.
        name: key in the logs, for `modes`, `high_quality`, `reverse_kl` and `spread`.

    Example:

    >>> ring = keras_gan.datasets.Ring()
    >>> metric = keras_gan.metrics.ModeCoverage(ring.centers, ring.std)
    >>> metric.update_state(fake=ring.sample(2500, seed=0))
    >>> metric.result()["modes"]
    8.0

    Reference:
        - [Lin et al., 2018](https://arxiv.org/abs/1712.04086), Section 4.1
    """

    keys = ("modes", "high_quality", "reverse_kl", "spread")
    sides = needed = ("fake",)

    def __init__(self, centers, std, frequencies=None, name=None):
        super().__init__(name=name)
        (self.centers,) = checks.as_rows(centers=np.asarray(centers, "float64"))
        self.std = arguments.number("std", std)
        self.frequencies = None if frequencies is None else np.asarray(frequencies, "float64")
        mode_coverage(self.centers, self.centers, self.std, self.frequencies)  # Checks them.

    def prepare(self, rows):
        """Return the samples, of the centers' dimension."""
        checks.as_rows(samples=rows, centers=self.centers)
        return rows

    def compute(self, real, fake):
        """Return the four values."""
        return mode_coverage(fake.values, self.centers, self.std, self.frequencies)

    def get_config(self):
        """Return the constructor's arguments."""
        frequencies = None if self.frequencies is None else self.frequencies.tolist()
        own = {"centers": self.centers.tolist(), "std": self.std, "frequencies": frequencies}
        return {"name": self.name, **own}
