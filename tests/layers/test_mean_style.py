"""The mean style against a loop in NumPy, and the context that truncates."""

import threading

import numpy as np
import pytest
import tensorflow as tf

from keras_gan.layers import MeanStyle
from keras_gan.layers.mean_style import styles_truncated


def normal(*shape):
    return np.random.default_rng(len(shape)).normal(size=shape).astype("float32")


@pytest.mark.parametrize("shape", [(6, 3), (6, 2, 3)])
def test_the_mean_moves_in_training_alone(shape):
    layer, mean = MeanStyle(decay=0.9), np.zeros(3)
    for step in range(4):
        styles = normal(*shape) + step
        np.testing.assert_array_equal(layer(styles, training=True), styles)
        mean = 0.9 * mean + 0.1 * styles.reshape(-1, 3).mean(0)
        np.testing.assert_array_equal(layer(styles), styles)
    np.testing.assert_allclose(layer.mean, mean, rtol=1e-5, atol=1e-6)
    assert not layer.trainable_variables and len(layer.non_trainable_variables) == 1


@pytest.mark.parametrize("shape", [(4, 3), (4, 2, 3)])
def test_each_row_has_a_psi_of_its_own_in_graphs_too(shape):
    layer, styles = MeanStyle(), normal(*shape)
    layer.build(shape)
    layer.mean.assign([1.0, 2.0, 3.0])
    psi = np.array([0.0, 0.3, 1.0, 1.5], "float32")

    @tf.function
    def truncated(psi):
        with styles_truncated(psi):
            return layer.stateless_call([], [layer.mean], styles)[0]

    mean = np.array([1.0, 2.0, 3.0])
    over = psi.reshape(-1, *[1] * (len(shape) - 1))
    np.testing.assert_allclose(truncated(psi), mean + over * (styles - mean), rtol=1e-5, atol=1e-6)


def test_each_class_has_a_mean_that_moves_with_its_samples():
    layer, mean = MeanStyle(decay=0.9, num_classes=3), np.zeros((3, 4))
    for labels in ([0, 1, 0, 1], [1, 1, 1, 1], [0, 0, 0, 1]):
        styles = normal(4, 4) + np.float32(np.sum(labels))
        np.testing.assert_array_equal(layer([styles, np.array(labels)], training=True), styles)
        for label in set(labels):
            members = styles[np.array(labels) == label]
            mean[label] = 0.9 * mean[label] + 0.1 * members.mean(0)
        np.testing.assert_allclose(layer.mean, mean, rtol=1e-5, atol=1e-6)
    assert not np.any(mean[2])
    labels, styles = np.array([1, 0, 2]), normal(3, 2, 4)
    with styles_truncated(0.3):
        truncated = layer([styles, labels])
    of_class = mean[labels][:, None]
    np.testing.assert_allclose(
        truncated, of_class + 0.3 * (styles - of_class), rtol=1e-5, atol=1e-6
    )


def test_means_in_low_precision_move_by_little():
    """In 16 bits 1 + 0.005 * 0.5 would stay 1."""
    layer = MeanStyle(dtype="mixed_bfloat16")
    layer.build((2, 1))
    layer.mean.assign([1.0])
    layer(np.full((2, 1), 1.5, "float32"), training=True)
    np.testing.assert_allclose(layer.mean, [1.0025], rtol=1e-6)


def test_labels_go_with_classes():
    labels = np.array([0, 1, 2])
    for layer, inputs in (
        (MeanStyle(), [normal(3, 4), labels]),
        (MeanStyle(num_classes=3), normal(3, 4)),
    ):
        with pytest.raises(ValueError, match=r"num_classes=.*Received"):
            layer(inputs)


def test_the_context_ends_and_is_of_one_thread():
    layer, styles = MeanStyle(), normal(2, 3)
    layer.build(styles.shape)
    layer.mean.assign([1.0, 2.0, 3.0])
    seen = []
    with styles_truncated(0.0):
        with styles_truncated(None):
            np.testing.assert_array_equal(layer(styles), styles)
        np.testing.assert_allclose(layer(styles), [[1, 2, 3]] * 2)
        thread = threading.Thread(target=lambda: seen.append(layer(styles).numpy()))
        thread.start()
        thread.join()
    np.testing.assert_array_equal(seen[0], styles)
    np.testing.assert_array_equal(layer(styles), styles)
