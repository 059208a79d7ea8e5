"""LearnedConstant: one weight for every sample."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_calls import called_everywhere, normal, reloaded

from keras_gan.layers import LearnedConstant


def test_every_sample_gets_the_weight():
    layer = LearnedConstant((4, 2, 3))
    y = called_everywhere(layer, normal(5, 7))
    (constant,) = layer.get_weights()
    assert constant.shape == (4, 2, 3)
    np.testing.assert_array_equal(y, np.tile(constant, (5, 1, 1, 1)))
    assert LearnedConstant(6)(np.zeros((2, 3, 3, 1), "int32")).shape == (2, 6)


def test_it_starts_at_a_unit_normal_and_its_gradient_is_the_sum_over_samples():
    layer = LearnedConstant((50, 50, 8))
    layer.build((None, 1))
    (constant,) = layer.get_weights()
    error = 1 / np.sqrt(constant.size)
    assert abs(constant.mean()) < 4 * error and abs(constant.std() - 1) < 4 * error
    layer = LearnedConstant((3,), "ones")
    scales = normal(4, 3)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(np.zeros((4, 1), "float32")) * scales)
    (gradient,) = tape.gradient(total, layer.trainable_weights)
    np.testing.assert_allclose(gradient, scales.sum(0), rtol=1e-6)


def test_low_precision_and_round_trip(tmp_path):
    x = normal(2, 3)
    low = LearnedConstant((4, 4, 2), dtype="mixed_bfloat16")
    assert low(x).dtype == tf.bfloat16
    assert low.constant.dtype == "float32"
    layer = LearnedConstant([2, 5], keras.initializers.Constant(0.5))
    kept = reloaded(layer, tmp_path, x)
    assert kept.get_config() == layer.get_config()


def test_bad_shapes_are_refused():
    with pytest.raises(ValueError, match=r"at least 1.*shape\[1\]=0"):
        LearnedConstant((4, 0))
    with pytest.raises(TypeError, match="shape='4x4'"):
        LearnedConstant("4x4")
