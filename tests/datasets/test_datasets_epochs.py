"""The order is a function of (seed, epoch), in this process and in another."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from keras_gan.datasets import epochs, from_arrays

COUNT, BATCH = 23, 5


def make(seed=0, shuffle=True, batch_size=BATCH, count=COUNT):
    return from_arrays(
        np.arange(count), np.arange(count) * 10, batch_size=batch_size, seed=seed, shuffle=shuffle
    )


def passed(dataset):
    return np.concatenate([x.numpy() for x, _ in dataset])


def test_every_index_once_per_epoch_and_remainder_dropped():
    dataset = make()
    for _ in range(3):
        order = passed(dataset)
        assert len(order) == COUNT // BATCH * BATCH
        assert len(set(order)) == len(order)
        assert set(order) <= set(range(COUNT))
    whole = make(batch_size=1)
    assert sorted(passed(whole)) == list(range(COUNT))


def test_each_pass_is_the_next_epoch_and_a_fresh_dataset_agrees():
    dataset, fresh = make(), make()
    orders = [passed(dataset) for _ in range(4)]
    assert len({tuple(order) for order in orders}) == 4
    for order in orders:
        np.testing.assert_array_equal(order, passed(fresh))


def test_seeds_differ_and_do_not_mix_with_epochs():
    orders = {tuple(passed(make(seed))) for seed in range(3)}
    second = make(0)
    second.seek(1)
    orders.add(tuple(passed(second)))
    assert len(orders) == 4


def test_seek_returns_to_an_epoch_and_counts_on_from_it():
    dataset = make()
    orders = [passed(dataset) for _ in range(4)]
    dataset.seek(2)
    np.testing.assert_array_equal(passed(dataset), orders[2])
    np.testing.assert_array_equal(passed(dataset), orders[3])


def test_peeking_does_not_matter_after_seek():
    dataset, quiet = make(), make()
    orders = [passed(quiet) for _ in range(2)]
    next(iter(dataset))
    abandoned = iter(dataset)
    next(abandoned)
    dataset.seek(1)
    next(abandoned)
    np.testing.assert_array_equal(passed(dataset), orders[1])


def test_the_global_seed_is_neither_read_nor_written():
    tf.random.set_seed(1)
    expected_draw = tf.random.uniform([2]).numpy()
    expected = passed(make())
    tf.random.set_seed(1)
    order = passed(make())
    np.testing.assert_array_equal(tf.random.uniform([2]).numpy(), expected_draw)
    tf.random.set_seed(2)
    np.testing.assert_array_equal(order, expected)
    np.testing.assert_array_equal(passed(make()), expected)


@pytest.mark.slow
def test_every_place_sees_every_sample_equally_often():
    count, passes = 10, 2000
    shuffle = tf.function(
        lambda epoch: epochs.stateless_shuffle(tf.range(count, dtype=tf.int64), 0, epoch)
    )
    orders = np.stack([shuffle(tf.constant(e, tf.int64)) for e in range(passes)])
    for place in range(count):
        seen = np.bincount(orders[:, place], minlength=count)
        assert stats.chisquare(seen).pvalue > 1e-4


def test_without_shuffle_every_sample_comes_in_order():
    dataset = make(shuffle=False)
    batches = [x.numpy() for x, _ in dataset]
    assert [len(batch) for batch in batches] == [5, 5, 5, 5, 3]
    np.testing.assert_array_equal(np.concatenate(batches), np.arange(COUNT))
    dataset.seek(7)
    np.testing.assert_array_equal(passed(dataset), np.arange(COUNT))


@pytest.mark.parametrize(
    "count, batch_size, shuffle, size, steps",
    [
        (23, 5, True, 5, 4),
        (20, 5, True, 5, 4),
        (23, 5, False, None, 5),
        (20, 5, False, 5, 4),
        (3, 5, True, 3, 1),
        (3, 5, False, 3, 1),
        (1, 1, True, 1, 1),
    ],
)
def test_static_size_and_cardinality(count, batch_size, shuffle, size, steps):
    dataset = make(count=count, batch_size=batch_size, shuffle=shuffle)
    assert [spec.shape[0] for spec in dataset.element_spec] == [size, size]
    assert int(dataset.cardinality()) == steps == sum(1 for _ in dataset)


def test_a_derived_dataset_counts_as_a_pass_and_can_take_the_protocol():
    dataset, quiet = make(), make()
    orders = [passed(quiet) for _ in range(2)]
    derived = dataset.map(lambda x, y: (x, y))
    derived.seek = dataset.seek
    np.testing.assert_array_equal(passed(derived), orders[0])
    np.testing.assert_array_equal(passed(dataset), orders[1])
    derived.seek(0)
    np.testing.assert_array_equal(passed(derived), orders[0])


@pytest.mark.parametrize("epoch", [-1, 1.5, True])
def test_seek_refuses_what_is_no_epoch(epoch):
    with pytest.raises(
        ValueError, match=f"Expected `epoch` to be a whole number.*Received: epoch={epoch}"
    ):
        make().seek(epoch)


def test_stand_ins_take_the_place_of_skipped_batches():
    dataset, quiet = make(), make()
    orders = [[batch.numpy() for batch, _ in quiet] for _ in range(3)]
    dataset.seek(1, 3)
    batches = [(x.numpy(), y.numpy()) for x, y in dataset]
    assert len(batches) == len(orders[1])
    for x, y in batches[:3]:
        assert x.shape == y.shape == (BATCH,) and not x.any() and not y.any()
    np.testing.assert_array_equal([x for x, _ in batches[3:]], orders[1][3:])
    np.testing.assert_array_equal([x for x, _ in dataset], orders[2])


def test_what_a_pass_has_not_is_skipped_in_the_next():
    dataset, quiet = make(), make()
    expected = np.concatenate([passed(quiet) for _ in range(3)])
    repeated = dataset.repeat(3)
    dataset.seek(0, 6)  # Passes of 4 batches: all of the first, and 2 of the second.
    order = passed(repeated)
    assert not order[: 6 * BATCH].any()
    np.testing.assert_array_equal(order[6 * BATCH :], expected[6 * BATCH :])


def test_skipped_samples_are_not_read():
    read = []

    def batch(index):
        def note(rows):
            read.extend(rows)
            return rows

        return tf.ensure_shape(tf.numpy_function(note, [index], tf.int64), index.shape)

    dataset = epochs.indexed(batch, 12, 3, seed=0, shuffle=False)
    dataset.seek(0, 2)
    list(dataset)
    assert sorted(read) == list(range(6, 12))


@pytest.mark.parametrize("skip", [-1, 0.5])
def test_skip_is_a_count(skip):
    with pytest.raises(
        ValueError, match=f"Expected `skip` to be a whole number.*Received: skip={skip}"
    ):
        make().seek(0, skip)


# Two logical devices and deterministic operations must be asked for before TensorFlow starts.
OTHER_PROCESS = """
import json, keras, sys, numpy as np, tensorflow as tf
from keras_gan.datasets import from_arrays

