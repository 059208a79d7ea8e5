"""Conditions of every form, with the limits that their inputs should have."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

import keras_gan
from tests.integration.seeding import seeded

ROWS = 4
SEEDS = np.arange(7, 7 + ROWS)
layers, ops = keras.layers, keras.ops
Embedding, CategoryEncoding = layers.Embedding, layers.CategoryEncoding


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One input of a condition.

    Attributes:
        vector: function of the input and the player's number that returns a vector of a row.
        ranges: `[low, high]` of its labels; a list of them by column; `None` for no labels.
        shape: of a row.
        dtype: of the input.
        says: a part of what its refusal says was expected.
    """

    vector: Callable
    ranges: list | None
    shape: tuple = ()
    dtype: str = "int32"
    says: str = ""

    @property
    def columns(self):
        """The range of each number in a row, in order."""
        count = int(np.prod([side or 3 for side in self.shape]))
        nested = self.ranges and not isinstance(self.ranges[0], int)
        return self.ranges if nested else [self.ranges] * count

    def array(self, of):
        """Return rows in which each label is that function of its range; other numbers are 0."""
        row = [0 if each is None else of(*each) for each in self.columns]
        row = np.reshape(row, [side or 3 for side in self.shape])
        array = np.repeat(row[None], ROWS, 0)
        return np.full(array.shape, "cat") if self.dtype == "string" else array.astype(self.dtype)


@keras.saving.register_keras_serializable("test")
class Table(layers.Layer):
    """A table of its own, which a function looks up."""

    def build(self, shape):
        """Make the table."""
        self.table = self.add_weight(shape=(5, 2), initializer="normal")

    @tf.function
    def rows(self, labels):
        """Return rows of the table."""
        return tf.gather(self.table, labels)

    def call(self, labels):
        """Return rows of the table."""
        return self.rows(labels)

    def compute_output_shape(self, shape):
        """Return the shape of rows."""
        return (*shape, 2)


def embedded(count, **options):
    return lambda x, player: layers.Flatten()(Embedding(count, 2, **options)(x))


def encoded(mode):
    return lambda x, player: CategoryEncoding(7, output_mode=mode)(x)


def apart(x, player):
    """Embed the two columns of an input by tables of their own."""
    return layers.Concatenate()([Embedding(3, 2)(x[:, 0]), Embedding(6, 2)(x[:, 1])])


def beside_a_number(x, player):
    """Embed the second column of floats, and take the first one as it is."""
    return layers.Concatenate()([x[:, :1], Embedding(4, 2)(x[:, 1])])


def mean(x):
    return layers.GlobalAveragePooling1D()(x)


LABELS = {
    "smaller": Leaf(lambda x, player: Embedding(5 - player, 2)(x), [0, 3]),
    "column": Leaf(embedded(4), [0, 3], (1,), "int64"),
    "masked": Leaf(lambda x, player: mean(Embedding(4, 2, mask_zero=True)(x)), [0, 3], (3,)),
    "floats": Leaf(embedded(4), [0, 3], (1,), "float32", "whole numbers from 0 to 3"),
    "bytes": Leaf(embedded(4), [0, 3], (), "uint8"),
    "pair": Leaf(apart, [[0, 2], [0, 5]], (2,), says="labels in a row of the ranges"),
    "mixed": Leaf(beside_a_number, [None, [0, 3]], (2,), "float32", "ranges any, 0 to 3"),
    "one_hot": Leaf(encoded("one_hot"), [0, 6], (1,)),
    "multi_hot": Leaf(encoded("multi_hot"), [0, 6], (3,)),
    "count": Leaf(encoded("count"), [0, 6], (3,)),
    "ops": Leaf(lambda x, player: ops.one_hot(x, 6), [0, 5], says="labels from 0 to 5"),
    "tokens": Leaf(lambda x, player: mean(Embedding(9, 2)(x)), [0, 8], (None,)),
    "steps": Leaf(
        lambda x, player: layers.Flatten()(layers.TimeDistributed(Embedding(4, 2))(x)),
        [0, 3],
        (3, 1),
    ),
    "moved": Leaf(lambda x, player: Embedding(4, 2)(x + 1), [-1, 2], says="from -1 to 2"),
    "hidden": Leaf(lambda x, player: Table()(x), [0, 4]),
}
OTHERS = {
    "number": Leaf(lambda x, player: x, None, (1,), "float32", "finite"),
    "double": Leaf(lambda x, player: x, None, (1,), "float64", "finite"),
    "complex": Leaf(lambda x, player: ops.real(x), None, (1,), "complex64", "finite"),
    "flag": Leaf(lambda x, player: ops.cast(x, "float32"), None, (1,), "bool"),
    "text": Leaf(
        lambda x, player: Embedding(3, 2)(layers.StringLookup(vocabulary=["cat", "dog"])(x)),
        None,
        (),
        "string",
    ),
    "vocabulary": Leaf(
        lambda x, player: Embedding(3, 2)(layers.IntegerLookup(vocabulary=[70, -5])(x)),
        None,
        (),
        "int64",
    ),
    "hashed": Leaf(lambda x, player: Embedding(5, 2)(layers.Hashing(5)(x)), None),
    "binned": Leaf(
        lambda x, player: Embedding(3, 2)(layers.Discretization([0.0, 1.0])(x)),
        None,
        (),
        "float32",
        "finite",
    ),
    "clipped": Leaf(lambda x, player: Embedding(3, 2)(ops.clip(x, 0, 2)), None),
    "remainder": Leaf(lambda x, player: Embedding(3, 2)(ops.mod(x, 3)), None),
    "weighed": Leaf(lambda x, player: ops.cast(x, "float32") / 9, None, (2,)),
}
LEAVES = LABELS | OTHERS


