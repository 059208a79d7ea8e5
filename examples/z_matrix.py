"""Z-matrices: molecules as bond lengths, angles and dihedrals, and layers that place their atoms.

`examples/molecules.py` generates by them.
"""

import dataclasses
import itertools

import keras
import numpy as np
import tensorflow as tf
from rdkit import Chem

# A dihedral that spreads less, in radians, is one number; others are a cosine and a sine.
NARROW = 0.5


@dataclasses.dataclass(frozen=True)
class Tree:
    """How atoms are placed, one by one.

    Attributes:
        order: the atoms, in the order of placement.
        references: of the i-th atom placed, the places in `order` of the atom it is bonded to, of
            one that makes an angle with it, and of one that makes a dihedral; fewer of the first
            three. Where a child of the same atom was placed before, that makes the dihedral: what
            is left is the narrow angle between siblings.
    """

    order: tuple
    references: tuple

    @classmethod
    def of(cls, made):
        """Return the tree of a molecule, heavy atoms first, breadth first."""
        start = next(atom for atom in made.GetAtoms() if atom.GetAtomicNum() > 1)
        order, parents = [start.GetIdx()], {start.GetIdx(): None}
        for index in order:
            around = made.GetAtomWithIdx(index).GetNeighbors()
            for other in sorted(around, key=lambda atom: (atom.GetAtomicNum() == 1, atom.GetIdx())):
                if other.GetIdx() not in parents:
                    parents[other.GetIdx()] = index
                    order.append(other.GetIdx())
        return cls(tuple(order), tuple(_references(order, parents, i) for i in range(len(order))))


def _references(order, parents, place):
    atom = order[place]
    parent = parents[atom]
    if parent is None:
        return ()
    before = order[:place]
    grandparent = parents[parent]
    siblings = [other for other in before if parents[other] == parent]
    # The root has no parent: its first child is what the others make an angle with.
    second = grandparent if grandparent is not None else next(iter(siblings), None)
    if second is None:
        return (before.index(parent),)
    near = [other for other in siblings if other != second]
    beyond = parents[second] if parents[second] not in (None, parent) else None
    others = (o for o in before if parents[o] == second and o not in (parent, atom))
    third = next(iter(near), beyond if beyond is not None else next(others, None))
    found = [parent, second] if third is None else [parent, second, third]
    return tuple(before.index(reference) for reference in found)


def internal(coordinates, tree):
    """Return the bond lengths, angles and dihedrals of conformers.

    Args:
        coordinates: array of shape `(n, atoms, 3)`.
        tree: how their atoms are placed.

    Returns:
        Lengths of shape `(n, atoms - 1)` in Å, angles `(n, atoms - 2)` and dihedrals
        `(n, atoms - 3)` in radians.
    """
    placed = np.asarray(coordinates, "float64")[:, list(tree.order)]
    lengths, angles, dihedrals = [], [], []
    for place, references in enumerate(tree.references):
        points = [placed[:, each] for each in (place, *references)]
        steps = [after - before for before, after in itertools.pairwise(points)]
        if len(steps) > 0:
            lengths.append(np.linalg.norm(steps[0], axis=1))
        if len(steps) > 1:
            angles.append(_angle(-steps[0], steps[1]))
        if len(steps) > 2:
            dihedrals.append(dihedral(*points))
    return tuple(np.stack(part, axis=1) for part in (lengths, angles, dihedrals))


def _angle(first, second):
    cross = np.linalg.norm(np.cross(first, second), axis=1)
    return np.arctan2(cross, (first * second).sum(axis=1))


def dihedral(*points):
    """Return the dihedrals of four places, arrays of shape `(n, 3)`, in radians."""
    first, second, third = (after - before for before, after in itertools.pairwise(points))
    normals = np.cross(first, second), np.cross(second, third)
    along = (np.cross(*normals) * second).sum(axis=1) / np.linalg.norm(second, axis=1)
    return np.arctan2(along, (normals[0] * normals[1]).sum(axis=1))


