"""PhaseShuffle: the shifts that are drawn, how often, and what they leave at the ends."""

import numpy as np
import pytest
import tensorflow as tf
from layer_calls import called_everywhere, normal, reloaded

from keras_gan.layers import PhaseShuffle


def shifted(x, shift):
    """Return a series moved to the right, in literal NumPy, reflected at its ends."""
    steps = x.shape[1]
    rows = np.abs(np.arange(steps) - shift)
    rows = np.where(rows >= steps, 2 * (steps - 1) - rows, rows)
    return x[:, rows]


@pytest.mark.parametrize("radius", [1, 2])
def test_shifts_are_as_likely_and_reflected(radius):
    x, layer = normal(3, 6, 2), PhaseShuffle(radius)
    possible = [shifted(x, shift) for shift in range(-radius, radius + 1)]
    graph = tf.function(lambda: layer(x, training=True))
    counts = np.zeros(len(possible))
    for _ in range(500):
        y = graph().numpy()
        (found,) = (i for i, each in enumerate(possible) if np.array_equal(each, y))
        counts[found] += 1
    np.testing.assert_allclose(counts, 500 / len(possible), atol=50)


def test_a_gradient_penalty_reaches_through_it():
    """Second derivatives of a sum of cubes: a step counts as often as it stands in the output."""
    x, layer = tf.constant(normal(2, 7, 1)), PhaseShuffle(2)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = layer(x, training=True)
            total = tf.reduce_sum(y**3)
        slope = inner.gradient(total, x)
        penalty = tf.reduce_sum(slope)
    times = tf.round(slope / (3 * x**2))
    assert tf.reduce_sum(times[0]) == 7
    np.testing.assert_allclose(outer.gradient(penalty, x), 6 * x * times, rtol=1e-4)


def test_at_inference_nothing_is_shifted(tmp_path):
    x, layer = normal(3, 6, 2), PhaseShuffle(2)
    np.testing.assert_array_equal(called_everywhere(layer, x), x)
    assert reloaded(layer, tmp_path, x).get_config() == layer.get_config()
    np.testing.assert_array_equal(PhaseShuffle(0)(x, training=True), x)


def test_what_is_refused():
    with pytest.raises(ValueError, match="radius=-1"):
        PhaseShuffle(-1)
    for shape in ((3, 2, 2), (3, 6)):
        with pytest.raises(ValueError, match=r"more than 2 steps. Received: inputs of shape"):
            PhaseShuffle(2)(normal(*shape))
