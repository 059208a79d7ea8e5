"""The Fréchet distance against closed forms, SciPy's matrix square root and nuclear norms."""

import warnings

import numpy as np
import pytest
import scipy.linalg
from literal import normal

from keras_gan.metrics import FrechetDistance, frechet_distance

DIMENSIONS = [1, 2, 5, 64]


def rotation(d, seed=0):
    return np.linalg.qr(normal(d, d, seed))[0]


def with_spectrum(basis, eigenvalues):
    return (basis * np.asarray(eigenvalues, "float64")) @ basis.T


def closed_form(means, spectra):
    """The distance between Gaussians whose covariances share an eigenbasis."""
    roots = np.sqrt(spectra[0]) - np.sqrt(spectra[1])
    return np.sum((means[0] - means[1]) ** 2) + np.sum(roots**2)


def nuclear(real_root, fake_root, means=(0.0, 0.0)):
    """The distance for covariances AA' and BB': tr (AA'BB')^(1/2) is the nuclear norm of A'B."""
    overlap = np.linalg.svd(real_root.T @ fake_root, compute_uv=False).sum()
    traces = np.sum(real_root**2) + np.sum(fake_root**2)
    return np.sum((np.asarray(means[0]) - means[1]) ** 2) + traces - 2 * overlap


def root_of_sample(x):
    """Return A such that AA' is the unbiased covariance of the rows."""
    return (x - x.mean(axis=0)).T / np.sqrt(len(x) - 1)


def check_shared_basis(spectra, seed=0):
    d = len(spectra[0])
    means = normal(2, d, seed + 1)
    basis = rotation(d, seed)
    covariances = [with_spectrum(basis, s) for s in spectra]
    value = frechet_distance(means[0], covariances[0], means[1], covariances[1])
    trace = np.sum(spectra)
    assert value == pytest.approx(closed_form(means, spectra), rel=1e-6, abs=1e-9 * trace)


def seen(metric, real, fake):
    metric.update_state(real=real, fake=fake)
    return metric.result()


def test_one_dimension():
    assert frechet_distance([1.0], [[4.0]], [-2.0], [[25.0]]) == pytest.approx(9 + 9, rel=1e-12)
    assert frechet_distance([1.0], [[0.0]], [-2.0], [[25.0]]) == pytest.approx(9 + 25, rel=1e-12)
    assert frechet_distance([1.0], [[0.0]], [1.0], [[0.0]]) == 0.0


def test_it_is_the_square_and_a_float():
    value = frechet_distance(np.zeros(2), np.eye(2), [3.0, 4.0], np.eye(2))
    assert value == pytest.approx(25.0, rel=1e-12)
    assert isinstance(value, float)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_covariances_that_commute(d):
    generator = np.random.default_rng(d)
    check_shared_basis(generator.uniform(0.1, 10, (2, d)), seed=d)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_spectra_over_many_orders_of_magnitude(d):
    generator = np.random.default_rng(d)
    check_shared_basis(10 ** generator.uniform(-8, 2, (2, d)), seed=d)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_scale_of_the_features(scale):
    spectra = np.random.default_rng(0).uniform(0.1, 10, (2, 5))
    basis = rotation(5)
    covariances = [with_spectrum(basis, scale * s) for s in spectra]
    zero = np.zeros(5)
    value = frechet_distance(zero, covariances[0], zero, covariances[1])
    assert value == pytest.approx(scale * closed_form(np.zeros((2, 5)), spectra), rel=1e-6)


