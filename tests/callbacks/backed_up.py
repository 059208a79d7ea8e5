"""Small runs with backups, which end early and go on."""

import keras
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


def scaled():
    """Return an optimizer whose loss scale doubles every third step."""
    adam = keras.optimizers.Adam(0.01)
    return keras.optimizers.LossScaleOptimizer(adam, initial_scale=2.0, dynamic_growth_steps=3)


def adaptive():
    """Return an augmentation whose probability moves at every step."""
    noise = keras_gan.augmentation.InstanceNoise(0.2)
    return keras_gan.augmentation.Adaptive(noise, interval=1, images=100, initial=0.5)


def stateful():
    """Return options that hold a state, to be made in the strategy's scope."""
    return {
        "augmentation": adaptive(),
        "terms": [keras_gan.terms.LeCam(), keras_gan.terms.PathLength()],
        **{f"{player}_optimizer": scaled() for player in small.PLAYERS},
    }


KINDS = {"stateful": stateful, None: dict}
MODELS = {}


def model_of(kind=None, replicas=1, **options):
    """Return a model as it is when it is made: to trace one anew would take seconds.

    Args:
        kind: which of `KINDS`, if any.
        replicas: how many it has, of the strategy whose scope this is called in.
        **options: of `compile`.
    """
    key = repr((kind, replicas, options))
    if key not in MODELS:
        model = small.gan(norm=True, dropout=0.4)
        settings = {"terms": [keras_gan.terms.R1(0.1, interval=2)], "ema": 0.9, **small.adams()}
        model.compile(**{**settings, **options, **KINDS[kind]()})
        variables = model._saved_variables
        MODELS[key] = model, variables, [v.numpy() for v in variables]
    model, variables, values = MODELS[key]
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return model


def data(batch_size=4, steps=STEPS):
    return keras_gan.datasets.from_arrays(
        small.points(batch_size * steps), None, batch_size, seed=4
    )


def plain(samples=4 * STEPS):
    """A dataset without `seek`, in the same order at each pass.

    Its batches have the shape of `data`'s, so that models are not traced anew.
    """
    return tf.data.Dataset.from_tensor_slices(small.points(samples)).batch(4, drop_remainder=True)


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
