"""MinibatchStdDev: StyleGAN2's statistics, on any batch and rank, with their gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan.layers import MinibatchStdDev

SHAPES = [(3,), (5, 2), (4, 3, 2), (2, 3, 2, 2)]


def samples(count, shape=(4, 3, 2), dtype="float32"):
    return np.random.default_rng(0).normal(size=(count, *shape)).astype(dtype)


def stylegan2(x, group_size):
    """Return what StyleGAN2 makes of a batch that the group divides, step by step."""
    group = min(group_size, len(x))
    y = x.reshape(group, -1, *x.shape[1:])  # [G, M, ...]: sample i is in group i mod M
    y = y - y.mean(axis=0)
    y = np.sqrt((y**2).mean(axis=0) + 1e-8)
    y = y.mean(axis=tuple(range(1, y.ndim)))
    y = np.tile(y, group).reshape(-1, *(1 for _ in x.shape[1:]))
    return np.concatenate([x, np.broadcast_to(y, (*x.shape[:-1], 1))], axis=-1)


def by_groups(x, group_size):
    """Return the same of any batch, group by group."""
    count = max(len(x) // group_size, 1)
    out = np.zeros((*x.shape[:-1], x.shape[-1] + 1), x.dtype)
    out[..., :-1] = x
    for first in range(count):
        members = x[first::count]
        out[first::count, ..., -1] = np.sqrt(members.var(axis=0) + 1e-8).mean()
    return out


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("count", "group_size"), [(12, 4), (6, 2), (4, 4), (3, 4), (5, 1)])
def test_is_stylegan2_where_the_group_divides_the_batch(shape, count, group_size):
    x = samples(count, shape)
    layer = MinibatchStdDev(group_size)
    expected = stylegan2(x, group_size)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5)
    np.testing.assert_allclose(by_groups(x, group_size), expected, rtol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 5, 6, 7, 11])
def test_uneven_groups_are_those_of_every_mth_sample(count):
    x = samples(count)
    np.testing.assert_allclose(MinibatchStdDev(4)(x), by_groups(x, 4), rtol=1e-5)


def test_batches_of_unknown_size_and_shape():
    layer = MinibatchStdDev(3)
    open_ended = tf.function(layer, input_signature=[tf.TensorSpec((None, None, None, 2))])
    compiled = tf.function(
        layer, jit_compile=True, input_signature=[tf.TensorSpec((None, 4, 3, 2))]
    )
    for count in (9, 7, 2, 1):
        x = samples(count)
        np.testing.assert_allclose(open_ended(x), by_groups(x, 3), rtol=1e-5)
        np.testing.assert_allclose(compiled(x), by_groups(x, 3), rtol=1e-5)
    assert open_ended(samples(0)).shape == (0, 4, 3, 3)
    assert layer(keras.Input((4, None, 2))).shape == (None, 4, None, 3)


@pytest.mark.parametrize("count", [4, 7])
def test_gradients_agree_with_finite_differences(count):
    """The second one too, which a gradient penalty takes."""
    layer = MinibatchStdDev(2, dtype="float64")
    x = samples(count, (3, 2), "float64")
    weights = samples(count, (3, 3), "float64")

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(weights * layer(x) ** 2)
        return loss, tape.gradient(loss, x)

    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        _, first = gradient(x)
        squared = tf.reduce_sum(first**2)
    second = tape.gradient(squared, x)
    direction = np.random.default_rng(1).normal(size=x.shape)
    ahead, behind = (gradient(x + sign * 1e-5 * direction) for sign in (1, -1))
    for found, values in (
        (first, (ahead[0], behind[0])),
        (second, [tf.reduce_sum(g**2) for _, g in (ahead, behind)]),
    ):
        expected = np.sum(found * direction)
        assert abs(expected) > 1e-3
        assert float(values[0] - values[1]) / 2e-5 == pytest.approx(expected, rel=1e-6)


def test_equal_samples_have_finite_gradients():
    x = tf.ones((4, 3))
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = MinibatchStdDev()(x)
    np.testing.assert_allclose(outputs[:, -1], 1e-4, rtol=1e-4)
    assert np.all(np.isfinite(tape.gradient(outputs, x)))


def test_mixed_precision_counts_in_float32():
    """In float16 the square of 300 is infinite."""
    layer = MinibatchStdDev(2, dtype="mixed_float16")
    x = tf.constant([[-300.0], [300.0]], tf.float16)
    outputs = layer(x)
    assert outputs.dtype == tf.float16
    np.testing.assert_array_equal(outputs[:, 1], 300.0)
    assert layer.weights == []


def test_round_trip(tmp_path):
    x = samples(5)
    network = keras.Sequential([keras.Input((4, 3, 2)), MinibatchStdDev(3, name="spread")])
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    assert loaded.get_layer("spread").group_size == 3
    np.testing.assert_array_equal(loaded(x), network(x))


@pytest.mark.parametrize("group_size", [0, -4, 2.0, True, "4", None])
def test_bad_group_sizes_are_refused(group_size):
    with pytest.raises(ValueError, match=r"whole number of at least 1.*Received: group_size="):
        MinibatchStdDev(group_size)


def test_samples_without_features_are_refused():
    for labels in (keras.Input(()), np.ones(4, "float32")):
        with pytest.raises(ValueError, match="samples with features"):
            MinibatchStdDev()(labels)
