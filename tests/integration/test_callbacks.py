"""Keras's stock callbacks on a GAN: what they write, restore and change."""

import csv
import glob

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan

from . import small

EPOCHS = 4


def compiled(**options):
    model = small.gan(dropout=0.2)
    model.compile(**{**small.adams(0.05), "ema": 0.9, **options})
    return model


def data(epochs_apart=0):
    return keras_gan.datasets.from_arrays(small.points(), batch_size=8, seed=1)


class Remember(keras.callbacks.Callback):
    """Keep the state after each epoch."""

    def __init__(self):
        super().__init__()
        self.states = []

    def on_epoch_end(self, epoch, logs=None):
        self.states.append(small.state(self.model))


class Fail(keras.callbacks.Callback):
    """Stop the program at the start of an epoch, as a crash would."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise RuntimeError("power cut")


@pytest.mark.representatives(1)
@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
def test_model_checkpoint_keeps_the_best_epoch(tmp_path, ending):
    path = str(tmp_path / f"best{ending}")
    remember = Remember()
    checkpoint = keras.callbacks.ModelCheckpoint(
        path,
        monitor="val_d_loss",
        mode="min",
        save_best_only=True,
        save_weights_only=ending == ".weights.h5",
    )
    model = compiled()
    history = model.fit(
        data(),
        epochs=EPOCHS,
        validation_data=small.points(16, seed=2),
        callbacks=[remember, checkpoint],
        verbose=0,
    ).history
    if ending == ".keras":
        restored = keras.saving.load_model(path)
    else:
        restored = compiled()
        restored.load_weights(path)
    best = int(np.argmin(history["val_d_loss"]))
    assert len(set(history["val_d_loss"])) == EPOCHS
    small.assert_equal_states(small.state(restored), remember.states[best], without=["seed_gen"])


@pytest.mark.slow
def test_backup_and_restore_continues_an_interrupted_run(tmp_path):
    options = {"epochs": EPOCHS, "verbose": 0}
    whole = compiled()
    whole.fit(data(), **options)

    def backup():
        return keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))

    with pytest.raises(RuntimeError, match="power cut"):
        compiled().fit(data(), callbacks=[backup(), Fail(2)], **options)
    resumed, restored = compiled(), {}

    def look(epoch, logs):
        restored.setdefault(epoch, small.state(resumed))

    begin = keras.callbacks.LambdaCallback(on_epoch_begin=look)
    resumed.fit(data(), callbacks=[backup(), begin], **options)
    assert sorted(restored) == [2, 3]
    for player in small.PLAYERS:
        assert restored[2][f"{player}_optimizer 0 iteration"] == 8
    assert restored[2]["random_state 1 step"] == 8
    for (name, one), other in zip(
        small.state(whole).items(), small.state(resumed).values(), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.slow
def test_early_stopping_restores_the_best_weights():
    remember, model = Remember(), compiled()
    # Worse at every epoch: the first is the best, and two more are waited for.
    stop = keras.callbacks.EarlyStopping(
        "learning_rate_generator", patience=2, mode="min", restore_best_weights=True
    )
    rising = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.01 * (epoch + 1))
    history = model.fit(data(), epochs=9, callbacks=[rising, remember, stop], verbose=0)
    assert history.epoch == [0, 1, 2]
    first, last = remember.states[0], remember.states[-1]
    after = small.state(model)
    for name, value in after.items():
        if name.startswith(("generator ", "discriminator ", "average ")) and "seed" not in name:
            np.testing.assert_array_equal(value, first[name], err_msg=name)
            assert not np.array_equal(value, last[name]), name


@pytest.mark.slow
def test_tensorboard_writes_the_history(tmp_path):
    pytest.importorskip("tensorboard", reason="tf.summary needs tensorboard")
    board = keras.callbacks.TensorBoard(
        str(tmp_path), histogram_freq=1, write_steps_per_second=True
    )
    model = compiled(terms=[keras_gan.terms.R1(0.1)])
    history = model.fit(
        data(), epochs=2, validation_data=small.points(8), callbacks=[board], verbose=0
    ).history
    train, validation = (scalars(tmp_path / side) for side in ("train", "validation"))
    for key, values in history.items():
        side = validation if key.startswith("val_") else train
        written = side[f"epoch_{key.removeprefix('val_')}"]
        np.testing.assert_allclose(written, values, rtol=1e-6, err_msg=key)
    assert {"d_loss", "g_loss", "real_score", "fake_score", "js", "r1"} <= history.keys()
    np.testing.assert_allclose(train["epoch_learning_rate_generator"], [0.05, 0.05])
    np.testing.assert_allclose(train["epoch_learning_rate_discriminator"], [0.05, 0.05])


def scalars(directory):
    """Return `{tag: [value of each step]}` of the event files in a directory."""
    found = {}
    for path in sorted(glob.glob(f"{directory}/*tfevents*")):
        for event in tf.compat.v1.train.summary_iterator(path):
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "scalars":
                    found.setdefault(value.tag, []).append(float(tf.make_ndarray(value.tensor)))
    return found


@pytest.mark.slow
def test_csv_logger_writes_the_history(tmp_path):
    path = tmp_path / "history.csv"
    history = (
        compiled()
        .fit(
            data(),
            epochs=2,
            validation_data=small.points(8),
            callbacks=[keras.callbacks.CSVLogger(str(path))],
            verbose=0,
        )
        .history
    )
    with open(path) as file:
        rows = list(csv.DictReader(file))
    assert rows[0].keys() == {"epoch", *history}
    for key, values in history.items():
        np.testing.assert_allclose([float(row[key]) for row in rows], values, rtol=1e-6)


@pytest.mark.slow
def test_learning_rate_scheduler_sets_both_rates():
    model = small.gan()
    model.compile(**small.sgds(0.1))
    remember = Remember()
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 if epoch == 0 else 0.0)
    history = model.fit(data(), epochs=2, callbacks=[schedule, remember], verbose=0).history
    for player in small.PLAYERS:
        np.testing.assert_allclose(history[f"learning_rate_{player}"], [0.1, 0.0], rtol=1e-6)
    first, second = remember.states
    # A rate of zero stands still: the rates that training uses are the ones that were set.
    for name in first:
        if name.startswith(("generator ", "discriminator ")):
            np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def test_reduce_lr_on_plateau_reduces_both_rates():
    model = small.gan()
    model.compile(
        generator_optimizer=keras.optimizers.SGD(0.4),
        discriminator_optimizer=keras.optimizers.SGD(0.2),
    )
    reduce = keras.callbacks.ReduceLROnPlateau(
        "d_loss", factor=0.5, patience=1, min_delta=100, mode="min"
    )
    history = model.fit(data(), epochs=4, callbacks=[reduce], verbose=0).history
    np.testing.assert_allclose(history["learning_rate_generator"], [0.4, 0.4, 0.2, 0.1], rtol=1e-6)
    np.testing.assert_allclose(
        history["learning_rate_discriminator"], [0.2, 0.2, 0.1, 0.05], rtol=1e-6
    )
    assert float(model.generator_optimizer.learning_rate) == pytest.approx(0.05)
    assert float(model.discriminator_optimizer.learning_rate) == pytest.approx(0.025)


def test_rates_of_a_schedule_are_not_set_by_callbacks():
    decay = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    model = small.gan()
    model.compile(generator_optimizer=keras.optimizers.SGD(decay))
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1)
    with pytest.raises(TypeError, match="LearningRateSchedule"):
        model.fit(data(), callbacks=[scheduler], verbose=0)
