"""Data that can't be read, ends early or is not finite, in the middle of training."""

import os
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan.callbacks import Backup
from tests.integration import small

BATCHES = 6


@pytest.fixture(scope="module")
def compiled():
    """Return a model, what it began with, and a function that takes it back there."""
    model = small.gan()
    model.compile(terms=["r1"], **small.adams())
    begin = [np.array(v.value) for v in model._saved_variables]

    def anew():
        for variable, value in zip(model._saved_variables, begin, strict=True):
            variable.assign(value)
        return model

    return anew


@pytest.fixture
def records(tmp_path):
    """Return the path of a file of records, and a dataset of it."""
    path = str(tmp_path / "points.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for point in small.points(4 * BATCHES):
            writer.write(point.tobytes())

    def parse(record):
        return tf.ensure_shape(tf.io.decode_raw(record, tf.float32), (2,))

    return path, tf.data.TFRecordDataset(path).map(parse).batch(4, drop_remainder=True)


def cut(path):
    # Within a record: at the end of one, or in the header of the next, nothing shows it.
    os.truncate(path, os.path.getsize(path) * 2 // 3 + 15)


@pytest.mark.slow
@pytest.mark.parametrize(
    "harm, error, reason",
    [
        (cut, tf.errors.DataLossError, "truncated record at"),
        (os.remove, tf.errors.NotFoundError, r"points\.tfrecord; No such file"),
    ],
    ids=["truncated", "vanished"],
)
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_a_file_that_is_mended_goes_on_from_the_backup(
    compiled, records, tmp_path, harm, error, reason
):
    path, data = records
    model = compiled()
    model.fit(data, epochs=3, verbose=0)
    whole = small.state(model)
    content, model = pathlib.Path(path).read_bytes(), compiled()
    harmed = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: harm(path) if epoch == 1 else None
    )
    message = rf"could not be read: .*{reason}.*Backup"
    with pytest.raises(error, match=message):
        kept = Backup(tmp_path / "backup", every_steps=1)
        model.fit(data, epochs=3, verbose=0, callbacks=[harmed, kept])
    assert model.steps >= BATCHES
    assert all(np.isfinite(weight).all() for weight in small.weights(model))
    pathlib.Path(path).write_bytes(content)
    model = compiled()
    model.fit(data, epochs=3, verbose=0, callbacks=[Backup(tmp_path / "backup", every_steps=1)])
    small.assert_equal_states(whole, small.state(model), without=["seed_gen"])


def test_a_dataset_that_ends_early_says_so_and_leaves_a_usable_model(compiled, tmp_path):
    """As in Keras: a warning, and the epochs are as long as the data."""
    model, rows = compiled(), []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: rows.append(model.steps))
    data = tf.data.Dataset.from_tensor_slices(small.points(4 * BATCHES)).batch(4)
    with pytest.warns(UserWarning, match="ran out of data"):
        history = model.fit(data, epochs=2, steps_per_epoch=9, verbose=0, callbacks=[note])
    assert rows == [BATCHES, 2 * BATCHES]
    assert np.isfinite(list(history.history.values())).all()
    assert np.isfinite(model.generate(3, seed=0)).all()


def with_nan(batch):
    x = small.points(4 * BATCHES)
    x[4 * batch + 1, 0] = np.nan
    return tf.data.Dataset.from_tensor_slices(x).batch(4)


def test_a_nan_batch_is_refused_before_it_reaches_the_networks(compiled, tmp_path):
    data = tf.data.Dataset.from_tensor_slices(small.points(4 * BATCHES)).batch(4)
    model = compiled()
    model.fit(data.take(3), verbose=0)
    before = small.state(model)
    model = compiled()
    with pytest.raises(ValueError, match=r"holds NaN.*not updated"):
        guard = keras_gan.callbacks.DivergenceGuard()
        kept = Backup(tmp_path / "backup", every_steps=1)
        model.fit(with_nan(3), verbose=0, callbacks=[guard, kept])
    small.assert_equal_states(before, small.state(model))
    assert sorted(os.listdir(tmp_path / "backup"))[-1] == "epoch-000000-step-000003"
    # The same program on mended data goes on behind it.
    model = compiled()
    model.fit(data, verbose=0, callbacks=[Backup(tmp_path / "backup", every_steps=1)])
    mended = small.state(model)
    model = compiled()
    model.fit(data, verbose=0)
    small.assert_equal_states(small.state(model), mended, without=["seed_gen"])


class Poison(keras_gan.terms.Term):
    """NaN on one step, as a loss that overflows gives; the data itself is finite."""

    def discriminator_term(self, step):
        bad = tf.equal(step.count, 9)
        return tf.where(bad, np.nan, 0.0) * tf.reduce_sum(step.real_logits)


@pytest.mark.slow
def test_a_nan_that_the_data_does_not_show_is_taken_back_by_the_guard(tmp_path):
    model = small.gan()
    model.compile(terms=[Poison(weight=1.0, name="poison")], **small.adams())
    data = keras_gan.datasets.from_arrays(small.points(4 * BATCHES), batch_size=4, seed=1)
    guard = keras_gan.callbacks.DivergenceGuard()
    kept = Backup(tmp_path / "backup", every_steps=1)
    with pytest.warns(UserWarning, match=r"(?i)diverged|NaN|finite"):
        model.fit(data, epochs=4, verbose=0, callbacks=[guard, kept])
    assert all(np.isfinite(weight).all() for weight in small.weights(model))
    again = small.gan()
    again.compile(terms=[Poison(weight=1.0, name="poison")], **small.adams())
    (name,) = sorted(os.listdir(tmp_path / "backup"))[-1:]
    again.load_weights(tmp_path / "backup" / name / "model.weights.h5")
    assert all(np.isfinite(weight).all() for weight in small.weights(again))
