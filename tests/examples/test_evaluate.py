import json
import pathlib
import re
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver
from PIL import Image

import keras_gan
from keras_gan import metrics
from tests.examples import scripts

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "evaluate.py"
SAMPLES = 1442  # As many as there are training digits: the floor is then over all of them.
ORDERLESS = "frechet_distance,precision_recall,density_coverage"  # The order of samples is nothing.


@pytest.fixture(scope="module")
def script():
    """The script, whose flags are there as long as this module's tests run."""
    with scripts.loaded(SCRIPT) as module:
        yield module


@pytest.fixture
def run(script, tmp_path, capsys):
    """Return a function that runs the script, and returns what it wrote and what it printed."""

    def run(*arguments):
        path = tmp_path / "scores.json"
        with flagsaver.flagsaver():
            flags.FLAGS(["evaluate.py", f"--json={path}", *map(str, arguments)])
            script.main([])
        return json.loads(path.read_text()), capsys.readouterr().out

    return run


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """An untrained GAN in every form: saved, exported, and as 8-bit pictures from seed 7 on."""
    base = tmp_path_factory.mktemp("places")
    keras.utils.set_random_seed(0)
    model = keras_gan.GAN(*keras_gan.networks.dcgan((8, 8, 1), latent_dim=8, width=8))
    stretch(model)
    model.save(base / "model.keras")
    model.export(base / "export", version=9)
    model.export(base / "export", version=10)
    (base / "png").mkdir()
    images = np.clip(np.rint((model.generate(SAMPLES, seed=7) + 1) * 127.5), 0, 255)
    for i, image in enumerate(images.astype("uint8")):
        Image.fromarray(image[..., 0]).save(base / "png" / f"{i:05d}.png")
    return base


def stretch(model):
    """Make an untrained generator's images vary, which are all nearly grey."""
    weighted = [layer for layer in model.generator.layers if layer.weights]
    weighted[-1].kernel.assign(20 * weighted[-1].kernel)
    for layer in weighted:
        if isinstance(layer, keras.layers.Embedding):
            layer.embeddings.assign(20 * layer.embeddings)


@pytest.fixture(scope="module")
def model(places):
    return keras.saving.load_model(places / "model.keras")


@pytest.mark.slow
def test_three_forms_of_one_generator(run, places):
    def figures(name):
        report, _ = run(f"--model={places / name}", "--seed=7", "--samples=300", "--nofloor")
        return report

    saved, exported, pictures = (figures(name) for name in ("model.keras", "export", "png"))
    assert [r["generated"]["kind"] for r in (saved, exported, pictures)] == [
        "Keras model",
        "SavedModel",
        "folder of images",
    ]
    assert exported["generated"]["path"] == str(places / "export" / "10")
    assert saved["generated"]["seeds"] == [7, 306]
    assert len(saved["figures"]) == 14
    assert exported["figures"] == pytest.approx(saved["figures"], rel=1e-4)
    assert pictures["figures"] == pytest.approx(saved["figures"], rel=0.02, abs=0.01)
    assert pictures["figures"] != saved["figures"]


def test_figures_and_floor_by_hand(run, places, model):
    report, _ = run(
        f"--model={places / 'model.keras'}", f"--samples={SAMPLES}", f"--metrics={ORDERLESS}"
    )
    (train, _), (test, _) = (keras_gan.datasets.load_digits(part) for part in ("train", "test"))
    for key, samples in (("figures", model.generate(SAMPLES, seed=0)), ("floor_figures", train)):
        expected = metrics.evaluate(ORDERLESS.split(","), test, samples, verbose=0)
        assert report[key] == pytest.approx(expected, rel=1e-4)


def test_report_says_how_to_repeat_it(run, places):
    command = f"--model={places / 'model.keras'}", "--samples=50", "--seed=3", "--nofloor"
    command = *command, "--metrics=kernel_distance,precision_recall,nearest_neighbour"
    report, _ = run(*command)
    assert report["real"] == {
        "dataset": "digits",
        "split": "test",
        "image_size": None,
        "samples": 355,
        "available": 355,
        "share_in_training": 0.0,
    }
    assert report["seed"] == 3
    assert report["generated"]["samples"] == 50
    assert report["protocol"] == metrics.features.pixels().protocol
    assert report["features"]["fingerprint"] == metrics.features.pixels().fingerprint
    assert report["metrics"] == {
        "kernel_distance": {"block_size": 1000},
        "precision_recall": {"k": 3},
        "nearest_neighbour": {},
    }
    assert report["versions"]["keras"] == keras.__version__
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", report["date"])
    # The same command again: the same report, but for the date.
    again, _ = run(*command)
    assert {**again, "date": ""} == {**report, "date": ""}


