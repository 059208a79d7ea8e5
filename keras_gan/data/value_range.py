"""The range of values of a model's images."""

import numbers

import keras
import numpy as np

from keras_gan.data.signature import samples_of
from keras_gan.data.symbolic import activation_of, end_of, output_structure
from keras_gan.utils import nests
from keras_gan.utils.arguments import shown
from keras_gan.utils.keras_internals import made_by

_BOUNDED = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "hardsigmoid": (0.0, 1.0)}


class ValueRange:
    """The range of values that a generator's images have, said or read off its last activation.

    Args:
        value_range: `"auto"` or a pair `(lowest, highest)`.
        generator: the generator.

    Attributes:
        given: what was given: `"auto"`, or a list of two floats.

    Raises:
        ValueError: when it is neither, or the pair does not ascend.
    """

    def __init__(self, value_range, generator):
        self.given = _checked(value_range)
        self._generator = generator

    @property
    def pair(self):
        """The `(lowest, highest)` value: (-1, 1) where it is neither given nor read."""
        if self.given != "auto":
            return tuple(self.given)
        return self._read or (-1.0, 1.0)

    @property
    def known(self):
        """The pair when the generator can't leave it, or is said not to; else `None`."""
        return self.pair if self.given != "auto" else self._read

    @property
    def _read(self):
        """The pair that all samples are in, by the generator's last layers, or `None`."""
        generated = output_structure(self._generator)
        if generated is None:
            return None
        ranges = {_range_of(part) for part in nests.leaves(samples_of(generated))}
        return ranges.pop() if len(ranges) == 1 else None


def _range_of(tensor):
    """Return the range that an activation leaves a tensor in, scaled as it is after that."""
    operation, inputs, _ = made_by(end_of(tensor))
    if isinstance(operation, keras.layers.Rescaling):
        return _rescaled(_range_of(inputs[0]), operation)
    return _BOUNDED.get(activation_of(tensor))


def _rescaled(ends, layer):
    if ends is None or np.ndim(layer.scale) or np.ndim(layer.offset):
        return None
    return tuple(sorted(float(layer.scale * end + layer.offset) for end in ends))


def _checked(value_range):
    if isinstance(value_range, str) and value_range == "auto":
        return value_range
    return pair_of(value_range, "'auto' or a pair")


def pair_of(value_range, what="a pair"):
    """Return a range of values as a list of two floats.

    Args:
        value_range: what was given.
        what: what errors say that it is to be.

    Raises:
        ValueError: when it is no pair of numbers that ascend.
    """
    pair = list(value_range) if isinstance(value_range, (list, tuple)) else []
    are_numbers = all(isinstance(value, numbers.Real) for value in pair)
    if len(pair) != 2 or not are_numbers or not pair[0] < pair[1]:
        raise ValueError(
            f"Expected `value_range` to be {what} (lowest, highest). "
            f"Received: value_range={shown(value_range)}"
        )
    return [float(value) for value in pair]
