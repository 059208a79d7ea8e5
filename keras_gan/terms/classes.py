"""Classes told by the discriminator: its class logits, the labels they are held to, their loss."""

import math

import keras
from keras import ops

from keras_gan.data.symbolic import SQUASHING, activation_of, output_structure
from keras_gan.terms.feature_matching import check_named_outputs, named_output
from keras_gan.utils.tensors import wide


def class_logits(outputs, name):
    """Return one of the discriminator's outputs as rows of float32 logits.

    Args:
        outputs: all that the discriminator returned.
        name: the key of the output.

    Raises:
        ValueError: when there is no such output.
    """
    logits = wide(named_output(outputs, name, "output"))
    # Not -1 for the classes: in a graph of any batch size they would be unknown.
    return ops.reshape(logits, (-1, math.prod(logits.shape[1:])))


def cross_entropy(labels, logits, exclusive=True, smoothing=0.0):
    """Return the cross-entropy of labels with logits, for each sample.

    Args:
        labels: integers of shape `(batch,)` or `(batch, 1)`, or rows of 0 and 1.
        logits: tensor of shape `(batch, classes)`.
        exclusive: whether rows are one-hot.
        smoothing: share of exclusive labels that is spread over all classes alike.

    Raises:
        ValueError: when the labels don't fit the logits.
    """
    classes = logits.shape[-1]
    if _are_integers(labels, classes):
        labels = ops.reshape(labels, (-1,))
        value = ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        return _smoothed(value, logits, smoothing)
    _check_rows(labels, classes)
    labels = ops.cast(labels, logits.dtype)
    if exclusive:
        value = ops.categorical_crossentropy(labels, logits, from_logits=True)
        return _smoothed(value, logits, smoothing)
    # Not Keras's own: its gradient is that of clipped probabilities.
    terms = ops.relu(logits) - logits * labels + ops.softplus(-ops.abs(logits))
    return ops.sum(terms, axis=1)


def class_numbers(labels, classes):
    """Return labels as int32 numbers of classes, of shape `(batch,)`.

    Args:
        labels: integers of shape `(batch,)` or `(batch, 1)`, or one-hot rows.
        classes: how many there are.

    Raises:
        ValueError: when the labels are neither.
    """
    if _are_integers(labels, classes):
        return ops.cast(ops.reshape(labels, (-1,)), "int32")
    _check_rows(labels, classes)
    return ops.cast(ops.argmax(labels, axis=-1), "int32")


def labels_of(condition, key, name):
    """Return the labels in a condition.

    Args:
        condition: the condition: labels, or a dict with the key.
        key: where they are in a dict, or `None`.
        name: the term's name, for errors.

    Raises:
        ValueError: when the condition is not of that form.
    """
    if key is not None:
        return part_of(condition, key, name)
    if isinstance(condition, (dict, list, tuple)):
        there = sorted(condition) if isinstance(condition, dict) else f"{len(condition)} parts"
        raise ValueError(
            f"The term {name!r} reads labels: of a condition of several parts, name the one that "
            f"they are under, `labels=...`. Received: labels=None, and a condition of {there}"
        )
    return condition


def part_of(condition, key, name):
    """Return a part of a condition that is a dict.

    Args:
        condition: the condition.
        key: the part's key.
        name: the term's name, for errors.

    Raises:
        ValueError: when the condition is no dict, or has no such key.
    """
    if not isinstance(condition, dict) or key not in condition:
        there = sorted(condition) if isinstance(condition, dict) else type(condition).__name__
        raise ValueError(
            f"The term {name!r} reads the part {key!r} of the condition: expected data elements "
            f"`(image, {{{key!r}: ..., ...}})`. Received: a condition of {there}"
        )
    return condition[key]


def check_labels_given(term, model):
    """Raise when a model takes no condition in which there could be labels.

    Args:
        term: the term that reads them.
        model: the `GAN`.

    Raises:
        ValueError: naming the term.
    """
    if not model.conditional:
        raise ValueError(
            f"The term {term.name!r} reads labels, and this model takes none: let the generator "
            "take them, `keras.Model([latents, labels], images)`; `networks` make such a one with "
            "`num_classes=`. Received: a model without a condition"
        )


def width_of(discriminator, name):
    """Return how many numbers an output of the discriminator has, `None` when it does not say.

    Args:
        discriminator: the discriminator.
        name: the output's key.

    Raises:
        ValueError: when it is known not to return it, to squash it, or not to fix its size.
    """
    outputs = output_structure(discriminator)
    check_named_outputs(discriminator, [name], "output")
    if outputs is None:
        return None
    told = outputs[name]
    if (activation := activation_of(told)) in SQUASHING:
        raise ValueError(
            f"Expected the discriminator's output {name!r} to be logits, or a mean that no "
            f"activation bounds. Drop the last activation. Received: one that ends in a "
            f"{activation}"
        )
    if None in told.shape[1:]:
        raise ValueError(
            f"Expected the discriminator's output {name!r} to have a fixed size. "
            f"Received: shape {tuple(told.shape)}"
        )
    return math.prod(told.shape[1:])


def _smoothed(value, logits, smoothing):
    if not smoothing:
        return value
    of_all = ops.logsumexp(logits, axis=-1) - ops.mean(logits, axis=-1)
    return (1 - smoothing) * value + smoothing * of_all


def _are_integers(labels, classes):
    """Tell whether labels are integers, one for each sample."""
    is_column = len(labels.shape) == 1 or labels.shape[-1] == 1 < classes
    return not labels.dtype.is_floating and is_column


def _check_rows(labels, classes):
    if tuple(labels.shape[1:]) != (classes,):
        raise ValueError(
            f"Expected integer labels, or rows of {classes} numbers, as the discriminator has "
            f"logits of {classes} classes. Received: labels of shape {tuple(labels.shape)} and "
            f"type {keras.backend.standardize_dtype(labels.dtype)}"
        )
