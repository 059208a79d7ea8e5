"""What the rest of the library makes of networks that hold these layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan.layers import Packing, SpectralNormalization
from keras_gan.metrics.descent import Descent


@pytest.mark.slow
def test_metrics_train_normalized_networks_with_power_steps():
    """Without them sigma falls behind the kernel, and the trained network is no longer bound."""
    layer = SpectralNormalization(keras.layers.Dense(6))
    network = keras.Sequential([keras.Input((6,)), layer])
    x = tf.constant(np.random.default_rng(0).normal(size=(32, 6)), tf.float32)
    target = x @ tf.constant(np.diag([9.0, 0, 0, 0, 0, 0]), tf.float32)

    def loss(step, x, target):
        return tf.reduce_mean(tf.square(network(x) - target))

    def judge():
        return float(loss(0, x, target))

    Descent(loss, network, steps=300, learning_rate=0.05).run(judge, x, target)
    largest = np.linalg.svd(np.asarray(layer.normalized_kernel()), compute_uv=False)[0]
    assert largest == pytest.approx(1, abs=0.05)


def test_a_line_is_drawn_without_the_probability_of_packs(tmp_path, monkeypatch):
    drawn = []

    def density_plot(generated, real, probability, title):
        drawn.append(probability)
        return np.zeros((4, 4, 3), "uint8")

    monkeypatch.setattr("keras_gan.visualization.plots.density_plot", density_plot)
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    discriminator = keras.Sequential([keras.Input((1,)), Packing(2), keras.layers.Dense(1)])
    model = keras_gan.GAN(generator, discriminator, seed=0)
    model.compile("non_saturating")
    grid = keras_gan.callbacks.SampleGrid(tmp_path)
    model.fit(np.zeros((8, 1), "float32"), batch_size=4, verbose=0, callbacks=[grid])
    assert drawn == [None]


def test_labels_of_a_wrapped_embedding_are_counted():
    z, x = keras.Input((2,)), keras.Input((2,))
    labels = [keras.Input((), dtype="int32") for _ in range(2)]
    sides = []
    for inputs, label, embedding in (
        (z, labels[0], keras.layers.Embedding(7, 2)),
        (x, labels[1], SpectralNormalization(keras.layers.Embedding(5, 2))),
    ):
        joined = keras.layers.Concatenate()([inputs, embedding(label)])
        size = 2 if inputs is z else 1
        sides.append(keras.Model([inputs, label], keras.layers.Dense(size)(joined)))
    assert keras_gan.GAN(*sides).num_classes == 5


def test_a_depthwise_kernel_is_no_matrix_of_output_channels():
    with pytest.raises(ValueError, match="DepthwiseConv2D"):
        SpectralNormalization(keras.layers.DepthwiseConv2D(3))(np.ones((1, 4, 4, 2), "float32"))
