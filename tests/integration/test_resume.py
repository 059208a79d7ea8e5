"""A run that stopped and went on in a fresh process ends where one that never stopped does."""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan

from . import programs, small

PROGRAM = pathlib.Path(__file__).with_name("resumed_run.py")
KINDS = ("arrays", "labelled")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return the directories of a process that trains four epochs, and of one from the second on.

    Each trains one GAN of each kind of data, in another order: what ran before does not matter.
    """
    base, load = tmp_path_factory.mktemp("resumed"), "-"
    for start, kinds in ((0, KINDS), (2, KINDS[::-1])):
        directory = base / f"from {start}"
        directory.mkdir()
        done = programs.run(PROGRAM, start, 4, load, directory, *kinds)
        assert done.returncode == 0, done.output
        load = directory
    return base / "from 0", base / "from 2"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_four_epochs_equal_two_and_two_more(runs, kind):
    first, second = (directory / kind for directory in runs)
    half, whole, resumed = (
        dict(np.load(file)) for file in (first / "2.npz", first / "4.npz", second / "4.npz")
    )
    assert whole.keys() == resumed.keys()
    different = [name for name in whole if not np.array_equal(whole[name], resumed[name])]
    assert not different, different
    # What is equal has moved in the two last epochs.
    moved = {name.split()[0] for name in whole if not np.array_equal(whole[name], half[name])}
    assert moved >= {"generator", "discriminator", "average", "random_state", "order"}


SEEN = []


class Seen(keras_gan.terms.Term):
    """Note the first value of each real batch, eagerly."""

    def discriminator_term(self, step):
        SEEN[-1].append(float(step.real[0, 0]))
        return tf.reduce_sum(step.real, axis=1)


def batches_seen(initial_epoch, epochs, **options):
    """Return what each epoch of a run saw, the first value of each batch."""
    SEEN.clear()
    model = small.gan()
    model.compile(terms=[Seen(weight=0.0, name="seen")], run_eagerly=True, **small.sgds())
    x = np.arange(20, dtype="float32")[:, None] * np.ones((1, 2), "float32")
    data = keras_gan.datasets.from_arrays(x, batch_size=4, seed=0)
    note = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: SEEN.append([]))
    ends = {"initial_epoch": initial_epoch, "epochs": epochs}
    model.fit(data, callbacks=[note], verbose=0, **ends, **options)
    return list(SEEN)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"steps_per_epoch": 3}], ids=["", "steps_per_epoch"])
def test_an_epoch_sees_the_same_batches_wherever_a_run_began(options):
    whole = batches_seen(0, 3, **options)
    assert len({tuple(batches) for batches in whole}) == 3
    for start in (1, 2):
        assert batches_seen(start, 3, **options) == whole[start:]
