"""The example of image to image: every task, from its command to its scores and its export."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from absl.testing import flagsaver
from PIL import Image

import keras_gan
from tests.examples import scripts

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "translate.py"
SHOWN = 9


@pytest.fixture(scope="module")
def script():
    with scripts.loaded(SCRIPT) as module:
        yield module


def few(task, seed=0):
    """Return a task with three batches to train on, and few held-out images."""
    batches = list(task.train.take(3).as_numpy_iterator())
    element = tf.nest.map_structure(lambda *parts: np.concatenate(parts), *batches)
    size = len(tf.nest.flatten(batches[0])[0])
    if isinstance(element, dict):
        train = keras_gan.datasets.unpaired(**element, batch_size=size, seed=seed)
    else:
        train = keras_gan.datasets.from_arrays(*element, batch_size=size, seed=seed)
    held_out = tf.nest.map_structure(lambda part: part[:SHOWN], task.held_out)
    return dataclasses.replace(task, train=train, held_out=held_out)


def run(script, monkeypatch, run_dir, task, *arguments):
    """Run a task's command on few images, for one epoch."""
    whole = script.tasks.TASKS[task]
    monkeypatch.setitem(script.tasks.TASKS, task, lambda: few(whole()))
    options = f"--task={task}", f"--run_dir={run_dir}", "--epochs=1", "--verbose=0", *arguments
    with flagsaver.flagsaver():
        flags.FLAGS(["translate.py", *options])
        script.main([])
    return json.loads((run_dir / "scores.json").read_text())


def check(run_dir, scores, directions=("scores",), export=None):
    """Check that a run has left all that the example's first lines promise."""
    for name in ("samples/epoch_0001.png", "samples/training.gif", "outputs.png", "losses.png"):
        with Image.open(run_dir / name) as picture:
            assert min(picture.size) >= 64, name
    assert (run_dir / "history.csv").read_text().count("\n") == 2
    assert (run_dir / "checkpoint.keras").is_file() and any((run_dir / "backup").iterdir())
    assert scores.keys() == set(directions)
    for rows in scores.values():
        assert np.isfinite([value for row in rows.values() for value in row.values()]).all()
        assert rows["this model"]["l1"] > 0
    if export:
        card = json.loads((export / "1" / "model_card.json").read_text())
        assert "l1" in str(card["metrics"])


def test_inpainting_of_digits(script, monkeypatch, tmp_path):
    scores = run(script, monkeypatch, tmp_path, "inpainting")
    check(tmp_path, scores)
    # Beside the hole nothing changes: all of the error is in it, a quarter of the image.
    rows = scores["scores"]["this model"]
    assert rows["hole_l1"] == pytest.approx(4 * rows["l1"], rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["glyphs", "super_resolution", "denoising"])
def test_one_way(script, monkeypatch, tmp_path, task):
    export = tmp_path / "export"
    scores = run(script, monkeypatch, tmp_path, task, f"--export_dir={export}")
    check(tmp_path, scores, export=export)


@pytest.mark.slow
def test_both_ways(script, monkeypatch, tmp_path):
    export = tmp_path / "export"
    scores = run(script, monkeypatch, tmp_path, "unpaired", f"--export_dir={export}")
    check(tmp_path, scores, ("a", "b"), export)


@pytest.mark.slow
def test_folders_of_ones_own(script, monkeypatch, tmp_path):
    rng = np.random.default_rng(0)
    for folder in ("source", "target"):
        (tmp_path / folder).mkdir()
        for i in range(12):
            pixels = rng.integers(0, 256, (32, 32, 3), "uint8")
            Image.fromarray(pixels).save(tmp_path / folder / f"{i}.png")
    places = [f"--{name}={tmp_path / name}" for name in ("source", "target")]
    scores = run(script, monkeypatch, tmp_path, "folder", *places, "--image_size=32")
    check(tmp_path, scores)


@pytest.mark.parametrize("weight", [0, 1])
def test_a_network_alone_has_no_features_to_match(script, weight):
    with flagsaver.flagsaver():
        flags.FLAGS(["translate.py", "--task=glyphs", f"--adversarial_weight={weight}"])
        terms = script.tasks.glyphs().options["terms"]
    assert [term.name for term in terms] == ["reconstruction", "paired_feature_matching"][
        : 1 + weight
    ]


def test_images_of_a_folder_to_paint_in(script, tmp_path):
    """A folder has no test split: held out is another folder, or nothing, and the card says so."""
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 16, 16), "uint8")
    for folder, pictures in zip(("seen", "held_out"), images, strict=True):
        (tmp_path / folder).mkdir()
        for i, pixels in enumerate(pictures):
            Image.fromarray(pixels).save(tmp_path / folder / f"{i}.png")
    for more, given in ((), images[0]), ([f"--test_source={tmp_path / 'held_out'}"], images[1]):
        with flagsaver.flagsaver():
            flags.FLAGS(["translate.py", "--task=inpainting", f"--dataset={tmp_path}/seen", *more])
            task = script.tasks.inpainting()
        targets, _ = task.held_out
        np.testing.assert_allclose(targets[..., 0], given / 127.5 - 1, atol=1e-6)
        assert ("training images" in task.data) == (not more)


def test_folders_are_asked_for(script, monkeypatch, tmp_path):
    with pytest.raises(script.app.UsageError, match="--task=folder needs --source"):
        run(script, monkeypatch, tmp_path, "folder")
