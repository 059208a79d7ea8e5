"""Habits of `fit`: Keras's callbacks and arguments, as people use them."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from keras_gan import callbacks

from . import small
from .habits import Habit, X, compiled, plain, played, refused, trained, warned, works


def dataset(n=16):
    return tf.data.Dataset.from_tensor_slices(small.points(n)).batch(8)


def with_callback(callback, **options):
    return lambda: trained(compiled(), X, callbacks=[callback], **options)


def stop_at_nan():
    """A run whose losses overflow ends within its first epoch."""
    model = compiled(**small.sgds(1e38))
    epochs = model.fit(
        small.points(64),
        batch_size=8,
        epochs=3,
        verbose=0,
        callbacks=[keras.callbacks.TerminateOnNaN()],
    ).epoch
    assert epochs == [0] and model.steps < 8


def run_through():
    """A finite run is left alone."""
    model = compiled()
    model.fit(X, epochs=2, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()])
    assert model.steps == 2


def stop_early():
    stopping = keras.callbacks.EarlyStopping(monitor="d_loss", mode="min", min_delta=100.0)
    assert len(trained(compiled(), X, epochs=5, callbacks=[stopping])["d_loss"]) == 2


def save_best():
    kept = keras.callbacks.ModelCheckpoint(
        "best.keras", monitor="val_g_loss", mode="min", save_best_only=True
    )
    trained(compiled(), X, validation_data=X, callbacks=[kept])
    assert pathlib.Path("best.keras").is_file()


def save_each():
    trained(compiled(), X, epochs=2, callbacks=[keras.callbacks.ModelCheckpoint("{epoch}.keras")])
    assert pathlib.Path("1.keras").is_file() and pathlib.Path("2.keras").is_file()


def reduce_rates():
    reducing = keras.callbacks.ReduceLROnPlateau(
        monitor="d_loss", mode="min", patience=1, min_delta=100.0, factor=0.5
    )
    logs = trained(compiled(**small.adams(0.01)), X, epochs=3, callbacks=[reducing])
    for player in small.PLAYERS:
        assert logs[f"learning_rate_{player}"][-1] < 0.01


def schedule_rates():
    halving = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    logs = trained(compiled(**small.adams(0.01)), X, epochs=2, callbacks=[halving])
    for player in small.PLAYERS:
        np.testing.assert_allclose(logs[f"learning_rate_{player}"], [0.005, 0.0025], rtol=1e-6)


class Finder(keras.callbacks.Callback):
    """A learning-rate finder as people write it for Keras: exponential steps of one rate."""

    def __init__(self):
        super().__init__()
        self.rates, self.losses = [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = 1e-6 * 10.0**batch

    def on_train_batch_end(self, batch, logs=None):
        self.rates.append(float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)))
        self.losses.append(logs["d_loss"])


def find_rates():
    finder, model = Finder(), compiled()
    trained(model, dataset(32), callbacks=[finder])
    np.testing.assert_allclose(finder.rates, [1e-6, 1e-5, 1e-4, 1e-3], rtol=1e-6)
    assert float(model.discriminator_optimizer.learning_rate) == np.float32(1e-3)


def write_csv():
    trained(compiled(), X, callbacks=[keras.callbacks.CSVLogger("log.csv")])
    assert "d_loss" in pathlib.Path("log.csv").read_text()


def swap_averages():
    averaged = {
        f"{player}_optimizer": keras.optimizers.Adam(1e-3, use_ema=True) for player in small.PLAYERS
    }
    trained(compiled(**averaged), X, callbacks=[keras.callbacks.SwapEMAWeights()])


def in_a_list():
    """Stop a run that overflows by a CallbackList, which the next run is given too."""
    model = compiled(
        **{f"{player}_optimizer": keras.optimizers.SGD(1e38) for player in small.PLAYERS}
    )
    own = keras.callbacks.CallbackList(
        [keras.callbacks.TerminateOnNaN()], model=model, add_history=True
    )
    for _ in range(2):
        trained(model, np.repeat(X, 4, 0), batch_size=4, epochs=3, callbacks=own)
        assert model.stop_training
    assert len(own.callbacks) == 3


CALLBACKS = [
    Habit("TerminateOnNaN in a run that overflows", stop_at_nan, works()),
    Habit("TerminateOnNaN in a finite run", run_through, works(), before=True),
    Habit("EarlyStopping on d_loss", stop_early, works(), before=True),
    Habit(
        "EarlyStopping as it comes",
        with_callback(keras.callbacks.EarlyStopping()),
        warned(
            "EarlyStopping watches 'val_loss', which is not logged", "validation_data", "d_loss"
        ),
    ),
    Habit(
        "EarlyStopping on loss",
        with_callback(keras.callbacks.EarlyStopping(monitor="loss")),
        warned("EarlyStopping watches 'loss', which is not logged", "monitor="),
    ),
    Habit(
        "ModelCheckpoint of the best, on what is not logged",
        with_callback(keras.callbacks.ModelCheckpoint("a.keras", save_best_only=True)),
        warned("ModelCheckpoint watches 'val_loss', which is not logged"),
    ),
    Habit(
        "ModelCheckpoint on a validated figure, without validation data",
        with_callback(
            keras.callbacks.ModelCheckpoint(
                "a.keras", monitor="val_g_loss", mode="min", save_best_only=True
            )
        ),
        warned("watches 'val_g_loss', which is not logged", "need `validation_data`"),
    ),
    Habit(
        "ModelCheckpoint with the name of Keras's documentation",
        with_callback(keras.callbacks.ModelCheckpoint("w.{epoch:02d}-{val_loss:.2f}.keras")),
        refused(ValueError, r"asks for \['val_loss'\]", "d_loss"),
    ),
    Habit(
        "ModelCheckpoint with figures in its name",
        with_callback(keras.callbacks.ModelCheckpoint("w.{epoch:02d}-{d_loss:.2f}.keras")),
        works(),
        before=True,
    ),
    Habit("ModelCheckpoint of the best", save_best, works(), before=True),
    Habit("ModelCheckpoint of each epoch", save_each, works(), before=True),
    Habit(
        "ReduceLROnPlateau as it comes",
        with_callback(keras.callbacks.ReduceLROnPlateau()),
        warned("ReduceLROnPlateau watches 'val_loss', which is not logged"),
    ),
    Habit("ReduceLROnPlateau on d_loss", reduce_rates, works(), before=True),
    Habit("LearningRateScheduler", schedule_rates, works(), before=True),
    Habit("a learning-rate finder written for Keras", find_rates, works()),
    Habit("CSVLogger", write_csv, works(), before=True),
    Habit("SwapEMAWeights", swap_averages, works(), before=True),
    Habit(
        "a callback of one's own that logs what another watches",
        lambda: trained(
            compiled(),
            X,
            callbacks=[
                callbacks.Evaluation(X, ["sliced_wasserstein"], samples=16, verbose=0),
                keras.callbacks.EarlyStopping("val_sliced_wasserstein", mode="min"),
            ],
        ),
        works(),
        before=True,
    ),
    Habit(
        "a callback's class",
        lambda: trained(plain(), X, callbacks=[keras.callbacks.TerminateOnNaN]),
        refused(TypeError, "callbacks", "forget to call"),
    ),
    Habit(
        "a callback's class in evaluate",
        lambda: plain().evaluate(X, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN]),
        refused(TypeError, "callbacks", "forget to call"),
    ),
    Habit("TerminateOnNaN in a CallbackList, twice", in_a_list, works()),
    Habit(
        "one callback without a list",
        lambda: trained(compiled(), X, callbacks=keras.callbacks.TerminateOnNaN()),
        works(),
        before=True,
    ),
]

ARGUMENTS = [
    Habit(
        "compile(metrics=) without validation data",
        lambda: trained(compiled(metrics=["sliced_wasserstein"], metric_samples=16), X),
        warned(r"\['sliced_wasserstein'\] run on validation data", "validation_data="),
    ),
    Habit(
        "steps_per_epoch beyond a dataset",
        lambda: trained(compiled(), dataset(), steps_per_epoch=10),
        warned("steps_per_epoch=10", "2 steps", r"repeat\(\)"),
    ),
    Habit(
        "steps_per_epoch beyond arrays",
        lambda: trained(compiled(), X, batch_size=8, steps_per_epoch=10),
        warned("steps_per_epoch=10", "2 steps", r"repeat\(\)"),
    ),
    Habit(
        "steps_per_epoch within a repeated dataset",
        lambda: trained(compiled(), dataset().repeat(), steps_per_epoch=3),
        works(),
        before=True,
    ),
    *[
        Habit(
            f"fit({name}={value!r})",
            lambda name=name, value=value: trained(plain(), X, **{name: value}),
            refused(ValueError, f"`{name}`", "whole number"),
            before=(name, value) == ("batch_size", 2.5),
        )
        for name, value in [
            ("epochs", "3"),
            ("epochs", 2.5),
            ("batch_size", 0),
            ("batch_size", -1),
            ("batch_size", 2.5),
            ("steps_per_epoch", 0),
            ("initial_epoch", -1),
        ]
    ],
    Habit(
        "fit(nb_epoch=3)",
        lambda: trained(plain(), X, nb_epoch=3),
        refused(TypeError, "`GAN.fit` has no argument `nb_epoch`", "Write `epochs=`"),
    ),
    Habit(
        "fit(class_weight=)",
        lambda: trained(plain(), X, class_weight={0: 1.0}),
        refused(ValueError, "class_weight", "Resample"),
        before=True,
    ),
    Habit(
        "fit(sample_weight=) shows no weights",
        lambda: trained(plain(), X, sample_weight=np.full(16, 0.123)),
        refused(ValueError, "sample_weight", "of type ndarray"),
    ),
    Habit(
        "fit before compile",
        lambda: small.gan().fit(X),
        refused(ValueError, r"compile\(\)", r"fit\(\)"),
        before=True,
    ),
]


test_callbacks = played(CALLBACKS)


test_arguments = played(ARGUMENTS)
