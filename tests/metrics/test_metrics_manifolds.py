"""Precision and recall, density and coverage, nearest neighbours: against loops and cdist."""

import math

import literal
import numpy as np
import pytest
from literal import distances, integer_points, normal
from scipy.spatial.distance import cdist

from keras_gan.metrics import (
    DensityCoverage,
    NearestNeighbour,
    PrecisionRecall,
    density_coverage,
    nearest_neighbour,
    precision_recall,
)

BOTH = [
    (precision_recall, literal.precision_recall),
    (density_coverage, literal.density_coverage),
]
CLASSES = [
    (PrecisionRecall, literal.precision_recall),
    (DensityCoverage, literal.density_coverage),
]

# By hand, for k = 1: radii 1, 1, 1, 8 of the real points and 4, 1.5, 1.5, 1, 1, 2 of the fakes.
REAL = np.array([[0.0], [1], [2], [10]])
FAKE = np.array([[-5.0], [-1], [0.5], [2], [3], [5]])


def seen(metric, real, fake):
    metric.update_state(real=real, fake=fake)
    return metric.result()


def matrix_form(real, fake, k):
    """All four measures from SciPy's distance matrices, for many rows."""
    radius = {id(x): np.sort(cdist(x, x), axis=1)[:, k] for x in (real, fake)}
    across = cdist(real, fake)
    open_balls = across < radius[id(real)][:, None]
    return {
        "precision": (across <= radius[id(real)][:, None]).any(axis=0).mean(),
        "recall": (across <= radius[id(fake)][None]).any(axis=1).mean(),
        "density": open_balls.sum() / (k * len(fake)),
        "coverage": open_balls.any(axis=1).mean(),
    }


def all_four(real, fake, k):
    return precision_recall(real, fake, k=k) | density_coverage(real, fake, k=k)


def test_worked_case():
    """Balls are closed for precision and recall, open for density and coverage."""
    # In the closed balls: all fakes but -5; in the fakes' balls: all reals but 10.
    assert precision_recall(REAL, FAKE, k=1) == pytest.approx({"precision": 5 / 6, "recall": 3 / 4})
    # In the open balls: 0.5 twice, and 2, 3, 5 once each; -1 lies on the edge of the ball of 0.
    assert density_coverage(REAL, FAKE, k=1) == pytest.approx({"density": 5 / 6, "coverage": 1.0})


@pytest.mark.parametrize(("function", "expected"), BOTH)
@pytest.mark.parametrize("k", [1, 3, 5, 9])
def test_functions_against_loops(function, expected, k):
    real, fake = normal(20, 3), normal(27, 3, seed=1, mean=0.5, std=0.7)
    assert function(real, fake, k=k) == pytest.approx(expected(real, fake, k), abs=1e-12)


@pytest.mark.parametrize(("metric", "expected"), CLASSES)
@pytest.mark.parametrize("k", [1, 4])
def test_classes_against_loops(metric, expected, k):
    real, fake = normal(20, 3), normal(27, 3, seed=1, mean=0.5, std=0.7)
    for sides in ((real, fake), (fake, real)):
        assert seen(metric(k=k), *sides) == pytest.approx(expected(*sides, k), abs=1e-12)


def test_k_of_the_papers_by_default():
    real, fake = normal(30, 2), normal(30, 2, seed=1)
    assert precision_recall(real, fake) == literal.precision_recall(real, fake, 3)
    assert density_coverage(real, fake) == literal.density_coverage(real, fake, 5)
    assert seen(PrecisionRecall(), real, fake) == literal.precision_recall(real, fake, 3)
    assert seen(DensityCoverage(), real, fake) == literal.density_coverage(real, fake, 5)


@pytest.mark.parametrize(("function", "expected"), BOTH)
@pytest.mark.parametrize("seed", range(8))
def test_ties_and_duplicates(function, expected, seed):
    """On a lattice most points lie on some ball's edge, and many balls have no radius."""
    real, fake = integer_points(25, 2, seed), integer_points(30, 2, seed + 100, high=5)
    assert function(real, fake, k=2) == pytest.approx(expected(real, fake, 2), abs=1e-12)
    shifted = function(real - 1000, fake - 1000, k=2)
    assert shifted == pytest.approx(expected(real, fake, 2), abs=1e-12)


