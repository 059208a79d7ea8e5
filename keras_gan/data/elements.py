"""Data elements: `x` or `(x, condition)`, each a nest of tensors with one batch axis.

`fit`, `evaluate`, metrics and callbacks read elements here and nowhere else. Samples of several
parts are a dict, or a tuple within the pair: a bare tuple is always `(x, condition)`.
"""

import collections.abc
import itertools

import keras
import numpy as np
import tensorflow as tf

from keras_gan.utils import keras_internals, nests
from keras_gan.utils.arguments import shown


def unpack(element):
    """Return `(x, condition)` of one element of a dataset.

    Args:
        element: `x`, `(x,)` or `(x, condition)`, both any nests of tensors.

    Raises:
        ValueError: when there is a third part: samples can't be weighted.
    """
    if not isinstance(element, (tuple, list)):
        return element, None
    x, condition, *rest = (*element, None) if len(element) == 1 else element
    if any(part is not None for part in rest):
        raise ValueError(
            "Expected data elements `x` or `(x, condition)`. A third part would be a "
            "`sample_weight`, which an adversarial loss has no use for: drop it. "
            f"Received: an element of {len(element)} parts"
        )
    return x, condition


def as_array(value, name):
    """Return an array-like as an array.

    Args:
        value: array, tensor, number, or list of rows of one length.
        name: what errors call it.

    Raises:
        TypeError: when it is none, such as `None` or rows of several lengths.
    """
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.dtype == object:
        raise TypeError(
            f"Expected `{name}` to be an array of numbers, or a list of rows of one length (images "
            "of one size). "
            f"Received: {name}={shown(value)}"
        )
    return array


def pack(x, condition):
    """Return the element of a dataset that holds samples and their condition.

    Args:
        x: nest of samples.
        condition: their condition, or `None`.
    """
    if condition is not None:
        return x, condition
    return (x,) if isinstance(x, (tuple, list)) else x


def zeros_like_spec(spec):
    """Return a batch of one zero of a spec's shape and dtype."""
    return tf.zeros((1, *spec.shape[1:]), spec.dtype)


def of_any_size(specs):
    """Tell whether a nest of specs or arrays leaves a length open, beside that of batches."""
    return any(None in spec.shape[1:] for spec in nests.leaves(specs))


def rows_of(nest):
    """Return how many rows the arrays of a nest have; `None` where there is no array."""
    leaves = nests.leaves(nest)
    return len(leaves[0]) if leaves and np.ndim(leaves[0]) else None


def take(nest, rows):
    """Return some rows of every array of a nest.

    Args:
        nest: nest of arrays, or `None`.
        rows: a slice, or an array of indices.
    """
    return nests.map(lambda array: array[rows], nest)


def concatenate(nests):
    """Return the rows of several nests of arrays, of one structure, behind each other."""
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *nests)


def batches(dataset, steps=None):
    """Yield `(x, condition)` of every batch as arrays, the condition `None` where there is none.

    Args:
        dataset: an array of samples or a dict of them, a tuple `(x, condition)` of arrays, or what
            yields batches `x` or `(x, condition)`: a `tf.data.Dataset`, a
            `keras.utils.PyDataset`, a list of batches or of vectors. A dataset with `seek(epoch)`
            is read from epoch 0, so that every call yields the same.
        steps: how many batches, `None` for all.

    Raises:
        ValueError: when there is no end to it, no sample in it, it is a list of images, or a
            condition has another number of rows than the samples.
        TypeError: when it is no such thing.
    """
    empty = True
    for element in itertools.islice(_elements(dataset, steps), steps):
        x, condition = unpack(element)
        x = nests.map(lambda part: as_array(part, "samples"), x)
        condition = nests.map(np.asarray, condition)
        if rows_of(x):
            empty = False
            _check_rows(x, condition)
            yield x, condition
    if empty:
        raise ValueError(f"There are no samples in the data. Received: dataset={shown(dataset)}")


def _check_rows(x, condition):
    shapes = [np.shape(part) for part in nests.leaves(condition)]
    if any(shape[:1] != (rows_of(x),) for shape in shapes):
        raise ValueError(
            "Expected a condition of as many rows as the samples, batch axis first. "
            f"Received: a batch of {rows_of(x)} samples, with a condition of the shapes {shapes}"
        )


def is_endless(dataset):
    """Tell whether a dataset says of itself that it never ends."""
    cardinality = getattr(dataset, "cardinality", None)
    # Of a distributed dataset it is a number, not a method.
    count = cardinality() if callable(cardinality) else cardinality
    return count is not None and int(count) == tf.data.INFINITE_CARDINALITY


def has_pairs(dataset):
    """Tell whether what comes together in a dataset belongs together.

    A dataset of domains without pairs has `paired = False`, as `datasets.unpaired` makes it; what
    is derived of it (by `map`, `prefetch`, `take`) has no pairs either.

    Args:
        dataset: anything that is read.
    """
    if not getattr(dataset, "paired", True):
        return False
    if not isinstance(dataset, tf.data.Dataset):
        return True
    return all(map(has_pairs, keras_internals.inputs_of(dataset)))


def check_repeatable(dataset):
    """Refuse an iterator, of which nothing is left after one pass.

    Raises:
        TypeError: naming what to give instead.
    """
    if isinstance(dataset, collections.abc.Iterator):
        raise TypeError(
            "The data are read more than once: give a `tf.data.Dataset`, arrays or a list of "
            f"batches, not an iterator. Received: dataset={shown(dataset)}"
        )


def _elements(dataset, steps):
    if isinstance(dataset, (np.ndarray, tuple, dict)) or tf.is_tensor(dataset):
        return [dataset]
    if isinstance(dataset, keras.utils.PyDataset):
        return (dataset[i] for i in range(len(dataset)))
    if isinstance(dataset, list):
        return _of_list(dataset)
    # A class has the methods of its instances: what it can do itself, its type says.
    if not isinstance(dataset, collections.abc.Iterable) or isinstance(dataset, (str, bytes)):
        raise TypeError(
            "Expected arrays, or batches `x` or `(x, condition)`, such as a `tf.data.Dataset`. "
            f"Received: dataset={shown(dataset)}"
        )
    if steps is None and is_endless(dataset):
        raise ValueError(
            "Expected data with an end: leave `repeat()` out, or take some batches with "
            f"`dataset.take(...)`. Received: dataset={shown(dataset)}"
        )
    if hasattr(dataset, "seek"):
        dataset.seek(0)
    return dataset


def _of_list(items):
    """Return the batches that a list stands for: its items, or the list itself as one array."""
    if items and all(isinstance(item, list) and not _holds_arrays(item) for item in items):
        return [as_array(items, "samples")]
    shapes = {np.shape(item) for item in items if not nests.is_nest(item)}
    if shapes and all(len(shape) <= 1 for shape in shapes):
        return [as_array(items, "samples")]
    if any(len(shape) == 3 and shape[2] in (1, 3, 4) for shape in shapes):
        raise ValueError(
            "Expected batches in a list. Images one by one are an array, `np.stack(images)`; "
            "batches of sequences are one too, `np.concatenate(batches)`. "
            f"Received: a list of arrays of shape {min(shapes)}"
        )
    return items


def _holds_arrays(nest):
    return any(hasattr(leaf, "shape") for leaf in keras.tree.flatten(nest))
