"""The example of InfoGAN: from its command to its walks and scores."""

import json
import pathlib

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver
from PIL import Image
from scipy import stats

from tests.examples import scripts

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "infogan.py"


@pytest.fixture(scope="module")
def script():
    with scripts.loaded(SCRIPT) as module:
        yield module


def test_matching_ignores_names_of_categories(script):
    classes = np.arange(100) % 10
    accuracy, counts = script.matched((3 * classes + 1) % 10, classes)
    assert accuracy == 1 and (counts.sum(1) == 10).all()
    wrong = np.where(classes == 4, 9, classes)  # Two classes in one category: one of them counts.
    accuracy, _ = script.matched(wrong, classes)
    assert accuracy == pytest.approx(0.9)


def test_information_of_two_views(script):
    assert script.information(np.eye(10) / 10) == pytest.approx(np.log(10))
    assert script.information(np.full((10, 10), 0.01)) == pytest.approx(0, abs=1e-12)
    joint = np.random.default_rng(0).dirichlet(np.ones(16)).reshape(4, 4)
    joint = (joint + joint.T) / 2
    entropies = 2 * stats.entropy(joint.sum(axis=0)) - stats.entropy(joint.ravel())
    assert script.information(joint) == pytest.approx(entropies)


@pytest.mark.parametrize(
    ("options", "made", "best"),
    [([], 2, 1), (["--enough=1.25"], 1, 0), (["--enough=2"], 4, 2), (["--dataset=digits"], 1, 0)],
    ids=str,
)
def test_starts_end_at_the_first_that_is_good_enough(
    script, tmp_path, monkeypatch, options, made, best
):
    nats = [1.25, 1.32, 1.4, 1.1]
    asked = []

    def known(directory, start, epochs):
        assert directory.name == f"start_{start}" and epochs == 2
        asked.append(start)
        return nats[start]

    monkeypatch.setattr(script, "information_of_views", known)
    with flagsaver.flagsaver():
        flags.FLAGS(["infogan.py", "--starts=4", "--first_epochs=2", *options])
        assert script.chosen_start(tmp_path) == best
    assert asked == list(range(made))


def test_codes_weigh_more_once_a_start_is_chosen(script):
    with flagsaver.flagsaver():
        flags.FLAGS(["infogan.py", "--width=4", "--weight=0.25", "--first_epochs=3"])
        (term,) = script.build((28, 28, 1), 100, seed=0).terms
    weights = [float(term.weight * term.schedule(step)) for step in (0, 300, 450, 600, 900)]
    assert weights == pytest.approx([0.25, 0.25, 0.625, 1, 1])


@pytest.mark.slow
def test_a_run_on_digits(script, tmp_path, capsys):
    options = ["--dataset=digits", f"--run_dir={tmp_path}", "--width=8", "--samples=300"]
    options += ["--starts=2", "--first_epochs=1", "--enough=3"]
    for epochs in (1, 2):  # The second time it goes on.
        with flagsaver.flagsaver():
            flags.FLAGS(["infogan.py", *options, "--verbose=0", f"--epochs={epochs}"])
            script.main([])
    told = [
        json.loads((tmp_path / f"start_{i}/information_of_views.json").read_text()) for i in (0, 1)
    ]
    best = int(told[1] > told[0])
    assert capsys.readouterr().out.count(f"Start {best + 1} of 2 goes on") == 2
    lines = [
        (tmp_path / f"start_{i}/history.csv").read_text().count("\n") for i in (best, 1 - best)
    ]
    assert lines == [3, 2]
    for name in ("category", *script.CONTINUOUS):
        with Image.open(tmp_path / f"walk_{name}.png") as picture:
            assert picture.size == (2 * script.COLUMNS * 8, 2 * 10 * 8)
            assert len(set(picture.get_flattened_data())) > 10, "all alike"
    assert (tmp_path / "history.csv").read_text().count("\n") == 3
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert 0.1 <= scores["matched accuracy"] <= 1
    assert np.sum(scores["classes of each category"]) == 300
    assert scores["nats of each code, last epoch"].keys() == {"category", "first", "second"}
