"""ContextualAttention, against loops over patches and neighbours."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_calls import called_everywhere, normal, reloaded

from keras_gan.layers import ContextualAttention


def patches(x, size, strides):
    """Return the patches of one map with the padding of "same", as {(row, column): patch}."""
    rows, columns = (-(-side // strides) for side in x.shape[:2])
    before = (size - strides) // 2 if strides > 1 else size // 2
    padded = np.pad(x, ((before, size), (before, size), (0, 0)))
    return {
        (i, j): padded[i * strides : i * strides + size, j * strides : j * strides + size]
        for i, j in np.ndindex(rows, columns)
    }


def literal(x, mask):
    """Return what one map becomes."""
    compared = patches(x[::2, ::2], 3, 1)
    small = mask.reshape(mask.shape[0] // 2, 2, mask.shape[1] // 2, 2).max(axis=(1, 3))
    known = {place: not patch.any() for place, patch in patches(small[..., None], 3, 1).items()}
    places = list(compared)
    units = {p: patch / np.sqrt((patch**2).sum()) for p, patch in compared.items()}
    alike = {(p, q): (compared[p] * units[q]).sum() for p in places for q in places}

    def neighbour(place, step, down):
        """Return the next place, row after row or, downwards, column after column."""
        rows, columns = places[-1][0] + 1, places[-1][1] + 1
        order = sorted(places, key=lambda p: p[::-1]) if down else places
        index = order.index(place) + step
        return order[index] if 0 <= index < rows * columns else None

    for down in (False, True):
        alike = {
            (p, q): sum(
                alike.get((neighbour(p, step, down), neighbour(q, step, down)), 0.0)
                for step in (-1, 0, 1)
            )
            for p, q in alike
        }
    pasted = patches(x, 4, 2)
    canvas = np.zeros((x.shape[0] + 2, x.shape[1] + 2, x.shape[2]))
    for p in places:
        weights = np.exp([10 * alike[p, q] * known[q] for q in places])
        weights *= [known[q] for q in places] / weights.sum()
        patch = sum(w * pasted[q] for w, q in zip(weights, places, strict=True))
        canvas[2 * p[0] : 2 * p[0] + 4, 2 * p[1] : 2 * p[1] + 4] += patch
    return canvas[1:-1, 1:-1] / 4


def test_it_is_the_loops():
    x = normal(2, 8, 6, 2) / 4
    mask = np.zeros((2, 8, 6, 1), "float32")
    mask[0, 2:4, 4:5] = mask[1, 5, 0] = 1
    made = called_everywhere(ContextualAttention(), x, mask)
    for i in range(2):
        expected = literal(np.float64(x[i]), mask[i, ..., 0])
        np.testing.assert_allclose(made[i], expected, rtol=1e-4, atol=1e-5)


def test_it_pastes_what_repeats_and_nothing_of_the_hole():
    """Of a pattern that repeats, the hole is filled with its next period."""
    period = normal(1, 1, 4, 6) * 3
    x = np.tile(period, (1, 16, 4, 1))
    mask = np.zeros((1, 16, 16, 1), "float32")
    mask[:, 6:8, 6:8] = 1
    made = ContextualAttention()([x, mask]).numpy()
    np.testing.assert_allclose(made[:, 4:-4, 4:-4], x[:, 4:-4, 4:-4], rtol=1e-3, atol=1e-3)
    other = np.where(mask > 0, 99.0, x)
    far = ContextualAttention()([other, mask]).numpy()
    assert np.abs(far).max() < 50
    assert not np.any(ContextualAttention()([x, np.ones_like(mask)]))


def test_gradients_are_finite_and_reach_the_known_patches():
    x, mask = tf.constant(normal(1, 8, 8, 2)), np.zeros((1, 8, 8, 1), "float32")
    mask[:, :2, :2] = 1
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(ContextualAttention()([x, mask]) ** 2)
    gradient = tape.gradient(total, x).numpy()
    assert np.isfinite(gradient).all() and np.abs(gradient[:, 6:, 6:]).min() > 0


def test_low_precision_and_round_trip(tmp_path):
    x, mask = normal(1, 8, 8, 2), np.zeros((1, 8, 8, 1), "float32")
    low = ContextualAttention(dtype="mixed_bfloat16")([x, mask])
    assert low.dtype == tf.bfloat16
    full = ContextualAttention()([tf.cast(tf.cast(x, "bfloat16"), "float32"), mask])
    np.testing.assert_allclose(tf.cast(low, "float32"), full, rtol=0.01, atol=0.01)
    reloaded(ContextualAttention(name="attention"), tmp_path, x, mask)


def test_other_inputs_are_refused():
    for shapes in ([(8, 8, 2), (8, 8, 2)], [(8, 7, 2), (8, 7, 1)], [(8, 8, 2)] * 3):
        with pytest.raises(ValueError, match=r"Expected `\[features, mask\]`"):
            ContextualAttention()([keras.Input(shape) for shape in shapes])