def test_table_shows_what_is_written(run, places):
    report, printed = run(f"--model={places / 'model.keras'}", "--samples=100")
    table = printed[printed.index("\nmetric ") :]
    rows = dict(
        re.split(r"\s{2,}", line, maxsplit=1) for line in table.splitlines() if "  " in line
    )
    for name, value in report["figures"].items():
        floor = report["floor_figures"].get(name)
        if name.endswith("/standard_error"):
            shown = [text.split()[0] for text in rows[name.split("/")[0]].split("± ")[1:]]
            digits = 2
        else:
            cells = re.split(r"\s{2,}", rows[name.removesuffix("/mean")])
            shown = [cell.split(" ±")[0] for cell in cells[: 1 if floor is None else 2]]
            digits = 4
        expected = [f"{v:.{digits}g}" for v in (value, floor) if v is not None]
        assert shown == expected, name
    assert f"{report['generated']['samples']} samples, seeds 0 to 99" in printed
    assert "floor      100 of 1,442 samples, digits split train" in printed


@pytest.mark.slow
def test_labels_are_those_of_real_samples(run, tmp_path):
    model = keras_gan.GAN(
        *keras_gan.networks.dcgan((8, 8, 1), latent_dim=8, width=8, num_classes=10)
    )
    stretch(model)
    model.save(tmp_path / "labelled.keras")
    model.export(tmp_path / "export")
    options = "--samples=710", "--metrics=frechet_distance", "--nofloor"  # Twice the real ones.
    saved, printed = run(f"--model={tmp_path / 'labelled.keras'}", *options)
    exported, _ = run(f"--model={tmp_path / 'export'}", *options)
    assert "labels of real samples" in printed
    x, labels = keras_gan.datasets.load_digits("test")
    labels = np.tile(labels[np.random.default_rng(0).permutation(355)], 2)
    fake = model.generate(710, seed=0, condition=labels)
    expected = metrics.evaluate(["frechet_distance"], x, fake, verbose=0)
    assert saved["figures"] == pytest.approx(expected, rel=1e-4)
    assert exported["figures"] == pytest.approx(expected, rel=1e-4)
    with pytest.raises(SystemExit, match="takes a label with each seed"):
        run(f"--model={tmp_path / 'export'}", "--dataset=gaussian")


