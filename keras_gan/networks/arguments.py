"""Checks of the arguments of networks, before any layer is made."""

import numbers

from keras_gan.utils.arguments import number, whole


def class_count(num_classes):
    """Return `num_classes` as an int of at least 2, or None for unconditional networks."""
    if num_classes is None:
        return None
    return whole("num_classes", num_classes, least=2)


def fraction(name, value):
    """Return `value` as a float in [0, 1), or say what is expected."""
    value = number(name, value, high=1)
    if value == 1:
        raise ValueError(f"Expected `{name}` to be less than 1. Received: {name}={value}")
    return value


def shape(name, value):
    """Return `value` as a tuple of positive ints; an int means a vector of that length."""
    dims = (value,) if isinstance(value, numbers.Integral) else value
    if not isinstance(dims, (tuple, list)) or not dims:
        raise TypeError(
            f"`{name}` must be a tuple of integers, without the batch axis. "
            f"Received: {name}={value!r}"
        )
    return tuple(whole(f"{name}[{axis}]", dim) for axis, dim in enumerate(dims))