@dataclasses.dataclass(frozen=True)
class Rows:
    """Rows of numbers of mean 0 and deviation 1 for conformers, and the way back.

    Lengths, angles and narrow dihedrals are standardized; of other dihedrals a row has the cosine
    and the sine.

    Attributes:
        tree: how atoms are placed.
        mean: of lengths, angles and narrow dihedrals, in that order.
        deviation: the same.
        wide: for each dihedral, whether it is wide.
    """

    tree: Tree
    mean: np.ndarray
    deviation: np.ndarray
    wide: np.ndarray

    @classmethod
    def of(cls, coordinates, tree):
        """Return those of some conformers."""
        lengths, angles, dihedrals = internal(coordinates, tree)
        centers = np.angle(np.exp(1j * dihedrals).mean(axis=0))
        around = np.angle(np.exp(1j * (dihedrals - centers)))
        wide = around.std(axis=0) > NARROW
        plain = np.concatenate([lengths, angles, (centers + around)[:, ~wide]], axis=1)
        return cls(tree, plain.mean(axis=0), plain.std(axis=0) + 1e-6, wide)

    @property
    def size(self):
        """Numbers in a row."""
        return len(self.mean) + 2 * int(self.wide.sum())

    def encode(self, coordinates):
        """Return the rows of conformers, float32."""
        lengths, angles, dihedrals = internal(coordinates, self.tree)
        narrow = dihedrals[:, ~self.wide]
        centers = self.mean[len(self.mean) - narrow.shape[1] :]
        narrow = centers + np.angle(np.exp(1j * (narrow - centers)))
        plain = np.concatenate([lengths, angles, narrow], axis=1)
        wide = dihedrals[:, self.wide]
        return np.concatenate(
            [(plain - self.mean) / self.deviation, np.cos(wide), np.sin(wide)], axis=1
        ).astype("float32")

    def decode(self, rows):
        """Return the coordinates that rows stand for, a tensor of shape `(batch, atoms, 3)`.

        Each atom is placed by its length, angle and dihedral (Parsons et al., 2005).
        """
        atoms, wide = len(self.tree.order), int(self.wide.sum())
        plain = rows[:, : len(self.mean)] * np.float32(self.deviation) + np.float32(self.mean)
        cosines, sines = rows[:, len(self.mean) : -wide or None], rows[:, rows.shape[1] - wide :]
        lengths, angles = plain[:, : atoms - 1], plain[:, atoms - 1 : 2 * atoms - 3]
        turned = _turned(plain[:, 2 * atoms - 3 :], cosines[:, :wide], sines, self.wide)
        places = []
        for place, references in enumerate(self.tree.references):
            around = [places[each] for each in references]
            places.append(_placed(place, around, lengths, angles, turned))
        inverse = np.argsort(self.tree.order)
        return tf.gather(tf.stack(places, axis=1), inverse, axis=1)


@keras.saving.register_keras_serializable("z_matrix")
class Placement(keras.layers.Layer):
    """Place atoms by rows of numbers: `(batch, numbers) -> (batch, atoms, 3)`, in Å.

    Args:
        rows: the `Rows`, or what its config was.
        name: the layer's name.
    """

    def __init__(self, rows, name=None, **kwargs):
        super().__init__(name=name, **{**kwargs, "dtype": "float32"})
        if isinstance(rows, dict):
            tree = Tree(tuple(rows["order"]), tuple(map(tuple, rows["references"])))
            arrays = (np.array(rows[key]) for key in ("mean", "deviation", "wide"))
            rows = Rows(tree, *arrays)
        self.rows = rows

    def call(self, inputs):
        """Return the coordinates."""
        return self.rows.decode(inputs)

    def compute_output_shape(self, input_shape):
        """Return the shape of the coordinates."""
        return input_shape[0], len(self.rows.tree.order), 3

    def get_config(self):
        """Return the constructor's arguments."""
        rows, tree = self.rows, self.rows.tree
        plain = {key: getattr(rows, key).tolist() for key in ("mean", "deviation", "wide")}
        references = [list(each) for each in tree.references]
        told = {"order": list(tree.order), "references": references, **plain}
        return {**super().get_config(), "rows": told}


