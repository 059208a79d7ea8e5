"""Orders recomputed in NumPy, and what tests of order share."""

import numpy as np
import tensorflow as tf


def permutation(count, seed, epoch):
    """Return the order of (seed, epoch): the library's documented use of TensorFlow's Philox."""
    seeds = np.array([seed, epoch], np.int64)
    return tf.random.experimental.stateless_shuffle(np.arange(count), seeds, alg="philox").numpy()


def read(dataset):
    """Return one pass over a dataset, as a list of nests of arrays."""
    return list(dataset.as_numpy_iterator())


def assert_seeks_exactly(make, epochs=3, skips=None):
    """Assert that any epoch and skip, in a fresh dataset, are those of an uninterrupted run.

    Args:
        make: function that returns the dataset anew.
        epochs: how many epochs to compare.
        skips: how many batches to skip, each in turn; any number by default.
    """
    dataset, moved = make(), make()
    whole = [read(dataset) for _ in range(epochs)]
    steps = len(whole[0])
    assert int(dataset.cardinality()) == steps
    for epoch in range(epochs):
        for skip in range(steps + 1) if skips is None else skips:
            moved.seek(epoch, skip)
            batches = read(moved)
            assert len(batches) == steps
            for stand_in, batch in zip(batches[:skip], whole[epoch], strict=False):
                for zeros, array in zip(
                    tf.nest.flatten(stand_in), tf.nest.flatten(batch), strict=True
                ):
                    assert zeros.dtype == array.dtype and not zeros.any()
            assert_equal(batches[skip:], whole[epoch][skip:])
        if epoch + 1 < epochs:
            assert_equal(read(moved), whole[epoch + 1])  # It counts on.


def assert_equal(batches, expected):
    """Assert that lists of nests are equal to the bit."""
    assert len(batches) == len(expected)
    for batch, other in zip(batches, expected, strict=True):
        tf.nest.assert_same_structure(batch, other)
        for one, two in zip(tf.nest.flatten(batch), tf.nest.flatten(other), strict=True):
            np.testing.assert_array_equal(one, two)


def joined(strategy, dataset):
    """Return one pass as replicas see it, their parts put together again."""

    def whole(*parts):
        return np.concatenate([part.numpy() for part in parts])

    return [
        tf.nest.map_structure(
            lambda value: whole(*strategy.experimental_local_results(value)), element
        )
        for element in strategy.experimental_distribute_dataset(dataset)
    ]
