"""The kernel distance against a double loop over the samples, and its unbiasedness."""

import literal
import numpy as np
import pytest
from literal import cubic_kernel, normal

from keras_gan.metrics import KernelDistance, kernel_distance


@pytest.mark.parametrize(
    ("counts", "block_size", "blocks"),
    [
        ((40, 40), 1000, 10),
        ((43, 31), 1000, 10),
        ((31, 43), 1000, 10),
        ((43, 31), 4, 11),
        ((57, 64), 5, 13),
        ((100, 90), 10, 10),
        # Blocks of at least two rows on either side.
        ((40, 11), 1000, 5),
        ((9, 40), 1000, 4),
        ((40, 30), 2, 15),
        ((4, 5), 1000, 2),
    ],
)
def test_against_a_double_loop(counts, block_size, blocks):
    real, fake = normal(counts[0], 3), normal(counts[1], 3, seed=1, mean=0.4)
    expected = literal.kernel_distance(real, fake, blocks)
    result = kernel_distance(real, fake, block_size=block_size)
    assert set(result) == {"mean", "standard_error"}
    assert result == pytest.approx(expected, rel=1e-9)
    metric = KernelDistance(block_size=block_size)
    metric.update_state(real=real, fake=fake)
    assert metric.result() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("d", [1, 2, 17])
def test_kernel_is_scaled_by_the_dimension(d):
    real, fake = normal(24, d, std=2.0), normal(27, d, seed=1)
    expected = literal.kernel_distance(real, fake, 10)
    assert kernel_distance(real, fake) == pytest.approx(expected, rel=1e-9)


def test_worked_case():
    """All real rows are 1 and all fake ones 2: k(1, 1) = 8, k(2, 2) = 125, k(1, 2) = 27."""
    result = kernel_distance(np.ones((20, 1)), np.full((30, 1), 2.0))
    assert result["mean"] == pytest.approx(8 + 125 - 2 * 27, rel=1e-12)
    assert result["standard_error"] == pytest.approx(0, abs=1e-9)


def test_default_block_size_is_a_thousand():
    """10,001 rows make eleven blocks; block sums are the same as the loop's, in matrix form."""
    real, fake = normal(10_001, 1), normal(500, 1, seed=1, mean=0.5)
    values = []
    first, second = literal.shuffled(real, fake)
    for x, y in zip(np.array_split(first, 11), np.array_split(second, 11), strict=True):
        xx, yy, xy = ((a @ b.T + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
        n, m = len(x), len(y)
        within = (xx.sum() - np.trace(xx)) / (n * n - n) + (yy.sum() - np.trace(yy)) / (m * m - m)
        values.append(within - 2 * xy.mean())
    result = kernel_distance(real, fake)
    assert result["mean"] == pytest.approx(np.mean(values), rel=1e-9)
    assert result["standard_error"] == pytest.approx(np.std(values, ddof=1) / 11**0.5, rel=1e-9)


def biased(real, fake):
    """The V-statistic, which counts each sample's kernel with itself."""
    within = sum(np.mean([[cubic_kernel(a, b) for a in x] for b in x]) for x in (real, fake))
    return within - 2 * np.mean([[cubic_kernel(a, b) for a in real] for b in fake])


def test_unbiased_where_the_v_statistic_is_not():
    generator = np.random.default_rng(0)
    draws = generator.standard_normal((200, 2, 40, 4))
    values = np.array([kernel_distance(real, fake)["mean"] for real, fake in draws])
    assert abs(values.mean()) < 2 * values.std(ddof=1) / 200**0.5
    assert values.min() < 0
    worse = np.array([biased(real[:12], fake[:12]) for real, fake in draws[:50]])
    assert worse.mean() > 2 * worse.std(ddof=1) / 50**0.5


def test_standard_error_is_the_deviation_over_draws():
    draws = np.random.default_rng(1).standard_normal((200, 2, 200, 4))
    results = [kernel_distance(real, fake) for real, fake in draws]
    deviation = np.std([r["mean"] for r in results], ddof=1)
    typical = np.sqrt(np.mean([r["standard_error"] ** 2 for r in results]))
    assert typical == pytest.approx(deviation, rel=0.2)


def test_expectation_for_a_shifted_gaussian():
    """Against E k(x, y) from the moments of s = x.y/d: 1 + 3 E s + 3 E s² + E s³."""
    mean = 0.5
    real, fake = normal(10_000, 1), normal(10_000, 1, seed=1, mean=mean)
    third = mean**3 + 3 * mean
    expected = (
        # E k(x, x'), E k(y, y') and E k(x, y), with E x, E x², E x³ = 0, 1, 0.
        (1 + 3)
        + (1 + 3 * mean**2 + 3 * (1 + mean**2) ** 2 + third**2)
        - 2 * (1 + 3 * (1 + mean**2))
    )
    result = kernel_distance(real, fake, block_size=500)
    assert abs(result["mean"] - expected) < 4 * result["standard_error"]
    assert result["standard_error"] < 0.2 * expected


def test_order_of_the_samples_says_nothing():
    """Sorted rows, such as a folder of classes has, are no other data than shuffled ones."""
    real, fake = normal(4000, 2), normal(4000, 2, seed=1)
    for first in (real, real[np.argsort(real[:, 0])]):
        for second in (fake, fake[np.argsort(fake[:, 0])]):
            result = kernel_distance(first, second, block_size=100)
            assert abs(result["mean"]) < 3 * result["standard_error"]
