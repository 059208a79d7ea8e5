"""The example of projection: from a saved model to pictures and scores, and resumed."""

import json
import pathlib

import keras
import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver
from PIL import Image

import keras_gan
from tests.examples import scripts

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "project.py"
PICTURES = "projection", "mixing_coarse", "mixing_middle", "mixing_fine", "interpolation"


@pytest.fixture(scope="module")
def script():
    with scripts.loaded(SCRIPT) as module:
        yield module


def saved(path, **options):
    """Save a small, untrained GAN of a style generator."""
    keras.utils.set_random_seed(0)
    sizes = {"latent_dim": 8, "channel_base": 64, "max_channels": 8}
    model = keras_gan.GAN(*keras_gan.networks.stylegan2((16, 16, 1), **sizes, **options))
    model.compile("non_saturating")
    model.save(path)
    return path


def run(script, model, run_dir, *arguments):
    options = f"--model={model}", f"--run_dir={run_dir}", "--steps=12", "--verbose=0", *arguments
    with flagsaver.flagsaver():
        flags.FLAGS(["project.py", *options])
        script.main([])
    for name in PICTURES:
        with Image.open(run_dir / f"{name}.png") as picture:
            assert min(picture.size) >= 64, name
    with np.load(run_dir / "projected.npz") as arrays:
        found = dict(arrays)
    return json.loads((run_dir / "scores.json").read_text()), found


@pytest.mark.slow
def test_digits_and_their_classes(script, tmp_path):
    model = saved(tmp_path / "model.keras", num_classes=10, noise="latents")
    scores, found = run(script, model, tmp_path / "run", "--count=3", "--generated=2")
    assert [len(scores[name]["psnr"]) for name in ("real", "generated")] == [3, 2]
    assert found["styles"].shape == (5, 6, 8) and found["noise"].shape == (5, 656)
    again, same = run(script, model, tmp_path / "run", "--count=3", "--generated=2")
    assert again == scores
    np.testing.assert_array_equal(same["styles"], found["styles"])
    with pytest.raises(ValueError, match="of another one"):
        run(script, model, tmp_path / "run", "--count=2")
    run(script, model, tmp_path / "run", "--count=2", "--noresume")


@pytest.mark.slow
def test_files(script, tmp_path):
    model = saved(tmp_path / "model.keras", noise=None)
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), "uint8")
    Image.fromarray(pixels).save(tmp_path / "a.png")
    scores, found = run(script, model, tmp_path / "run", f"--images={tmp_path / 'a.png'}")
    assert found["images"].shape == (2, 16, 16, 1) and "noise" not in found
    difference = np.clip(found["images"][0], -1, 1) * 127.5 + 127.5
    difference -= np.asarray(Image.fromarray(pixels).convert("L"))[..., None]
    expected = 10 * np.log10(255**2 / np.mean(difference**2))
    assert scores["real"]["psnr"] == [pytest.approx(expected, abs=1e-3)]
    _, alone = run(
        script, model, tmp_path / "alone", f"--images={tmp_path / 'a.png'}", "--generated=0"
    )
    assert len(alone["images"]) == 1


def test_labels_are_asked_for(script, tmp_path):
    class Model:
        num_classes = 10

    with flagsaver.flagsaver():
        flags.FLAGS(["project.py", "--model=a.keras", "--images=a.png"])
        with pytest.raises(script.app.UsageError, match="give --labels"):
            script.real_images(Model(), (16, 16, 1))
