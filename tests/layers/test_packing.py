"""Packing: which samples go together, and which batches can't be packed."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan.layers import Packing


def literal(x, count):
    """Return the packs of a batch, one after another."""
    x = x[:, None] if x.ndim == 1 else x
    packs = [x[i : i + count] for i in range(0, len(x), count)]
    return np.stack([np.concatenate(list(pack), axis=-1) for pack in packs])


@pytest.mark.parametrize("shape", [(), (3,), (5, 2), (4, 3, 2), (2, 3, 2, 2)], ids=str)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_packs_lie_side_by_side_on_the_last_axis(shape, count):
    x = np.random.default_rng(0).normal(size=(12, *shape)).astype("float32")
    layer = Packing(count)
    expected = literal(x, count)
    assert expected.shape == (12 // count, *shape[:-1], count * (*shape, 1)[-2 if shape else -1])
    unknown = [tf.TensorSpec((None,) * x.ndim)]
    calls = layer, tf.function(layer, input_signature=unknown)
    for call in (*calls, tf.function(layer, input_signature=unknown, jit_compile=True)):
        np.testing.assert_array_equal(call(x), expected)


def test_labels_stay_integers():
    packs = Packing(2)(np.array([5, 6, 7, 8], "int32"))
    assert packs.numpy().tolist() == [[5, 6], [7, 8]]
    assert packs.dtype == tf.int32


def test_symbolic_shapes():
    assert Packing(2)(keras.Input((8, None, 3))).shape == (None, 8, None, 6)
    assert Packing(2)(keras.Input((3,), batch_size=6)).shape == (3, 6)
    assert Packing(2)(keras.Input(())).shape == (None, 2)
    assert Packing(2)(keras.Input((None,))).shape == (None, None)


def test_gradients_reach_every_sample():
    x = tf.constant(np.random.default_rng(0).normal(size=(6, 2, 2)))
    weights = np.random.default_rng(1).normal(size=(2, 2, 6))
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(weights * Packing(3, dtype="float64")(x))
    expected = np.concatenate([np.moveaxis(w.reshape(2, 3, 2), 1, 0) for w in weights])
    np.testing.assert_array_equal(tape.gradient(total, x), expected)


def test_a_batch_that_leaves_samples_over_is_refused():
    layer, x = Packing(2), np.ones((5, 3), "float32")
    for call in (layer, tf.function(layer)):
        with pytest.raises(ValueError, match=r"packs of 2 samples(?s:.*)a batch of 5 samples"):
            call(x)
    with pytest.raises(ValueError, match="a batch of 5 samples"):
        layer(keras.Input((3,), batch_size=5))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"packs of 2 samples.*drop_remainder"):
        tf.function(layer, input_signature=[tf.TensorSpec((None, 3))])(x)


@pytest.mark.parametrize("samples", [0, -2, 2.0, True, "2", None])
def test_bad_numbers_of_samples_are_refused(samples):
    with pytest.raises(ValueError, match=r"whole number of at least 1.*Received: samples="):
        Packing(samples)


def test_round_trip(tmp_path):
    x = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    network = keras.Sequential([keras.Input((4,)), Packing(3, name="packs"), keras.layers.Dense(2)])
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    assert loaded.get_layer("packs").samples == 3
    np.testing.assert_array_equal(loaded(x), network(x))
