"""`datasets.zip`: nests of datasets, read side by side and moved together."""

import numpy as np
import pytest
import tensorflow as tf
from orders import assert_equal, assert_seeks_exactly, joined, permutation, read

from keras_gan import datasets

COUNT, BATCH = 17, 4
X = np.arange(COUNT, dtype="float32")


def arrays(seed=3, scale=1.0, count=COUNT):
    return datasets.from_arrays(np.arange(count, dtype="float32") * scale, None, BATCH, seed)


def nested():
    return datasets.zip(({"one": arrays(), "two": arrays(5)}, (arrays(3, 10.0),)))


def test_nests_of_batches_each_in_its_own_order():
    dataset = nested()
    for epoch in range(3):
        orders = {
            seed: permutation(COUNT, seed, epoch)[: COUNT // BATCH * BATCH].reshape(-1, BATCH)
            for seed in (3, 5)
        }
        expected = [
            ({"one": X[three], "two": X[five]}, (X[three] * 10,))
            for three, five in zip(orders[3], orders[5], strict=True)
        ]
        assert_equal(read(dataset), expected)


@pytest.mark.slow
def test_any_place_is_that_of_an_uninterrupted_run():
    assert_seeks_exactly(nested)


@pytest.mark.slow
def test_zips_of_maps_of_zips():
    def add(parts, seed):
        return parts["a"] + tf.cast(seed[1], tf.float32), parts["b"]

    def make():
        inner = datasets.zip({"a": arrays(), "b": arrays(4)})
        return datasets.zip((datasets.map(inner, add, seed=0), arrays(9)))

    assert_seeks_exactly(make, epochs=2, skips=[1, 3])


@pytest.mark.slow
def test_replicas_share_each_batch(two_replicas):
    dataset, quiet = nested(), nested()
    read(quiet)
    dataset.seek(1, 2)
    expected = read(quiet)
    assert_equal(joined(two_replicas, dataset)[2:], expected[2:])


def test_without_seek_it_is_plain():
    plain = tf.data.Dataset.range(6).batch(2)
    dataset = datasets.zip((plain, {"b": plain}))
    assert not hasattr(dataset, "seek")
    assert_equal(read(dataset), [(x, {"b": x}) for x in np.arange(6).reshape(3, 2)])


def unknown():
    return tf.data.Dataset.range(6).filter(lambda x: x > 1)


SAME = arrays()


@pytest.mark.parametrize(
    "make, error, message",
    [
        (
            lambda: {"x": arrays(), "y": (arrays(count=20),)},
            ValueError,
            r"equally many.*Received: datasets\['x'\] of 4 batches and datasets\['y'\]\[0\] of 5",
        ),
        (
            lambda: (arrays(), tf.data.Dataset.range(4)),
            ValueError,
            r"`map` keeps `seek`.*Received: datasets\[0\] with `seek` and datasets\[1\] without",
        ),
        (
            lambda: (unknown(), unknown()),
            ValueError,
            r"known number of batches in datasets\[0\].*assert_cardinality",
        ),
        (
            lambda: (SAME, {"b": datasets.map(SAME, lambda x: -x)}),
            ValueError,
            r"Received: datasets\[0\] and datasets\[1\]\['b'\], which read the same.*map",
        ),
        (lambda: [arrays(), arrays()], TypeError, "dicts and tuples.*datasets of type list"),
        (lambda: (arrays(), X), TypeError, r"from_arrays.*Received: datasets\[1\] of type ndarray"),
        (arrays, TypeError, "Expected a dict or a tuple of datasets. Received: datasets of type"),
        (dict, TypeError, "Received: datasets of type dict with nothing in it"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        datasets.zip(make())
