"""Checks of what the user asks of a pair of networks, before any layer is made."""

import numbers


def positive_int(name, value, minimum=1):
    """Return `value` as an int, or say why it is not a whole number of at least `minimum`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"`{name}` must be an integer. Received: {name}={value!r}")
    if value < minimum:
        raise ValueError(f"`{name}` must be at least {minimum}. Received: {name}={value}")
    return int(value)


def class_count(num_classes):
    """Return `num_classes` as an int of at least 2, or None for unconditional networks."""
    if num_classes is None:
        return None
    return positive_int("num_classes", num_classes, minimum=2)


def fraction(name, value):
    """Return `value` as a float in [0, 1), or say what is expected."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"`{name}` must be a number. Received: {name}={value!r}")
    if not 0.0 <= value < 1.0:
        raise ValueError(
            f"`{name}` must be at least 0 (off) and less than 1. Received: {name}={value}"
        )
    return float(value)


def shape(name, value):
    """Return `value` as a tuple of positive ints; an int means a vector of that length."""
    dims = (value,) if isinstance(value, numbers.Integral) else value
    if not isinstance(dims, (tuple, list)) or not dims:
        raise TypeError(
            f"`{name}` must be a tuple of integers, without the batch axis. "
            f"Received: {name}={value!r}"
        )
    return tuple(positive_int(f"{name}[{axis}]", dim) for axis, dim in enumerate(dims))
