"""Mode and class coverage against loops, the ceilings of perfect samplers, and known traps."""

import math

import literal
import numpy as np
import pytest
import scipy.stats
from literal import normal

from keras_gan.datasets import Grid, Mixture, Ring
from keras_gan.metrics import (
    ClassCoverage,
    ModeCoverage,
    class_coverage,
    features,
    mode_coverage,
)

CEILING = 1 - math.exp(-9 / 2)


def seen(metric, real=None, fake=None):
    if real is not None:
        metric.update_state(real=real)
    metric.update_state(fake=fake)
    return metric.result()


def coverage(mixture, samples, **options):
    return mode_coverage(samples, mixture.centers, mixture.std, **options)


def cut_std(d):
    """Return how much narrower a standard normal in d dimensions is, cut at radius 3."""
    return math.sqrt(scipy.stats.chi2.cdf(9, d + 2) / scipy.stats.chi2.cdf(9, d))


@pytest.mark.parametrize(("d", "modes"), [(1, 3), (2, 4), (3, 2)])
@pytest.mark.parametrize("std", [0.5, 1.0])
def test_mode_coverage_against_loops(d, modes, std):
    """The widths let many samples miss the cut, and be nearest to another mode than theirs."""
    centers = normal(modes, d, seed=d, std=3.0)
    samples = centers[np.arange(60) % modes] + normal(60, d, seed=1)
    expected = literal.mode_coverage(samples, centers, std)
    expected["spread"] = expected.pop("uncorrected_spread") / cut_std(d)
    assert mode_coverage(samples, centers, std) == pytest.approx(expected, rel=1e-9)
    assert seen(ModeCoverage(centers, std), fake=samples) == pytest.approx(expected, rel=1e-9)


def test_three_standard_deviations_are_outside():
    """The cut is open: a sample at exactly three standard deviations is not of high quality."""
    samples = [[3.0, 0.0], [0.0, -2.75], [0.0, 0.5], [4.0, 0.0]]
    result = mode_coverage(samples, [[0.0, 0.0]], 1.0)
    assert result["high_quality"] == 0.5
    assert result["modes"] == 1


@pytest.mark.parametrize(("mixture", "modes"), [(Ring(), 8), (Grid(), 25)], ids=["ring", "grid"])
def test_ceiling_of_a_perfect_sampler(mixture, modes):
    n = 50_000
    result = coverage(mixture, mixture.sample(n, seed=0))
    assert result["modes"] == modes
    error = math.sqrt(CEILING * (1 - CEILING) / n)
    assert result["high_quality"] == pytest.approx(CEILING, abs=3 * error)
    assert result["spread"] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("d", [1, 2, 3, 10])
