"""The sliced Wasserstein distance against exact distances on a line and known expectations."""

import math

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from literal import normal, wasserstein

from keras_gan.metrics import SlicedWasserstein, sliced_wasserstein

COUNTS = [(30, 30), (30, 45), (17, 31), (1, 12), (40, 7), (250, 1000)]


@pytest.mark.parametrize("counts", COUNTS)
def test_line_against_scipy(counts):
    real, fake = normal(counts[0], 1), normal(counts[1], 1, seed=1, mean=0.3, std=2.0)
    expected = scipy.stats.wasserstein_distance(real[:, 0], fake[:, 0])
    assert sliced_wasserstein(real, fake, p=1) == pytest.approx(expected, rel=1e-9)
    assert sliced_wasserstein(fake, real, p=1) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("p", [1, 2])
def test_line_against_the_quantiles(counts, p):
    real, fake = normal(counts[0], 1), normal(counts[1], 1, seed=1, mean=0.3, std=2.0)
    expected = wasserstein(real[:, 0], fake[:, 0], p)
    assert sliced_wasserstein(real, fake, p=p) == pytest.approx(expected, rel=1e-9)


def test_line_worked_cases():
    # Half of the mass goes from 0 to 1, half stays: 1/2 to the power 1/p.
    real, fake = [[0.0], [0.0]], [[0.0], [1.0]]
    assert sliced_wasserstein(real, fake, p=1) == pytest.approx(0.5)
    assert sliced_wasserstein(real, fake, p=2) == pytest.approx(math.sqrt(0.5))
    # Of three thirds and two halves: 0 to 0, the middle third half to 0 and half to 6, 6 to 6.
    three, two = [[0.0], [3.0], [6.0]], [[0.0], [6.0]]
    assert sliced_wasserstein(three, two, p=1) == pytest.approx(1.0)
    assert sliced_wasserstein(three, two, p=2) == pytest.approx(math.sqrt(3))


def test_order_two_by_default():
    real, fake = normal(30, 1), normal(45, 1, seed=1, std=3.0)
    expected = wasserstein(real[:, 0], fake[:, 0], 2)
    assert sliced_wasserstein(real, fake) == pytest.approx(expected, rel=1e-9)
    metric = SlicedWasserstein()
    metric.update_state(real=real, fake=fake)
    assert metric.result() == pytest.approx(expected, rel=1e-9)
    assert isinstance(metric.result(), float)


def test_class_is_the_function():
    real, fake = normal(30, 4), normal(45, 4, seed=1)
    for options in ({}, {"projections": 5, "p": 1, "seed": 3}):
        metric = SlicedWasserstein(**options)
        metric.update_state(real=real, fake=fake)
        assert metric.result() == pytest.approx(sliced_wasserstein(real, fake, **options), rel=1e-9)


def translated(d, p, projections=20_000, seed=0):
    """The distance of a translation of length 3, whose projections all move by <t, u>."""
    real = normal(2, d)
    shift = np.zeros(d)
    shift[0] = 3.0
    return sliced_wasserstein(real, real + shift, projections=projections, p=p, seed=seed)


@pytest.mark.parametrize("d", [2, 3, 10])
def test_translation(d):
    """E <t, u>² = |t|²/d and E |<t, u>| = |t| Γ(d/2) / (√π Γ((d + 1)/2)) on the sphere.

    Both together: directions of unit length, uniform over all angles.
    """
    assert translated(d, 2) == pytest.approx(3 / math.sqrt(d), rel=0.02)
    first = 3 * math.gamma(d / 2) / (math.sqrt(math.pi) * math.gamma((d + 1) / 2))
    assert translated(d, 1) == pytest.approx(first, rel=0.02)


def test_mean_is_taken_before_the_root():
    """For p = 2 the mean of roots would be E |<t, u>|, smaller by an eighth in three dimensions."""
    assert translated(3, 2) == pytest.approx(3 / math.sqrt(3), rel=0.02)
    assert translated(3, 2) > 1.1 * translated(3, 1)


def test_between_gaussians():
    """N(0, I) and N(m, I): the square is |m|²/d; N(0, s²I): it is (s - 1)²."""
    real = normal(4000, 4)
    moved = sliced_wasserstein(real, normal(4000, 4, seed=1, mean=1.0), projections=300)
    assert moved**2 == pytest.approx(1, abs=0.1)
    scaled = sliced_wasserstein(real, normal(3000, 4, seed=1, std=3.0), projections=50)
    assert scaled == pytest.approx(2, abs=0.1)


def test_more_projections_converge():
    spread = [np.std([translated(5, 2, n, seed) for seed in range(12)]) for n in (4, 64, 1024)]
    assert spread[0] > 2 * spread[1] > 4 * spread[2] > 0


def test_seed_fixes_the_projections():
    real, fake = normal(20, 3), normal(20, 3, seed=1)
    values = [sliced_wasserstein(real, fake, projections=3, seed=s) for s in (0, 0, 1)]
    assert values[0] == values[1] != values[2]
    assert sliced_wasserstein(real, fake, projections=3) == values[0]
    np.random.seed(1)
    assert sliced_wasserstein(real, fake, projections=3) == values[0]


def test_zero_between_equal_sides():
    real = normal(50, 3)
    shuffled = real[np.random.default_rng(0).permutation(50)]
    assert sliced_wasserstein(real, shuffled) == pytest.approx(0, abs=1e-12)
    # Every sample doubled is the same distribution.
    assert sliced_wasserstein(real, np.repeat(real, 2, axis=0)) == pytest.approx(0, abs=1e-7)


def test_scales_with_the_samples_and_forgets_the_origin():
    real, fake = normal(20, 3), normal(35, 3, seed=1, std=2.0)
    value = sliced_wasserstein(real, fake)
    assert sliced_wasserstein(5 * real, 5 * fake) == pytest.approx(5 * value, rel=1e-9)
    assert sliced_wasserstein(real + 7, fake + 7) == pytest.approx(value, rel=1e-9)
    assert sliced_wasserstein(fake, real) == pytest.approx(value, rel=1e-9)


def test_bounded_by_the_exact_distance():
    """No projection moves mass further than the plan in the plane; here a matching."""
    real, fake = normal(40, 2), normal(40, 2, seed=1, mean=0.5)
    costs = np.sum((real[:, None] - fake[None]) ** 2, axis=-1)
    exact = math.sqrt(costs[scipy.optimize.linear_sum_assignment(costs)].mean())
    assert 0 < sliced_wasserstein(real, fake) <= exact
