import functools
import math
import pathlib
import re
import runpy
import sys

import keras
import numpy as np
import pytest
from absl import app, flags
from scripts import load, without_flags

import keras_gan

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "gaussian.py"


@pytest.fixture(scope="module")
def gaussian():
    return load(SCRIPT)


@pytest.fixture(scope="module")
def figures():
    return load(ROOT / "benchmarks" / "pages" / "game.py")


def rows_of(table):
    """Return the cells of a Markdown table's body."""
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.slow
def test_script_prints_and_draws(tmp_path, monkeypatch, capsys):
    argv = [str(SCRIPT), "--steps=50", "--seeds=3", f"--run_dir={tmp_path / 'run'}"]
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.setattr(app, "run", lambda main: main(flags.FLAGS(argv)))
    # What it proves is for the tests of whole recipes: one pass is enough to have it printed.
    briefly = functools.partial(keras_gan.metrics.fresh_discriminator, epochs=1)
    monkeypatch.setattr(keras_gan.metrics, "fresh_discriminator", briefly)
    with without_flags():
        runpy.run_path(str(SCRIPT), run_name="__main__")
    out = capsys.readouterr().out
    assert out.count("goal    1.3863    0.6931    0.0000    3.0000    1.0000    0.5000") == 1
    assert len(re.findall(r"^ +\d+(?: +-?\d+\.\d{4}){6}$", out, re.MULTILINE)) == 7
    assert out.count("A fresh discriminator proves JS(data, generated) >= ") == 1
    head, *rows = rows_of(out)
    assert head[:3] == ["seed", "d_loss", "g_loss"] and [row[0] for row in rows] == ["3"]
    # Fifty steps are too few, and the table says so.
    assert rows[0][head.index("learnt")] == "no"
    picture = keras.utils.load_img(tmp_path / "run" / "gaussian_seed3.png")
    assert np.asarray(picture).shape == (480, 640, 3)


def test_classic_networks_are_the_textbooks(gaussian):
    model = gaussian.classic_game(50)
    for network in (model.generator, model.discriminator):
        hidden, output = network.layers
        assert (hidden.units, hidden.activation, output.units) == (16, keras.activations.relu, 1)
    assert model.terms == [] and model.average is None


@pytest.mark.slow
def test_a_seed_fixes_the_run(gaussian, monkeypatch):
    # Looking on is no part of a run, and fewer epochs are quicker.
    monkeypatch.setattr(gaussian, "SHOWN", ())
    monkeypatch.setattr(gaussian, "EPOCHS", 10)
    held_out = gaussian.DATA.sample(2048, 9)
    runs = [gaussian.train(seed, 50, True, held_out)[1] for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize(
    "change", [{"mean": 3.16}, {"std": 0.79}, {"d_loss": 1.44}, {"fresh JS bound": 0.021}]
)
def test_learnt_asks_for_all_four(gaussian, change):
    good = {"mean": 3.1, "std": 0.9, "d_loss": 1.38, "fresh JS bound": 0.001}
    assert gaussian.has_learnt(good)
    assert not gaussian.has_learnt({**good, **change})


def documented(names):
    """Return the rows of the table of docs/game.md that has these columns."""
    text = (ROOT / "docs" / "game.md").read_text()
    head = "| " + " | ".join(names) + " |\n"
    assert text.count(head) == 1, f"docs/game.md has no table {head}"
    return rows_of(text.split(head)[1].split("\n\n")[0])


def assert_documented(names, rows):
    found = documented(names)
    assert len(found) == len(rows)
    for cells, row in zip(found, rows, strict=True):
        for cell, value in zip(cells, row, strict=True):
            if isinstance(value, str):
                assert cell == value
            else:
                assert float(cell) == pytest.approx(value, rel=1e-3, abs=1e-9), (cells, row)


@pytest.mark.parametrize("table", ["gradient_table", "equilibrium_table", "force_table"])
def test_documented_figures(figures, table):
    assert_documented(*getattr(figures, table)())


def test_documented_gradients_by_hand(figures):
    for row in documented(figures.gradient_table()[0]):
        logit, _, saturating, non_saturating, default, undecided = map(float, row)
        sigmoid = 1 / (1 + math.exp(-logit))
        expected = -sigmoid, sigmoid - 1, logit - 1, logit
        assert (saturating, non_saturating, default, undecided) == pytest.approx(expected, rel=1e-3)


def test_documented_bounds(figures):
    assert_documented(["discriminator", "js", "triangular"], figures.bounds())


def test_generators_follow_the_slopes_of_their_divergences(figures):
    # Minimax: 2 JS. Non-saturating: KL(q, p) - 2 JS (Arjovsky and Bottou, 2017).
    for _, minimax, non_saturating, _, _, js_slope, kl_slope in figures.force_table()[1]:
        assert minimax == pytest.approx(js_slope, rel=1e-5)
        assert non_saturating == pytest.approx(kl_slope, rel=1e-5)


@pytest.mark.slow
def test_documented_dirac_game(figures, monkeypatch):
    """One row of the table; the others have games of their own in test_dirac.py."""
    # Its callback then sees every hundredth state, which is quicker than to stop at each.
    hundred = functools.partialmethod(keras_gan.GAN.compile, steps_per_execution=100)
    monkeypatch.setattr(keras_gan.GAN, "compile", hundred)
    names = ["loss", "gamma", "sim. 500", "sim. 2,000", "alt. 500", "alt. 2,000"]
    (cells,) = (row[2:] for row in documented(names) if row[:2] == ["NonSaturating", "0.3"])
    for update, radii in (("simultaneous", cells[:2]), ("alternating", cells[2:])):
        path = figures.dirac(keras_gan.losses.NonSaturating(), 0.3, update)
        found = np.linalg.norm(path[[5, 20]], axis=1)
        assert list(map(float, radii)) == pytest.approx(found, rel=0.02, abs=1e-30)


@pytest.fixture
def judged_by_fewer(gaussian, monkeypatch):
    """Judge by 10,000 samples of each side, a fifth: the verdicts are not close."""
    monkeypatch.setattr(gaussian, "JUDGED", 10_000)


@pytest.mark.slow
@pytest.mark.usefixtures("judged_by_fewer")
@pytest.mark.parametrize("seed", [0])
def test_default_recipe_learns(gaussian, tmp_path, seed):
    row = gaussian.play(seed, None, False, tmp_path)
    assert row["learnt"] == "yes", row


@pytest.mark.slow
@pytest.mark.usefixtures("judged_by_fewer")
@pytest.mark.parametrize("seed", [0])
def test_classic_recipe_does_not(gaussian, tmp_path, seed):
    row = gaussian.play(seed, None, True, tmp_path)
    assert row["fresh JS bound"] > 0.1, row
