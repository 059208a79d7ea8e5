"""The state of callbacks, which a resumed run restores."""

import contextlib
import os

import keras
import numpy as np

from keras_gan.running.snapshots import DamagedError
from keras_gan.utils import forms
from keras_gan.utils.arguments import shown
from keras_gan.utils.keras_internals import callback_attributes

_LONG = 1000  # Items of a list.


def collect(callbacks):
    """Return the states of callbacks that have one, as `{name: state}`.

    A callback returns its state from `get_state()` and restores it in `set_state(state)`: nests
    of numbers, strings, `None` and NumPy arrays. The state of Keras's own callbacks is known.

    Args:
        callbacks: list of callbacks.
    """
    states = {name: _state_of(callback) for name, callback in _named(callbacks)}
    return {name: state for name, state in states.items() if state is not None}


def check(callbacks, states, model):
    """Raise unless every callback could have had its state; nothing is changed yet.

    Args:
        callbacks: list of callbacks.
        states: what `collect` returned, read from a file.
        model: the model that they are to be restored with.

    Raises:
        DamagedError: for a state that no such callback has.
        ValueError: for the best weights of another model.
    """
    for name, callback in _named(callbacks):
        if name not in states:
            continue
        state, form = states[name], _form_of(callback)
        # Of Keras's own callbacks, some attributes come later than others.
        if form is not None and callback_attributes(callback) and isinstance(state, dict):
            form = {key: value for key, value in form.items() if key in state}
        if form is not None and not forms.fits(state, form):
            raise DamagedError(f"the state of {shown(name)} is none that it could have had")
        if isinstance(state, dict) and isinstance(callback, keras.callbacks.EarlyStopping):
            shapes = [array.shape for array in state.get("best_weights") or []]
            if shapes and shapes != [tuple(weight.shape) for weight in model.weights]:
                raise ValueError("The best weights of EarlyStopping are of other shapes.")


def _form_of(callback):
    """Return the form of a callback's state; `None` for one that only its author knows."""
    if hasattr(callback, "get_state"):
        return getattr(callback, "state_form", None)
    if isinstance(callback, keras.callbacks.CSVLogger):
        return {"bytes": forms.count}
    return callback_attributes(callback) or {}


def prepare(callbacks, states):
    """Prepare callbacks that are to resume, before their `on_train_begin`.

    Args:
        callbacks: list of callbacks.
        states: what `collect` returned.
    """
    for name, callback in _named(callbacks):
        if isinstance(callback, keras.callbacks.CSVLogger) and name in states:
            _cut(callback, states[name]["bytes"])


def put_back(callbacks, states):
    """Restore the states of callbacks, after their `on_train_begin`.

    Args:
        callbacks: list of callbacks. One that has no state there keeps what it has.
        states: what `collect` returned.
    """
    for name, callback in _named(callbacks):
        if name in states and not isinstance(callback, keras.callbacks.CSVLogger):
            _set_state(callback, states[name])


def _named(callbacks):
    """Yield pairs of a name and a callback: its class, numbered among those of its class."""
    counts = {}
    for callback in callbacks:
        kind = f"{type(callback).__module__}.{type(callback).__qualname__}"
        counts[kind] = counts.get(kind, 0) + 1
        yield f"{kind}/{counts[kind]}", callback


def _state_of(callback):
    if hasattr(callback, "get_state"):
        return callback.get_state()
    if isinstance(callback, keras.callbacks.CSVLogger):
        return {"bytes": _size_of(callback)}
    attributes = callback_attributes(callback)
    if attributes is None:
        return None
    # `best_epoch` is there only once there is a best.
    return {name: getattr(callback, name) for name in attributes if hasattr(callback, name)}


def _set_state(callback, state):
    if hasattr(callback, "set_state"):
        callback.set_state(state)
        return
    for name in callback_attributes(callback) or ():
        if name in state:
            setattr(callback, name, state[name])


def _size_of(logger):
    """Return the bytes of a log that are written by now."""
    if logger.csv_file is not None and not logger.csv_file.closed:
        logger.csv_file.flush()
    return os.path.getsize(logger.filename) if os.path.exists(logger.filename) else 0


def _cut(logger, size):
    """Truncate a log to the rows that belong to the state, and append to it."""
    logger.append = True
    if os.path.exists(logger.filename) and os.path.getsize(logger.filename) > size:
        os.truncate(logger.filename, size)


def pack(nest):
    """Return a nest that JSON can hold, and the arrays that it can't, by name.

    Long lists of numbers, as a history of many epochs has, are among the arrays: text that may be
    any length would be read into any memory.

    Args:
        nest: of numbers, strings, `None`, lists, dicts with string keys, and arrays.

    Raises:
        TypeError: for anything else.
    """
    arrays = {}

    def stored(array):
        name = f"array_{len(arrays)}"
        arrays[name] = array
        return name

    def packed(part):
        if part is None or isinstance(part, (bool, int, float, str)):
            return part
        if isinstance(part, dict):
            return {"dict": {_text(key): packed(value) for key, value in part.items()}}
        if isinstance(part, (list, tuple)):
            if len(part) < _LONG or {type(value) for value in part} not in ({int}, {float}):
                return [packed(value) for value in part]
            with contextlib.suppress(OverflowError):  # Integers beyond 64 bits.
                return {"list": stored(np.array(part, type(part[0])))}
            return [packed(value) for value in part]
        if isinstance(part, (np.ndarray, np.generic)) and part.dtype != object:
            return {"array": stored(np.asarray(part))}
        raise TypeError(
            "The state of a callback is a nest of numbers, strings, None and NumPy arrays. "
            f"Received: {shown(part)} of type {type(part)}"
        )

    return packed(nest), arrays


def unpack(packed, arrays):
    """Return the nest that `pack` was given; tuples come back as lists, scalars as arrays.

    Raises:
        ValueError: when `packed` is not what `pack` returns, with those arrays.
    """
    left = dict(arrays)

    def unpacked(part):
        if isinstance(part, list):
            return [unpacked(value) for value in part]
        if not isinstance(part, dict):
            return part
        ((kind, held),) = part.items() if len(part) == 1 else [(None, None)]
        if kind == "dict" and isinstance(held, dict):
            return {key: unpacked(value) for key, value in held.items()}
        if kind in ("array", "list") and isinstance(held, str) and held in left:
            array = left.pop(held)
            return array.tolist() if kind == "list" else array
        raise ValueError("Expected a state as it is packed")

    nest = unpacked(packed)
    if left:
        raise ValueError(f"Expected no arrays but those of the state. Received: {len(left)} more")
    return nest


def _text(key):
    if not isinstance(key, str):
        raise TypeError(f"The keys of a callback's state are strings. Received: {shown(key)}")
    return key
