"""The example that scores translations, on folders of PNGs."""

import json
import pathlib

import keras
import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver
from PIL import Image

import keras_gan
from keras_gan import metrics
from tests.examples import scripts
from tests.integration.seeding import seeded

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "evaluate_translation.py"


@pytest.fixture(scope="module")
def script():
    with scripts.loaded(SCRIPT) as module:
        yield module


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Folders of 5 sources of 8 pixels and targets of 16, and a model that enlarges, twice."""
    base = tmp_path_factory.mktemp("places")
    seeded(0)
    low, high = keras.Input((8, 8, 3)), keras.Input((16, 16, 3))
    made = keras.layers.Conv2DTranspose(3, 4, 2, "same", activation="tanh")(low)
    critic = keras.Model(high, keras.layers.Conv2D(1, 4)(high))
    model = keras_gan.GAN(keras.Model(low, made), critic, None, "generator")
    model.save(base / "model.keras")
    model.export(base / "export")
    rng = np.random.default_rng(0)
    for folder, side in (("sources", 8), ("targets", 16)):
        (base / folder).mkdir()
        for i in range(5):
            pixels = rng.integers(0, 256, (side, side, 3), "uint8")
            Image.fromarray(pixels).save(base / folder / f"{i}.png")
    return base


def run(script, places, *arguments, model="model.keras", **folders):
    flagged = {"model": model, "sources": "sources", "targets": "targets"} | folders
    paths = [f"--{name}={places / value}" for name, value in flagged.items()]
    with flagsaver.flagsaver():
        flags.FLAGS(["evaluate_translation.py", *paths, *arguments])
        script.main([])


@pytest.mark.slow
def test_a_saved_model_and_its_export_beside_the_sources(script, places, tmp_path, capsys):
    reports = []
    for model in ("model.keras", "export"):
        path = tmp_path / "scores.json"
        options = f"--json={path}", "--luminance", "--crop=2", "--batch_size=2"
        run(script, places, *options, model=model)
        reports.append(json.loads(path.read_text()))
    found = reports[0]["figures"]
    assert reports[1]["figures"]["model"] == pytest.approx(found["model"], rel=1e-4)
    read = [keras_gan.datasets.from_folder(places / name, shuffle=False) for name in
            ("sources", "targets")]  # fmt: skip
    sources, targets = (next(iter(dataset)).numpy() for dataset in read)
    made = keras.saving.load_model(places / "model.keras").generate(5, condition=sources)
    expected = metrics.psnr(targets, made, luminance=True, crop=2)
    assert found["model"]["psnr/mean"] == pytest.approx(expected["mean"], rel=1e-5)
    assert found["model"]["l1"] == pytest.approx(metrics.l1(targets, made), rel=1e-5)
    assert found["source"].keys() == found["model"].keys()
    assert found["source"]["psnr/mean"] != found["model"]["psnr/mean"]
    printed = capsys.readouterr().out
    assert f"{found['model']['ssim']:.4g}" in printed and "5 pairs of" in printed


def test_readable_errors(script, places, tmp_path):
    (places / "more").mkdir()
    for name, pattern in (
        ({"sources": "no"}, "There is no folder"),
        ({"targets": "more"}, "5 names in one of them alone"),
        ({"model": "sources"}, "Expected a .keras file, or a directory"),
    ):
        with pytest.raises(SystemExit, match=pattern):
            run(script, places, **name)
