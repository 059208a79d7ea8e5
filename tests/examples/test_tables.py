"""The example of tables: how it samples, what it scores, and a run from command to CSV."""

import collections
import json
import pathlib

import numpy as np
import pandas as pd
import pytest
from absl import app, flags
from absl.testing import flagsaver
from test_table_columns import table

from tests.examples import scripts

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "tables.py"
SMALL = ["--verbose=0", "--batch_size=20", "--width=8", "--latent_dim=4"]


@pytest.fixture(scope="module")
def script():
    with scripts.loaded(SCRIPT) as module:
        yield module


@pytest.fixture
def given(script):
    """Return a function that sets flags."""

    def parse(*options):
        flags.FLAGS(["tables.py", *SMALL, *options])
        return script

    with flagsaver.flagsaver():
        yield parse


@pytest.fixture(scope="module")
def parts(script):
    frame = table()
    columns = script.Columns.of(frame)
    return frame, columns, script.Conditions(columns, frame)


def test_categories_are_drawn_by_the_logarithm_of_their_count(parts):
    frame, _, conditions = parts
    assert conditions.width == 4 + 5 + 2  # Kinds and missing, grades, members.
    count = 30_000
    chosen, _ = conditions.draw(count, np.random.default_rng(0))
    counts = frame["kind"].value_counts(dropna=False)
    expected = np.log1p([counts[name] for name in ("blue", "green", "red")] + [counts[None]])
    shares = np.bincount(chosen, minlength=11) / count
    np.testing.assert_allclose(shares[:4], expected / expected.sum() / 3, atol=0.01)
    chosen, _ = conditions.draw(count, np.random.default_rng(0), rare=False)
    shares = np.bincount(chosen, minlength=11) / count
    np.testing.assert_allclose(3 * shares[2], counts["red"] / len(frame), atol=0.02)
    np.testing.assert_allclose(
        3 * shares[9:], frame["member"].value_counts(normalize=True), atol=0.02
    )


def test_a_drawn_row_has_the_category(parts):
    frame, _, conditions = parts
    chosen, rows = conditions.draw(300, np.random.default_rng(1))
    columns = {"kind": ["blue", "green", "red", None], "grade": [1, 2, 3, 4, 5], "member": [0, 1]}
    names = [(name, value) for name, values in columns.items() for value in values]
    for place, row in zip(chosen, rows, strict=True):
        name, value = names[place]
        found = frame[name][row]
        assert pd.isna(found) if value is None else found == value
    assert len(set(rows)) > 200  # Not the same row of a category again and again.
    np.testing.assert_array_equal(conditions.one_hot(chosen).argmax(axis=1), chosen)


def test_batches_go_on_anywhere(given, parts, monkeypatch):
    script = given()
    monkeypatch.setattr(script, "STEPS_PER_EPOCH", 3)
    frame, columns, conditions = parts
    data = script.training_data(columns.encode(frame), conditions)
    batches = [batch for epoch in range(2) for batch in data.seek(epoch).as_numpy_iterator()]
    later = list(data.seek(1, 1).as_numpy_iterator())
    assert len(batches) == 6 and len(later) == 2
    for (x, condition), (again, condition_again) in zip(batches[4:], later, strict=True):
        np.testing.assert_array_equal(x, again)
        np.testing.assert_array_equal(condition, condition_again)
    assert not np.array_equal(batches[0][0], batches[3][0])


def test_controls_keep_what_they_say(script, parts):
    frame, _, _ = parts
    frame = frame.assign(kind=np.where(frame["gain"] > 0, "gains", "none"))
    rng = np.random.default_rng(0)
    independent = script.shuffled(frame, rng)
    within = script.shuffled_within(frame, "kind", rng)
    for made in (independent, within):
        assert (made.dtypes == frame.dtypes).all() and len(made) == len(frame)
        for name in frame:
            assert collections.Counter(made[name].dropna()) == collections.Counter(
                frame[name].dropna()
            )
    assert ((within["gain"] > 0) == (within["kind"] == "gains")).all()
    assert ((independent["gain"] > 0) != (independent["kind"] == "gains")).mean() > 0.1


@pytest.mark.slow
def test_a_run(given, tmp_path, monkeypatch, capsys):
    frame, run_dir = table(400), tmp_path / "run"
    frame.to_csv(tmp_path / "data.csv", index=False)
    options = [f"--csv={tmp_path / 'data.csv'}", "--target=member", "--dates=day"]
    options += [f"--run_dir={run_dir}", f"--export_dir={tmp_path / 'served'}", "--sample=250"]
    options += ["--check=grade > 2"]
    for epochs in (1, 2):  # The second time it goes on.
        script = given(*options, f"--epochs={epochs}")
        monkeypatch.setattr(script, "STEPS_PER_EPOCH", 3)
        monkeypatch.setattr(script, "GENERATED", 100)
        script.main([])
    assert "Exported for TensorFlow Serving" in capsys.readouterr().out
    scores = json.loads((run_dir / "scores.json").read_text())
    assert scores["training rows"]["copies"] == 280 and scores["generated"]["copies"] == 0
    assert scores["independent columns"]["holds: grade > 2"] == pytest.approx(0.6, abs=0.1)
    assert scores["training rows"]["detection AUC"] == pytest.approx(0.5, abs=0.15)
    assert scores["generated"]["detection AUC"] > 0.7
    # Nothing here depends on anything: there are no trends of pairs.
    assert "pair trends" not in scores["generated"]
    written = pd.read_csv(run_dir / "sampled.csv", parse_dates=["day"])
    assert len(written) == 250 and list(written) == list(frame)
    assert written["day"].between(frame["day"].min(), frame["day"].max()).all()
    assert (run_dir / "columns.png").exists()
    assert len((run_dir / "history.csv").read_text().splitlines()) == 3


def test_a_column_that_is_not_there_is_refused(given, tmp_path):
    table(50).to_csv(tmp_path / "data.csv", index=False)
    with pytest.raises(app.UsageError, match=r"a column of the table.*Received: 'income'"):
        given(f"--csv={tmp_path / 'data.csv'}", "--target=income").load()