light = "tensorflow_datasets" not in sys.modules

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
tf.config.experimental.enable_op_determinism()
keras.utils.set_random_seed(9)


def make():
    return from_arrays(np.arange(20), np.arange(20.0), batch_size=4, seed=3)


def lists(dataset):
    return [x.numpy().tolist() for x, _ in dataset]


strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    dataset = make()
distributed = strategy.experimental_distribute_dataset(dataset)


def halves():
    return [[p.numpy().tolist() for p in strategy.experimental_local_results(x)]
            for x, _ in distributed]


split = [halves(), halves()]
next(iter(distributed))
dataset.seek(1)
split.append(halves())


class Seen(keras.Model):
    def __init__(self, dataset):
        super().__init__()
        self.dataset, self.seen = dataset, []

    def call(self, x):
        return tf.cast(x, tf.float32)

    def train_step(self, data):
        self.seen.append(data[0].numpy().tolist())
        return {"loss": 0.0}


class Seek(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.dataset.seek(epoch)


model = Seen(make())
model.compile(run_eagerly=True)
model.fit(model.dataset, epochs=3, initial_epoch=1, verbose=0, callbacks=[Seek()])
alone = [lists(d) for d in [make()] * 3]
print(json.dumps({"light": light, "alone": alone, "split": split, "fit": model.seen}))
"""


@pytest.fixture(scope="module")
def elsewhere():
    """What another process saw: alone, on two replicas, and through Keras's fit."""
    root = pathlib.Path(epochs.__file__).parents[2]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, "-c", OTHER_PROCESS],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def here():
    dataset = from_arrays(np.arange(20), np.arange(20.0), batch_size=4, seed=3)
    return [[x.numpy().tolist() for x, _ in dataset] for _ in range(3)]


@pytest.mark.slow
def test_another_process_sees_the_same_order(elsewhere, here):
    assert elsewhere["alone"] == here


@pytest.mark.slow
def test_two_replicas_share_each_batch_and_count_one_pass(elsewhere, here):
    joined = [[left + right for left, right in one] for one in elsewhere["split"]]
    assert joined == [here[0], here[1], here[1]]
    assert all(len(left) == len(right) == 2 for one in elsewhere["split"] for left, right in one)


@pytest.mark.slow
def test_fit_sees_the_epochs_it_seeks(elsewhere, here):
    assert elsewhere["fit"] == here[1] + here[2]


@pytest.mark.slow
def test_importing_loads_no_tfds(elsewhere):
    assert elsewhere["light"]
