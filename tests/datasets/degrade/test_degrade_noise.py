"""Noise and JPEG against their definitions, SciPy and Pillow."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy import stats
from sklearn.datasets import load_sample_image

from keras_gan.datasets.degrade import jpeg, noise, quantize
from keras_gan.datasets.degrade.noise import gaussian, poisson

SEED = tf.constant([11, 4], tf.int64)
TRUE, FALSE = tf.constant(True), tf.constant(False)


def test_gaussian_noise_has_its_distribution():
    added = noise(tf.zeros((4, 64, 64, 3)), 25, SEED).numpy().astype("float64") * 127.5
    assert added.std() == pytest.approx(25, rel=0.01)
    assert stats.kstest(added.ravel() / 25, "norm").pvalue > 1e-3
    np.testing.assert_allclose(np.corrcoef(added.reshape(4, -1)), np.eye(4), atol=0.05)


def test_each_sample_draws_its_sigma():
    added = noise(tf.zeros((64, 32, 32, 1)), (5, 50), SEED).numpy().reshape(64, -1) * 127.5
    sigmas = added.std(axis=1)
    assert 5 < sigmas.min() < 12 and 43 < sigmas.max() < 52
    assert stats.kstest((sigmas - 5) / 45, "uniform").pvalue > 1e-3


def test_noise_is_a_function_of_its_seed():
    x = tf.zeros((2, 8, 8, 1))
    np.testing.assert_array_equal(noise(x, 25, SEED), noise(x, 25, SEED))
    assert np.abs(noise(x, 25, SEED) - noise(x, 25, SEED + 1)).min() > 0


def test_gray_noise_is_the_same_in_all_channels():
    image = tf.fill((16, 16, 3), 0.3)
    for added in (gaussian(image, 20.0, TRUE, SEED), poisson(image, 1.0, TRUE, SEED)):
        added = np.broadcast_to(added, (16, 16, 3))
        assert np.ptp(added, axis=-1).max() == 0 and added.std() > 0
    for added in (gaussian(image, 20.0, FALSE, SEED), poisson(image, 1.0, FALSE, SEED)):
        assert np.ptp(added.numpy(), axis=-1).max() > 0


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_photon_noise_varies_as_poisson_counts_do(scale):
    """Of 4 levels, 4 photons make white: brightness p has the variance p / 4, in [0, 1]."""
    levels = np.array([51, 102, 153, 204])
    image = tf.constant(np.repeat(levels, 3000).reshape(4, 3000, 1) / 127.5 - 1, tf.float32)
    added = poisson(image, scale, FALSE, SEED).numpy().astype("float64")[..., 0] / 2
    np.testing.assert_allclose(added.mean(axis=1), 0, atol=0.05 * scale)
    np.testing.assert_allclose(added.var(axis=1) / scale**2, levels / 255 / 4, rtol=0.1)
    counts = np.round((added[3] / scale + levels[3] / 255) * 4).astype(int)
    expected = stats.poisson(4 * levels[3] / 255).pmf(np.arange(8)) * 3000
    np.testing.assert_allclose(np.bincount(counts, minlength=8)[:8], expected, atol=150)


@pytest.mark.parametrize("quality, channels", [(30, 3), (90, 3), (50, 1)])
def test_jpeg_is_pillows(quality, channels):
    pixels = load_sample_image("china.jpg")[100:164, 200:264, :channels]
    x = tf.constant(pixels[None] / 127.5 - 1, tf.float32)
    file = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(file, "JPEG", quality=quality)
    expected = np.asarray(Image.open(file), "float64").reshape(pixels.shape)
    found = (jpeg(x, quality)[0].numpy().astype("float64") + 1) * 127.5
    assert np.abs(found - expected).mean() < 0.5
    assert np.abs(expected - pixels).mean() > 1  # It does lose something.


def test_each_sample_draws_its_quality():
    pixels = load_sample_image("china.jpg")[None, 100:132, 200:232]
    one = tf.constant(pixels / 127.5 - 1, tf.float32)
    found = jpeg(tf.repeat(one, 4, axis=0), (5, 95), SEED)
    qualities = tf.random.stateless_uniform([4], SEED, 5, 95, alg="philox").numpy().round()
    assert len(set(qualities)) == 4
    for each, quality in zip(found, qualities, strict=True):
        np.testing.assert_array_equal(each, jpeg(one, float(quality))[0])
    np.testing.assert_allclose(found, quantize(found), atol=1e-6)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda x: noise(x, -1, SEED), ValueError, "`sigma`.*Received: sigma=-1"),
        (lambda x: noise(x, (20, 10), SEED), ValueError, r"lesser number first.*sigma=\(20, 10\)"),
        (lambda x: noise(x, "much", SEED), TypeError, "`sigma` to be a number.*'much'"),
        (lambda x: jpeg(x, 0), ValueError, "`quality`.*from 1 to 100|`quality`.*at most 100"),
        (lambda x: jpeg(x, (30, 95)), ValueError, r"a `seed`.*quality=\(30, 95\) and seed=None"),
        (lambda x: jpeg(x[..., :1] * [1.0, 1.0], 30), ValueError, "1 or 3 channels.*4, 4, 2"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(tf.zeros((1, 4, 4, 3)))
