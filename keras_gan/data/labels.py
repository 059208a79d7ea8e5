"""Labels among conditions: how many classes there are, and the forms that labels come in."""

import keras
import numpy as np
import tensorflow as tf

from keras_gan.data.signature import sample_shape
from keras_gan.utils import nests
from keras_gan.utils.keras_internals import made_by
from keras_gan.utils.tensors import compatible


def embedded_classes(generator, discriminator, signature):
    """Return how many labels the networks' embeddings take, or `None`.

    Read off `Embedding` layers that take a condition's only integer part, as it is or on its way
    through layers without weights, such as `layers.Packing`.
    """
    sizes = []
    networks = {"generator": generator, "discriminator": discriminator}
    for player, network in networks.items():
        specs = getattr(signature, f"{player}_condition")
        labels = [tensor for tensor in nests.leaves(specs) if is_label(tensor)]
        if len(labels) == 1:
            sizes += [
                embedding.input_dim
                for layer in getattr(network, "layers", [])
                # The layer itself, or what a wrapper such as SpectralNormalization holds.
                if isinstance(embedding := getattr(layer, "layer", layer), keras.layers.Embedding)
                and _comes_from(layer, labels[0])
            ]
    return min(sizes, default=None)


def is_label(spec):
    """Tell whether an input is a label: an integer, one for each sample."""
    shape = sample_shape(spec)
    return _is_integer(spec) and compatible(shape, (1,) * len(shape))


def is_one_hot(spec, classes):
    """Tell whether an input is a label as one of `classes` columns of floats."""
    return _is_floating(spec) and bool(classes) and sample_shape(spec) == (classes,)


def check_form(labels, spec, classes):
    """Raise when a part of a condition can't be the label that an input wants.

    Args:
        labels: array, tensor or spec of the part, batch axis first.
        spec: the network's input.
        classes: number of classes, or `None`.

    Raises:
        ValueError: for text.
    """
    wanted = is_label(spec) or is_one_hot(spec, classes)
    if wanted and tf.as_dtype(labels.dtype) == tf.string:
        raise ValueError(
            "Expected labels that are integers from 0, as the networks' input. Number the names: "
            "`names, labels = np.unique(names, return_inverse=True)`, or "
            "`keras.layers.StringLookup`. Received: labels that are text"
        )


def check_values(labels, spec, classes):
    """Raise when the values of labels are none, in whatever form they come.

    Args:
        labels: array of labels as they come, batch axis first.
        spec: the network's input, or `None` where that is not known.
        classes: number of classes, or `None`.

    Raises:
        ValueError: for fractions, for rows that are not one-hot, and for labels out of range.
    """
    if spec is not None and not (is_label(spec) or is_one_hot(spec, classes)):
        return
    labels = np.asarray(labels)
    numeric = np.issubdtype(labels.dtype, np.number) and labels.size
    floating = numeric and np.issubdtype(labels.dtype, np.floating)
    if floating and spec is not None and is_label(spec):
        if _holds_rows(labels, spec, classes):
            if not ((labels.max(-1) == 1) & (labels.sum(-1) == 1)).all():
                raise ValueError(
                    f"Expected labels, or one-hot rows of {classes} columns: a single 1 among "
                    "zeros. Received: rows that are not one-hot"
                )
            return
        if not (labels == np.floor(labels)).all():
            raise ValueError(
                "Expected labels that are whole numbers from 0. Received: labels with fractions"
            )
    elif not np.issubdtype(labels.dtype, np.integer) or not labels.size:
        return
    if spec is not None and _holds_rows(labels, spec, classes):
        return
    low, high = int(labels.min()), int(labels.max())
    if classes and (low < 0 or high >= classes):
        raise ValueError(
            f"Expected labels from 0 to {classes - 1}: the networks embed "
            f"{classes} classes. Received: labels from {low} to {high}"
        )


def in_form(labels, spec, classes):
    """Return labels in the form that a network's input has; anything else as it is.

    Labels may come as integers, whole floats or booleans, of shape `(n,)` or `(n, 1)`, or as
    one-hot rows of shape `(n, classes)`.

    Args:
        labels: array or tensor, batch axis first.
        spec: the network's input.
        classes: number of classes, or `None`.
    """
    ops, came, shape = keras.ops, labels, sample_shape(spec)
    if is_one_hot(spec, classes) and sample_shape(labels) in ((), (1,)):
        labels = ops.one_hot(
            ops.cast(ops.reshape(labels, (-1,)), "int32"), classes, dtype=spec.dtype
        )
    elif is_label(spec):
        if _holds_rows(labels, spec, classes):
            labels = ops.argmax(labels, axis=-1)
        if not _is_integer(labels):
            labels = ops.cast(labels, "int32")
        if not compatible(sample_shape(labels), shape) and set(sample_shape(labels)) <= {1}:
            labels = ops.reshape(labels, (-1, *shape))
    return np.asarray(labels) if isinstance(came, np.ndarray) else labels


def _holds_rows(labels, spec, classes):
    """Tell whether labels for an integer input come as one row of columns each."""
    shape = sample_shape(labels)
    return bool(classes) and shape == (classes,) and not compatible(shape, sample_shape(spec))


def _is_integer(tensor):
    return tf.as_dtype(tensor.dtype).is_integer


def _is_floating(tensor):
    return tf.as_dtype(tensor.dtype).is_floating


def _comes_from(layer, label):
    """Tell whether what a layer takes is a label, as it is or only reshaped."""
    try:
        tensor = layer.input
    except (AttributeError, ValueError):
        return False
    while isinstance(tensor, keras.KerasTensor) and tensor is not label:
        operation, inputs, _ = made_by(tensor)
        if getattr(operation, "weights", None) or len(inputs) != 1:
            return False
        tensor = inputs[0]
    return tensor is label
