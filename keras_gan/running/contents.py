"""What a backup holds beside the weights: where a run was, and the states of its callbacks."""

import json
import math
import os

import numpy as np

from keras_gan.running import states
from keras_gan.running.snapshots import ARRAYS, TRAINING, DamagedError, numbers_of
from keras_gan.utils import array_files, forms

# Read as Python's objects, text takes up to twenty times its size. What is long is in arrays.
_MOST_BYTES = 16 * 1024 * 1024


def _is_number_of_values(value):
    return type(value) is float and 0 <= value < math.inf


_FORM = {
    "epoch": forms.count,
    "step": forms.count,
    "elements": forms.count,
    "steps": (None, forms.count),
    "stopped": bool,
    # Total and count of each mean. A total may be NaN.
    "figures": {str: forms.row(float, _is_number_of_values)},
    "callbacks": {str: forms.anything},
}


def write(directory, found):
    """Write where a run is.

    Args:
        directory: of the backup.
        found: what `read` is to return.

    Raises:
        OSError: when it can't be written.
        TypeError: for the state of a callback that is no nest of numbers, text and arrays.
    """
    packed, arrays = states.pack(found)
    text = json.dumps(packed)
    if len(text) > _MOST_BYTES:
        raise OSError(
            f"the states of callbacks are {len(text)} bytes of text, more than the {_MOST_BYTES} "
            "that are read again: keep what is large in NumPy arrays"
        )
    with open(os.path.join(directory, TRAINING), "w", encoding="utf-8") as file:
        file.write(text)
    if arrays:
        np.savez(os.path.join(directory, ARRAYS), **arrays)


def read(directory):
    """Return where a run was, with every value checked that this package goes by.

    Args:
        directory: of a backup whose checksums are right. They say that it is as it was written,
            not who wrote it.

    Returns:
        Dict of `epoch`, `step`, `elements`, `steps`, `stopped`, `figures` and `callbacks`.

    Raises:
        DamagedError: when it has another form, or values that no run has.
    """
    try:
        found = states.unpack(_text(directory), _arrays(directory))
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedError(f"its state can't be read ({error})") from error
    if not forms.fits(found, _FORM):
        raise DamagedError(f"its {TRAINING} is not as a run writes it")
    if [found["epoch"], found["step"]] != numbers_of(os.path.basename(directory)):
        raise DamagedError("its name is that of another moment than it holds")
    return found


def _text(directory):
    path = os.path.join(directory, TRAINING)
    if os.path.getsize(path) > _MOST_BYTES:
        raise ValueError(f"{TRAINING} has more than {_MOST_BYTES} bytes")
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _arrays(directory):
    path = os.path.join(directory, ARRAYS)
    return array_files.read(path) if os.path.exists(path) else {}
