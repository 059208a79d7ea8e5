"""Forms of what was read from a file: checked before any of it is used."""

import numpy as np

# What is larger was not counted by a run.
_MOST = 10**12


def fits(value, form):
    """Tell whether a value has a form.

    Args:
        value: nest of numbers, strings, `None` and NumPy arrays, in lists and dicts.
        form: `None`; a type, which the value has to be of exactly (`True` is no `int`); a function
            that tells; a list of the one form that all items of a list have; a dict of the forms
            by key, with the key `str` alone for any keys; or a tuple of forms, any one of them.

    Example:

    >>> from keras_gan.utils.forms import count, fits
    >>> form = {"epoch": count, "losses": {str: [float]}, "best": (None, float)}
    >>> fits({"epoch": 3, "losses": {"g_loss": [0.5]}, "best": None}, form)
    True
    >>> fits({"epoch": -3, "losses": {"g_loss": [0.5]}, "best": None}, form)
    False
    """
    if isinstance(form, tuple):
        return any(fits(value, each) for each in form)
    if isinstance(form, list):
        return isinstance(value, list) and all(fits(item, form[0]) for item in value)
    if isinstance(form, dict):
        if not isinstance(value, dict):
            return False
        if str in form:
            return all(fits(item, form[str]) for item in value.values())
        return value.keys() == form.keys() and all(fits(value[key], form[key]) for key in form)
    if form is None or isinstance(form, type):
        return type(value) is (form or type(None))
    return form(value)


def row(*forms):
    """Return the form of a list of as many items, each with a form of its own."""
    return lambda value: (
        isinstance(value, list) and len(value) == len(forms) and all(map(fits, value, forms))
    )


def anything(value):
    """Let every value be right."""
    return True


def count(value):
    """Tell whether a value is a whole number that a run may have counted to."""
    return type(value) is int and 0 <= value <= _MOST


def number(value):
    """Tell whether a value is a number, possibly NaN, or an array of one."""
    if isinstance(value, np.ndarray):
        return value.shape == () and value.dtype.kind in "iuf"
    return type(value) in (int, float)
