"""Small runs with backups, which end early and go on."""

import keras
import numpy as np
import tensorflow as tf

import keras_gan
from keras_gan.callbacks import Backup
from tests.integration import small

EPOCHS, STEPS = 3, 5


class Stop(Exception):
    pass


class StopAt(keras.callbacks.Callback):
    """End training by an error after a step of an epoch, or as the epoch ends."""

    def __init__(self, epoch, step=None):
        super().__init__()
        self.at = epoch, step

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch + 1) == self.at:
            raise Stop

    def on_epoch_end(self, epoch, logs=None):
        if self.at == (epoch, None):
            raise Stop


MODELS = {}


def model_of(**options):
    """Return a model as it is when it is made: to trace one anew would take seconds."""
    if repr(options) not in MODELS:
        model = small.gan(norm=True, dropout=0.4)
        settings = {"terms": [keras_gan.terms.R1(0.1, interval=2)], "ema": 0.9, **small.adams()}
        model.compile(**{**settings, **options})
        variables = model._saved_variables
        MODELS[repr(options)] = model, variables, [np.array(v.value) for v in variables]
    model, variables, values = MODELS[repr(options)]
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return model


def data(batch_size=4, steps=STEPS):
    return keras_gan.datasets.from_arrays(
        small.points(batch_size * steps), None, batch_size, seed=4
    )


def plain(samples=4 * STEPS):
    """A dataset without `seek`, in the same order at each pass."""
    return tf.data.Dataset.from_tensor_slices(small.points(samples)).batch(4)


def backup(path, **options):
    return Backup(path / "backup", **options)


def run(path, stop=None, every_steps=2, callbacks=(), source=data, **options):
    """Train a new model with backups, until `stop`; return it and its history."""
    model = model_of(**options)
    stops = [StopAt(*stop)] if stop else []
    kept = backup(path, every_steps=every_steps)
    try:
        history = model.fit(
            source(), epochs=EPOCHS, verbose=0, callbacks=[kept, *callbacks, *stops]
        )
    except Stop:
        return model, None
    return model, history
