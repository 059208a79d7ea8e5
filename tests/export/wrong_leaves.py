"""Requests for conditions: right ones, and those in which one number is wrong."""

import keras
import numpy as np

import keras_gan

from .conditions import LEAVES, SEEDS

# One of each kind of lookup, in nests.
FEW = {
    "a": {name: name for name in ("smaller", "floats", "pair")},
    "b": ({"multi_hot": "multi_hot"}, "tokens", "hidden"),
    "text": "text",
}


def named(structure):
    """Return the inputs' names of a nest of leaves by the leaves' names."""
    inputs = keras_gan.utils.nests.by_name("condition", structure)
    return {leaf: name for name, leaf in inputs.items()}


def condition(structure, of):
    """Return a condition whose labels are that function of their range."""
    return keras.tree.map_structure(lambda name: LEAVES[name].array(of), structure)


def lowest(low, high):
    return low


def highest(low, high):
    return high


def inputs_of(structure, of):
    """Return the inputs of `sample` with such labels."""
    arrays = keras_gan.utils.nests.by_name("condition", condition(structure, of))
    return {"seed": SEEDS, **arrays}


def any_values(dtype):
    """Return values that are right where there are no labels."""
    if dtype.startswith("int"):
        return [np.iinfo(dtype).min, np.iinfo(dtype).max]
    return [-1e6, 1e6] if "float" in dtype else []


def wrong_values(dtype, low, high):
    """Yield values that a label or another number must not be."""
    kind = "s" if dtype == "string" else np.dtype(dtype).kind
    if kind == "c":
        yield from (complex(np.nan, 0), complex(0, np.inf))
    if kind == "f":
        yield from (np.nan, np.inf, -np.inf)
    if low is not None:
        yield high + 1
        if kind == "i":
            yield from (low - 1, np.iinfo(dtype).min)
        if kind in "iu":
            yield np.iinfo(dtype).max
        if kind == "f":  # The last two would be 0 as int32.
            yield from (low - 1, low + 0.5, 1e30, -0.5, 2.0**32)


def wrong_rows(name):
    """Yield `(what, array)` of a leaf whose last row has one wrong number."""
    leaf = LEAVES[name]
    for number, each in enumerate(leaf.columns):
        for value in wrong_values(leaf.dtype, *(each or (None, None))):
            array = leaf.array(lowest)
            array[-1].reshape(-1)[number : number + 1] = value
            if array.ndim == 1:
                array[-1] = value
            yield f"{name} of {value} at {number}", array


def says(name):
    """Return what a refusal says of a leaf, as a regular expression."""
    leaf = LEAVES[name]
    return leaf.says or "labels from {} to {}".format(*leaf.ranges)
