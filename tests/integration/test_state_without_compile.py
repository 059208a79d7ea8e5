"""What samples come from lasts without `compile`, or is missed aloud."""

import keras
import numpy as np
import pytest

import keras_gan
from tests.integration import small


@pytest.fixture(scope="module")
def averaged(tmp_path_factory):
    """Return a trained model with an average far from its generator, and its files."""
    directory = tmp_path_factory.mktemp("averaged")
    model = small.gan()
    model.compile(ema=0.9, run_eagerly=True, **small.sgds(0.5))
    model.fit(small.points(32), batch_size=8, verbose=0)
    networks = model.average.network, model.generator
    first, second = (network.get_weights()[0] for network in networks)
    assert np.abs(first - second).max() > 0.01
    model.save(directory / "model.keras")
    model.save_weights(directory / "model.weights.h5")
    return model, directory


def test_a_model_loaded_uncompiled_samples_from_its_average(averaged):
    model, directory = averaged
    loaded = keras.saving.load_model(directory / "model.keras", compile=False)
    assert not loaded.compiled
    np.testing.assert_array_equal(loaded.generate(4, seed=0), model.generate(4, seed=0))


def test_and_goes_on_from_it_once_it_is_compiled(averaged):
    model, directory = averaged
    loaded = keras.saving.load_model(directory / "model.keras", compile=False)
    loaded.compile(ema=0.9)
    np.testing.assert_array_equal(loaded.generate(4, seed=0), model.generate(4, seed=0))
    loaded.compile()
    assert loaded.average is None


@pytest.mark.parametrize("compiled", [True, False])
def test_weights_with_an_average_need_one(averaged, compiled):
    model, directory = averaged
    other = small.gan(seed=9)
    if compiled:
        other.compile(**small.sgds(0.5))
    before = other.generate(4, seed=0)
    with pytest.raises(ValueError, match=r"has one, which its samples came from.*ema"):
        other.load_weights(directory / "model.weights.h5")
    np.testing.assert_array_equal(other.generate(4, seed=0), before)
    other.compile(ema=0.9, **small.sgds(0.5))
    other.load_weights(directory / "model.weights.h5")
    np.testing.assert_array_equal(other.generate(4, seed=0), model.generate(4, seed=0))


def test_weights_without_an_average_into_a_model_that_has_one_are_refused(tmp_path):
    plain, averaged = small.gan(), small.gan(seed=9)
    plain.compile(**small.sgds())
    averaged.compile(ema=0.9, **small.sgds())
    plain.save_weights(tmp_path / "model.weights.h5")
    before = averaged.generate(4, seed=0)
    with pytest.raises(ValueError, match="does not fit this model"):
        averaged.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(averaged.generate(4, seed=0), before)


def test_an_uncompiled_copy_keeps_the_average(averaged):
    model, _ = averaged
    copy = keras_gan.GAN.from_config(model.get_config())
    assert copy.average is not None and copy.average is not model.average
