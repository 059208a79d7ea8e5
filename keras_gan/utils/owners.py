"""Whose an object with state is: that of the first model that was compiled with it."""

import weakref

_OWNERS = weakref.WeakKeyDictionary()


def is_owned(part):
    """Tell whether an object belongs to a model, or did to one that is gone."""
    return part in _OWNERS


def check(part, model, what):
    """Raise when an object belongs to another model, alive or gone.

    Args:
        part: a term, an average, an augmentation or an optimizer.
        model: the model that it is given to.
        what: what it is, with its name.

    Raises:
        ValueError: naming both, and that each model needs one of its own.
    """
    if is_owned(part) and _OWNERS[part]() is not model:
        raise ValueError(
            f"The {what} belongs to another model, whose networks and state it works with: make "
            f"a new {type(part).__name__} for each model. "
            f"Received: the same object for the model {model.name!r}"
        )


def claim(part, model):
    """Note that an object belongs to a model from here on."""
    _OWNERS[part] = weakref.ref(model)  # Weak: the model holds the object.
