"""Whether the data of a run can be moved to where it was, and a run whose data can."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from backed_up import EPOCHS, STEPS, Stop, StopAt, backup, data, model_of, plain

import keras_gan
from keras_gan.callbacks import BackupWarning
from keras_gan.datasets import from_arrays
from tests.integration import small


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return STEPS

    def __getitem__(self, index):
        return small.points(20)[4 * index : 4 * index + 4]


class Seeking(Batches):
    def seek(self, epoch):
        pass


def samples():
    return plain().unbatch()


def generated():
    spec = tf.TensorSpec((4, 2), tf.float32)
    return tf.data.Dataset.from_generator(lambda: iter([small.points(4)]), output_signature=spec)


def shuffled_within():
    return tf.data.Dataset.range(2).flat_map(lambda i: samples().shuffle(9)).batch(4)


def noisy(x):
    return x + tf.random.normal(tf.shape(x))


def told(path, source, **fit):
    """Return the texts of the `BackupWarning`s of a fit of two epochs."""
    model = model_of()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = {"epochs": 2, "verbose": 0, **fit}
        model.fit(source, callbacks=[backup(path)], **fit)
    return [str(each.message) for each in caught if each.category is BackupWarning]


@pytest.mark.representatives("shuffle")
@pytest.mark.parametrize(
    "source, reason",
    [
        (lambda: samples().shuffle(9).batch(4), "shuffles or mixes by chance"),
        (lambda: samples().shuffle(9, seed=3).batch(4).prefetch(2), "shuffles or mixes by chance"),
        (shuffled_within, "shuffles or mixes by chance"),
        (generated, "made from a Python generator"),
        (lambda: plain().map(noisy), "draw random numbers"),
        (lambda: data().map(lambda x: x), r"made of one with a method `seek\(epoch\)`, and has l"),
        (Batches, "a `keras.utils.PyDataset` without `seek`"),
    ],
    ids=["shuffle", "seeded", "interleaved", "generator", "draws", "lost seek", "PyDataset"],
)
def test_says_once_that_the_data_cannot_be_moved(tmp_path, source, reason):
    tf.random.set_seed(None)  # Else it is one of every shuffle and draw.
    messages = told(tmp_path, source())
    assert len(messages) == 1
    with pytest.warns(match=reason):
        warnings.warn(messages[0], stacklevel=1)
    for part in ("uninterrupted", "restored exactly", "from_arrays", "`seek(epoch)`", "resume.md"):
        assert part in messages[0]


@pytest.mark.slow
def test_says_so_of_a_distributed_dataset(tmp_path, two_replicas):
    with two_replicas.scope():
        model = model_of(replicas=2)
    shared = two_replicas.experimental_distribute_dataset(plain())
    with pytest.warns(BackupWarning, match="distributed already, without `seek`, can't be moved"):
        model.fit(shared, verbose=0, callbacks=[backup(tmp_path)])


def test_says_so_again_when_going_on(tmp_path):
    source = samples().shuffle(9).batch(4)
    assert len(told(tmp_path, source)) == len(told(tmp_path, source, epochs=3)) == 1


@pytest.mark.representatives("seek")
@pytest.mark.parametrize(
    "source, fit",
    [
        (plain, {}),
        (lambda: plain().repeat(), {"steps_per_epoch": 1}),
        (data, {}),
        (lambda: small.points(8), {}),
        (lambda: keras_gan.datasets.map(data(), lambda x: x), {}),
        (Seeking, {}),
        (lambda: samples().shuffle(9, seed=3, reshuffle_each_iteration=False).batch(4), {}),
        (lambda: samples().shuffle(9, seed=3).batch(4).repeat(), {"steps_per_epoch": 1}),
        (shuffled_within, {}),
    ],
    ids=[
        "plain",
        "endless",
        "seek",
        "arrays",
        "map",
        "PyDataset with seek",
        "one order",
        "one iterator, seeded",
        "interleaved, by the program's seed",
    ],
)
def test_is_silent_where_the_batches_will_be_the_same(tmp_path, source, fit):
    assert told(tmp_path, source(), **fit) == []


def test_is_silent_without_backups():
    with warnings.catch_warnings():
        warnings.simplefilter("error", BackupWarning)
        model_of().fit(plain().shuffle(9), verbose=0)


def mapped_and_zipped():
    """Pairs of a mapped dataset and another, made into one batch by a map that draws."""

    def arrays(seed):
        return from_arrays(small.points(4 * STEPS, seed=seed), None, 4, seed=seed)

    def mixed(parts, seed):
        shift = tf.random.stateless_normal(tf.shape(parts["x"]), seed)
        return parts["x"] + parts["y"][0] + shift

    y = keras_gan.datasets.map(arrays(2), lambda x: (x / 2, x))
    return keras_gan.datasets.map(keras_gan.datasets.zip({"x": arrays(1), "y": y}), mixed, seed=5)


def domains():
    """Two domains of different lengths, made into one batch."""
    longer, shorter = small.points(4 * STEPS), small.points(13, seed=1)
    dataset = keras_gan.datasets.unpaired(longer, shorter, batch_size=4)
    return keras_gan.datasets.map(dataset, lambda parts: parts["a"] + parts["b"])


@pytest.mark.slow
@pytest.mark.parametrize("source", [mapped_and_zipped, domains])
def test_goes_on_in_the_middle_of_an_epoch_to_the_bit(tmp_path, source):
    states = []
    for path, stop in (("whole", None), ("stopped", (1, 3)), ("stopped", None)):
        model = model_of()
        callbacks = [StopAt(*stop)] if stop else []
        kept = backup(tmp_path / path, every_steps=2)
        try:
            model.fit(source(), epochs=EPOCHS, verbose=0, callbacks=[kept, *callbacks])
        except Stop:
            stopped = small.state(model)
            continue
        states.append(small.state(model))
    small.assert_equal_states(*states, without=["seed_gen"])
    assert any(np.any(stopped[name] != states[0][name]) for name in stopped)
