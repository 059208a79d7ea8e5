"""The kernel distance (KID): an unbiased maximum mean discrepancy between two sets of features."""

import math

import keras
import numpy as np

from keras_gan.metrics import checks
from keras_gan.metrics.metric import QualityMetric
from keras_gan.utils import arguments

_FEWEST_BLOCKS = 10


def kernel_distance(real, fake, block_size=1000):
    """Return the kernel distance between two sets of features, with its standard error.

    The squared maximum mean discrepancy under the cubic kernel `k(x, y) = (x·y / d + 1)³`.
    Both sides are put into a random order (always the same: seeds `[0, 0]` and `[0, 1]` of
    NumPy's generator) and cut into as many blocks; each pair of blocks gives an unbiased
    estimate. Blocks of data in the order of its classes would not be samples of it.

    Formula: `mean of k(x, x'), x ≠ x' + mean of k(y, y'), y ≠ y' - 2 · mean of k(x, y)`

    Its mean does not depend on the number of samples, and is 0 for equal distributions; a single
    estimate may be a little negative.

    Args:
        real: feature rows of shape `(n, d)`.
        fake: feature rows of shape `(m, d)`.
        block_size: most rows of a block. There are at least ten blocks, so that there is a
            standard error; but no more than give each two rows of either side, so that blocks of
            the larger side may be larger.

    Returns:
        Dict of `"mean"` over the blocks and its `"standard_error"`.

    Raises:
        ValueError: for fewer than 4 rows on a side, or features that are not finite.

    Example:

    >>> real, fake = np.ones((20, 1)), np.full((20, 1), 2.0)
    >>> keras_gan.metrics.kernel_distance(real, fake)  # 2³ + 5³ - 2 · 3³
    {'mean': 79.0, 'standard_error': 0.0}

    Reference:
        - [Bińkowski et al., 2018](https://arxiv.org/abs/1801.01401), Section 4
    """
    block_size = arguments.whole("block_size", block_size, least=2)
    sides = checks.as_rows(least=4, real=real, fake=fake)
    real, fake = (checks.shuffled(rows, [0, side]) for side, rows in enumerate(sides))
    blocks = max(_FEWEST_BLOCKS, math.ceil(max(len(real), len(fake)) / block_size))
    blocks = min(blocks, len(real) // 2, len(fake) // 2)
    pairs = zip(np.array_split(real, blocks), np.array_split(fake, blocks), strict=True)
    estimates = np.array([_discrepancy(*pair) for pair in pairs])
    error = estimates.std(ddof=1) / math.sqrt(blocks)
    return {"mean": float(estimates.mean()), "standard_error": float(error)}


def _discrepancy(real, fake):
    real, fake = (np.asarray(rows, "float64") for rows in (real, fake))
    return _within(real) + _within(fake) - 2 * _kernel(real, fake).mean()


def _within(rows):
    kernel = _kernel(rows, rows)
    return (kernel.sum() - np.trace(kernel)) / (len(rows) * (len(rows) - 1))


def _kernel(first, second):
    return (first @ second.T / first.shape[1] + 1) ** 3


@keras.saving.register_keras_serializable("keras_gan")
class KernelDistance(QualityMetric):
    """Kernel distance between real and generated features: KID, on Inception's features.

    Unlike the Fréchet distance it is unbiased, so that few samples do, and it makes no
    assumption on the features. All feature rows are kept: memory of n·d.

    Args:
        features: `keras_gan.metrics.features.Features`; by default the samples, flattened.
        block_size: most rows of a block, see `kernel_distance`.
        name: key in the logs, for the two values `mean` and `standard_error`.

    Reference:
        - [Bińkowski et al., 2018](https://arxiv.org/abs/1801.01401)
    """

    keys = ("mean", "standard_error")
    least = 4

    def __init__(self, features=None, block_size=1000, name=None):
        super().__init__(features, name)
        self.block_size = arguments.whole("block_size", block_size, least=2)

    def compute(self, real, fake):
        """Return the distance and its standard error."""
        return kernel_distance(real.values, fake.values, self.block_size)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "block_size": self.block_size}
