"""GumbelSoftmax: the formula, what is drawn how often, gradients, and seeds that name samples."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_calls import called_everywhere, normal, reloaded
from scipy import special, stats

import keras_gan
from keras_gan.latents import Normal, Uniform
from keras_gan.layers import GumbelSoftmax


def uniform(*shape, seed=0):
    return np.random.default_rng(seed).uniform(size=shape).astype("float32")


@pytest.mark.parametrize("temperature", [0.2, 1.0, 3.0])
def test_the_formula(temperature, tmp_path):
    logits, u = normal(3, 2, 5), uniform(3, 2, 5)
    layer = GumbelSoftmax(temperature)
    y = called_everywhere(layer, logits, u)
    gumbel = stats.gumbel_r.ppf(u.astype("float64"))
    np.testing.assert_allclose(y, special.softmax((logits + gumbel) / temperature, -1), atol=1e-5)
    assert reloaded(layer, tmp_path, logits, u).get_config() == layer.get_config()


@pytest.mark.parametrize("temperature", [0.2, 2.0])
def test_categories_are_drawn_as_often_as_the_logits_say(temperature):
    logits = np.tile(normal(6), (20_000, 1))
    y = GumbelSoftmax(temperature)([logits, uniform(20_000, 6, seed=1)]).numpy()
    counts = np.bincount(y.argmax(1), minlength=6)
    expected = 20_000 * special.softmax(logits[0].astype("float64"))
    assert stats.chisquare(counts, expected).pvalue > 0.01


def test_hard_draws_are_one_hot_with_the_gradient_of_soft_ones():
    logits, u, weights = tf.constant(normal(4, 5)), uniform(4, 5), normal(4, 5, seed=2)
    outputs, gradients = [], []
    for hard in (False, True):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            y = GumbelSoftmax(0.5, hard=hard)([logits, u])
            total = tf.reduce_sum(y * weights)
        outputs.append(y.numpy())
        gradients.append(tape.gradient(total, logits).numpy())
    np.testing.assert_allclose(outputs[1], np.eye(5)[outputs[0].argmax(1)], atol=1e-6)
    np.testing.assert_allclose(*gradients, atol=1e-6)


def test_the_ends_of_the_interval_are_finite():
    u = np.array([[0, 1, 0.5], [0, 0, 0], [1, 1, 1]], "float32")
    logits = tf.constant([[1e4, -1e4, 0.0]] * 3)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        y = GumbelSoftmax(0.2)([logits, u])
    assert np.isfinite(y).all() and np.isfinite(tape.gradient(y, logits)).all()
    np.testing.assert_allclose(np.sum(y, 1), 1, atol=1e-6)


def test_in_16_bits():
    layer = GumbelSoftmax(0.2, dtype="mixed_bfloat16")
    y = layer([normal(4, 5), uniform(4, 5)])
    assert y.dtype == "bfloat16"
    full = GumbelSoftmax(0.2)([normal(4, 5), uniform(4, 5)])
    # What is drawn is rounded, and not the numbers that it is drawn by.
    np.testing.assert_array_equal(y, tf.cast(full, "bfloat16"))


def test_a_seed_names_a_row():
    z, u = keras.Input((4,), name="z"), keras.Input((3,), name="u")
    drawn = GumbelSoftmax(0.2)([keras.layers.Dense(3)(z), u])
    networks = keras.Model({"z": z, "u": u}, drawn), keras_gan.networks.mlp((3,), width=4)[1]
    model = keras_gan.GAN(*networks, latents={"z": Normal(4), "u": Uniform(3, 0, 1)})
    rows = model.generate(5, seed=2)
    np.testing.assert_allclose(model.generate(2, seed=4), rows[2:4], atol=1e-6)
    assert np.abs(model.generate(5, seed=9) - rows).max() > 0.1


def test_what_is_refused():
    with pytest.raises(ValueError, match="temperature=0"):
        GumbelSoftmax(0)
    with pytest.raises(TypeError, match="hard=1"):
        GumbelSoftmax(hard=1)
    for inputs in ([normal(3, 5), normal(3, 4)], [normal(3), normal(3)]):
        with pytest.raises(ValueError, match=r"Expected `\[logits, u\]`.*Received"):
            GumbelSoftmax()(inputs)