@keras.saving.register_keras_serializable("z_matrix")
class OnCircles(keras.layers.Layer):
    """Bring the cosines and sines at the end of rows to circles of radius 1.

    Args:
        pairs: their number; the cosines come first.
        name: the layer's name.
    """

    def __init__(self, pairs, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.pairs = pairs

    def call(self, inputs):
        """Return the rows."""
        plain = inputs.shape[-1] - 2 * self.pairs
        rest, cosines, sines = tf.split(inputs, [plain, self.pairs, self.pairs], axis=-1)
        return tf.concat([rest, *_on_circle(cosines, sines)], axis=-1)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "pairs": self.pairs}


@keras.saving.register_keras_serializable("z_matrix")
class Distances(keras.layers.Layer):
    """The distances of pairs of atoms, standardized: `(batch, atoms, 3) -> (batch, pairs)`.

    Args:
        pairs: of atoms, `(first, second)`.
        mean: of each distance, in Å.
        deviation: of each distance.
        name: the layer's name.
    """

    def __init__(self, pairs, mean, deviation, name=None, **kwargs):
        super().__init__(name=name, **{**kwargs, "dtype": "float32"})
        self.pairs = [list(map(int, pair)) for pair in pairs]
        self.mean, self.deviation = (np.float32(part) for part in (mean, deviation))

    def call(self, coordinates):
        """Return the distances."""
        ends = (tf.gather(coordinates, side, axis=1) for side in zip(*self.pairs, strict=True))
        first, second = ends
        squares = tf.reduce_sum(tf.square(first - second), axis=-1)
        return (tf.sqrt(squares + 1e-8) - self.mean) / self.deviation

    def compute_output_shape(self, input_shape):
        """Return the shape of the distances."""
        return input_shape[0], len(self.pairs)

    def get_config(self):
        """Return the constructor's arguments."""
        parts = {key: getattr(self, key).tolist() for key in ("mean", "deviation")}
        return {**super().get_config(), "pairs": self.pairs, **parts}


def pair_distances(coordinates, pairs):
    """Return the distances of pairs of atoms, an array of shape `(n, pairs)`, in Å."""
    first, second = np.transpose(pairs)
    return np.linalg.norm(coordinates[:, first] - coordinates[:, second], axis=-1)


def far_pairs(made, least=3):
    """Return the pairs of atoms that at least so many bonds lie between."""
    bonds = Chem.GetDistanceMatrix(made)
    return [tuple(pair) for pair in np.argwhere(np.triu(bonds >= least))]


def _on_circle(cosines, sines):
    """Return both divided by the length of the vector that they make."""
    length = tf.sqrt(tf.square(cosines) + tf.square(sines) + 1e-8)
    return cosines / length, sines / length


def _turned(narrow, cosines, sines, wide):
    """Return the cosine and the sine of every dihedral, as lists of columns."""
    cosines, sines = _on_circle(cosines, sines)
    columns, at = [], {False: 0, True: 0}
    for is_wide in map(bool, wide):
        column = at[is_wide]
        at[is_wide] += 1
        if is_wide:
            columns.append((cosines[:, column], sines[:, column]))
        else:
            columns.append((tf.cos(narrow[:, column]), tf.sin(narrow[:, column])))
    return columns


def _placed(place, around, lengths, angles, turned):
    """Return where an atom is, by those that it refers to."""
    if place == 0:
        return tf.zeros((tf.shape(lengths)[0], 3))
    length = lengths[:, place - 1, None]
    if place == 1:
        return length * [[1.0, 0.0, 0.0]]
    angle = angles[:, place - 2, None]
    back = tf.math.l2_normalize(around[1] - around[0], axis=1)
    if place == 2:
        up = [[0.0, 1.0, 0.0]]
        return around[0] + length * (tf.cos(angle) * back + tf.sin(angle) * up)
    cosine, sine = (part[:, None] for part in turned[place - 3])
    normal = tf.math.l2_normalize(tf.linalg.cross(around[2] - around[1], back), axis=1)
    side = tf.linalg.cross(back, normal)
    off = cosine * side + sine * normal
    return around[0] + length * (tf.cos(angle) * back + tf.sin(angle) * off)
