"""Fingerprints of arrays, files and networks: SHA-256 of all that they are."""

import hashlib
import json

import keras
import numpy as np

# Keys of a config under which layers are named, and those that are connected.
_NAMING = ("name", "inbound_nodes", "input_layers", "output_layers")
# Keys that say nothing of what a network computes, such as what else was saved with it.
_PASSING = ("build_config", "compile_config", "shared_object_id", "trainable")


def fingerprint(*parts):
    """Return the SHA-256, in hexadecimal, of a sequence of strings, numbers or arrays."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            part = np.ascontiguousarray(part).tobytes()
        part = part if isinstance(part, bytes) else str(part).encode()
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def file_fingerprint(path):
    """Return the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def parts_of(network):
    """Return what a network is, for `fingerprint`: its architecture, and its weights as they are.

    Args:
        network: a built Keras model.
    """
    return [_architecture(network), *(np.asarray(weight) for weight in network.get_weights())]


def _architecture(model):
    """Return the model's config as text, the names that Keras numbers replaced by their places."""
    try:
        config = keras.saving.serialize_keras_object(model)
    except (NotImplementedError, TypeError, ValueError):
        config = {}  # Subclassed: its class and its weights have to do.
    return type(model).__name__ + json.dumps(nameless(config), sort_keys=True, default=str)


def nameless(config):
    """Return a config of what a layer or network computes, its names replaced by their numbers.

    Equal for two networks that differ in names, and in what training leaves alone.

    Args:
        config: nest of dicts and lists, as `get_config` returns it.
    """
    return _renamed(config, {})


def _renamed(config, names, wiring=False):
    """Return a config with every layer's name replaced by its number, in the wiring too.

    Args:
        config: nest of dicts and lists.
        names: dict from the names met so far to their replacements.
        wiring: whether strings are names of layers, rather than activations and the like.
    """
    if isinstance(config, dict):
        # A policy's name says what it does.
        plain = config.get("class_name") == "DTypePolicy"
        return {
            key: value if plain else _renamed(value, names, wiring or key in _NAMING)
            for key, value in config.items()
            if key not in _PASSING
        }
    if isinstance(config, (list, tuple)):
        return [_renamed(item, names, wiring) for item in config]
    if wiring and isinstance(config, str):
        return names.setdefault(config, f"name {len(names)}")
    return config
