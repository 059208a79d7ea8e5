"""The example of sound: what it holds out, what it scores, and a run from command to WAV."""

import json
import pathlib
import wave

import numpy as np
import pytest
import tensorflow as tf
from absl import app, flags
from absl.testing import flagsaver

from tests.examples import scripts

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "sound.py"
SMALL = ["--length=1024", "--verbose=0", "--scored=30", "--batch_size=8"]


@pytest.fixture(scope="module")
def script():
    with scripts.loaded(SCRIPT) as module:
        yield module


@pytest.fixture
def given(script):
    """Return a function that sets flags."""

    def parse(*options):
        flags.FLAGS(["sound.py", *SMALL, *options])
        return script

    with flagsaver.flagsaver():
        yield parse


def test_a_fifth_of_each_kind_is_held_out(given):
    (train, kinds), (held_out, held_out_kinds) = given().load()
    assert train.shape == (161, 1024, 1) and held_out.shape == (39, 1024, 1)
    assert np.abs(train).max() <= 0.9 and np.abs(train).max(axis=(1, 2)).min() >= 0.4
    np.testing.assert_allclose(np.bincount(held_out_kinds) / np.bincount(kinds), 1 / 4, atol=0.02)
    rows = {sound.tobytes() for sound in train}
    assert len(rows) == 161 and not rows & {sound.tobytes() for sound in held_out}


def test_a_folder_without_kinds(given, tmp_path):
    soundfile = pytest.importorskip("soundfile")
    rng = np.random.default_rng(0)
    for take in range(10):
        soundfile.write(tmp_path / f"{take}.flac", rng.uniform(-0.5, 0.5, 1500), 8000)
    (train, kinds), (held_out, _) = given(f"--data={tmp_path}").load()
    assert (len(train), kinds, len(held_out)) == (8, None, 2)
    (tmp_path / "one").mkdir()
    soundfile.write(tmp_path / "one" / "a.wav", rng.uniform(-0.5, 0.5, 1500), 8000)
    with pytest.raises(app.UsageError, match=r"too few sounds .*Received: 1, --held_out"):
        given(f"--data={tmp_path / 'one'}").load()


class Copying:
    """A model whose samples are some known sounds."""

    def __init__(self, sounds):
        self.sounds = sounds

    def generate(self, n, seed=None, condition=None, batch_size=None):
        return self.sounds[:n]


def test_scores_tell_copies_and_noise(given):
    script = given("--scored=40")
    splits = script.load()
    (train, kinds), _ = splits
    asked = np.random.default_rng(0).permutation(np.resize(np.sort(kinds), 40))
    order = np.concatenate([np.flatnonzero(kinds == kind)[:1] for kind in asked])
    copies = script.score(Copying(train[order]), splits)
    share = "distance to the nearest training sound, share of held-out ones'"
    assert copies[share] < 1e-3 and copies["kind told right, generated"] == 1
    assert copies["kind told right, held-out"] == 1
    noise = np.random.default_rng(0).uniform(-1, 1, (40, 1024, 1)).astype("float32")
    noisy = script.score(Copying(noise), splits)
    assert noisy[share] > 3 and noisy["kind told right, generated"] < 0.6
    assert noisy["kernel distance to held-out"] > 3 * copies["kernel distance to held-out"]


@pytest.mark.slow
def test_a_run(given, tmp_path, monkeypatch, capsys):
    run_dir = tmp_path / "run"
    options = [f"--run_dir={run_dir}", "--width=2", f"--export_dir={tmp_path / 'served'}"]
    for epochs in (1, 2):  # The second time it goes on.
        script = given(*options, f"--epochs={epochs}")
        monkeypatch.setattr(script, "STEPS_PER_EPOCH", 2)
        script.main([])
    assert "Exported for TensorFlow Serving" in capsys.readouterr().out
    scores = json.loads((run_dir / "scores.json").read_text())
    assert np.isfinite(list(scores.values())).all()
    written = {path.name for path in (run_dir / "samples").iterdir()}
    assert {"epoch_0001.wav", "epoch_0002.wav", "epoch_0002.png", "training.gif"} <= written
    with wave.open(str(run_dir / "samples" / "epoch_0002.wav")) as file:
        assert file.getframerate() == 8000 and file.getnframes() > 12 * 1024
    served = tf.saved_model.load(str(tmp_path / "served" / "2")).signatures["sample_wav"]
    answer = served(seed=tf.constant([3], tf.int64), condition=tf.constant([1]))
    assert answer["sound_bytes"].numpy()[0].startswith(b"RIFF")