@pytest.mark.parametrize("kind", ["normal", "lattice"])
def test_more_rows_than_a_block(kind):
    make = {"normal": normal, "lattice": integer_points}[kind]
    real, fake = make(1900, 4), make(2400, 4, seed=1)
    assert all_four(real, fake, 3) == pytest.approx(matrix_form(real, fake, 3), abs=1e-12)


def test_one_side_much_longer_than_the_other():
    real, fake = normal(1500, 2), normal(7, 2, seed=1)
    assert all_four(real, fake, 3) == pytest.approx(matrix_form(real, fake, 3), abs=1e-12)
    assert all_four(fake, real, 3) == pytest.approx(matrix_form(fake, real, 3), abs=1e-12)


@pytest.mark.parametrize(
    ("n", "offset", "dtype"),
    [
        (50, 0.0, "float32"),
        (50, 0.0, "float64"),
        (300, 100.0, "float32"),
        (300, 100.0, "float64"),
        (2100, 10.0, "float64"),
    ],
)
def test_copies_of_the_real_samples(n, offset, dtype):
    """Each open ball holds its center and the k - 1 nearest: the k-th is on its edge.

    Distances within a side and across the sides must round alike, or edges are left to chance.
    """
    real = (offset + normal(n, 6)).astype(dtype)
    expected = {"precision": 1.0, "recall": 1.0, "density": 1.0, "coverage": 1.0}
    assert all_four(real, real.copy(), 5) == pytest.approx(expected, abs=1e-12)
    shuffled = real[np.random.default_rng(0).permutation(n)]
    assert all_four(real, shuffled, 5) == pytest.approx(expected, abs=1e-12)


def test_far_apart():
    expected = {"precision": 0.0, "recall": 0.0, "density": 0.0, "coverage": 0.0}
    assert all_four(normal(30, 3), normal(30, 3, seed=1, mean=50.0), 3) == expected


def test_collapse_to_one_real_sample():
    """Perfect precision, no recall; one fake in each ball over the sample covers the few."""
    real = normal(60, 2)
    fake = np.tile(real[:1], (40, 1))
    result = all_four(real, fake, 3)
    assert result["precision"] == 1.0
    assert result["recall"] == 1 / 60
    assert result["coverage"] == matrix_form(real, fake, 3)["coverage"] < 0.2


def test_outlier_among_the_real_samples():
    """Naeem et al., figure 1: an outlier's ball takes in anything, and density sees through it."""
    real = np.concatenate([normal(50, 2, std=0.1), [[10.0, 0.0]]])
    fake = normal(50, 2, seed=1, mean=np.array([5.0, 0.0]), std=0.5)
    assert precision_recall(real, fake, k=3)["precision"] == 1.0
    result = density_coverage(real, fake, k=3)
    assert result["density"] == pytest.approx(1 / 3)
    assert result["coverage"] == pytest.approx(1 / 51)


def test_outlier_among_the_fakes():
    """Naeem et al., figure 2: fakes that fill space give recall; coverage asks for nearness."""
    real = normal(50, 2, std=0.1)
    fake = np.array([[np.cos(t), np.sin(t)] for t in np.linspace(0, 6, 20)]) * 5
    assert precision_recall(real, fake, k=10)["recall"] == 1.0
    assert density_coverage(real, fake, k=10)["coverage"] == 0.0


@pytest.mark.parametrize(("n", "m", "k"), [(40, 40, 5), (30, 60, 3), (60, 30, 1)])
def test_expectations_for_identical_distributions(n, m, k):
    """Naeem et al., lemmas 1 and 2; they hold whatever the distribution."""
    generator = np.random.default_rng(n + k)
    results = [
        density_coverage(generator.standard_normal((n, 3)), generator.standard_normal((m, 3)), k=k)
        for _ in range(150)
    ]
    uncovered = math.prod((n - i) / (m + n - i) for i in range(1, k + 1))
    for key, expected in (("density", 1.0), ("coverage", 1 - uncovered)):
        values = np.array([r[key] for r in results])
        error = values.std(ddof=1) / math.sqrt(len(values))
        assert abs(values.mean() - expected) < 3 * error
        assert error < 0.02


