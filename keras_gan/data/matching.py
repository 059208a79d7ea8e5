"""Comparison of data with what networks take: what differs, and what to do about it."""

import math

from keras_gan.data.symbolic import sample_shape
from keras_gan.utils import nests
from keras_gan.utils.tensors import compatible


def match_nests(what, tensors, where, expected):
    """Raise when two nests of tensors differ in structure, or in a shape.

    Args:
        what: what the tensors are, in words.
        tensors: nest of tensors or specs, batch axis first.
        where: what they are compared with, in words.
        expected: nest of tensors or specs.

    Raises:
        ValueError: naming both.
    """
    if not nests.of_one_structure(tensors, expected):
        raise ValueError(
            f"{what} and {where} differ in their parts: {nests.describe(tensors, sample_shape)} "
            f"and {nests.describe(expected, sample_shape)}. Map the one to the other, for example "
            "by `keras_gan.datasets.map`."
        )
    named = nests.named(expected)
    for (part, wanted), tensor in zip(named.items(), nests.leaves(tensors), strict=True):
        _match(f"{what}{part and f' ({part})'}", tensor, where, wanted)


def _match(what, tensor, where, expected):
    shape, wanted = sample_shape(tensor), sample_shape(expected)
    if not compatible(shape, wanted):
        raise ValueError(
            f"{what} and {where} differ in shape (without the batch axis): {shape} and {wanted}. "
            f"{_advice(tuple(tensor.shape), wanted, 'condition' in where)}"
        )


def _advice(given, wanted, is_condition):
    """Return what to do about samples or conditions of another shape, a sentence.

    Args:
        given: the shape with what should be the batch axis.
        wanted: the shape that the network takes, without it.
        is_condition: whether it is a condition.
    """
    shape, rank = given[1:], len(wanted)
    if compatible(given, wanted) and rank:
        return "They come one by one: make batches of them, `dataset.batch(64)`."
    if rank == 1 and not shape and is_condition and wanted[0] and wanted[0] > 1:
        return f"Labels become one-hot rows where the model says `num_classes={wanted[0]}`."
    if rank == 3 and compatible(shape, wanted[:2]) and wanted[2] == 1:
        return "Give the images an axis for their single channel: `x[..., None]`."
    if rank == 3 and len(shape) == 3 and compatible((*shape[1:], shape[0]), wanted):
        return "The channels come first: move them behind, `np.moveaxis(x, 1, -1)`."
    if rank == 3 and len(shape) == 3 and shape[2] == wanted[2]:
        height, width = wanted[:2]
        return (
            f"Resize the images, for example `tf.image.resize(x, ({height}, {width}))`, or make "
            f"networks of their size, `image_shape={shape}`."
        )
    if rank == 3 and len(shape) == 3:
        return (
            "The images differ in channels: convert them, for example by "
            "`tf.image.rgb_to_grayscale` or `tf.image.grayscale_to_rgb`, or make networks with "
            f"as many, `image_shape={shape}`."
        )
    if not wanted and set(shape) == {1}:
        return "Take the only column: `x[:, 0]`."
    if None not in (*shape, *wanted) and math.prod(shape) == math.prod(wanted):
        return f"Both have as many values: `x.reshape(-1, *{wanted})` brings them into shape."
    return "Map the one to the other by `dataset.map(...)`, or make networks of that shape."
