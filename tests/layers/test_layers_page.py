"""The page docs/layers.md has every layer."""

import pathlib

import keras_gan
from keras_gan import layers

PAGE = pathlib.Path(keras_gan.__file__).parents[1] / "docs" / "layers.md"


def test_every_layer_has_its_place_on_the_page():
    for name in layers.__all__:
        assert f"\n## {name}\n" in PAGE.read_text()
