"""The state of callbacks, which a resumed run restores."""

import os

import keras
import numpy as np

from keras_gan.utils.keras_internals import callback_attributes


def collect(callbacks):
    """Return the states of callbacks that have one, as `{name: state}`.

    A callback returns its state from `get_state()` and restores it in `set_state(state)`: nests
    of numbers, strings, `None` and NumPy arrays. The state of Keras's own callbacks is known.

    Args:
        callbacks: list of callbacks.
    """
    states = {name: _state_of(callback) for name, callback in _named(callbacks)}
    return {name: state for name, state in states.items() if state is not None}


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
    for name, value in state.items():
        setattr(callback, name, value)


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

    Args:
        nest: of numbers, strings, `None`, lists, dicts with string keys, and arrays.

    Raises:
        TypeError: for anything else.
    """
    arrays = {}

    def packed(part):
        if part is None or isinstance(part, (bool, int, float, str)):
            return part
        if isinstance(part, dict):
            return {"dict": {_text(key): packed(value) for key, value in part.items()}}
        if isinstance(part, (list, tuple)):
            return [packed(value) for value in part]
        if isinstance(part, (np.ndarray, np.generic)) and part.dtype != object:
            name = f"array_{len(arrays)}"
            arrays[name] = np.asarray(part)
            return {"array": name}
        raise TypeError(
            "The state of a callback is a nest of numbers, strings, None and NumPy arrays. "
            f"Received: {part!r} of type {type(part)}"
        )

    return packed(nest), arrays


def unpack(packed, arrays):
    """Return the nest that `pack` was given; tuples come back as lists, scalars as arrays."""
    if isinstance(packed, list):
        return [unpack(value, arrays) for value in packed]
    if not isinstance(packed, dict):
        return packed
    if "array" in packed:
        return arrays[packed["array"]]
    return {key: unpack(value, arrays) for key, value in packed["dict"].items()}


def _text(key):
    if not isinstance(key, str):
        raise TypeError(f"The keys of a callback's state are strings. Received: {key!r}")
    return key
