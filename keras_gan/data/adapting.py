"""Adaptation of data elements: from the forms that people have them in to what networks take.

| given | taken as |
|---|---|
| a dict `{"image": ..., "label": ...}`, as TensorFlow Datasets has it | `(image, label)` |
| images of 8 bits (uint8; 1, 3 or 4 channels), conditions too | floats in the model's range |
| masks of 8 bits: parts of a condition named `mask` | 0.0 where they are 0, else 1.0 |
| samples of one channel without an axis for it | with one |
| labels as `(n, 1)`, whole floats, booleans or one-hot rows | what the networks' inputs are |
"""

import re

import numpy as np
import tensorflow as tf

from keras_gan.data import elements
from keras_gan.data.symbolic import sample_shape
from keras_gan.utils import nests
from keras_gan.utils.tensors import compatible


class Adapter:
    """What makes of a data element the one that a pair of networks takes.

    Args:
        signature: the networks' `Signature`.
        condition: their `Condition`.
        value_range: `(lowest, highest)` value of images.
    """

    def __init__(self, signature, condition, value_range):
        self._samples = signature.samples
        self._one_tensor = signature.samples is not None and not nests.is_nest(signature.samples)
        self._condition = condition
        self._low, self._high = value_range

    def named(self, element):
        """Return `(x, condition)` of an element, the parts of a dict found by their names.

        Args:
            element: see `elements.unpack`; or a dict with the keys `"image"` and, for networks
                that take a condition, `"label"`.

        Raises:
            ValueError: for a dict without an image, where samples are one tensor.
        """
        x, condition = elements.unpack(element)
        if not isinstance(x, dict) or not self._one_tensor:
            return x, condition
        if "image" not in x:
            raise ValueError(
                "Expected samples that are one tensor, as the networks': elements `x`, "
                "`(x, condition)` or a dict with the key 'image'. Map the data to one, for "
                f"example {self._map_of(sorted(x))}. Received: dicts with the keys {sorted(x)}"
            )
        if condition is None and self._condition.given:
            condition = x.get("label")
        return x["image"], condition

    def __call__(self, element):
        """Return `(x, condition)` in the forms that the networks take.

        Args:
            element: arrays, or the tensors of a pipeline.

        Raises:
            ValueError: see `named` and `labels.check_form`.
        """
        x, condition = nests.map(_as_tensor, self.named(element))
        if self._samples is not None and nests.of_one_structure(x, self._samples):
            x = nests.map(with_channel, x, self._samples)
        return nests.map(self.scaled, x), self.of_condition(condition)

    def _map_of(self, keys):
        if not self._condition.given or len(keys) < 2:
            return f"`dataset.map(lambda e: e[{keys[0]!r}])`"
        label = next((key for key in keys if "label" in key.lower()), keys[1])
        image = next(key for key in keys if key != label)
        return f"`dataset.map(lambda e: (e[{image!r}], e[{label!r}]))`"

    def of_condition(self, condition):
        """Return a condition in the form that the networks take."""
        return self._condition.in_form(nests.map(_as_tensor, condition), self.scaled)

    def changes(self, element):
        """Tell whether elements of some specs come in another form than networks take.

        Args:
            element: nest of specs, batch axis first.
        """
        if any(spec.shape.rank is None for spec in nests.leaves(element)):
            return False
        zeros = nests.map(_zeros_of, element)
        return not nests.same(elements.unpack(zeros), self(zeros))

    def scaled(self, part, name=""):
        """Return images of 8 bits as floats in the range of values, anything else as it is.

        Args:
            part: array or tensor.
            name: its name in a condition: a mask is 0 and 1, whatever the range of values.
        """
        if not is_of_bytes(part):
            return part
        mask = is_mask(name, part)
        given = part != 0 if mask else part
        floats = (
            given.astype("float32") if isinstance(part, np.ndarray) else tf.cast(given, "float32")
        )
        return floats if mask else floats / (255 / (self._high - self._low)) + self._low


def is_of_bytes(part):
    """Tell whether an array, tensor or spec holds images of 8 bits."""
    return part.dtype == "uint8" and len(part.shape) == 4 and part.shape[-1] in (1, 3, 4)


def is_mask(name, part):
    """Tell whether a part of a condition is a mask: of one channel, its last word `mask`.

    Args:
        name: of the part; see `nests.names`.
        part: array, tensor or spec of it.
    """
    return re.split("[_/]", name)[-1] == "mask" and part.shape[-1] == 1


def with_channel(x, expected):
    """Return images of one channel with an axis for it, if they lack it; anything else as it is.

    Args:
        x: array or tensor, batch axis first.
        expected: tensor or spec of what a network takes.
    """
    wanted, shape = sample_shape(expected), sample_shape(x)
    lacks_axis = len(wanted) == 3 and wanted[2] == 1 and len(shape) == 2
    return x[..., None] if lacks_axis and compatible(shape, wanted[:2]) else x


def _as_tensor(part):
    return part if tf.is_tensor(part) else np.asarray(part)


def _zeros_of(spec):
    sides = [side or 1 for side in spec.shape]
    return np.zeros([1, *sides[1:]] if sides else [], spec.dtype.as_numpy_dtype)
