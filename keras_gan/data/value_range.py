"""The range of values of a model's images."""

import numbers

from keras_gan.data.signature import last_activations
from keras_gan.utils.arguments import shown

_UNIT = {"sigmoid", "hardsigmoid"}
_BOUNDED = {"tanh", *_UNIT}


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
        """The `(lowest, highest)` value: by default (-1, 1), or (0, 1) behind a sigmoid."""
        if self.given != "auto":
            return tuple(self.given)
        return (0.0, 1.0) if self._ends_in(_UNIT) else (-1.0, 1.0)

    @property
    def known(self):
        """The pair when the generator can't leave it, or is said not to; else `None`."""
        return self.pair if self.given != "auto" or self._ends_in(_BOUNDED) else None

    def _ends_in(self, activations):
        ends = last_activations(self._generator)
        return bool(ends) and ends <= activations


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
