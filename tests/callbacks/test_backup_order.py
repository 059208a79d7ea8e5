"""Whether the data of a run can be moved to where it was, and a run whose data can."""

import contextlib
import re
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
    return plain().unbatch()  # Batched again in whole batches: models are not traced anew.


def shuffled(**options):
    return samples().shuffle(9, **options).batch(4, drop_remainder=True)


def generated():
    spec = tf.TensorSpec((4, 2), tf.float32)
    return tf.data.Dataset.from_generator(lambda: iter([small.points(4)]), output_signature=spec)


def shuffled_within():
    return (
        tf.data.Dataset.range(2)
        .flat_map(lambda i: samples().shuffle(9))
        .batch(4, drop_remainder=True)
    )


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


DISORDERLY = {
    "shuffle": (lambda: shuffled(), "shuffles or mixes by chance"),
    "seeded": (lambda: shuffled(seed=3).prefetch(2), "shuffles or mixes by chance"),
    "interleaved": (shuffled_within, "shuffles or mixes by chance"),
    "generator": (generated, "made from a Python generator"),
    "draws": (lambda: plain().map(noisy), "draw random numbers"),
    "lost seek": (
        lambda: data().map(lambda x: x),
        r"made of one with a method `seek\(epoch\)`, and has l",
    ),
    "PyDataset": (Batches, "a `keras.utils.PyDataset` without `seek`"),
}


# Those of a list in one test: a model's first step in a test takes a second.
@pytest.mark.representatives("shuffle")
@pytest.mark.parametrize(
    "kinds", [["shuffle"], [*DISORDERLY][1:]], ids=["shuffle", "all that is not ordered"]
)
def test_says_once_that_the_data_cannot_be_moved(tmp_path, kinds):
    model_of()
    tf.random.set_seed(None)  # Else it is one of every shuffle and draw.
    for kind in kinds:
        source, reason = DISORDERLY[kind]
        messages = told(tmp_path / kind, source())
        assert len(messages) == 1, kind
        assert re.search(reason, messages[0]), kind
        for part in (
            "uninterrupted",
            "restored exactly",
            "from_arrays",
            "`seek(epoch)`",
            "resume.md",
        ):
            assert part in messages[0], kind


@pytest.mark.slow
def test_says_so_of_a_distributed_dataset(tmp_path, two_replicas):
    with two_replicas.scope():
        model = model_of(replicas=2, terms=[])
    shared = two_replicas.experimental_distribute_dataset(plain())
    with pytest.warns(BackupWarning, match="distributed already, without `seek`, can't be moved"):
        model.fit(shared, verbose=0, callbacks=[backup(tmp_path)])


def test_says_so_again_when_going_on(tmp_path):
    source = shuffled()
    assert len(told(tmp_path, source)) == len(told(tmp_path, source, epochs=3)) == 1


ORDERLY = {
    "seek": (data, {}),
    "plain": (plain, {}),
    "endless": (lambda: plain().repeat(), {"steps_per_epoch": 1}),
    "arrays": (lambda: small.points(8), {}),
    "map": (lambda: keras_gan.datasets.map(data(), lambda x: x), {}),
    "PyDataset with seek": (Seeking, {}),
    "one order": (lambda: shuffled(seed=3, reshuffle_each_iteration=False), {}),
    "one iterator, seeded": (lambda: shuffled(seed=3).repeat(), {"steps_per_epoch": 1}),
    "interleaved, by the program's seed": (shuffled_within, {}),
}


@pytest.mark.representatives("seek")
@pytest.mark.parametrize("kinds", [["seek"], [*ORDERLY][1:]], ids=["seek", "all that is ordered"])
def test_is_silent_where_the_batches_will_be_the_same(tmp_path, kinds):
    model_of()
    tf.random.set_seed(0)
    for kind in kinds:
        source, fit = ORDERLY[kind]
        assert told(tmp_path / kind, source(), **fit) == [], kind


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
    def play(*callbacks):
        model = model_of()
        with contextlib.suppress(Stop):
            model.fit(source(), epochs=EPOCHS, verbose=0, callbacks=callbacks)
        return small.state(model)

    whole = play()
    stopped = play(backup(tmp_path, every_steps=2), StopAt(1, 3))
    small.assert_equal_states(whole, play(backup(tmp_path)), without=["seed_gen"])
    assert any(np.any(stopped[name] != whole[name]) for name in stopped)
