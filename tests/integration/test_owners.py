"""What has the state of one model is not given to two, and both players have something to train."""

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan import augmentation
from tests.integration import small

PARTS = {
    "average": lambda: {"ema": keras_gan.GeneratorAverage(decay=0.5)},
    "augmentation": lambda: {"augmentation": augmentation.Adaptive(augmentation.InstanceNoise())},
    "generator's optimizer": lambda: {"generator_optimizer": keras.optimizers.Adam()},
    "discriminator's optimizer": lambda: {"discriminator_optimizer": keras.optimizers.Adam()},
    "term 'lecam'": lambda: {"terms": [keras_gan.terms.LeCam()]},
    "term 'feature_matching'": lambda: {"terms": [keras_gan.terms.FeatureMatching()]},
}


@pytest.mark.parametrize("what", PARTS)
def test_one_object_in_two_models_is_refused(what):
    options = PARTS[what]()
    first, second = small.gan(), small.gan(seed=9)
    first.compile(**options)
    first.compile(**options)  # The same model may be compiled again.
    samples = first.generate(2, seed=0)
    second.compile()
    before = second.get_compile_config()
    with pytest.raises(ValueError, match=f"{what}.* belongs to another model.*make a new"):
        second.compile(**options)
    assert second.get_compile_config() == before
    assert (first.generate(2, seed=0) == samples).all()


class Dense(keras.Model):
    """A network that is built only once it is called."""

    def __init__(self, units):
        super().__init__()
        self.dense = keras.layers.Dense(units)

    def call(self, x):
        return self.dense(x)


@pytest.mark.parametrize("what", ["average", "generator's optimizer"])
def test_networks_that_are_built_later_share_nothing_either(what):
    options = PARTS[what]()
    first, second = (
        keras_gan.GAN(Dense(2), Dense(1), latents=keras_gan.latents.Normal(3), conditional=False)
        for _ in range(2)
    )
    first.compile(**options)
    with pytest.raises(ValueError, match=f"{what}.* belongs to another model"):
        second.compile(**options)


@pytest.mark.parametrize("call", ["fit", "train_on_batch"])
def test_what_changes_after_compile_needs_another_compile(call):
    model = small.gan()
    model.compile(run_eagerly=True)
    layer = model.generator.layers[1]
    layer.trainable = False
    with pytest.raises(ValueError, match=r"generator trains has changed.*`compile` again"):
        getattr(model, call)(small.points(4))
    model.compile(run_eagerly=True)
    before = layer.get_weights()
    getattr(model, call)(small.points(4))
    assert all((old == new).all() for old, new in zip(before, layer.get_weights(), strict=True))
    model.generator = small.gan(seed=9).generator
    with pytest.raises(ValueError, match="another network"):
        getattr(model, call)(small.points(4))


def test_weights_that_are_loaded_after_compile_are_averaged():
    model = small.gan()
    model.compile(ema=0.999, run_eagerly=True)
    other = small.gan(seed=9).generator
    model.generator.set_weights(other.get_weights())
    model.fit(small.points(4), verbose=0)
    z = np.ones((2, 3), "float32")
    near = np.abs(model.predict(z, verbose=0) - other.predict(z, verbose=0)).max()
    assert near < 1e-3
    again = small.gan()
    again.compile(ema=0.999)
    again.generator.set_weights(other.get_weights())
    again.compile(ema=0.999)
    np.testing.assert_array_equal(again.average.network(z), other(z))


def test_a_layer_in_both_networks_is_refused():
    shared, z, x = keras.layers.Dense(2), keras.Input((2,)), keras.Input((2,))
    generator = keras.Model(z, shared(z))
    with pytest.raises(ValueError, match=f"in common.*{shared.name}"):
        keras_gan.GAN(generator, keras.Model(x, keras.layers.Dense(1)(shared(x))))


@pytest.mark.parametrize("player", small.PLAYERS)
def test_a_player_that_is_frozen_after_compile_is_refused_by_fit(player, tmp_path):
    model = small.gan()
    model.compile(run_eagerly=True)
    getattr(model, player).trainable = False
    with pytest.raises(ValueError, match=f"The {player} has nothing to train"):
        model.fit(small.points(4), verbose=0)
    model.save(tmp_path / "frozen.keras")
    loaded = keras_gan.load_model(tmp_path / "frozen.keras")
    small.assert_equal_states(small.state(model), small.state(loaded))
    with pytest.raises(ValueError, match=f"The {player} has nothing to train"):
        loaded.fit(small.points(4), verbose=0)


@pytest.mark.parametrize("player", small.PLAYERS)
def test_a_player_with_nothing_to_train_is_refused(player):
    model = small.gan()
    network = getattr(model, player)
    network.trainable = False
    with pytest.raises(ValueError, match=rf"The {player} has nothing to train.*{player}.trainable"):
        model.compile()
    network.trainable = True
    model.compile()


def test_some_frozen_layers_are_fine():
    model = small.gan()
    model.discriminator.layers[1].trainable = False
    model.compile(run_eagerly=True)
    model.train_on_batch(small.points(8))


def test_a_loaded_average_is_trained_on_once_it_is_thawed(tmp_path):
    model = small.gan()
    model.compile(ema=0.5)
    model.average.network.save(tmp_path / "average.keras")
    network = keras.saving.load_model(tmp_path / "average.keras")
    again = keras_gan.GAN(network, small.gan().discriminator)
    with pytest.raises(ValueError, match="generator has nothing to train"):
        again.compile()
