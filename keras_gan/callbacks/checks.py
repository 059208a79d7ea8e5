"""Argument checks the callbacks share."""

import numpy as np


def check_whole(name, value, least):
    """Refuse what is not a whole number of at least `least`.

    Raises:
        ValueError: naming the argument and the value received.
    """
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise ValueError(
            f"`{name}` must be a whole number of at least {least}. Received: {name}={value!r}"
        )
