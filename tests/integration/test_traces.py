"""How many graphs public calls leave: one for each structure of what they are given."""

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan import latents
from tests.integration import small


def traces(model):
    return model._sample.experimental_get_tracing_count()


def test_two_hundred_values_of_each_argument_take_three_graphs():
    model = small.gan(classes=3)
    for value in range(200):
        model.generate(1 + value, seed=7 * value, condition=value % 3, truncation=0.1 + value / 100)
        model.generate(3, seed=value, condition=np.arange(3))
    print(f"{traces(model)} traces")
    assert traces(model) <= 3


def test_bounds_by_part_are_values_too():
    z, code = keras.Input((3,), name="z"), keras.Input((2,), name="code")
    output = keras.layers.Dense(2)(keras.layers.Concatenate()([z, code]))
    generator = keras.Model({"z": z, "code": code}, output)
    prior = {"z": latents.Normal(3), "code": latents.Normal(2)}
    model = keras_gan.GAN(generator, small.networks()[1], latents=prior)
    for value in range(20):
        model.generate(4, seed=0, truncation={"z": 0.1 + value})
    assert traces(model) == 1


@pytest.mark.parametrize("truncation", [None, 0.5])
def test_values_are_those_of_single_samples(truncation):
    model = small.gan()
    whole = model.generate(5, seed=3, truncation=truncation)
    single = [model.generate(1, seed=3 + i, truncation=truncation)[0] for i in range(5)]
    np.testing.assert_allclose(whole, single, rtol=1e-5, atol=1e-6)
