"""Standing statistics: means over fresh batches, what stays as it was, and how it is told."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from integration import small

import keras_gan
from keras_gan.layers import MeanStyle


def pair(norm=True, classes=None):
    keras.utils.set_random_seed(0)
    z = keras.Input((3,), name="latents")
    inputs, h = z, MeanStyle()(z)
    if classes:
        label = keras.Input((), dtype="int32", name="labels")
        inputs = [z, label]
        h = keras.layers.Concatenate()([h, keras.layers.Embedding(classes, 2)(label)])
    h = keras.layers.Dense(4, name="hidden")(h)
    h = keras.layers.BatchNormalization(momentum=0.9, name="norm")(h) if norm else h
    generator = keras.Model(inputs, keras.layers.Dense(2)(h))
    return generator, keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])


def model_of(norm=True, ema=None, classes=None):
    model = keras_gan.GAN(*pair(norm, classes), seed=0)
    model.compile("non_saturating", **small.adams(), ema=ema)
    return model


def moving(network):
    norm = network.get_layer("norm")
    return norm.moving_mean.numpy(), norm.moving_variance.numpy()


@pytest.mark.parametrize("ema", [None, 0.5])
def test_they_are_the_means_over_fresh_batches(ema):
    model = model_of(ema=ema)
    model.fit(small.points(32), batch_size=16, verbose=0)
    network = model.sampling_network
    others = [(v, v.numpy()) for v in network.variables if "moving" not in v.path]
    raw = moving(model.generator)
    model.standing_statistics(batches=3, batch_size=8, seed=5)
    latents = model.latents.sample(tf.range(5, 5 + 24, dtype=tf.int64)).numpy()
    dense = network.get_layer("hidden")
    hidden = latents @ dense.kernel.numpy() + dense.bias.numpy()
    parts = hidden.reshape(3, 8, 4)
    mean, variance = moving(network)
    np.testing.assert_allclose(mean, parts.mean((0, 1)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(variance, parts.var(1).mean(0), rtol=1e-4, atol=1e-6)
    for variable, value in others:
        np.testing.assert_array_equal(variable.numpy(), value)
    assert network.get_layer("norm").momentum == 0.9
    if ema:
        for one, other in zip(moving(model.generator), raw, strict=True):
            np.testing.assert_array_equal(one, other)


def test_samples_are_normalized_by_them():
    model = model_of()
    before = model.generate(4, seed=0)
    model.standing_statistics(batches=2, batch_size=8)
    after = model.generate(4, seed=0)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(model.generate(1, seed=2)[0], after[2], rtol=1e-5, atol=1e-6)


def test_which_they_are_is_told(tmp_path):
    model = model_of(ema=0.5)
    assert model.statistics == "running"
    model.standing_statistics(batches=2, batch_size=8)
    assert model.statistics == "standing, of 2 batches of 8"
    model.save(tmp_path / "model.keras")
    loaded = keras_gan.load_model(tmp_path / "model.keras")
    assert loaded.statistics == model.statistics
    np.testing.assert_array_equal(loaded.generate(4, seed=0), model.generate(4, seed=0))
    path = model.export(tmp_path / "exported")
    with open(f"{path}/model_card.json", encoding="utf-8") as file:
        assert json.load(file)["generator"]["statistics"] == model.statistics
    model.fit(small.points(16), batch_size=16, verbose=0)
    assert model.statistics == "running"
    assert model_of(norm=False).statistics is None


def test_another_network_has_its_own():
    model = model_of(ema=0.5)
    model.standing_statistics(batches=2, batch_size=8)
    model.compile("non_saturating", ema=0.5)  # Goes on from the average that there was.
    assert model.statistics == "standing, of 2 batches of 8"
    model.compile("non_saturating")
    assert model.statistics == "running"


def test_classes_take_turns():
    model = model_of(classes=3)
    model.standing_statistics(batches=2, batch_size=6)
    with pytest.raises(ValueError, match="12 samples"):
        model.standing_statistics(batches=2, batch_size=6, condition=[0, 1])
    first = moving(model.generator)
    model.standing_statistics(batches=2, batch_size=6, condition=2)
    assert np.abs(moving(model.generator)[0] - first[0]).max() > 1e-4


def test_what_is_refused():
    with pytest.raises(ValueError, match="batch normalization"):
        model_of(norm=False).standing_statistics()
    for options in ({"batches": 0}, {"batch_size": 1.5}, {"seed": "a"}):
        with pytest.raises(ValueError, match=next(iter(options))):
            model_of().standing_statistics(**options)
