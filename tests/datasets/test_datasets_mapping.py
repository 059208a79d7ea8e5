"""`datasets.map`: the order stays, and what a function draws is a function of seed and place."""

import numpy as np
import pytest
import tensorflow as tf
from orders import assert_equal, assert_seeks_exactly, joined, permutation, read

from keras_gan import datasets
from keras_gan.data.source import Source

COUNT, BATCH = 23, 5
X = np.arange(COUNT, dtype="float32")


def arrays(seed=3, shuffle=True, count=COUNT):
    x = np.arange(count, dtype="float32")
    return datasets.from_arrays(x, x.astype("int32") * 10, BATCH, seed, shuffle)


def noisy(x, label, seed):
    return x + tf.random.stateless_normal(tf.shape(x), seed), label


def mapped(seed=8):
    return datasets.map(arrays(), noisy, seed=seed)


def test_a_function_of_each_batch_in_the_datasets_order():
    dataset = datasets.map(arrays(), lambda x, label: {"half": x / 2, "label": label})
    for epoch in range(3):
        order = permutation(COUNT, 3, epoch)[: COUNT // BATCH * BATCH].reshape(-1, BATCH)
        expected = [{"half": X[rows] / 2, "label": rows * 10} for rows in order]
        assert_equal(read(dataset), expected)
    assert dataset.element_spec["half"] == tf.TensorSpec((BATCH,), tf.float32)


def test_draws_follow_from_seed_epoch_and_index_alone():
    """As a program would compute them that knows nothing of data."""
    dataset = mapped(seed=8)
    for epoch in range(2):
        order = permutation(COUNT, 3, epoch)[: COUNT // BATCH * BATCH].reshape(-1, BATCH)
        key = tf.random.stateless_uniform([], [8, epoch], None, None, tf.int64, alg="philox")
        for index, (batch, rows) in enumerate(zip(read(dataset), order, strict=True)):
            noise = tf.random.stateless_normal([BATCH], tf.stack([key, index]))
            np.testing.assert_array_equal(batch[0], X[rows] + noise)


@pytest.mark.slow
def test_draws_differ_by_batch_epoch_and_seed():
    def seeds(seed):
        dataset = datasets.map(arrays(), lambda x, label, seed: seed, seed=seed)
        return [tuple(each) for _ in range(3) for each in read(dataset)]

    drawn = seeds(0) + seeds(1)
    assert len(set(drawn)) == len(drawn) == 2 * 3 * (COUNT // BATCH)


@pytest.mark.representatives("seed")
@pytest.mark.parametrize("seed", [None, 8], ids=["no seed", "seed"])
def test_any_place_is_that_of_an_uninterrupted_run(seed):
    function = noisy if seed is not None else (lambda x, label: (x * 2, label))
    assert_seeks_exactly(lambda: datasets.map(arrays(), function, seed=seed), epochs=2)


def test_maps_of_maps_and_unequal_batches():
    def make():
        once = datasets.map(arrays(shuffle=False), noisy, seed=1)
        return datasets.map(once, noisy, seed=2)

    batches = read(make())
    assert [len(x) for x, _ in batches] == [5, 5, 5, 5, 3]
    moved = make()
    moved.seek(0, 3)
    assert_equal(read(moved)[3:], batches[3:])


@pytest.mark.slow
def test_a_dataset_that_only_seeks_epochs_is_read_up_to_the_place():
    def make():
        inner = arrays()
        dataset = inner.map(lambda x, label: (x, label)).apply(
            tf.data.experimental.assert_cardinality(COUNT // BATCH)
        )
        dataset.seek = lambda epoch: inner.seek(epoch)
        return datasets.map(dataset, noisy, seed=8)

    assert_seeks_exactly(make, epochs=2, skips=[0, 3])
    assert_equal(read(make()), read(mapped()))


def test_the_function_does_not_see_stand_ins():
    def standardized(x, label):
        tf.debugging.assert_greater(tf.reduce_max(x), 0.0)
        return x / tf.reduce_max(x), label

    dataset = datasets.map(arrays(), standardized)
    dataset.seek(1, 3)
    assert np.isfinite([x for x, _ in read(dataset)]).all()


def test_who_reads_the_given_dataset_in_between_changes_nothing():
    given = arrays()
    dataset, quiet = datasets.map(given, noisy, seed=8), mapped()
    next(iter(given))
    for _ in range(2):
        assert_equal(read(dataset), read(quiet))
        list(given)


@pytest.mark.slow
def test_grouped_and_shared_among_replicas(two_replicas):
    """As `fit` prepares it: groups of two batches, each shared by two replicas."""

    def make():
        return datasets.map(
            datasets.from_arrays(X, None, 4, seed=3),
            lambda x, seed: x + tf.cast(seed[1], tf.float32),
            seed=0,
        )

    quiet = make()
    expected = [read(quiet) for _ in range(2)]
    grouped = Source(make()).grouped(2, replicas=2)
    assert_equal([x for pair in joined(two_replicas, grouped) for x in pair], expected[0][:4])
    grouped.seek(1, 1)
    pairs = joined(two_replicas, grouped)
    assert not np.any(pairs[0])
    assert_equal(pairs[1], tuple(expected[1][2:4]))


def test_a_dataset_without_seek_is_mapped_in_order():
    plain = tf.data.Dataset.range(10).batch(2)
    dataset = datasets.map(plain, lambda x: x + 1)
    assert not hasattr(dataset, "seek") and int(dataset.cardinality()) == 5
    np.testing.assert_array_equal(np.concatenate(read(dataset)), np.arange(10) + 1)


@pytest.mark.parametrize(
    "dataset, arguments, error, message",
    [
        (
            lambda: tf.data.Dataset.range(4),
            (lambda x, seed: x, 5),
            ValueError,
            r"method `seek\(epoch\)`.*keras_gan.datasets.*Received: .*without `seek` and seed=5",
        ),
        (lambda: X, (lambda x: x,), TypeError, "tf.data.Dataset.*Received: dataset of type ndarr"),
        (arrays, ("flip",), TypeError, "`function` to be a function.*Received: function='flip'"),
        (arrays, (noisy, -1), ValueError, "`seed` to be a whole number.*Received: seed=-1"),
        (arrays, (noisy, 0.5), ValueError, "`seed` to be a whole number.*Received: seed=0.5"),
    ],
)
def test_errors(dataset, arguments, error, message):
    with pytest.raises(error, match=message):
        datasets.map(dataset(), *arguments)


@pytest.mark.parametrize("change", [lambda d: d.filter(lambda x, y: True), lambda d: d.repeat()])
def test_unknown_numbers_of_batches_are_refused(change):
    given = arrays()
    derived = change(given)
    derived.seek = given.seek
    with pytest.raises(ValueError, match=r"known number of batches in `dataset`.*assert_cardinal"):
        datasets.map(derived, noisy, seed=0)
