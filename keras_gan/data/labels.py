"""Labels among conditions: how many classes there are, and the forms that labels come in."""

import keras
import numpy as np
import tensorflow as tf

from keras_gan.data.symbolic import sample_shape
from keras_gan.layers import ConditionalBatchNormalization
from keras_gan.utils import nests
from keras_gan.utils.keras_internals import made_by
from keras_gan.utils.tensors import compatible

# Layers without weights that make other numbers of those that they are given.
_RENAMING = (
    keras.layers.Discretization,
    keras.layers.Hashing,
    keras.layers.IntegerLookup,
    keras.layers.StringLookup,
    keras.layers.TextVectorization,
)

# Layers that take labels, and the attribute that says how many there are.
_EMBEDDING = (
    (keras.layers.Embedding, "input_dim"),
    (keras.layers.CategoryEncoding, "num_tokens"),
    (ConditionalBatchNormalization, "num_classes"),
)


def embedded(generator, discriminator, signature):
    """Return how many labels the networks' embeddings take, and which inputs they are.

    Read off layers that take a scalar of the condition: `Embedding`, `CategoryEncoding`, and
    `ConditionalBatchNormalization` beside features. They take it as it is, or on its way through
    layers without weights, such as `layers.Packing`. It may be of floats: `keras.Input((1,))` is.

    Returns:
        The number of classes, or `None` unless each network has one label, and a list of inputs.
    """
    sizes, inputs = [], []
    networks = {"generator": generator, "discriminator": discriminator}
    for player, network in networks.items():
        condition = nests.leaves(getattr(signature, f"{player}_condition"))
        scalars = [each for each in condition if _is_number(each) and _is_scalar(each)]
        found = [(tensor, list(_embeddings_of(network, tensor))) for tensor in scalars]
        labels = [each for each in found if each[1] or _is_integer(each[0])]
        inputs += [tensor for tensor, own in labels if own]
        if len(labels) == 1:
            sizes += labels[0][1]
    return min(sizes, default=None), inputs


def _embeddings_of(network, tensor):
    """Yield how many labels each embedding takes that an input goes to."""
    for layer in getattr(network, "layers", []):
        # The layer itself, or what a wrapper such as SpectralNormalization holds.
        embedding = getattr(layer, "layer", layer)
        attribute = next((name for kind, name in _EMBEDDING if isinstance(embedding, kind)), None)
        count = getattr(embedding, attribute) if attribute else None
        if count and _comes_from(layer, tensor):
            yield count


class LabelForm:
    """The form in which one input of the networks takes labels, if it does.

    Labels may come as integers, whole floats or booleans, of shape `(n,)` or `(n, 1)`, or as
    one-hot rows of shape `(n, classes)`.

    Args:
        spec: the input, or `None` where that is not known.
        classes: number of classes, or `None`.
        embedded: the inputs that networks embed.
    """

    def __init__(self, spec, classes, embedded=()):
        self.spec = spec
        self.classes = classes
        is_embedded = any(spec is tensor for tensor in embedded)
        self._is_label = spec is not None and (
            is_embedded or (_is_integer(spec) and _is_scalar(spec))
        )
        self._is_one_hot = (
            spec is not None
            and _is_floating(spec)
            and bool(classes)
            and sample_shape(spec) == (classes,)
        )

    def check_type(self, labels):
        """Raise when a part of a condition can't be the label that the input wants.

        Args:
            labels: array, tensor or spec of the part, batch axis first.

        Raises:
            ValueError: for text.
        """
        wanted = self._is_label or self._is_one_hot
        if wanted and tf.as_dtype(labels.dtype) == tf.string:
            raise ValueError(
                "Expected labels that are integers from 0, as the networks' input. Number the "
                "names: `names, labels = np.unique(names, return_inverse=True)`, or "
                "`keras.layers.StringLookup`. Received: labels that are text"
            )

    def check(self, labels):
        """Raise when the values of labels are none, in whatever form they come.

        Args:
            labels: array of labels as they come, batch axis first.

        Raises:
            ValueError: for fractions, for rows that are not one-hot, and for labels out of range.
        """
        labels = np.asarray(labels)
        kind = labels.dtype.kind
        if self.spec is None:
            if kind in "iu" and labels.size:
                self._check_range(labels)
            return
        if not labels.size or kind not in "biuf" or not (self._is_label or self._is_one_hot):
            return
        if self._is_label and self._holds_rows(labels):
            if not ((labels.max(-1) == 1) & (labels.sum(-1) == 1)).all():
                raise ValueError(
                    f"Expected labels, or one-hot rows of {self.classes} columns: a single 1 among "
                    "zeros. Received: rows that are not one-hot"
                )
        elif self._is_label or _is_scalar(labels):  # Else rows of a mixture, for an input of rows.
            if kind == "f" and not (labels == np.floor(labels)).all():
                raise ValueError(
                    "Expected labels that are whole numbers from 0. Received: labels with fractions"
                )
            self._check_range(labels)

    def _check_range(self, labels):
        low, high = int(labels.min()), int(labels.max())
        if self.classes and (low < 0 or high >= self.classes):
            raise ValueError(
                f"Expected labels from 0 to {self.classes - 1}: the networks embed "
                f"{self.classes} classes. Received: labels from {low} to {high}"
            )

    def of(self, labels):
        """Return labels in the form that the input has; anything else as it is.

        Args:
            labels: array or tensor, batch axis first.
        """
        ops, came = keras.ops, labels
        if self._is_one_hot and _is_scalar(labels):
            labels = ops.cast(ops.reshape(labels, (-1,)), "int32")
            labels = ops.one_hot(labels, self.classes, dtype=self.spec.dtype)
        elif self._is_label:
            shape = sample_shape(self.spec)
            if self._holds_rows(labels):
                labels = ops.argmax(labels, axis=-1)
            if not _is_integer(labels):
                labels = ops.cast(labels, "int32")
            if not compatible(sample_shape(labels), shape) and _is_scalar(labels):
                labels = ops.reshape(labels, (-1, *shape))
        return np.asarray(labels) if isinstance(came, np.ndarray) else labels

    def _holds_rows(self, labels):
        """Tell whether labels for a scalar input come as one row of columns each."""
        shape = sample_shape(labels)
        rows = bool(self.classes) and shape == (self.classes,)
        return rows and not compatible(shape, sample_shape(self.spec))


def _is_scalar(tensor):
    """Tell whether there is one number for each sample."""
    shape = sample_shape(tensor)
    return compatible(shape, (1,) * len(shape))


def _is_number(tensor):
    return _is_integer(tensor) or _is_floating(tensor)


def _is_integer(tensor):
    return tf.as_dtype(tensor.dtype).is_integer


def _is_floating(tensor):
    return tf.as_dtype(tensor.dtype).is_floating


def _comes_from(layer, label):
    """Tell whether what a layer takes, the last of several, is a label or one that is reshaped."""
    try:
        tensor = nests.leaves(layer.input)[-1]
    except (AttributeError, ValueError):
        return False
    while isinstance(tensor, keras.KerasTensor) and tensor is not label:
        operation, inputs, _ = made_by(tensor)
        renames = isinstance(operation, _RENAMING)
        if renames or getattr(operation, "weights", None) or len(inputs) != 1:
            return False
        tensor = inputs[0]
    return tensor is label
