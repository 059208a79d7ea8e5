"""Checks of the arguments that users give, the same in every room."""

import math
import numbers


def number(name, value, low=0.0, high=math.inf, above=-math.inf, below=math.inf):
    """Return an argument as a float, if it is a finite number within its range.

    Args:
        name: what the argument is called.
        value: what it was given.
        low: the least value allowed.
        high: the largest value allowed.
        above: what it must be greater than.
        below: what it must be less than.

    Raises:
        TypeError: when it is no number.
        ValueError: when it is out of range, infinite or NaN.
    """
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f"Expected `{name}` to be a number. Received: {name}={value!r}")
    inside = low <= value <= high and above < value < below
    if not (inside and math.isfinite(value)):
        raise ValueError(
            f"Expected `{name}` to be a finite number{_range(low, high, above, below)}. "
            f"Received: {name}={value}"
        )
    return float(value)


def whole(name, value, least=1, most=math.inf, other=None):
    """Return an argument as an int, if it is a whole number within its range.

    Args:
        name: what the argument is called.
        value: what it was given; NumPy's integers are integers too.
        least: the least value allowed.
        most: the largest value allowed.
        other: what else it may be, for the error's text.

    Raises:
        ValueError: when it is no integer, too small or too large.
    """
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_whole or not least <= value <= most:
        raise ValueError(
            f"Expected `{name}` to be {f'{other} or ' if other else ''}a whole number of at least "
            f"{least}{f' and at most {most}' if most < math.inf else ''}. "
            f"Received: {name}={value!r}"
        )
    return int(value)


def choice(name, value, options):
    """Return an argument, if it is one of some options.

    Args:
        name: what the argument is called.
        value: what it was given.
        options: iterable of what it may be.

    Raises:
        ValueError: when it is none of them.
    """
    options = list(options)  # What can't be hashed is in no set, which would raise another error.
    if value not in options:
        raise ValueError(f"Expected `{name}` to be one of {options}. Received: {name}={value!r}")
    return value


def shape(name, value):
    """Return an argument as a tuple of positive ints; an int means a vector of that length.

    Args:
        name: what the argument is called.
        value: what it was given, without the batch axis.

    Raises:
        TypeError: when it is no tuple or list.
        ValueError: when a side is no positive integer.
    """
    if isinstance(value, numbers.Integral):
        return (whole(name, value),)
    if not isinstance(value, (tuple, list)) or not value:
        raise TypeError(
            f"Expected `{name}` to be a whole number or a tuple of them, without the batch axis. "
            f"Received: {name}={value!r}"
        )
    return tuple(whole(f"{name}[{axis}]", side) for axis, side in enumerate(value))


def _range(low, high, above, below):
    if above < low and high < math.inf == below:
        return f" from {low:g} to {high:g}"
    lower = f"above {above:g}" if above >= low else f"of at least {low:g}"
    upper = f"below {below:g}" if below <= high else f"at most {high:g}"
    bounds = [lower] if max(low, above) > -math.inf else []
    bounds += [upper] if min(high, below) < math.inf else []
    return f" {' and '.join(bounds)}" if bounds else ""
