"""The example of captions: its sentences, its controls, and a run from command to export."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from absl import app, flags
from absl.testing import flagsaver

from tests.examples import scripts

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "captions.py"
SMALL = ["--verbose=0", "--scored=20", "--batch_size=8", "--width=2", "--caption_dim=4"]


@pytest.fixture(scope="module")
def script():
    with scripts.loaded(SCRIPT) as module:
        yield module


@pytest.fixture
def given(script):
    """Return a function that sets flags."""

    def parse(*options):
        flags.FLAGS(["captions.py", *SMALL, *options])
        return script

    with flagsaver.flagsaver():
        yield parse


def test_words_count_and_not_their_order_nor_what_is_unknown(given):
    encoder = given().encoder("words")
    sentences = [
        "a small red seven on a white ground",
        "On a WHITE ground: seven, small, red",
        "a small red seven on a white marble ground",
        "a small red seven on a grey ground",
    ]
    first, turned, with_more, other = np.asarray(encoder(tf.constant(sentences)))
    np.testing.assert_array_equal(first, turned)
    np.testing.assert_array_equal(first, with_more)
    assert np.abs(first - other).max() > 0.05
    assert not np.asarray(encoder(tf.constant(["", "marble"]))).any()


def test_a_whole_caption_says_nothing_of_another(given):
    encoder = given("--control=whole").encoder("words")
    sentences = [f"a small red {digit} on a white ground" for digit in ("seven", "six", "dog")]
    seven, six, dog = np.asarray(encoder(tf.constant(sentences)))
    assert seven.any() and six.any() and not dog.any()
    assert np.abs(seven - six).max() > 0.05


def test_unknown_words_are_refused_by_name(given):
    script = given()
    assert script.checked(["A tiny GREEN seven, on white."])
    with pytest.raises(
        app.UsageError, match=r"Received: grean dog\. Near the first: gr.*All words"
    ):
        script.checked(["a tiny grean dog"])


def test_a_batch_shows_what_its_captions_say(given, monkeypatch):
    script = given()
    monkeypatch.setattr(script, "PICTURES", 400)
    digits = script.coloured_digits
    seen, held_out = digits.split(0.2, 0)
    reader = digits.Reader.of(*script.drawn(digits.COMBINATIONS, 1000, "train", 1))
    values = {
        word: (column, value)
        for column, of_attribute in enumerate(digits.WORDS.values())
        for value, words in enumerate(of_attribute)
        for word in words
    }
    hidden = {tuple(row) for row in held_out}

    def agreement():
        right = []
        for images, captions in script.training_data(seen).as_numpy_iterator():
            for row, caption in zip(reader.read(images), captions, strict=True):
                words = caption.decode().replace(",", "").replace(":", "").split()
                asked = [value for _, value in sorted(values[w] for w in words if w in values)]
                assert tuple(asked) not in hidden
                right.append(row == asked)
        return np.mean(right, axis=0)

    assert agreement()[0] > 0.9 and (agreement()[1:] == 1).all()
    given("--control=shuffled")
    assert (agreement() < [0.3, 0.4, 0.6, 0.6]).all()


@pytest.mark.slow
def test_a_run(given, tmp_path, monkeypatch, capsys):
    run_dir = tmp_path / "run"
    options = [f"--run_dir={run_dir}", f"--export_dir={tmp_path / 'served'}"]
    for epochs in (1, 2):  # The second time it goes on.
        script = given(*options, f"--epochs={epochs}", "--say=a tiny green seven on white paper")
        monkeypatch.setattr(script, "PICTURES", 16)
        monkeypatch.setattr(script, "READ", 200)
        script.main([])
    assert "Exported for TensorFlow Serving" in capsys.readouterr().out
    scores = json.loads((run_dir / "scores.json").read_text())
    assert scores["ink right, unseen, real"] == 1 and 0 <= scores["all right, unseen"] <= 1
    assert (run_dir / "said.png").exists()
    written = {path.name for path in (run_dir / "samples").iterdir()}
    assert {"epoch_0001.png", "epoch_0002.png", "training.gif"} <= written
    history = (run_dir / "history.csv").read_text().splitlines()
    assert len(history) == 3
    served = tf.saved_model.load(str(tmp_path / "served" / "2")).signatures["sample"]
    answer = served(
        seed=tf.constant([3], tf.int64),
        condition=tf.constant(["a big red 3 on grey"]),
        truncation=tf.constant([1.0]),
    )
    assert answer["images"].shape == (1, 32, 32, 3)
