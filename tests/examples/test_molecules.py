"""The example of molecules: its energy, its scores, and a run from command to files."""

import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl import app, flags
from absl.testing import flagsaver

from tests.examples import scripts

Chem = pytest.importorskip("rdkit.Chem")

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "molecules.py"


@pytest.fixture(scope="module")
def script():
    with scripts.loaded(SCRIPT) as module:
        yield module


@pytest.fixture(scope="module")
def ethanol(script):
    """Return a molecule and some of its conformers."""
    made = script.conformers.molecule("CCO")
    return made, script.conformers.sample(made, 200, verbose=False, thin=1).astype("float32")


def test_the_energy_is_that_of_the_formula(script):
    """Of two distances, standardized: 0 within, the square outside, what is allowed off."""
    distances = script.z_matrix.Distances([(0, 1), (0, 2)], [1.0, 2.0], [0.5, 1.0])
    term = script.OutOfRange(distances, low=[-1.0, -2.0], high=[1.0, 2.0], allowed=0.25)
    x = np.zeros((4, 3, 3), "float32")
    x[:, 1, 0] = [1.0, 2.0, 1.0, 0.0]  # 0, 2, 0 and -2 deviations.
    x[:, 2, 1] = [2.0, 2.0, 5.0, 2.0]  # 0, 0, 3 and 0.
    np.testing.assert_allclose(term.energy(x), [0, 1, 1, 1], atol=2e-3)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(term))
    np.testing.assert_array_equal(copy.energy(x), term.energy(x))
    assert copy.allowed == 0.25 and copy.weight == 1


def test_the_data_cost_nothing_on_average(script, ethanol):
    made, x = ethanol
    with flagsaver.flagsaver():
        flags.FLAGS(["molecules.py"])
        model, _ = script.build(made, x)
    term = next(term for term in model.terms if term.name == "energy")
    found = np.asarray(term.energy(x))
    assert np.median(found) == 0 < term.allowed == pytest.approx(found.mean(), rel=1e-4)


def test_scores_of_the_data_and_of_broken_ones(script, ethanol):
    made, x = ethanol
    same = script.score(made, x, x, x)
    assert same["mean Wasserstein distance of all pairs, Å"] == 0
    assert same["samples with a broken bond"] == 0 and same["of"] == 200
    broken = x.copy()
    broken[:7, 8] += 2.0
    assert script.score(made, x, x, broken)["samples with a broken bond"] == 7
    moved = script.score(made, x, x, 1.1 * x)
    pairs = script.z_matrix.far_pairs(made, least=1)
    expected = 0.1 * script.z_matrix.pair_distances(x, pairs).mean()
    found = moved["mean Wasserstein distance of all pairs, Å"]
    assert found == pytest.approx(expected, rel=0.02)
    assert moved["median energy, kcal/mol"] > 3 * same["median energy, kcal/mol"]


def test_classes_of_dihedrals(script):
    shares = script.classes(np.array([180.0, -170, 60, 70, 50, -60, -119, 121, 119, -121]))
    assert shares == {"trans": 0.4, "gauche+": 0.4, "gauche-": 0.2}


@pytest.mark.slow
def test_a_run(script, tmp_path, capsys):
    run_dir = tmp_path / "run"
    options = ["--smiles=CCO", "--count=200", "--held_out=50", "--scored=120", "--verbose=0"]
    options += [f"--run_dir={run_dir}", f"--export_dir={tmp_path / 'served'}", "--width=16"]
    for epochs in (1, 2):  # The second time it goes on, with the same data.
        with flagsaver.flagsaver():
            flags.FLAGS(["molecules.py", *options, f"--epochs={epochs}"])
            script.main([])
    assert "Exported for TensorFlow Serving" in capsys.readouterr().out
    scores = json.loads((run_dir / "scores.json").read_text())
    assert set(scores) == {"held out", "independent", "Gaussian", "generated"}
    assert scores["generated"]["of"] == 120
    read = list(Chem.SDMolSupplier(str(run_dir / "samples.sdf"), removeHs=False))
    assert len(read) == 100 and all(each.GetNumAtoms() == 9 for each in read)
    served = tf.saved_model.load(str(tmp_path / "served" / "2")).signatures["sample"]
    told = {"seed": tf.constant([1_000_000], tf.int64), "truncation": tf.constant([np.inf])}
    answer = served(**told)["images_coordinates"]
    written = read[0].GetConformer().GetPositions()
    np.testing.assert_allclose(answer[0], written, atol=2e-3)  # A file has four decimals.
    names = {path.name for path in run_dir.iterdir()}
    assert {"conformers.npz", "distributions.png", "checkpoint.keras", "history.csv"} <= names


def test_what_is_no_molecule_is_refused(script, tmp_path):
    with flagsaver.flagsaver(), pytest.raises(app.UsageError, match="Received: 'C1CC'"):
        flags.FLAGS(["molecules.py", "--smiles=C1CC", f"--run_dir={tmp_path / 'run'}"])
        script.main([])
    assert not (tmp_path / "run").exists()
