"""Real-ESRGAN's chain: its kernels against SciPy, its draws, and the same bytes anywhere."""

import hashlib
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage, special, stats

import keras_gan
from keras_gan.datasets import degrade
from keras_gan.datasets.degrade import chain, kernels

SEED = tf.constant([2, 9], tf.int64)


def grid(radius):
    line = np.arange(-radius, radius + 1.0)
    return np.meshgrid(line, line)


def padded(kernel):
    return np.pad(kernel, (21 - len(kernel)) // 2)


@pytest.mark.parametrize("radius", [3, 10])
@pytest.mark.parametrize("widths, angle", [((1.5, 1.5), 0.0), ((0.4, 2.5), 0.7)])
def test_gaussians_are_scipys(widths, angle, radius):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    covariance = turn @ np.diag(np.square(widths)) @ turn.T
    x, y = grid(radius)
    density = stats.multivariate_normal(cov=covariance).pdf(np.stack([x, y], axis=-1))
    found = kernels.blurring(*widths, angle, 1.0, tf.constant(False), radius)
    np.testing.assert_allclose(found, padded(density / density.sum()), atol=1e-6)


@pytest.mark.parametrize("shape", [0.5, 3.0])
@pytest.mark.parametrize("plateau", [False, True])
def test_generalised_forms(shape, plateau):
    x, y = grid(5)
    q = (x**2 + y**2) / 1.3**2
    values = 1 / (1 + q**shape) if plateau else np.exp(-0.5 * q**shape)
    found = kernels.blurring(1.3, 1.3, 0.2, shape, tf.constant(plateau), 5)
    np.testing.assert_allclose(found, padded(values / values.sum()), atol=1e-6)


@pytest.mark.parametrize("cutoff, radius", [(np.pi / 3, 10), (np.pi, 3)])
def test_the_low_pass_is_the_bessel_functions(cutoff, radius):
    x, y = grid(radius)
    distance = np.hypot(x, y)
    with np.errstate(invalid="ignore"):
        values = cutoff * special.j1(cutoff * distance) / (2 * np.pi * distance)
    values[radius, radius] = cutoff**2 / (4 * np.pi)
    found = kernels.low_pass(cutoff, radius)
    np.testing.assert_allclose(found, padded(values / values.sum()), atol=1e-6)


@pytest.mark.parametrize("side", [(30, 24), (5, 7), (1, 3)])
def test_filters_are_scipys_at_any_size(side):
    image = np.random.default_rng(0).uniform(-1, 1, (*side, 3)).astype("float32")
    kernel = kernels.blurring(3.0, 1.0, 0.5, 1.0, tf.constant(False), 10).numpy()
    expected = np.stack(
        [
            ndimage.correlate(image[..., c].astype("float64"), kernel, mode="mirror")
            for c in range(3)
        ],
        axis=-1,
    )
    np.testing.assert_allclose(kernels.filtered(tf.constant(image), kernel), expected, atol=1e-5)


def test_draws_have_their_chances():
    draws = [chain._Draws(seed) for seed in tf.unstack(tf.random.split(SEED, 60, alg="philox"))]
    counts = np.bincount([int(each.choice((0.2, 0.7, 0.1))) for each in draws], minlength=3)
    assert stats.chisquare(counts, [12, 42, 6]).pvalue > 1e-3
    radii = [int(each.whole(*chain._RADII)) for each in draws]
    assert set(radii) <= set(range(3, 11)) and len(set(radii)) > 5
    assert (
        stats.kstest([float(each.uniform(30, 95)) for each in draws], "uniform", (30, 65)).pvalue
        > 1e-3
    )


@pytest.fixture(scope="module")
def photos():
    (photo,) = keras_gan.datasets.load_photos("all", names=["flower"])
    return tf.constant(np.stack([photo[150:214, 200:264]] * 4) / 127.5 - 1, tf.float32)


@pytest.fixture(scope="module")
def degraded(photos):
    return degrade.real_esrgan(photos, 2, SEED).numpy()


def test_samples_are_smaller_worse_and_each_its_own(photos, degraded):
    assert degraded.shape == (4, 32, 32, 3)
    levels = (degraded + 1) * 127.5
    np.testing.assert_allclose(levels, levels.round(), atol=1e-4)
    assert levels.min() >= 0 and levels.max() <= 255
    clean = degrade.bicubic(photos, 2).numpy()
    errors = np.abs(degraded - clean).mean(axis=(1, 2, 3))
    assert errors.min() > 0.01 and errors.max() < 0.4
    assert len(np.unique(errors.round(4))) == 4
    # It is still the picture: no shift, no change of brightness.
    assert np.corrcoef(degraded.mean(0).ravel(), clean[0].ravel())[0, 1] > 0.9
    assert np.abs(degraded.mean((0, 1, 2)) - clean.mean((0, 1, 2))).max() < 0.1


def test_a_sample_does_not_depend_on_the_batch(photos, degraded):
    np.testing.assert_array_equal(degrade.real_esrgan(photos[:1], 2, SEED), degraded[:1])


def test_errors():
    with pytest.raises(ValueError, match=r"1 or 3 channels, with sides of at least 4.*8, 8, 2"):
        degrade.real_esrgan(tf.zeros((1, 8, 8, 2)), 4, SEED)
    with pytest.raises(ValueError, match=r"sides of at least 16 pixels.*8, 8, 3"):
        degrade.real_esrgan(tf.zeros((1, 8, 8, 3)), 16, SEED)


def fingerprint():
    """Return a digest of what a pipeline of all that draws makes of epoch 3, from batch 1 on."""
    datasets = keras_gan.datasets
    x = datasets.patches(datasets.load_photos("test", names=["china"]), 32)[:12]

    def holed(x, condition, seed):
        masks = degrade.free_form_masks(x, seed)
        return {"degraded": condition, **degrade.masked(x, masks)[1]}

    def worse(x, seed):
        seeds = tf.random.split(seed, 3, alg="philox")
        y = degrade.jpeg(degrade.noise(x, (5, 50), seeds[0]), (30, 95), seeds[1])
        return x, degrade.real_esrgan(y, 2, seeds[2])

    dataset = datasets.from_arrays(x, batch_size=4, seed=1)
    for function, seed in ((datasets.jitter, 2), (worse, 3), (holed, 4)):
        dataset = datasets.map(dataset, function, seed=seed)
    dataset.seek(3, 1)
    parts = [part for batch in dataset for part in tf.nest.flatten(batch)]
    return hashlib.sha256(b"".join(part.numpy().tobytes() for part in parts)).hexdigest()


@pytest.mark.slow
def test_another_process_draws_the_same_bytes():
    here = pathlib.Path(__file__)
    code = (
        f"import sys; sys.path.insert(0, {str(here.parent)!r}); "
        f"import {here.stem} as this; print(this.fingerprint())"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip().splitlines()[-1] == fingerprint()