@pytest.mark.slow
def test_classifier(run, places, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_GAN_CACHE", str(tmp_path / "cache"))
    report, _ = run(
        f"--model={places / 'model.keras'}",
        "--extractor=classifier",
        "--train_split=test",  # There are fewer of them: this is quicker.
        "--split=train",
        "--metrics=class_coverage,inception_score,frechet_distance",
        "--samples=200",
    )
    classifier = metrics.features.train_classifier(
        keras_gan.datasets.load_digits("test"), verbose=0
    )
    assert len(list((tmp_path / "cache").iterdir())) == 1, "trained once, on the same data"
    assert report["protocol"] == classifier.features.protocol
    assert report["floor_figures"]["class_coverage/confidence"] > 0.8
    assert report["floor_figures"]["inception_score/mean"] > 4
    assert report["figures"]["inception_score/mean"] < 4
    x, _ = keras_gan.datasets.load_digits("train")
    fake = keras.saving.load_model(places / "model.keras").generate(200, seed=0)
    distance = metrics.FrechetDistance(classifier.features)
    expected = metrics.evaluate([distance], x, fake, verbose=0)
    assert report["figures"]["frechet_distance"] == pytest.approx(
        expected["frechet_distance"], rel=1e-3
    )


@pytest.mark.slow
def test_real_samples_that_were_trained_on(run, places):
    """There is no floor then, and the table says why."""
    model = f"--model={places / 'model.keras'}"
    report, printed = run(model, "--split=all", "--samples=100")
    assert report["floor"] is None
    assert report["real"]["share_in_training"] == pytest.approx(1442 / 1797)
    assert not any(name.startswith("nearest_neighbour") for name in report["figures"])
    assert "no floor   80% of the real samples are training samples" in printed
    with pytest.raises(SystemExit, match="not training samples; 80% of these are"):
        run(model, "--split=all", "--metrics=nearest_neighbour")


@pytest.mark.slow
def test_folders_as_real_samples(run, places):
    """Against its own pictures, a generator is perfect."""
    report, _ = run(
        f"--model={places / 'model.keras'}",
        f"--dataset={places / 'png'}",
        "--train_dataset=digits",
        "--metrics=precision_recall,nearest_neighbour",
        "--seed=7",
        f"--samples={SAMPLES}",
    )
    assert report["real"]["split"] == "train"
    assert report["training"]["dataset"] == "digits"
    assert report["figures"]["precision_recall/precision"] > 0.999
    assert report["figures"]["nearest_neighbour/ratio"] == pytest.approx(1, abs=0.01)
    assert report["floor_figures"]["precision_recall/precision"] < 0.5


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """Files that are no generators."""
    base = tmp_path_factory.mktemp("broken")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(base / "other.keras")
    (base / "damaged.keras").write_bytes(b"PK nothing")
    (base / "empty").mkdir()
    return base


@pytest.mark.representatives(4)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model={broken}/no.keras"], "there is nothing of that name"),
        (["--model={broken}/other.keras"], "Expected a saved keras_gan.GAN.* holds a Sequential"),
        (["--model={broken}/damaged.keras"], "The file can't be loaded"),
        (["--model={broken}/empty"], "holds no images"),
        (["--image_size=16"], r"of shape \(8, 8, 1\), the real ones of shape \(16, 16, 1\)"),
        (["--dataset=gaussian"], r"of shape \(8, 8, 1\), the real ones of shape \(1,\)"),
        (["--dataset=digitz"], "Did you mean 'digits'"),
        (["--split=validation"], "Expected `split` to be one of"),
        (["--metrics=frechet_distanse"], "Did you mean 'frechet_distance'"),
        (["--metrics=inception_score"], "needs a classifier: pass --extractor=classifier"),
        (["--extractor=classifier", "--train_dataset={places}/png"], "there are none"),
        (["--extractor=inception_v3", "--weights={broken}/no.h5"], "There is no file .*no.h5"),
        (["--extractor=inception_2015"], "The graph is the file classify_image_graph_def.pb of"),
        (["--model={places}/png", "--samples=2000"], "Expected 2000 images .* holds 1442"),
        (["--json={broken}/no/scores.json"], "Expected a directory that can be written to"),
    ],
)
def test_readable_errors(run, places, broken, arguments, message):
    arguments = [a.format(places=places, broken=broken) for a in arguments]
    with pytest.raises(SystemExit, match=message) as error:
        run(f"--model={places / 'model.keras'}", *arguments)
    assert str(error.value).startswith("error: ")


def test_a_damaged_export_is_not_loaded(script, places, tmp_path, monkeypatch):
    path = pathlib.Path(shutil.copytree(places / "export" / "10", tmp_path / "1"))
    (data,) = (path / "variables").glob("*.data*")
    data.write_bytes(bytes([data.read_bytes()[0] ^ 1]) + data.read_bytes()[1:])
    monkeypatch.setattr(script.tf.saved_model, "load", lambda path: pytest.fail("It was loaded."))
    with pytest.raises(ValueError, match=r"is damaged; .* has another SHA-256"):
        script.open_source(tmp_path)


@pytest.mark.slow
def test_as_a_command(places, tmp_path):
    """From another directory, the report beside the model."""
    model = places / "export" / "9"
    command = [sys.executable, str(SCRIPT), f"--model={model}", "--nofloor"]
    command.append("--metrics=frechet_distance")
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert result.returncode == 0, result.stderr[-3000:]
    report = json.loads((places / "export" / "9.scores.json").read_text())
    figure = report["figures"]["frechet_distance"]
    assert re.search(rf"^frechet_distance +{figure:.4g}", result.stdout, re.M)
    assert not list(tmp_path.iterdir())
