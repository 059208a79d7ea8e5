"""What has the state of one model is not given to two, and both players have something to train."""

import keras
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