def test_sides_are_not_exchanged():
    """Narrow fakes are precise and do not cover; wide ones are the reverse."""
    wide, narrow = normal(300, 2), normal(300, 2, seed=1, std=0.1)
    result = precision_recall(wide, narrow)
    assert result["precision"] > 0.95 > 0.3 > result["recall"]
    assert density_coverage(wide, narrow)["density"] > 0.8
    assert density_coverage(narrow, wide)["density"] < 0.2


def test_nearest_neighbour_against_loops():
    samples, training = normal(20, 3), normal(33, 3, seed=1)
    expected = distances(samples, training).min(axis=1)
    result = nearest_neighbour(samples, training)
    assert result.shape == (20,)
    assert result == pytest.approx(expected, rel=1e-9)
    assert nearest_neighbour([[3.0, 4.0]], [[0.0, 0.0], [9, 9]]) == pytest.approx([5.0])


def test_nearest_neighbour_over_many_rows():
    samples, training = normal(1100, 4), normal(2300, 4, seed=1)
    expected = cdist(samples, training).min(axis=1)
    assert nearest_neighbour(samples, training) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_distance_to_a_copy_is_zero(dtype, offset):
    """The square root turns the rounding of |x|² - 2x.y + |y|² into something to see."""
    training = (offset + normal(300, 500)).astype(dtype)
    assert nearest_neighbour(training[50:70], training) == pytest.approx(np.zeros(20), abs=1e-6)


def near(training, gaps):
    """Return samples at given distances from training points that are far from each other."""
    samples = training[: len(gaps)].copy()
    samples[:, 0] += gaps
    return samples


def test_memorising_generator():
    training, held_out = normal(400, 5), normal(200, 5, seed=1)
    result = seen(NearestNeighbour(training), held_out, training[:100])
    assert set(result) == {"fake", "real", "ratio", "copies"}
    assert result["fake"] == pytest.approx(0, abs=1e-6)
    assert result["ratio"] == pytest.approx(0, abs=1e-6)
    assert result["copies"] == 1.0
    assert result["real"] == pytest.approx(distances(held_out, training).min(axis=1).mean())


def test_generator_that_is_the_distribution():
    training, held_out, fake = (normal(1000, 5, seed) for seed in range(3))
    result = seen(NearestNeighbour(training), held_out, fake)
    assert result["ratio"] == pytest.approx(1, abs=0.05)
    assert result["copies"] < 0.03


def test_copies_are_counted():
    """Held-out samples at 1, 2, ..., 200: nearer than 99 % of them is nearer than 3 or so."""
    training = 1200.0 * np.stack(np.meshgrid(range(20), range(15)), axis=-1).reshape(-1, 2)
    held_out = near(training, np.arange(1.0, 201))
    fake = near(training, np.array([0.0, 0.5, 0.9, 5.0, 50.0, 500.0, 0.1, 20.0]))
    result = seen(NearestNeighbour(training), held_out, fake)
    assert result["real"] == pytest.approx(100.5)
    assert result["fake"] == pytest.approx(576.5 / 8)
    assert result["ratio"] == pytest.approx(576.5 / 8 / 100.5)
    assert result["copies"] == 4 / 8


def test_images_are_compared_by_their_pixels():
    images = np.random.default_rng(0).uniform(-1, 1, (30, 4, 4, 3)).astype("float32")
    flat = images.reshape(30, -1).astype("float64")
    expected = distances(flat[20:], flat[:20]).min(axis=1).mean()
    result = seen(NearestNeighbour(images[:20]), images[20:], images[:5])
    assert result["real"] == pytest.approx(expected, rel=1e-5)
    assert result["copies"] == 1.0
