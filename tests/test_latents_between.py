"""Ways between latents, and truncation by row, against SciPy and closed forms."""

import numpy as np
import pytest
import scipy.spatial
import scipy.stats
import tensorflow as tf

from keras_gan import latents

POSITIONS = np.linspace(0, 1, 11, dtype="float32")


def between(prior, start, end, positions=POSITIONS):
    """Return latents at all positions between two."""
    rows = len(positions)
    ends = (np.repeat(z[None].astype("float32"), rows, axis=0) for z in (start, end))
    return prior.interpolate(*ends, tf.constant(positions)).numpy()


@pytest.mark.parametrize("prior", [latents.Normal(6), latents.TruncatedNormal(6)], ids=repr)
def test_the_arc_between_normal_latents_is_scipys(prior):
    rng = np.random.default_rng(0)
    for _ in range(5):
        start, end = rng.normal(size=(2, 6))
        start, end = start / np.linalg.norm(start), end / np.linalg.norm(end)
        expected = scipy.spatial.geometric_slerp(start, end, POSITIONS.astype("float64"))
        np.testing.assert_allclose(between(prior, start, end), expected, atol=2e-6)


def test_the_arc_keeps_the_norm_where_a_line_does_not():
    start, end = np.random.default_rng(1).normal(size=(2, 1000))
    arc = between(latents.Normal(1000), start, end)
    norms = np.linalg.norm(arc, axis=1) / np.sqrt(1000)
    np.testing.assert_allclose(norms, 1, atol=0.05)
    line = between(latents.Uniform(1000), start, end)
    assert np.linalg.norm(line[5]) / np.sqrt(1000) == pytest.approx(np.sqrt(0.5), abs=0.05)


def test_uniform_latents_are_joined_by_a_line():
    start, end = np.array([[-1.0, 0.5]] * 2), np.array([[1.0, -0.5]] * 2)
    found = between(latents.Uniform((2, 2)), start, end)
    expected = [(1 - p) * start + p * end for p in POSITIONS]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_ends_are_exact_and_shapes_are_any():
    prior = latents.Normal((2, 3))
    start, end = prior.sample(tf.constant([0, 1], tf.int64)).numpy()
    found = between(prior, start, end, np.array([0, 1], "float32"))
    np.testing.assert_allclose(found, [start, end], atol=1e-6)


@pytest.mark.parametrize("factor", [1, 2, -1, 0])
def test_where_no_arc_is_told_from_others_it_is_the_line(factor):
    start = np.random.default_rng(2).normal(size=4)
    found = between(latents.Normal(4), start, factor * start)
    expected = [(1 - p) * start + p * factor * start for p in POSITIONS]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_each_row_has_its_own_truncation():
    prior, seeds = latents.Normal(64), tf.range(4, dtype=tf.int64)
    bounds = [0.1, 1.0, 2.0, np.inf]
    rows = prior.sample(seeds, tf.constant(bounds)).numpy()
    for i, bound in enumerate(bounds):
        one = seeds[i : i + 1]
        np.testing.assert_array_equal(rows[i], prior.sample(one, bound)[0])
        assert np.abs(rows[i]).max() <= bound
    np.testing.assert_array_equal(rows[3], prior.sample(seeds)[3])
    np.testing.assert_array_equal(prior.sample(seeds, tf.constant([0.5])), prior.sample(seeds, 0.5))


def test_truncated_rows_have_the_distribution_of_scipy():
    sample = tf.function(latents.Normal(5).sample)
    bounds = tf.constant([0.7, 3.0] * 500)
    rows = sample(tf.range(1000, dtype=tf.int64), bounds).numpy()
    for first, bound in enumerate((0.7, 3.0)):
        expected = scipy.stats.truncnorm(-bound, bound)
        assert scipy.stats.kstest(rows[first::2].ravel(), expected.cdf).pvalue > 1e-3


def test_no_truncation_is_infinity_for_truncated_priors_too():
    prior, seeds = latents.TruncatedNormal(8, threshold=1.5), tf.range(3, dtype=tf.int64)
    np.testing.assert_array_equal(prior.sample(seeds, np.inf), prior.sample(seeds))


def test_priors_say_whether_they_can_be_truncated():
    assert latents.Normal(2).truncates and latents.TruncatedNormal(2).truncates
    assert not latents.Uniform(2).truncates
