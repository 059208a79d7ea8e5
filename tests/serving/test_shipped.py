"""The generator in saved_models is what its README, its card and the picture say."""

import json
import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_gan
from keras_gan.callbacks import image_grid

ROOT = pathlib.Path(__file__).parents[2]
DIGITS = ROOT / "saved_models" / "digits" / "1"


@pytest.fixture(scope="module")
def sample():
    """Return the images of seeds, as the signature `sample` makes them."""
    loaded = tf.saved_model.load(str(DIGITS))

    def images(seeds):
        given = {"seed": tf.constant(seeds, tf.int64), "truncation": tf.constant([np.inf])}
        return loaded.signatures["sample"](**given)["images"].numpy()

    # The signature lives as long as the model does.
    images.model = loaded
    return images


def test_the_readmes_picture_is_made_of_its_seeds(sample):
    grid = image_grid(sample(np.arange(64)).astype("float32") / 127.5 - 1)[..., 0]
    picture = Image.open(ROOT / "docs" / "images" / "digits.png")
    assert picture.text["Comment"].startswith("Synthetic image")
    shown = np.asarray(picture, "float32")
    assert shown.shape == grid.shape
    assert np.abs(shown - grid).max() <= 1
    assert "docs/images/digits.png" in (ROOT / "README.md").read_text()


@pytest.mark.slow
def test_it_makes_digits_of_all_kinds(sample):
    """By a classifier that has seen real ones alone, and none twice."""
    data = keras_gan.datasets.load("digits", shuffle=False)
    classifier = keras_gan.metrics.features.train_classifier(data)
    images = sample(np.arange(500)).astype("float32") / 127.5 - 1
    coverage = keras_gan.metrics.class_coverage(classifier.probabilities(images))
    assert coverage["smallest"] > 0.05
    assert coverage["confidence"] > 0.85
    assert len(np.unique(images.reshape(500, -1), axis=0)) == 500


def test_it_is_small():
    sizes = [path.stat().st_size for path in DIGITS.rglob("*") if path.is_file()]
    assert sum(sizes) < 1_000_000


def test_its_card_is_complete():
    card = json.loads((DIGITS / "model_card.json").read_text())
    assert (card["name"], card["version"]) == ("digits", 1)
    assert "Alpaydin" in card["data"] and "CC BY 4.0" in card["data"]
    assert card["training"]["steps"] > 1000
    assert card["metrics"]["values"]["smallest class"] > 0.05
    for text in (card["intended_use"], card["known_limits"], card["metrics"]["protocol"]):
        assert "Not stated" not in text
    loaded = tf.saved_model.load(str(DIGITS))
    assert card["export"]["signatures"].keys() == loaded.signatures.keys()


def test_nothing_tells_where_it_was_made():
    """No path of anyone's machine."""
    for path in (path for path in DIGITS.rglob("*") if path.is_file()):
        content = path.read_bytes()
        found = re.search(rb"/(tmp|home|root|Users)/|site-packages", content)
        assert not found and str(ROOT).encode() not in content, path
