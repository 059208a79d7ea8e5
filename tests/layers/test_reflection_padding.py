"""ReflectionPadding2D, against NumPy's."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_calls import called_everywhere, normal, reloaded

from keras_gan.layers import ReflectionPadding2D


@pytest.mark.parametrize(
    ("padding", "margins"),
    [
        (3, ((3, 3), (3, 3))),
        ((1, 2), ((1, 1), (2, 2))),
        (((0, 1), (2, 0)), ((0, 1), (2, 0))),
    ],
    ids=str,
)
def test_it_pads_as_numpy_does(padding, margins):
    x = normal(2, 4, 5, 3)
    padded = called_everywhere(ReflectionPadding2D(padding), x)
    np.testing.assert_array_equal(padded, np.pad(x, ((0, 0), *margins, (0, 0)), mode="reflect"))


def test_gradients_of_the_border_go_to_the_pixels_it_repeats():
    x = tf.constant(normal(1, 3, 3, 1))
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(ReflectionPadding2D(1)(x))
    assert tape.gradient(total, x).numpy()[0, ..., 0].tolist() == [[1, 3, 1], [3, 9, 3], [1, 3, 1]]


def test_low_precision_and_round_trip(tmp_path):
    x = normal(1, 4, 4, 2)
    assert ReflectionPadding2D(1, dtype="mixed_bfloat16")(x).dtype == tf.bfloat16
    assert reloaded(ReflectionPadding2D(((0, 1), (2, 0))), tmp_path, x).padding == ((0, 1), (2, 0))


def test_sides_that_are_too_small_are_refused():
    layer = ReflectionPadding2D((1, 3))
    with pytest.raises(ValueError, match=r"longer than their reflection.*\(None, 4, 3, 1\)"):
        layer(keras.Input((4, 3, 1)))
    with pytest.raises(ValueError, match="expected ndim=4, found ndim=3"):
        layer(keras.Input((4, 4)))
    layer(keras.Input((2, 4, 1)))
    graph = tf.function(layer, input_signature=[tf.TensorSpec((None, None, None, 1))])
    with pytest.raises(tf.errors.InvalidArgumentError, match="paddings must be"):
        graph(np.zeros((1, 4, 3, 1), "float32"))
    assert graph(np.zeros((1, 2, 4, 1), "float32")).shape == (1, 4, 10, 1)


@pytest.mark.parametrize("padding", [-1, 1.5, (1,), ((1, 2), (1, 2, 3)), "same"], ids=str)
def test_bad_paddings_are_refused(padding):
    with pytest.raises(ValueError, match="Received: padding="):
        ReflectionPadding2D(padding)
