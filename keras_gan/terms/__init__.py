"""What is added to a player's loss: gradient penalties and auxiliary terms."""

from keras_gan import registry
from keras_gan.terms.gradient_penalties import R1
from keras_gan.terms.term import Term

__all__ = ["R1", "Term", "get"]

_NAMES = {"r1": R1}


def get(identifier):
    """Return the term that a name, a config or an instance stands for.

    Args:
        identifier: a `Term`, its snake_case name or its serialized config.

    Raises:
        ValueError: for an unknown name, with the known ones and the nearest.
        TypeError: for anything else.

    Example:

    >>> keras_gan.terms.get("r1").name
    'r1'
    """
    return registry.resolve(identifier, _NAMES, Term, "term")
