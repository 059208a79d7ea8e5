"""Conformers of a molecule at 300 K, sampled by RDKit's energy, and the energies of any others.

`examples/molecules.py` trains on them.
"""

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers
from tqdm import tqdm

# kcal/mol, at 300 K.
THERMAL = 0.0019872 * 300
# Of Hybrid Monte Carlo, in the units of RDKit's force field with all masses 1.
STEP, LEAPS, TURNS = 0.022, 12, 4
# Moves by which a chain is away from where it starts.
AWAY = 200


def molecule(smiles):
    """Return a molecule with its hydrogens.

    Raises:
        ValueError: when RDKit can't read it, there is no geometry for it, or it has too few atoms.
    """
    parsed = Chem.MolFromSmiles(smiles)
    if parsed is None:
        raise ValueError(
            "Expected a SMILES that RDKit can read, such as CCCC for butane. What is wrong stands "
            f"above. Received: {smiles!r}"
        )
    made = Chem.AddHs(parsed)
    if len(Chem.GetMolFrags(made)) > 1 or made.GetNumAtoms() < 4:
        raise ValueError(
            "Expected one molecule of at least four atoms, hydrogens counted. "
            f"Received: {smiles!r}, of {made.GetNumAtoms()} atoms"
        )
    if not rdForceFieldHelpers.MMFFHasAllMoleculeParams(made):
        raise ValueError(
            f"Expected atoms that the force field MMFF94 has parameters for. Received: {smiles!r}"
        )
    if rdDistGeom.EmbedMolecule(made, randomSeed=1) != 0:
        raise ValueError(f"RDKit finds no coordinates for this molecule. Received: {smiles!r}")
    return made


def force_field(made):
    """Return RDKit's MMFF94 energy of a molecule, whose methods take flat lists of coordinates."""
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(made)
    return rdForceFieldHelpers.MMFFGetMoleculeForceField(made, properties)


def energies(made, coordinates):
    """Return the energies of coordinates above the lowest minimum that RDKit finds, in kcal/mol.

    Args:
        made: the molecule.
        coordinates: array of shape `(n, atoms, 3)`, in Å.
    """
    field = force_field(made)
    flat = np.asarray(coordinates, "float64").reshape(len(coordinates), -1)
    return np.array([field.CalcEnergy(row.tolist()) for row in flat]) - lowest(made)


def lowest(made, tries=50):
    """Return the energy of the lowest minimum among some, in kcal/mol."""
    copy = Chem.Mol(made)
    rdDistGeom.EmbedMultipleConfs(copy, tries, randomSeed=1)
    found = rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(copy, maxIters=2000)
    return min(energy for _, energy in found)


def rotatable(made):
    """Return the single bonds that turn one part of a molecule, as `(fixed, moved, atoms)`."""
    bonds = []
    for bond in made.GetBonds():
        first, second = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        ends = made.GetAtomWithIdx(first), made.GetAtomWithIdx(second)
        if bond.GetBondType() != Chem.BondType.SINGLE or bond.IsInRing():
            continue
        if min(atom.GetDegree() for atom in ends) > 1:
            bonds.append((first, second, _beyond(made, first, second)))
    return bonds


def _beyond(made, first, second):
    """Return the atoms on the far side of a bond, without its own."""
    found, new = {first, second}, [second]
    while new:
        atom = made.GetAtomWithIdx(new.pop())
        for other in atom.GetNeighbors():
            if other.GetIdx() not in found:
                found.add(other.GetIdx())
                new.append(other.GetIdx())
    return sorted(found - {first, second})


def sample(made, count, seed=0, chains=20, thin=8, verbose=True):
    """Return conformers of the Boltzmann distribution at 300 K, by Hybrid Monte Carlo.

    Each move is a short trajectory (Duane et al., 1987), or a turn about a bond by any angle, both
    accepted by Metropolis's rule, which makes them exact.

    Args:
        made: the molecule.
        count: of conformers.
        seed: of all draws.
        chains: that start from one conformer, each turned by draws of its own.
        thin: trajectories from one conformer that is kept to the next of its chain.
        verbose: whether to show a progress bar.

    Returns:
        Array of shape `(count, atoms, 3)`, in Å, chains one after the other.
    """
    # Others of RDKit's own would have hydrogens of one carbon in one order or the other.
    start = made.GetConformer().GetPositions()
    field, bonds = force_field(made), rotatable(made)
    kept, each = [], -(-count // chains)
    bar = tqdm(total=each * chains, desc="Conformers", disable=not verbose)
    for chain in range(chains):
        walk = _Walk(field, bonds, start, np.random.default_rng([seed, chain]))
        for _ in range(AWAY):
            walk.move()
        for _ in range(each):
            for _ in range(thin):
                walk.move()
            kept.append(walk.place.reshape(-1, 3))
            bar.update()
    bar.close()
    return np.array(kept[:count])


class _Walk:
    """A chain: its place, a flat array, and the moves from it."""

    def __init__(self, field, bonds, start, rng):
        self.field, self.bonds, self.rng = field, bonds, rng
        self.place = start.ravel().copy()
        self.energy = field.CalcEnergy(self.place.tolist())

    def move(self):
        """Make a trajectory, and some turns."""
        self._trajectory()
        for _ in range(TURNS if self.bonds else 0):
            self._turn()

    def _force(self, place):
        # RDKit's gradient takes the distances of atoms that the last energy was of.
        self.field.CalcEnergy(place.tolist())
        return -np.array(self.field.CalcGrad(place.tolist()))

    def _trajectory(self):
        speed = np.sqrt(THERMAL) * self.rng.normal(size=len(self.place))
        place, kinetic = self.place, 0.5 * speed @ speed
        speed = speed + 0.5 * STEP * self._force(place)
        for leap in range(LEAPS):
            place = place + STEP * speed
            speed = speed + (1 if leap < LEAPS - 1 else 0.5) * STEP * self._force(place)
        self._accept(place, 0.5 * speed @ speed - kinetic)

    def _turn(self):
        first, second, atoms = self.bonds[self.rng.integers(len(self.bonds))]
        place = self.place.reshape(-1, 3).copy()
        axis = place[second] - place[first]
        place[atoms] = place[second] + (place[atoms] - place[second]) @ rotation(
            axis, self.rng.uniform(-np.pi, np.pi)
        )
        self._accept(place.ravel(), 0.0)

    def _accept(self, place, more):
        energy = self.field.CalcEnergy(place.tolist())
        if self.rng.exponential() > (energy - self.energy + more) / THERMAL:
            self.place, self.energy = place, energy


def rotation(axis, angle):
    """Return the matrix that turns rows about an axis (Rodrigues)."""
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return (np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross).T
