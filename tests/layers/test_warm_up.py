"""A factor that follows training: when it moves, and what is saved."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from layers.layer_calls import called_everywhere, normal, reloaded

import keras_gan
from keras_gan import schedules
from keras_gan.layers import WarmUp

RAMP = schedules.Linear(0, 1, end=4)


@pytest.mark.parametrize("shape", [(3, 2), (2, 4, 4, 3)])
def test_each_update_has_its_value(shape):
    layer, x = WarmUp(RAMP), normal(*shape)
    layer.before_update()  # Not built yet: nothing to count.
    np.testing.assert_array_equal(layer(x), np.zeros(shape))
    for before in range(6):
        layer.before_update()
        np.testing.assert_allclose(layer(x), min(before, 4) / 4 * x, rtol=1e-6)
    assert not layer.trainable_variables


def test_it_is_a_layer_like_others(tmp_path):
    layer, x = WarmUp(RAMP), normal(3, 2)
    layer.build(x.shape)
    layer.updates.assign(3)
    np.testing.assert_allclose(called_everywhere(layer, x), x / 2, rtol=1e-6)
    assert int(reloaded(layer, tmp_path, x).updates) == 3
    keras_schedule = keras.optimizers.schedules.PolynomialDecay(1.0, 4, 0.5)
    other = WarmUp.from_config(WarmUp(keras_schedule).get_config())
    np.testing.assert_array_equal(other(x), x)


def test_it_computes_in_its_dtype():
    layer = WarmUp(RAMP, dtype="mixed_bfloat16")
    assert layer(normal(3, 2)).dtype == tf.bfloat16


def pair():
    """Return networks in which each player's learned bias goes through a warm-up."""
    generator = [keras.Input((2,)), keras.layers.Dense(2), WarmUp(RAMP, name="warm")]
    discriminator = [keras.Input((2,)), keras.layers.Dense(1), WarmUp(RAMP, name="warm")]
    return keras.Sequential(generator), keras.Sequential(discriminator)


def count(network):
    return int(network.get_layer("warm").updates.numpy())


def counts(model):
    return [count(model.generator), count(model.discriminator)]


@pytest.mark.parametrize("replicas", [1, 2])
def test_training_counts_each_networks_own_updates(replicas, tmp_path, two_replicas):
    strategy = two_replicas if replicas == 2 else tf.distribute.get_strategy()
    with strategy.scope():
        model = keras_gan.GAN(*pair(), seed=0)
        model.compile("non_saturating", discriminator_steps=2, ema=0.5)
    model.fit(normal(48, 2), batch_size=8, verbose=0)
    assert counts(model) == [3, 6]
    assert count(model.average.network) == 3
    if replicas == 1:
        model.save(tmp_path / "model.keras")
        assert counts(keras_gan.load_model(tmp_path / "model.keras")) == [3, 6]


def test_the_first_update_is_cold():
    """At a factor of 0 the generator's samples are zeros, and its weights get no gradient."""
    model = keras_gan.GAN(*pair(), seed=0)
    model.compile("non_saturating", run_eagerly=True)
    weights = [w.numpy() for w in model.generator.trainable_variables]
    model.train_on_batch(normal(8, 2))
    for weight, now in zip(weights, model.generator.trainable_variables, strict=True):
        np.testing.assert_array_equal(now, weight)
    model.train_on_batch(normal(8, 2))
    assert any(
        (now.numpy() != weight).any()
        for weight, now in zip(weights, model.generator.trainable_variables, strict=True)
    )


@pytest.mark.parametrize("schedule", [None, 0.5, "linear", dict, schedules.Linear])
def test_what_is_no_schedule(schedule):
    with pytest.raises(TypeError, match="schedule"):
        WarmUp(schedule)


def test_a_factor_is_not_negative():
    with pytest.raises(ValueError, match="0 or above"):
        WarmUp(schedules.Linear(1, -1, end=4))