def test_spread_of_a_perfect_sampler_in_any_dimension(d):
    centers = np.zeros((2, d))
    centers[1, 0] = 100.0
    samples = Mixture(centers, std=1.0).sample(100_000 // d, seed=1)
    result = mode_coverage(samples, centers, 1.0)
    assert result["spread"] == pytest.approx(1.0, abs=0.015)
    within = scipy.stats.chi2.cdf(9, d)
    assert result["high_quality"] == pytest.approx(within, abs=0.01)


def test_spread_corrects_for_few_samples_in_each_mode():
    """Deviations from the mode's own mean lose a degree of freedom: with 4 a mode, a quarter."""
    mixture = Grid()
    values = [coverage(mixture, mixture.sample(100, seed=s))["spread"] for s in range(30)]
    assert np.sqrt(np.mean(np.square(values))) == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize(
    ("mixture", "n", "mean", "deviation"),
    [
        (Ring(), 2500, 0.0014, 0.0007),
        (Grid(), 2500, 0.0048, 0.0015),
        (Grid(), 10_000, 0.0012, None),
    ],
    ids=["ring 2500", "grid 2500", "grid 10000"],
)
def test_floor_of_the_reverse_kl(mixture, n, mean, deviation):
    values = [coverage(mixture, mixture.sample(n, seed=s))["reverse_kl"] for s in range(40)]
    assert np.mean(values) == pytest.approx(mean, rel=0.25)
    # The floor is that of a multinomial: (modes - 1) / 2n.
    assert np.mean(values) == pytest.approx((len(mixture.centers) - 1) / (2 * n), rel=0.25)
    if deviation:
        assert np.std(values) == pytest.approx(deviation, rel=0.4)


def test_collapse_to_the_centers():
    """All that the older figures praise: every mode, all of high quality. Spread tells."""
    ring = Ring()
    result = coverage(ring, np.tile(ring.centers, (50, 1)))
    expected = {"modes": 8, "high_quality": 1.0, "reverse_kl": 0.0, "spread": 0.0}
    assert result == pytest.approx(expected, abs=1e-9)


def test_narrower_than_the_data():
    ring = Ring()
    samples = Mixture(ring.centers, ring.std / 2).sample(5000, seed=0)
    result = coverage(ring, samples)
    assert result["high_quality"] == 1.0
    # The correction is that for a sampler of the right width.
    assert result["spread"] == pytest.approx(0.5 / cut_std(2), abs=0.02)


def test_collapse_to_one_mode():
    ring = Ring()
    samples = ring.centers[2] + ring.std * normal(500, 2)
    result = coverage(ring, samples)
    assert result["modes"] == 1
    assert result["reverse_kl"] == pytest.approx(math.log(8), rel=1e-9)
    assert result["spread"] == pytest.approx(1.0, abs=0.1)


def test_trap_of_the_closed_interval():
    """Angles over [0, 2π] with both ends give seven modes, one of double weight."""
    angles = np.linspace(0, 2 * np.pi, 8)
    wrong = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rows = np.tile(wrong, (500, 1))
    trap = rows + 0.01 * normal(len(rows), 2)
    distinct = wrong[:7]
    result = mode_coverage(trap, distinct, 0.01)
    assert result["modes"] == 7
    q = np.array([2, 1, 1, 1, 1, 1, 1]) / 8
    assert result["reverse_kl"] == pytest.approx(np.sum(q * np.log(7 * q)), rel=1e-9)
    # Against the true ring only the center at angle 0 is common to both.
    assert coverage(Ring(), trap)["modes"] == 1


def test_samples_far_from_every_mode():
    """Low quality, yet they count in the histogram of nearest centers."""
    ring = Ring()
    result = coverage(ring, 5 * np.repeat(ring.centers, 10, axis=0))
    assert (result["modes"], result["high_quality"]) == (0, 0.0)
    assert result["reverse_kl"] == pytest.approx(0, abs=1e-12)
    assert not math.isnan(result["spread"])


def test_one_sample_in_a_mode_has_no_spread():
    ring = Ring()
    result = coverage(ring, ring.centers + 0.005)
    assert (result["modes"], result["high_quality"]) == (8, 1.0)
    assert not math.isnan(result["spread"])


def test_frequencies_of_the_modes():
    centers = [[0.0], [10.0], [20.0]]
    samples = np.repeat(centers, [50, 30, 20], axis=0) + 0.1
    right = mode_coverage(samples, centers, 1.0, frequencies=[0.5, 0.3, 0.2])
    assert right["reverse_kl"] == pytest.approx(0, abs=1e-9)
    uniform = mode_coverage(samples, centers, 1.0)["reverse_kl"]
    expected = sum(q * math.log(3 * q) for q in (0.5, 0.3, 0.2))
    assert uniform == pytest.approx(expected, rel=1e-9)
    metric = ModeCoverage(centers, 1.0, frequencies=[0.2, 0.3, 0.5])
    expected = 0.5 * math.log(0.5 / 0.2) + 0.2 * math.log(0.2 / 0.5)
    assert seen(metric, fake=samples)["reverse_kl"] == pytest.approx(expected, rel=1e-9)


def one_hot(labels, classes):
    return np.eye(classes)[labels]


def as_metric(probabilities, frequencies=None):
    """Let the samples be their own probabilities."""
    classifier = features.pixels(value_range=None)
    return seen(ClassCoverage(classifier, frequencies=frequencies), fake=probabilities)


@pytest.mark.parametrize("measure", [class_coverage, as_metric])
def test_class_coverage_by_hand(measure):
    probabilities = [[0.7, 0.2, 0.1, 0.0]] * 2 + [[0.1, 0.5, 0.2, 0.2]] + [[0.0, 0.1, 0.9, 0.0]]
    result = measure(np.array(probabilities))
    shares = (0.5, 0.25, 0.25)
    assert result == pytest.approx(
        {
            "classes": 3,
            "smallest": 0.0,
            "reverse_kl": sum(q * math.log(4 * q) for q in shares),
            "confidence": (0.7 * 2 + 0.5 + 0.9) / 4,
        },
        rel=1e-9,
    )


@pytest.mark.parametrize("measure", [class_coverage, as_metric])
def test_class_coverage_balanced_and_collapsed(measure):
    balanced = measure(np.tile(np.eye(10), (7, 1)))
    expected = {"classes": 10, "smallest": 0.1, "reverse_kl": 0.0, "confidence": 1.0}
    assert balanced == pytest.approx(expected, abs=1e-9)
    collapsed = measure(one_hot([4] * 30, 10))
    expected = {"classes": 1, "smallest": 0.0, "reverse_kl": math.log(10), "confidence": 1.0}
    assert collapsed == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("measure", [class_coverage, as_metric])
def test_class_coverage_against_frequencies(measure):
    probabilities = one_hot([0] * 6 + [1] * 3 + [2], 3)
    result = measure(probabilities, frequencies=[0.6, 0.3, 0.1])
    assert result["reverse_kl"] == pytest.approx(0, abs=1e-9)
    assert result["smallest"] == pytest.approx(0.1)
    skewed = measure(probabilities, frequencies=[0.25, 0.25, 0.5])
    expected = 0.6 * math.log(2.4) + 0.3 * math.log(1.2) + 0.1 * math.log(0.2)
    assert skewed["reverse_kl"] == pytest.approx(expected, rel=1e-9)


def test_frequencies_of_the_real_side():
    metric = ClassCoverage(features.pixels(value_range=None))
    real = one_hot([0] * 50 + [1] * 25 + [2] * 25, 3)
    fake = one_hot([0] * 10 + [1] * 10 + [2] * 20, 3)
    expected = 0.25 * math.log(0.5) + 0.25 * math.log(1) + 0.5 * math.log(2)
    result = seen(metric, real, fake)
    assert result["reverse_kl"] == pytest.approx(expected, rel=1e-9)
    assert result["classes"] == 3
    assert result["smallest"] == 0.25


def test_floor_over_a_thousand_classes():
    """Stacked digits: 26,000 samples of 1,000 equally likely classes, of a perfect sampler."""
    eye = np.eye(1000, dtype="float32")
    values, classes = [], []
    for seed in range(3):
        labels = np.random.default_rng(seed).integers(1000, size=26_000)
        result = class_coverage(eye[labels])
        values.append(result["reverse_kl"])
        classes.append(result["classes"])
    assert classes == [1000] * 3
    assert np.mean(values) == pytest.approx(0.0193, abs=2 * 0.0009)