def null_spaces(d):
    """Which eigenvalues vanish on either side: overlapping, nested, disjoint, all."""
    half, third = np.arange(d) < d // 2, np.arange(d) < d // 3
    none, every = np.zeros(d, bool), np.ones(d, bool)
    return {
        "overlapping": (half, np.roll(half, d // 4)),
        "nested": (half, third),
        "the same": (half, half),
        "disjoint": (half, ~half),
        "one side": (none, half),
        "one side wholly": (every, none),
        "both wholly": (every, every),
    }


@pytest.mark.parametrize("d", [2, 5, 64])
@pytest.mark.parametrize("kind", null_spaces(4))
def test_singular_covariances_that_commute(d, kind):
    spectra = np.random.default_rng(d).uniform(0.1, 10, (2, d))
    for spectrum, zero in zip(spectra, null_spaces(d)[kind], strict=True):
        spectrum[zero] = 0
    check_shared_basis(spectra, seed=d)


@pytest.mark.parametrize("ranks", [(1, 1), (2, 30), (30, 30), (40, 63), (64, 3)])
def test_covariances_of_low_rank(ranks):
    roots = [normal(64, rank, seed) for seed, rank in enumerate(ranks)]
    covariances = [root @ root.T for root in roots]
    zero = np.zeros(64)
    value = frechet_distance(zero, covariances[0], zero, covariances[1])
    assert value == pytest.approx(nuclear(*roots), rel=1e-6)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_against_scipy(d):
    roots = [normal(d, 3 * d, seed) for seed in (1, 2)]
    first, second = (root @ root.T / (3 * d) for root in roots)
    means = normal(2, d, seed=3)
    root = np.real(scipy.linalg.sqrtm(first @ second))
    expected = np.sum((means[0] - means[1]) ** 2) + np.trace(first + second - 2 * root)
    assert frechet_distance(means[0], first, means[1], second) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("rank", [64, 20])
def test_symmetric_in_its_sides(rank):
    first, second = (normal(64, rank, seed) for seed in (1, 2))
    sides = [(normal(1, 64, 3)[0], first @ first.T), (normal(1, 64, 4)[0], second @ second.T)]
    there, back = frechet_distance(*sides[0], *sides[1]), frechet_distance(*sides[1], *sides[0])
    assert there == pytest.approx(back, rel=1e-9)


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("singular", [False, True])
def test_zero_between_equal_sides(d, singular):
    root = normal(d, max(1, d // 2) if singular else 2 * d, seed=d)
    covariance = root @ root.T
    mean = normal(1, d, seed=1)[0]
    value = frechet_distance(mean, covariance, mean, covariance)
    assert 0 <= value <= 1e-9 * np.trace(covariance)


def test_invariant_to_a_rotation_of_the_features():
    real, fake, basis = normal(300, 8), normal(200, 8, seed=1, mean=0.3, std=2.0), rotation(8)
    value = seen(FrechetDistance(), real, fake)
    assert seen(FrechetDistance(), real @ basis, fake @ basis) == pytest.approx(value, rel=1e-9)
    assert seen(FrechetDistance(), 3 * real, 3 * fake) == pytest.approx(9 * value, rel=1e-9)


def test_class_takes_unbiased_covariances():
    real, fake = np.array([[0.0], [2.0]]), np.array([[5.0], [5.0], [8.0]])
    # Means 1 and 6; variances 2 and 3 over n - 1, where n would make 1 and 2 of them.
    expected = 25 + (np.sqrt(2) - np.sqrt(3)) ** 2
    assert seen(FrechetDistance(), real, fake) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("d", "counts"), [(3, (50, 80)), (16, (200, 40))])
def test_class_against_the_moments(d, counts):
    real = normal(counts[0], d) @ normal(d, d, seed=5)
    fake = normal(counts[1], d, seed=1, mean=0.5)
    moments = [real.mean(0), np.cov(real.T), fake.mean(0), np.cov(fake.T)]
    expected = nuclear(root_of_sample(real), root_of_sample(fake), (moments[0], moments[2]))
    assert seen(FrechetDistance(), real, fake) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(*moments) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_small_variances_far_from_the_origin(batch):
    """E[x²] - E[x]² in float64 would lose all of a variance of 1e-4 at a mean of 1e6."""
    real = normal(400, 3, std=0.01)
    fake = normal(300, 3, seed=1, std=0.03)
    expected = seen(FrechetDistance(), real, fake)
    metric = FrechetDistance()
    for start in range(0, 400, batch):
        part = slice(start, start + batch)
        metric.update_state(real=1e6 + real[part])
        if len(fake[part]):
            metric.update_state(fake=1e6 + fake[part])
    # Adding 1e6 rounds the samples themselves by 1e-10.
    assert metric.result() == pytest.approx(expected, rel=1e-5)


def test_a_side_that_drifts_far_away():
    """The first batch is a poor guess of the mean, and merging must not rely on it."""
    real = np.concatenate([normal(10, 2), normal(10, 2, seed=1, mean=1e6)])
    fake = normal(20, 2, seed=2)
    metric = FrechetDistance()
    for part in np.array_split(real, 5):
        metric.update_state(real=part)
    metric.update_state(fake=fake)
    moments = [real.mean(0), np.cov(real.T), fake.mean(0), np.cov(fake.T)]
    expected = nuclear(root_of_sample(real), root_of_sample(fake), (moments[0], moments[2]))
    assert metric.result() == pytest.approx(expected, rel=1e-9)


def test_float32_samples_far_from_the_origin():
    """Moments of float32 batches are taken in float64."""
    real = (1000 + normal(500, 4)).astype("float32")
    fake = (1000 + normal(500, 4, seed=1, std=1.5)).astype("float32")
    expected = seen(FrechetDistance(), real.astype("float64"), fake.astype("float64"))
    assert seen(FrechetDistance(), real, fake) == pytest.approx(expected, rel=1e-9)


def test_fewer_samples_than_dimensions():
    """The distance is that of the singular sample covariances, and a warning says so."""
    real, fake = normal(20, 64), normal(30, 64, seed=1, mean=0.2)
    expected = nuclear(
        root_of_sample(real), root_of_sample(fake), (real.mean(axis=0), fake.mean(axis=0))
    )
    with pytest.warns(UserWarning, match=r"64"):
        assert seen(FrechetDistance(), real, fake) == pytest.approx(expected, rel=1e-6)


def test_no_warning_with_samples_enough():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen(FrechetDistance(), normal(65, 64), normal(65, 64, seed=1))


def test_equal_distributions_come_close_and_others_do_not():
    near = seen(FrechetDistance(), normal(5000, 4), normal(5000, 4, seed=1))
    far = seen(FrechetDistance(), normal(5000, 4), normal(5000, 4, seed=1, mean=1.0))
    assert 0 < near < 0.01
    assert far == pytest.approx(4, abs=0.3)
