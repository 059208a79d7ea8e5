import csv
import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_gan  # noqa: F401  (loading a GAN needs its class)

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "train.py"


def train(run_dir, *flags):
    command = [sys.executable, str(SCRIPT), f"--run_dir={run_dir}", "--verbose=2", *flags]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    return result


def state(path):
    """Everything a checkpoint holds: networks, optimizers, average, terms and seeds."""
    model = keras.saving.load_model(path)
    optimizers = model.generator_optimizer.variables + model.discriminator_optimizer.variables
    # Seed states are numbered through a process: their order names them.
    seeds = [v for v in model.variables if "seed_generator" in v.path]
    named = [v for v in [*model.variables, *optimizers] if "seed_generator" not in v.path]
    values = {v.path: np.array(v.value) for v in named}
    return {**values, **{f"seed {i}": np.array(v.value) for i, v in enumerate(seeds)}}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Four epochs in one go, and two and two in two processes."""
    base = tmp_path_factory.mktemp("runs")
    flags = ["--dataset=digits", "--passes=1", "--width=8", "--noscore"]
    flags += ["--deterministic", "--dropout=0.2"]
    straight, resumed = base / "straight", base / "resumed"
    train(straight, *flags, "--epochs=4")
    train(resumed, *flags, "--epochs=2")
    train(resumed, *flags, "--epochs=4", f"--export_dir={resumed / 'export'}")
    return straight, resumed


def test_an_epoch_makes_a_whole_run(tmp_path):
    export = tmp_path / "export"
    train(
        tmp_path / "run",
        "--dataset=digits",
        "--width=8",
        "--epochs=1",
        "--noscore",
        f"--export_dir={export}",
    )
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"history.csv", "losses.png", "checkpoint.keras", "samples"} <= names
    assert (export / "1" / "saved_model.pb").is_file()


@pytest.mark.slow
def test_resume_is_exact(runs):
    straight, resumed = (state(run / "checkpoint.keras") for run in runs)
    assert straight.keys() == resumed.keys()
    assert any("random_state" in path for path in straight)
    assert any("momentum" in path or "velocity" in path for path in straight)
    for path, value in straight.items():
        assert np.array_equal(value, resumed[path]), path
    assert straight["seed 0"].any()


@pytest.mark.slow
def test_resumed_history_is_whole(runs):
    rows = [list(csv.DictReader((run / "history.csv").open())) for run in runs]
    assert [row["epoch"] for row in rows[1]] == ["0", "1", "2", "3"]
    assert rows[0] == rows[1]


@pytest.mark.slow
def test_run_directory(runs):
    for run in runs:
        names = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
        assert {"losses.png", "checkpoint.keras", "samples/training.gif"} <= names
        assert {f"samples/epoch_{epoch:04d}.png" for epoch in (1, 2, 3, 4)} <= names
        assert any(name.startswith("tensorboard/") for name in names)
    assert (runs[1] / "export" / "1" / "saved_model.pb").is_file()


@pytest.mark.slow
def test_digits_recipe(tmp_path):
    """The demo's figures, against digits that were never trained on."""
    train(tmp_path, "--dataset=digits")
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["classifier accuracy, held-out"] >= 0.98
    assert min(scores["samples of each class"]) >= 50
    assert scores["mean confidence"] >= 0.85
    assert scores["Frechet distance to all real (pixels)"] <= 0.17
    assert scores["Frechet distance to held-out (pixels)"] <= 0.26
    assert scores["nearest training image, ratio to held-out"] >= 1.1
