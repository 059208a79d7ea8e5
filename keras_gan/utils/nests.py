"""Nests of tensors: samples of several parts, heads of logits, composite latents, conditions.

A nest is a tensor, or a dict, tuple or list of nests. Losses, terms and metrics are written for one
tensor; this module maps them over nests. A nest of one tensor is that tensor: nothing is added to
what is computed of it.
"""

import keras
import tensorflow as tf


def is_nest(value):
    """Tell whether a value is a nest of several parts rather than one tensor."""
    return isinstance(value, (dict, list, tuple))


def map(function, *nests):
    """Return the nest of what a function makes of every leaf; `None` stays `None`.

    Args:
        function: function of one leaf of each nest.
        *nests: nests of one structure.
    """
    return keras.tree.map_structure(
        lambda *leaves: None if leaves[0] is None else function(*leaves), *nests
    )


def map_heads(function, heads, *nests):
    """Return the nest of what a function makes of every head of logits, and what belongs to it.

    Args:
        function: function of one head, and of one nest from each of the others.
        heads: the nest of logits.
        *nests: nests that have, in the place of each head, a nest of their own.
    """
    return keras.tree.map_structure_up_to(heads, function, heads, *nests)


def leaves(nest):
    """Return the leaves of a nest that are not `None`, a list."""
    return [leaf for leaf in keras.tree.flatten(nest) if leaf is not None]


def names(nest):
    """Return the names of the leaves: their keys joined by "/", and "" for a single tensor.

    Example:

    >>> from keras_gan.utils import nests
    >>> nests.names({"b": 1, "a": (2, 3)})
    ['a/0', 'a/1', 'b']
    """
    return ["/".join(str(key) for key in path) for path, _ in keras.tree.flatten_with_path(nest)]


def named(nest):
    """Return `{name: leaf}` of a nest, in the order of its leaves; see `names`."""
    return dict(zip(names(nest), keras.tree.flatten(nest), strict=True))


def by_name(name, nest):
    """Return `{name: leaf}`, or `{name_part: leaf}` of a nest of several parts.

    Raises:
        ValueError: when two parts get one name.

    Example:

    >>> from keras_gan.utils import nests
    >>> nests.by_name("images", {"photo": 1, "masks": [2, 3]})
    {'images_masks_0': 2, 'images_masks_1': 3, 'images_photo': 1}
    """
    flat = {}
    for part, leaf in named(nest).items():
        joined = "_".join([name, *(part.split("/") if part else ())])
        if joined in flat:
            raise ValueError(
                "Expected parts that keep apart when their keys are joined by '_'; rename one. "
                f"Received: parts {names(nest)}, two of which would be {joined!r}"
            )
        flat[joined] = leaf
    return flat


def key(name, part):
    """Return the log key of a part: the name itself for a single tensor."""
    return f"{name}/{part}" if part else name


def pack_as(structure, flat):
    """Return a nest of the structure of another from a flat list of leaves."""
    return keras.tree.pack_sequence_as(structure, flat)


def of_one_structure(first, second):
    """Tell whether two nests have the same keys and lengths, lists and tuples being alike."""
    if isinstance(first, dict) or isinstance(second, dict):
        return (
            isinstance(first, dict)
            and isinstance(second, dict)
            and first.keys() == second.keys()
            and all(of_one_structure(first[key], second[key]) for key in first)
        )
    if is_nest(first) or is_nest(second):
        return (
            is_nest(first)
            and is_nest(second)
            and len(first) == len(second)
            and all(of_one_structure(*pair) for pair in zip(first, second, strict=True))
        )
    return True


def same(first, second):
    """Tell whether two nests have one structure, and the very same leaves."""
    try:
        keras.tree.assert_same_structure(first, second)
    except (ValueError, TypeError):
        return False
    leaves = keras.tree.flatten(first), keras.tree.flatten(second)
    return all(a is b for a, b in zip(*leaves, strict=True))


def describe(nest, shape_of):
    """Return a nest as text, each leaf as its shape: for errors.

    Args:
        nest: nest of tensors, specs or priors.
        shape_of: function from a leaf to its shape.
    """
    if isinstance(nest, dict):
        parts = (f"{key!r}: {describe(value, shape_of)}" for key, value in sorted(nest.items()))
        return f"{{{', '.join(parts)}}}"
    if is_nest(nest):
        return f"[{', '.join(describe(value, shape_of) for value in nest)}]"
    return str(shape_of(nest))


def batch_size(nest):
    """Return the size of the batch axis that all leaves of a nest share, an int32 tensor."""
    return tf.shape(leaves(nest)[0])[0]


def mean_of_heads(values):
    """Return the mean of every head's mean, a scalar: each head counts the same, however long.

    Args:
        values: tensor or nest of tensors of any shapes.
    """
    means = [tf.reduce_mean(value) for value in keras.tree.flatten(values)]
    return means[0] if len(means) == 1 else tf.add_n(means) / len(means)
