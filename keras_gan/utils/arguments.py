"""Checks of the numbers that users give, the same in every room."""

import math
import numbers


def number(name, value, low=0.0, high=math.inf):
    """Return an argument as a float, if it is a finite number within its range.

    Args:
        name: what the argument is called.
        value: what it was given.
        low: the least value allowed.
        high: the largest value allowed.

    Raises:
        TypeError: when it is no number.
        ValueError: when it is out of range, infinite or NaN.
    """
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f"Expected `{name}` to be a number. Received: {name}={value!r}")
    if not (low <= value <= high and math.isfinite(value)):
        raise ValueError(
            f"Expected `{name}` to be a finite number{_range(low, high)}. Received: {name}={value}"
        )
    return float(value)


def whole(name, value, least=1):
    """Return an argument as an int, if it is a whole number that is large enough.

    Args:
        name: what the argument is called.
        value: what it was given; NumPy's integers are integers too.
        least: the least value allowed.

    Raises:
        ValueError: when it is no integer, or too small.
    """
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
        raise ValueError(
            f"Expected `{name}` to be a whole number of at least {least}. "
            f"Received: {name}={value!r}"
        )
    return int(value)


def _range(low, high):
    if high < math.inf:
        return f" from {low:g} to {high:g}"
    return f" of at least {low:g}" if low > -math.inf else ""
