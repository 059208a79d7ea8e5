"""Conformers and Z-matrices: RDKit's own measures, the way there and back, and equipartition."""

import itertools
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.examples import scripts

Chem = pytest.importorskip("rdkit.Chem")
transforms = pytest.importorskip("rdkit.Chem.rdMolTransforms")

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
SMILES = ["CCCC", "C1CCCCC1", "CC(=O)O", "OO", "C[C@H](N)C(=O)O"]


@pytest.fixture(scope="module")
def conformers():
    with scripts.loaded(EXAMPLES / "conformers.py") as module:
        yield module


@pytest.fixture(scope="module")
def z_matrix():
    with scripts.loaded(EXAMPLES / "z_matrix.py") as module:
        yield module


def shaken(conformers, made, count=6):
    """Return coordinates of a molecule, its atoms moved a little and it as a whole much."""
    rng = np.random.default_rng(0)
    start = made.GetConformer().GetPositions()
    rows = []
    for _ in range(count):
        turn = conformers.rotation(rng.normal(size=3), rng.uniform(-3, 3))
        rows.append((start + 0.03 * rng.normal(size=start.shape)) @ turn + rng.normal(size=3))
    return np.array(rows)


@pytest.mark.parametrize("smiles", SMILES)
def test_internal_coordinates_are_rdkits(conformers, z_matrix, smiles):
    made = conformers.molecule(smiles)
    x, tree = shaken(conformers, made), z_matrix.Tree.of(made)
    assert sorted(tree.order) == list(range(made.GetNumAtoms()))
    lengths, angles, dihedrals = z_matrix.internal(x, tree)
    assert [part.shape[1] for part in (lengths, angles, dihedrals)] == [
        made.GetNumAtoms() - k for k in (1, 2, 3)
    ]
    for row, place in enumerate(x):
        made.GetConformer().SetPositions(place)
        for at, references in enumerate(tree.references):
            atoms = [tree.order[i] for i in (at, *references)]
            if at > 0:
                assert made.GetBondBetweenAtoms(*atoms[:2])
                found = transforms.GetBondLength(made.GetConformer(), *atoms[:2])
                assert lengths[row, at - 1] == pytest.approx(found, rel=1e-6)
            if at > 1:
                found = transforms.GetAngleRad(made.GetConformer(), *atoms[:3])
                assert angles[row, at - 2] == pytest.approx(found, rel=1e-6)
            if at > 2:
                found = transforms.GetDihedralRad(made.GetConformer(), *atoms)
                apart = np.angle(np.exp(1j * (dihedrals[row, at - 3] - found)))
                assert apart == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("smiles", SMILES)
def test_rows_are_conformers_but_for_place_and_turn(conformers, z_matrix, smiles):
    """All distances come back, and the handedness of every four atoms."""
    made = conformers.molecule(smiles)
    x, tree = shaken(conformers, made, 12), z_matrix.Tree.of(made)
    rows = z_matrix.Rows.of(x, tree)
    encoded = rows.encode(x)
    assert encoded.shape == (12, rows.size)
    plain = encoded[:, : len(rows.mean)]
    np.testing.assert_allclose(plain.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(plain.std(axis=0), 1, atol=1e-2)
    back = rows.decode(tf.constant(encoded)).numpy()
    pairs = list(itertools.combinations(range(made.GetNumAtoms()), 2))
    np.testing.assert_allclose(
        z_matrix.pair_distances(back, pairs), z_matrix.pair_distances(x, pairs), atol=1e-4
    )
    np.testing.assert_allclose(volumes(back), volumes(x), atol=1e-3)


def volumes(x):
    edges = x[:, 1:4] - x[:, :1]
    return np.linalg.det(edges)


def test_layers_are_saved(conformers, z_matrix, tmp_path):
    made = conformers.molecule("CCO")
    x, tree = shaken(conformers, made), z_matrix.Tree.of(made)
    rows, pairs = z_matrix.Rows.of(x, tree), z_matrix.far_pairs(made)
    found = z_matrix.pair_distances(x, pairs)
    inputs = keras.Input((rows.size,))
    circles = z_matrix.OnCircles(int(rows.wide.sum()))(inputs)
    distances = z_matrix.Distances(pairs, found.mean(axis=0), found.std(axis=0))
    model = keras.Model(inputs, distances(z_matrix.Placement(rows)(circles)))
    y = model(rows.encode(x))
    np.testing.assert_allclose(y, (found - found.mean(axis=0)) / found.std(axis=0), atol=2e-2)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        keras.saving.load_model(tmp_path / "model.keras")(rows.encode(x)), y
    )


def test_what_turns_and_what_is_far(conformers, z_matrix):
    butane = conformers.molecule("CCCC")
    assert [bond[:2] for bond in conformers.rotatable(butane)] == [(0, 1), (1, 2), (2, 3)]
    (_, _, moved) = conformers.rotatable(butane)[2]
    assert [butane.GetAtomWithIdx(atom).GetAtomicNum() for atom in moved] == [1, 1, 1]
    assert not conformers.rotatable(conformers.molecule("C1CC1"))
    assert all(first < second for first, second in z_matrix.far_pairs(butane))
    assert len(z_matrix.far_pairs(butane, least=1)) == 14 * 13 / 2


def test_energies_are_above_the_minimum(conformers):
    made = conformers.molecule("CCCC")
    x = shaken(conformers, made)
    excess = conformers.energies(made, x)
    assert (excess > 0).all()
    from rdkit.Chem import rdForceFieldHelpers

    rdForceFieldHelpers.MMFFOptimizeMolecule(made, maxIters=2000)
    lowest = conformers.energies(made, made.GetConformer().GetPositions()[None])
    assert 0 <= lowest[0] + 1e-6 < 1.5


@pytest.mark.slow
def test_samples_share_their_energy_equally(conformers, z_matrix):
    """(3N - 6) kT / 2, and a little for what is not harmonic; gauche+ as often as gauche-."""
    made = conformers.molecule("CCCC")
    x = conformers.sample(made, 1000, seed=1, verbose=False)
    np.testing.assert_array_equal(x[:20], conformers.sample(made, 1000, 1, verbose=False)[:20])
    excess = conformers.energies(made, x)
    assert 10.5 < excess.mean() < 11.6
    # Of 36 modes: the deviation of a chi-square.
    assert excess.std() == pytest.approx(conformers.THERMAL * np.sqrt(18), rel=0.15)
    turned = np.degrees(z_matrix.dihedral(*(x[:, atom] for atom in range(4))))
    gauche = [(np.abs(turned - side) < 60).mean() for side in (60, -60)]
    assert gauche[0] == pytest.approx(gauche[1], abs=0.06) and 0.1 < gauche[0] < 0.25


@pytest.mark.parametrize(
    ("smiles", "message"),
    [
        ("C1CC", r"SMILES that RDKit can read.*Received: 'C1CC'"),
        ("C.C", r"one molecule of at least four atoms.*'C\.C', of 10 atoms"),
        ("[He]", r"at least four atoms.*of 1 atoms"),
        ("C[Hg]C", "MMFF94 has parameters"),
    ],
)
def test_what_is_no_molecule_is_refused(conformers, smiles, message):
    with pytest.raises(ValueError, match=message):
        conformers.molecule(smiles)
