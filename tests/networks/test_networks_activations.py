"""The leaky ReLU whose gradient needs its output alone, against Keras's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan.networks.activations import LeakyReLU


def derivatives(layer, x, dtype):
    """Return y, the gradient of its weighted sum, and that of the gradient's squared sum."""
    kernel = tf.constant(np.random.default_rng(1).normal(size=(3, 4)), dtype)
    x, kernel = tf.constant(x, dtype), tf.Variable(kernel)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = layer(tf.matmul(x, kernel))
            total = tf.reduce_sum(y**2)
        gradient = inner.gradient(total, x)
        penalty = tf.reduce_sum(gradient**2)
    return [np.asarray(each, "float64") for each in (y, gradient, outer.gradient(penalty, kernel))]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("slope", [0.2, 0.01])
def test_values_and_derivatives_are_those_of_keras(slope, dtype):
    x = np.random.default_rng(0).normal(size=(5, 3))
    ours, theirs = (
        derivatives(kind(negative_slope=slope, dtype=dtype), x, dtype)
        for kind in (LeakyReLU, keras.layers.LeakyReLU)
    )
    for found, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype == "float32" else 0.02)


def test_it_is_loaded_as_it_was_saved(tmp_path):
    x = keras.Input((3,))
    model = keras.Model(x, LeakyReLU(negative_slope=0.3)(x))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.layers[-1], LeakyReLU)
    np.testing.assert_allclose(np.asarray(loaded(np.array([[-2.0, 0, 3]]))), [[-0.6, 0, 3]])
