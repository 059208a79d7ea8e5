"""Checks of the arguments that users give, the same in every room."""

import difflib
import math
import numbers
from collections.abc import Iterable

import numpy as np

from keras_gan.utils import habits

_MOST_SHOWN = 8  # Items of a list in an error.
_LARGEST = 2**63 - 1  # Integer of a tensor.


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
        raise TypeError(f"Expected `{name}` to be a number. Received: {name}={shown(value)}")
    inside = low <= value <= high and above < value < below
    if not (inside and math.isfinite(value)):
        raise ValueError(
            f"Expected `{name}` to be a finite number{_range(low, high, above, below)}. "
            f"Received: {name}={value}"
        )
    return float(value)


def whole(name, value, least=1, most=_LARGEST, other=None):
    """Return an argument as an int, if it is a whole number within its range.

    Args:
        name: what the argument is called.
        value: what it was given; NumPy's integers are integers too.
        least: the least value allowed.
        most: the largest value allowed, by default the largest that a tensor holds.
        other: what else it may be, for the error's text.

    Raises:
        ValueError: when it is no integer, too small or too large.
    """
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_whole or not least <= value <= most:
        bounded = most < _LARGEST or (is_whole and value > most)
        raise ValueError(
            f"Expected `{name}` to be {f'{other} or ' if other else ''}a whole number of at least "
            f"{least}{f' and at most {most}' if bounded else ''}. "
            f"Received: {name}={shown(value)}"
        )
    return int(value)


def string(name, value, what="a name"):
    """Return an argument, if it is a string.

    Args:
        name: what the argument is called.
        value: what it was given.
        what: what it should be, for the error's text.

    Raises:
        TypeError: when it is none.
    """
    if not isinstance(value, str):
        raise TypeError(f"Expected `{name}` to be {what}. Received: {name}={shown(value)}")
    return value


def listed(value):
    """Return the items of an argument of one or several, a list; a string is one."""
    several = isinstance(value, Iterable) and not isinstance(value, str)
    return list(value) if several else [value]


def choice(name, value, options):
    """Return an argument, if it is one of some options.

    Args:
        name: what the argument is called.
        value: what it was given.
        options: iterable of what it may be.

    Raises:
        ValueError: when it is none of them.
    """
    options = list(options)
    # An array would be compared item by item, and what can't be hashed is in no set.
    if not any(type(value) is type(option) and value == option for option in options):
        raise ValueError(
            f"Expected `{name}` to be one of {options}. Received: {name}={shown(value)}"
        )
    return value


def seed(name, value, count=1):
    """Return an argument as an int, if it is a seed: an integer of 64 bits.

    Args:
        name: what the argument is called.
        value: what it was given.
        count: how many seeds from it on are wanted.

    Raises:
        ValueError: when it is no integer, or too large.
    """
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    # As Python's integers: NumPy's overflow.
    if not is_whole or not -(2**63) <= int(value) <= 2**63 - int(count):
        raise ValueError(
            f"Expected `{name}` to be None or an integer of 64 bits. "
            f"Received: {name}={shown(value)}"
        )
    return int(value)


def flag(name, value):
    """Return an argument, if it is `True` or `False`.

    Args:
        name: what the argument is called.
        value: what it was given.

    Raises:
        TypeError: when it is neither.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"Expected `{name}` to be True or False. Received: {name}={shown(value)}")
    return bool(value)


def known(call, given, parameters):
    """Raise for a keyword that a call does not have, with the one that was meant.

    Args:
        call: what was called, such as `"GAN.compile"`.
        given: the keywords that were given.
        parameters: the names of those that it has.

    Raises:
        TypeError: when any of the given is not among them.
    """
    parameters = [name for name in parameters if name not in ("self", "kwargs", "unknown")]
    for name in [name for name in given if name not in parameters]:
        near = difflib.get_close_matches(name, parameters, n=1, cutoff=0.7)
        hint = habits.KEYWORDS[call].get(name) or (f"`{near[0]}=`" if near else None)
        raise TypeError(
            f"`{call}` has no argument `{name}`. "
            + (f"Write {hint}. " if hint else "")
            + f"Its arguments: {', '.join(parameters)}"
        )


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
            f"Received: {name}={shown(value)}"
        )
    return tuple(whole(f"{name}[{axis}]", side) for axis, side in enumerate(value))


def shown(value):
    """Return a value as errors show it: on one line, and no data of arrays.

    Args:
        value: what was given.

    Example:

    >>> from keras_gan.utils.arguments import shown
    >>> shown(0.5), shown(np.zeros((4, 2)))
    ('0.5', 'ndarray of shape (4, 2)')
    """
    if hasattr(value, "shape") and not isinstance(value, (np.generic, type)):
        return f"{type(value).__name__} of shape {value.shape}"
    if isinstance(value, (list, tuple, set, dict)):
        items = value.values() if isinstance(value, dict) else value
        simple = all(isinstance(item, (str, numbers.Number, type(None))) for item in items)
        if not simple or len(value) > _MOST_SHOWN:
            return f"{type(value).__name__} of {len(value)} items"
    text = " ".join(repr(value).split())
    return text if len(text) <= 100 else f"{text[:97]}..."


def _range(low, high, above, below):
    if above < low and high < math.inf == below:
        return f" from {low:g} to {high:g}"
    lower = f"above {above:g}" if above >= low else f"of at least {low:g}"
    upper = f"below {below:g}" if below <= high else f"at most {high:g}"
    bounds = [lower] if max(low, above) > -math.inf else []
    bounds += [upper] if min(high, below) < math.inf else []
    return f" {' and '.join(bounds)}" if bounds else ""