def joined(first, structure, condition, player):
    """Return a first input and the vectors of all leaves of a condition side by side."""
    leaves = zip(keras.tree.flatten(structure), keras.tree.flatten(condition), strict=True)
    parts = [LEAVES[name].vector(tensor, player) for name, tensor in leaves]
    return layers.Concatenate()([first, *(ops.cast(part, "float32") for part in parts)])


def inputs(structure):
    """Return symbolic inputs for a nest of leaves."""
    return keras.tree.map_structure(
        lambda name: keras.Input(LEAVES[name].shape, dtype=LEAVES[name].dtype), structure
    )


def gan(given, judged=None, **options):
    """Return a GAN of vectors with conditions of some leaves.

    Args:
        given: nest of the leaves' names that the generator takes.
        judged: that of the discriminator; the same if `None`.
        **options: of `GAN`.
    """
    seeded(2)
    judged = given if judged is None else judged
    z, x = keras.Input((3,)), keras.Input((2,))
    conditions = inputs(given), inputs(judged)
    made = layers.Dense(2)(joined(z, given, conditions[0], 0))
    logits = layers.Dense(1)(joined(x, judged, conditions[1], 1))
    networks = keras.Model([z, conditions[0]], made), keras.Model([x, conditions[1]], logits)
    return keras_gan.GAN(*networks, seed=0, **options)


def translation():
    """Return a GAN from labels to vectors and back: a condition of the samples themselves."""
    seeded(2)

    def parts():
        return {"labels": keras.Input((4,)), "vector": keras.Input((3,))}

    source, x = parts(), parts()
    made = {
        "labels": layers.Dense(4)(source["vector"]),
        "vector": layers.Dense(3)(embedded(5)(source["labels"], 0)),
    }
    joined = layers.Concatenate()([embedded(5)(x["labels"], 1), x["vector"]])
    networks = keras.Model(source, made), keras.Model(x, layers.Dense(1)(joined))
    return keras_gan.GAN(*networks, latents=None, conditional="samples", seed=0)


def enlarging(factor=4):
    """Return a GAN from images of any size to larger ones."""
    seeded(2)
    source, x = keras.Input((None, None, 1)), keras.Input((None, None, 1))
    made = layers.Conv2D(1, 1, activation="tanh")(layers.UpSampling2D(factor)(source))
    networks = keras.Model(source, made), keras.Model(x, layers.Conv2D(1, 3)(x))
    return keras_gan.GAN(*networks, latents=None, conditional="generator", seed=0)


class Counting(layers.Layer):
    """Count how often a graph computes what it is given."""

    count = 0

    def call(self, tensor):
        """Return the tensor."""
        made = tf.numpy_function(self.counted, [tensor], tensor.dtype)
        return tf.ensure_shape(made, tensor.shape)

    def counted(self, array):
        """Return the array."""
        self.count += 1
        return array


def counting():
    """Return a GAN of a label and a vector, and the layers of its networks that count."""
    counters, networks = [Counting(), Counting()], []
    for size, counter in zip((3, 2), counters, strict=True):
        first, label = keras.Input((size,)), keras.Input((), dtype="int32")
        parts = [counter(first), counter(Embedding(4, 2)(label))]
        made = layers.Dense(2 if size == 3 else 1)(layers.Concatenate()(parts))
        networks.append(keras.Model([first, {"label": label}], made))
    return keras_gan.GAN(*networks, seed=0), counters


@keras.saving.register_keras_serializable("test")
class Tables(layers.Layer):
    """Tables that TensorFlow's own operations look up: a row, and a cell of two coordinates."""

    def build(self, shape):
        """Make the tables."""
        self.rows = tf.Variable(tf.random.normal((6, 2)))
        self.cells = self.add_weight(shape=(3, 5, 2), initializer="normal")

    def call(self, label):
        """Return a row for one column of labels, a cell for two."""
        if label.shape[-1] == 1:
            return tf.nn.embedding_lookup(self.rows, label[:, 0])
        return tf.gather_nd(self.cells, label)

    def compute_output_shape(self, shape):
        """Return the shape of rows and cells."""
        return (shape[0], 2)
