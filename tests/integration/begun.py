"""A small backup, and the beginning of a run that finds it, for tests of what it may be."""

import hashlib
import json

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan.callbacks import Backup
from keras_gan.running import resuming
from tests.integration import small

NAME = "epoch-000001-step-000002"


def others():
    """Return callbacks of Keras and of the library that remember something."""
    return [
        keras.callbacks.EarlyStopping("d_loss", mode="max", restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("d_loss", mode="max"),
        keras_gan.callbacks.DivergenceGuard(),
        keras_gan.callbacks.CollapseMonitor(samples=4),
    ]


class Stop(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if self.model.steps == 7:
            raise KeyboardInterrupt


def model_and_data():
    """Return a compiled model and what it trains on, as they are when they are made."""
    model = small.gan()
    model.compile(run_eagerly=True, **small.adams())  # Seven steps are not worth tracing.
    return model, keras_gan.datasets.from_arrays(small.points(16), batch_size=4, seed=0)


def back_up(model, data, base):
    """Train into the second epoch, with one backup after six steps; return its directory."""
    kept = Backup(base, every_steps=6)
    with pytest.raises(KeyboardInterrupt):
        model.fit(data, epochs=2, verbose=0, callbacks=[Stop(), *others(), kept])
    return base / NAME


def give(model, values):
    for variable, value in zip(model._saved_variables, values, strict=True):
        variable.assign(value)


def values_of(model):
    return [variable.numpy() for variable in model._saved_variables]


def equal(first, second):
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True))


def begin(model, data, directory):
    """Begin a run as `fit` does, and end it before its first step; return its `Progress`."""
    callbacks = [*others(), Backup(directory)]
    with resuming.run(model, data, callbacks, 0, 2, 0, None) as run:
        if not run.resumed:
            return None
        run.callbacks.on_train_begin()
        run.callbacks.on_train_end()
        return run.progress


def sign(directory):
    """Write a manifest for whatever files a directory has."""
    listed = {}
    for path in directory.iterdir():
        if path.is_file() and not path.is_symlink() and path.name != "manifest.json":
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            listed[path.name] = {"bytes": len(content), "sha256": digest}
    text = json.dumps({"format": 1, "files": listed})
    manifest = directory / "manifest.json"
    manifest.rmdir() if manifest.is_dir() else manifest.unlink(missing_ok=True)
    manifest.write_text(text)
