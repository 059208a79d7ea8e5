"""Pictures of coloured digits: what they show, what is said of them, what is read off them."""

import pathlib

import numpy as np
import pytest

import keras_gan
from tests.examples import scripts

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "coloured_digits.py"


@pytest.fixture(scope="module")
def script():
    with scripts.loaded(SCRIPT) as module:
        yield module


@pytest.fixture(scope="module")
def strokes():
    """Return images of each split of the embedded digits, with their labels."""
    parts = {}
    for split in ("train", "test"):
        data = keras_gan.datasets.load("digits", split, batch_size=500, shuffle=False)
        parts[split] = [
            np.concatenate(each) for each in zip(*data.as_numpy_iterator(), strict=True)
        ]
    return parts


def some(script, count, seed=0):
    rng = np.random.default_rng(seed)
    return script.COMBINATIONS[rng.integers(len(script.COMBINATIONS), size=count)], rng


def test_a_picture_is_its_strokes_in_ink_on_its_ground(script):
    side = 8
    digits = np.full((10, side, side, 1), 1.0, "float32")  # All ink.
    attributes = np.array([[3, 0, 2, 1]])  # Red on yellow, medium.
    (image,) = script.pictures(digits, np.arange(10), attributes, np.random.default_rng(0))
    inside = np.isclose(image, 2 * np.array(script.COLOURS["ink"][0]) - 1).all(axis=-1)
    outside = np.isclose(image, 2 * np.array(script.COLOURS["ground"][2]) - 1, atol=1e-6)
    assert inside.sum() == script.SIDES[1] ** 2 and (inside | outside.all(axis=-1)).all()


def test_strokes_are_of_the_digit_asked_for(script):
    levels = np.linspace(-1, 1, 10, dtype="float32")[:, None, None, None]
    digits = np.tile(levels, (1, 8, 8, 1))
    attributes = np.array([[digit, 5, 0, 2] for digit in range(10)])  # Black on white, large.
    images = script.pictures(digits, np.arange(10), attributes, np.random.default_rng(0))
    np.testing.assert_allclose(images[:, 16, 16, 0], -levels.ravel(), atol=1e-6)


def test_all_attributes_are_read_off_real_pictures(script, strokes):
    attributes, rng = some(script, 1500)
    reader = script.Reader.of(script.pictures(*strokes["train"], attributes, rng), attributes)
    attributes, rng = some(script, 500, seed=1)
    right = reader.read(script.pictures(*strokes["test"], attributes, rng)) == attributes
    assert right[:, 0].mean() > 0.9 and right[:, 1:].all()
    # A picture of nothing, and noise, are read too: as anything.
    noise = rng.uniform(-1, 1, (3, 32, 32, 3))
    assert reader.read(np.concatenate([np.ones((1, 32, 32, 3)), noise])).shape == (4, 4)


def test_captions_say_each_attribute_once(script):
    attributes, rng = some(script, 300)
    values = {
        word: (column, value)
        for column, of_attribute in enumerate(script.WORDS.values())
        for value, words in enumerate(of_attribute)
        for word in words
    }
    # No word stands for two things: their order says nothing that the words do not.
    assert len(values) == sum(len(w) for words in script.WORDS.values() for w in words)
    captions = script.captions(attributes, rng)
    known = set(script.vocabulary())
    for caption, row in zip(captions, attributes, strict=True):
        words = caption.replace(",", "").replace(":", "").split()
        assert known.issuperset(words), caption
        found = sorted(values[word] for word in words if word in values)
        assert found == list(enumerate(row)), caption
    assert len(set(captions)) > 250
    plain = script.captions(attributes, rng, varied=False)
    assert len(set(plain)) == len({tuple(row) for row in attributes})


def test_a_share_of_combinations_is_held_out_whose_words_are_known(script):
    seen, held_out = script.split(0.2, seed=0)
    assert (len(seen), len(held_out)) == (432, 108)
    assert len({tuple(row) for row in np.concatenate([seen, held_out])}) == 540
    for column, words in enumerate(script.WORDS.values()):
        assert len(set(seen[:, column])) == len(words)
    assert not np.array_equal(script.split(0.2, seed=1)[0], seen)
    with pytest.raises(ValueError, match=r"Too few combinations.*Received: 0.99"):
        script.split(0.99, seed=0)
