"""PartialConv2D, against its formula written out window by window."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_calls import called_everywhere, normal, reloaded

from keras_gan.layers import PartialConv2D


def literal(x, known, kernel, bias, strides, rate):
    """Return y and m' with the padding of "same", in float64."""
    batch, *sides, _ = x.shape
    span = [(size - 1) * rate + 1 for size in kernel.shape[:2]]
    out = [-(-side // strides) for side in sides]
    total = [max((o - 1) * strides + s - n, 0) for o, s, n in zip(out, span, sides, strict=True)]
    margins = ((0, 0), *((t // 2, t - t // 2) for t in total), (0, 0))
    x, known = (np.pad(np.float64(a), margins) for a in (np.where(known > 0, x, 0), known))
    y, found = np.zeros((batch, *out, kernel.shape[-1])), np.zeros((batch, *out, 1))
    whole = kernel[..., 0].size // kernel.shape[2] * known.shape[-1]
    for b, i, j in np.ndindex(batch, *out):
        rows, columns = (
            slice(p * strides, p * strides + s, rate) for p, s in zip((i, j), span, strict=True)
        )
        count = known[b, rows, columns].sum()
        if count:
            window = x[b, rows, columns]
            y[b, i, j] = np.tensordot(window, kernel, 3) * whole / count + bias
            found[b, i, j] = 1
    return y, found


def hole(*shape, seed=1, channels=1):
    return (np.random.default_rng(seed).random((*shape, channels)) > 0.8).astype("float32")


@pytest.mark.representatives(2)
@pytest.mark.parametrize(
    ("options", "channels"),
    [({}, 1), ({"strides": 2}, 3), ({"dilation_rate": 2}, 1)],
    ids=str,
)
def test_it_is_the_formula(options, channels):
    x, known = normal(2, 7, 6, 3), hole(2, 7, 6, channels=channels)
    layer = PartialConv2D(4, 3, **options)
    layer.build([x.shape, known.shape])
    layer.bias.assign(normal(4, seed=2))
    y, found = called_everywhere(layer, x, known)
    kernel, bias = layer.convolution.kernel.numpy(), layer.bias.numpy()
    strides, rate = options.get("strides", 1), options.get("dilation_rate", 1)
    expected = literal(x, known, kernel, bias, strides, rate)
    np.testing.assert_allclose(y, expected[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found, expected[1])
    assert 0 < found.mean() < 1


def test_where_all_is_known_it_is_a_plain_convolution():
    x = normal(1, 8, 8, 2)
    layer = PartialConv2D(3, 3)
    y, found = layer([x, np.ones((1, 8, 8, 1), "float32")])
    plain = layer.convolution(x).numpy()
    np.testing.assert_allclose(y[:, 1:-1, 1:-1], plain[:, 1:-1, 1:-1], rtol=1e-5, atol=1e-6)
    # At the border a third of the window is padding, which is not known.
    np.testing.assert_allclose(y[:, 0, 1:-1], plain[:, 0, 1:-1] * 9 / 6, rtol=1e-5, atol=1e-6)
    assert np.all(found == 1)


@pytest.mark.parametrize("value", [1e30, np.nan, np.inf])
def test_what_stands_in_the_hole_has_no_effect_and_no_gradient(value):
    x, known = normal(1, 6, 6, 2), hole(1, 6, 6)
    layer = PartialConv2D(3, 3)
    expected = layer([x, known])[0]
    filled = tf.constant(np.where(known > 0, x, np.float32(value)))
    with tf.GradientTape() as tape:
        tape.watch(filled)
        y = layer([filled, known])[0]
        total = tf.reduce_sum(y**2)
    np.testing.assert_array_equal(y, expected)
    gradient = tape.gradient(total, filled).numpy()
    assert np.isfinite(gradient).all()
    assert np.array_equal(np.any(gradient != 0, axis=-1, keepdims=True), known > 0)


def test_the_hole_shrinks_by_half_a_kernel_a_layer():
    x, known = np.ones((1, 16, 16, 1), "float32"), np.ones((1, 16, 16, 1), "float32")
    known[:, 3:13, 3:13] = 0
    for left, size in ((8, 3), (4, 5), (0, 5)):
        x, known = PartialConv2D(2, size)([x, known])
        assert np.sum(known == 0) == left**2
    nothing = np.zeros((1, 16, 16, 1), "float32")
    y, found = PartialConv2D(2, 3)([nothing, nothing])
    assert not np.any(y) and not np.any(found)


def test_low_precision_counts_in_float32():
    """1,959 of 1,960 known values is a scale that bfloat16 rounds, but not its count."""
    known = np.ones((1, 8, 8, 40), "float32")
    known[0, 4, 4, 0] = 0
    layer = PartialConv2D(2, 7, dtype="mixed_bfloat16")
    y, found = layer([normal(1, 8, 8, 40), known])
    assert y.dtype == found.dtype == tf.bfloat16
    count, whole = layer._count(tf.constant(known) > 0)
    assert whole == 1960 and count[0, 4, 4, 0] == 1959


def test_round_trip(tmp_path):
    x, known = normal(1, 8, 8, 2), hole(1, 8, 8)
    layer = PartialConv2D(3, 3, 2, "valid", activation="relu", use_bias=False)
    assert reloaded(layer, tmp_path, x, known).get_config() == layer.get_config()


def test_other_inputs_are_refused():
    for shapes in ([(4, 4, 3), (4, 4, 2)], [(4, 4, 3)] * 3, [(4, 4, 3), (3,)]):
        with pytest.raises(ValueError, match=r"Expected `\[x, known\]`"):
            PartialConv2D(2, 3)([keras.Input(shape) for shape in shapes])
