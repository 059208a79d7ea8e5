"""The examples of docs/layers.md run, one after the other, as a reader would run them."""

import pathlib
import re

import numpy as np
import pytest

import keras_gan
from keras_gan import layers

PAGE = pathlib.Path(keras_gan.__file__).parents[1] / "docs" / "layers.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)


@pytest.fixture(scope="module")
def namespace():
    """Return what the blocks share: the names that the ones before have defined."""
    return {}


@pytest.fixture
def histories(monkeypatch):
    """Let the page train narrow networks eagerly, one step at a time; keep what it logs."""
    fit, build, kept = keras_gan.GAN.fit, keras_gan.GAN.compile, []
    dcgan = keras_gan.networks.dcgan
    monkeypatch.setattr(
        keras_gan.networks, "dcgan", lambda *args, **kwargs: dcgan(*args, width=2, **kwargs)
    )

    def one_step(model, data, **kwargs):
        assert kwargs == {"epochs": 1}
        data = data if model.conditional else data.map(lambda images, labels: images)
        kept.append(fit(model, data.take(model.discriminator_steps), verbose=0).history)

    monkeypatch.setattr(keras_gan.GAN, "fit", one_step)
    monkeypatch.setattr(
        keras_gan.GAN, "compile", lambda *args, **kwargs: build(*args, run_eagerly=True, **kwargs)
    )
    return kept


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: str(BLOCKS.index(block)))
def test_blocks(block, namespace, histories):
    exec(block, namespace)
    assert len(histories) == block.count("model.fit(")
    assert all(np.isfinite(values).all() for history in histories for values in history.values())


def test_every_layer_has_its_place_on_the_page():
    for name in layers.__all__:
        assert f"\n## {name}\n" in PAGE.read_text()
