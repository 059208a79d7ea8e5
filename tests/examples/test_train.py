import json
import pathlib
import subprocess
import sys

import pytest
from absl import flags
from absl.testing import flagsaver

from tests.examples import scripts

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "train.py"


def train(run_dir, *flags):
    command = [sys.executable, str(SCRIPT), f"--run_dir={run_dir}", "--verbose=2", *flags]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    return result


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


@pytest.mark.parametrize("steps", [1, 3])
def test_both_rates_have_fallen_at_the_end(steps):
    chosen = ["--cosine_decay", f"--discriminator_steps={steps}", "--width=8", "--epochs=1"]
    with flagsaver.flagsaver(), scripts.loaded(SCRIPT) as script:
        flags.FLAGS(["train", "--passes=1", *chosen])
        data = script.training_data()
        model = script.build(data)
        model.fit(data, verbose=0)
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        assert float(optimizer.learning_rate) == pytest.approx(1e-5, rel=0.05)


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


@pytest.mark.slow
@pytest.mark.parametrize("network", ["sngan", "sagan", "biggan", "stylegan2", "r3gan"])
def test_every_network_makes_a_whole_run(tmp_path, network):
    """With labels, in two runs of which the second goes on where the first has ended."""
    flags = [
        "--dataset=digits",
        "--image_size=16",
        "--conditional",
        f"--network={network}",
        "--width=16",
        "--passes=1",
        "--noscore",
    ]
    train(tmp_path / "run", *flags, "--epochs=1")
    export = tmp_path / "export"
    train(tmp_path / "run", *flags, "--epochs=2", f"--export_dir={export}")
    assert (export / "1" / "saved_model.pb").is_file()
    assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 3
