"""Toy distributions against SciPy and their own definitions."""

import numpy as np
import pytest
from scipy import integrate, spatial, stats

from keras_gan.datasets import Gaussian, Grid, Mixture, Ring, load

TOYS = {"gaussian": Gaussian, "ring": Ring, "grid": Grid}


def by_scipy(toy, x):
    covariance = toy.std**2 * np.eye(*[toy.shape[0]] * 2)
    densities = [stats.multivariate_normal(c, covariance).pdf(x) for c in toy.centers]
    return np.log(np.mean(densities, axis=0))


@pytest.mark.parametrize("toy", [Gaussian(), Gaussian(-1, 0.2), Ring(), Ring(3, 2, 0.5), Grid()])
def test_log_density_is_the_mixture_of_scipys_normals(toy):
    x = toy.sample(50, seed=1).astype("float64") + 0.3 * toy.std
    density = toy.log_density(x)
    assert density.dtype == np.float64 and density.shape == (50,)
    np.testing.assert_allclose(density, by_scipy(toy, x), rtol=1e-9)


def test_densities_integrate_to_one():
    total, _ = integrate.quad(lambda x: np.exp(Gaussian().log_density([x])), -7, 13)
    assert total == pytest.approx(1, abs=1e-9)
    toy = Ring(modes=5, radius=1.0, std=0.2)
    axis = np.linspace(-3, 3, 601)
    plane = np.stack(np.meshgrid(axis, axis), axis=-1)
    assert np.exp(toy.log_density(plane)).sum() * 0.01**2 == pytest.approx(1, abs=1e-9)


def test_log_density_is_finite_far_away():
    assert Ring().log_density([1e3, 0.0]) == pytest.approx(
        -((999 / 0.01) ** 2) / 2 - np.log(2 * np.pi * 0.01**2) - np.log(8)
    )


def test_ring_has_eight_distinct_equal_modes():
    ring = Ring()
    assert spatial.distance.pdist(ring.centers).min() == pytest.approx(2 * np.sin(np.pi / 8))
    np.testing.assert_allclose(np.linalg.norm(ring.centers, axis=1), 1)
    np.testing.assert_allclose(ring.centers[1], [np.sqrt(0.5)] * 2)
    nearest = spatial.KDTree(ring.centers).query(ring.sample(8000, seed=0))[1]
    assert stats.chisquare(np.bincount(nearest, minlength=8)).pvalue > 1e-3


def test_grid_is_the_lattice_of_even_numbers():
    expected = {(float(x), float(y)) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert {tuple(center) for center in Grid().centers} == expected


@pytest.mark.parametrize("toy", [Gaussian(), Ring(), Grid()])
def test_samples_scatter_about_their_modes_as_normals(toy):
    x = toy.sample(20_000, seed=3)
    assert x.dtype == np.float32 and x.shape == (20_000, *toy.shape)
    nearest = spatial.KDTree(toy.centers).query(x)[1]
    scatter = ((x - toy.centers[nearest]) / toy.std).ravel()
    assert stats.kstest(scatter, "norm").pvalue > 1e-3


def test_a_sample_is_a_function_of_its_seed():
    np.testing.assert_array_equal(Ring().sample(9, seed=4), Ring().sample(9, seed=4))
    assert not np.array_equal(Ring().sample(9, seed=4), Ring().sample(9, seed=5))


@pytest.mark.representatives(1)
@pytest.mark.parametrize("name", TOYS)
def test_load_gives_a_fixed_sample_and_another_for_the_test(name):
    train = load(name, batch_size=1000, seed=2)
    assert int(train.cardinality()) == 100
    first = np.concatenate(list(train))
    again = np.concatenate(list(train))
    assert not np.array_equal(first, again)
    np.testing.assert_array_equal(np.sort(first, axis=0), np.sort(again, axis=0))
    test = np.concatenate(list(load(name, "test", batch_size=1000, seed=2)))
    assert not np.isin(test[:, 0], first[:, 0]).mean() > 0.5
    other = np.concatenate(list(load(name, batch_size=1000, seed=3)))
    assert not np.array_equal(np.sort(first, axis=0), np.sort(other, axis=0))


def test_a_mixture_of_ones_own():
    pair = Mixture([[-1.0], [1.0]], std=0.1)
    assert pair.log_density([[1.0]])[0] == pytest.approx(stats.norm(0, 0.1).logpdf(0) - np.log(2))
    assert int(pair.dataset(batch_size=10, size=95).cardinality()) == 9


@pytest.mark.parametrize(
    "make, error, message",
    [
        (
            lambda: Gaussian(std=0),
            ValueError,
            "`std` to be a finite number above 0. Received: std=0",
        ),
        (lambda: Ring(modes=0), ValueError, "`modes`.*Received: modes=0"),
        (lambda: Grid(side=2.5), ValueError, "`side`.*Received: side=2.5"),
        (lambda: Mixture([1.0], 1), ValueError, r"`centers`.*shape \(1,\)"),
        (lambda: Ring().sample(0, seed=0), ValueError, "`n`.*Received: n=0"),
        (lambda: Ring().log_density([1.0]), ValueError, r"\(\.\.\., 2\).*x.shape=\(1,\)"),
        (lambda: Ring().dataset(split="all"), ValueError, "`split`.*Received: split='all'"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()
