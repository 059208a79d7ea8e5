"""LabelPlanes: where the numbers stand, and what an instance normalization leaves of them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_calls import normal, reloaded

from keras_gan.layers import LabelPlanes, ReflectionPadding2D


def test_every_pixel_has_the_label_beside_it():
    image, label = normal(2, 3, 4, 2), normal(2, 5, seed=1)
    free = [tf.TensorSpec((None, None, None, 2)), tf.TensorSpec((None, 5))]
    layer = LabelPlanes()
    calls = layer, tf.function(layer, input_signature=[free]), tf.function(layer, jit_compile=True)
    for call in calls:
        beside = call([image, label]).numpy()
        np.testing.assert_array_equal(beside[..., :2], image)
        for i, j in np.ndindex(3, 4):
            np.testing.assert_array_equal(beside[:, i, j, 2:], label)
    assert layer([keras.Input((None, None, 2)), keras.Input((5,))]).shape == (None, None, None, 7)


def test_reflection_and_instance_normalization_leave_nothing_of_a_label():
    image = normal(1, 8, 8, 3)
    convolution = keras.layers.Conv2D(4, 3)
    norm = keras.layers.GroupNormalization(groups=-1, epsilon=1e-5)

    def effect(padding):
        made = [
            norm(convolution(padding(LabelPlanes()([image, np.float32([label])])))).numpy()
            for label in ([1, 0], [0, 5])
        ]
        return np.abs(made[0] - made[1]).max()

    assert effect(ReflectionPadding2D(1)) < 1e-4 < 0.1 < effect(keras.layers.ZeroPadding2D(1))


def test_low_precision_and_round_trip(tmp_path):
    image, label = normal(1, 4, 4, 1), normal(1, 2)
    assert LabelPlanes(dtype="mixed_bfloat16")([image, label]).dtype == tf.bfloat16
    reloaded(LabelPlanes(name="planes"), tmp_path, image, label)


def test_other_inputs_are_refused():
    with pytest.raises(ValueError, match=r"Expected `\[image, label\]`"):
        LabelPlanes()([keras.Input((4, 4, 1)), keras.Input((4, 2))])
