"""`datasets.unpaired`: domains of different sizes, each in an order of its own."""

import hashlib

import numpy as np
import pytest
import tensorflow as tf
from orders import assert_equal, assert_seeks_exactly, joined, permutation, read

from keras_gan import datasets

BATCH = 4
LONG, SHORT = 23, 13  # 5 batches a pass, and 3.


def samples(count, shape=(2,)):
    """Return samples that tell their number: all values of each are it."""
    rows = np.arange(count, dtype="float32").reshape(count, *[1] * len(shape))
    return np.broadcast_to(rows, (count, *shape)).copy()


def make(**options):
    return datasets.unpaired(
        samples(LONG, (3, 3, 1)), samples(SHORT, (2, 2, 3)), **{"batch_size": BATCH, **options}
    )


def numbers(batches, name):
    """Return which samples of a domain came, batch by batch."""
    return [batch[name].reshape(len(batch[name]), -1)[:, 0].astype(int) for batch in batches]


def key(seed, name):
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return int.from_bytes(digest[:8], "little") // 2


def passes(count, seed, name, steps):
    """Return the first batches of a domain over all of its passes, one behind the other."""
    size = count // BATCH
    orders = [permutation(count, key(seed, name), p) for p in range(steps // size + 1)]
    return np.concatenate([o[: size * BATCH].reshape(size, BATCH) for o in orders])[:steps]


@pytest.mark.parametrize("seed", [0, 7])
def test_the_shorter_wraps_and_goes_on(seed):
    dataset = make(seed=seed)
    assert len(dataset) == LONG // BATCH
    batches = [batch for _ in range(4) for batch in read(dataset)]
    for name, count in (("a", LONG), ("b", SHORT)):
        expected = passes(count, seed, name, 4 * (LONG // BATCH))
        np.testing.assert_array_equal(numbers(batches, name), expected)
    assert batches[0]["a"].shape == (BATCH, 3, 3, 1) and batches[0]["b"].shape == (BATCH, 2, 2, 3)
    spec = dataset.element_spec
    assert spec["a"].shape == (BATCH, 3, 3, 1) and spec["b"].shape == (BATCH, 2, 2, 3)


def test_any_place_is_that_of_an_uninterrupted_run():
    assert_seeks_exactly(make, epochs=3)


@pytest.mark.slow
def test_orders_of_equal_domains_are_independent():
    """No more samples meet their own number than by chance, in every order of domains."""
    x = samples(100)
    dataset = datasets.unpaired(x, x, day=x, batch_size=10)
    batches = [batch for _ in range(10) for batch in read(dataset)]
    orders = {name: np.concatenate(numbers(batches, name)) for name in ("a", "b", "day")}
    for one, other in (("a", "b"), ("a", "day"), ("b", "day")):
        met = np.sum(orders[one] == orders[other])  # Poisson of mean 10.
        assert 1 <= met <= 30
        assert abs(np.corrcoef(orders[one], orders[other])[0, 1]) < 4 / np.sqrt(1000)


def test_an_order_is_of_a_domains_name_and_seed():
    x = samples(LONG)
    one = datasets.unpaired(horse=x, zebra=x, batch_size=BATCH)
    other = datasets.unpaired(zebra=x, mule=x, horse=x, batch_size=BATCH)
    batches, others = read(one), read(other)
    for name in ("horse", "zebra"):
        np.testing.assert_array_equal(numbers(batches, name), numbers(others, name))
    reseeded = read(datasets.unpaired(horse=x, zebra=x, batch_size=BATCH, seed=1))
    assert np.any(np.stack(numbers(batches, "zebra")) != np.stack(numbers(reseeded, "zebra")))


def test_without_shuffle_the_arrays_own_order_in_whole_batches():
    batches = read(make(shuffle=False)) + read(make(shuffle=False))
    np.testing.assert_array_equal(np.concatenate(numbers(batches[:5], "a")), np.arange(20))
    begun = np.concatenate([np.arange(12), np.arange(8)])
    np.testing.assert_array_equal(np.concatenate(numbers(batches[:5], "b")), begun)
    dataset = make(shuffle=False)
    dataset.seek(1)  # Its sixth batch is the third of the second pass of "b".
    np.testing.assert_array_equal(numbers(read(dataset), "b")[0], np.arange(8, 12))


def given(shuffle=True, **options):
    """Datasets as domains: one of `(x, label)`, one of a map, of one seed and length."""
    labelled = datasets.from_arrays(samples(LONG), np.arange(LONG), BATCH, seed=2)
    plain = datasets.from_arrays(samples(LONG, (1,)), None, BATCH, seed=2)
    doubled = datasets.map(plain, lambda x, seed: x + tf.cast(seed[1], tf.float32) * 100, seed=0)
    parts = {"one": labelled, "two": doubled, "less": samples(SHORT)}
    return datasets.unpaired(**parts, batch_size=BATCH, shuffle=shuffle, **options)


@pytest.mark.slow
@pytest.mark.parametrize("shuffle", [True, False])
def test_datasets_as_domains(shuffle):
    dataset = given(shuffle)
    for epoch in range(2):
        batches = read(dataset)
        for name in ("one", "two"):
            first = key(0, name) % 2**31 if shuffle else 0
            order = permutation(LONG, 2, first + epoch)[:20].reshape(5, BATCH)
            index = np.arange(5)[:, None] * 100 if name == "two" else 0
            np.testing.assert_array_equal(numbers(batches, name), order + index)
    assert_seeks_exactly(lambda: given(shuffle), epochs=2, skips=[0, 3])


class Fixed:
    """The parts of a dataset whose passes do not count themselves: only `seek` moves it."""

    def __init__(self, steps):
        self.epoch = 0
        number = tf.data.Dataset.from_tensors(0).map(
            lambda _: tf.ensure_shape(tf.numpy_function(lambda: self.epoch, [], tf.int64), [])
        )
        self.dataset = number.flat_map(
            lambda epoch: tf.data.Dataset.range(epoch * 100, epoch * 100 + steps)
        ).map(lambda x: tf.fill([BATCH], x))
        self.dataset = self.dataset.apply(tf.data.experimental.assert_cardinality(steps))
        self.dataset.seek = self.seek

    def seek(self, epoch):
        self.epoch = np.int64(epoch)


@pytest.mark.slow
def test_each_pass_of_a_dataset_is_sought():
    """Also where a short domain begins its next pass in the middle of an epoch."""

    def build():
        parts = {"short": Fixed(2).dataset, "long": Fixed(5).dataset}
        return datasets.unpaired(**parts, shuffle=False)

    dataset = build()
    seen = [int(batch["short"][0]) for _ in range(2) for batch in read(dataset)]
    assert seen == [0, 1, 100, 101, 200, 201, 300, 301, 400, 401]
    assert_seeks_exactly(build, epochs=2)


def test_a_batch_is_of_the_least_array():
    dataset = datasets.unpaired(samples(3), samples(11), batch_size=8)
    assert [(len(b["a"]), len(b["b"])) for b in read(dataset)] == [(3, 3)] * 3


@pytest.mark.slow
def test_replicas_share_each_batch(two_replicas):
    dataset, quiet = given(), given()
    read(quiet)
    dataset.seek(1, 2)
    assert_equal(joined(two_replicas, dataset)[2:], read(quiet)[2:])


def unequal():
    return datasets.from_arrays(samples(LONG), None, BATCH, shuffle=False)


SAME = datasets.from_arrays(samples(8), None, BATCH)


@pytest.mark.parametrize(
    "domains, named, error, message",
    [
        ([], {}, ValueError, "at least two domains.*Received: 0"),
        ([samples(4)], {}, ValueError, "at least two domains.*from_arrays.*Received: 1"),
        ([samples(4)], {"a": samples(4)}, ValueError, r"different names.*Received: \['a'\] twice"),
        ([samples(4)] * 27, {}, ValueError, "Received: 27 domains without a name"),
        ([samples(4), samples(0)], {}, ValueError, "no samples. Received: an empty domain 'b'"),
        ([samples(4), (samples(4), [1])], {}, TypeError, "'b' to be a numeric.*Received: tuple"),
        ([samples(4)], {"x": ["cat"]}, TypeError, "'x' to be a numeric.*dtype .S3"),
        (
            [samples(4), tf.data.Dataset.range(4).batch(2)],
            {},
            ValueError,
            r"'b' to have a method `seek\(epoch\)`.*Received: a dataset without `seek`",
        ),
        ([unequal(), samples(8)], {}, ValueError, "one known size.*domain 'a', an unknown number"),
        ([SAME, samples(8)], {}, ValueError, "one known size.*Received: 8 samples.*'a', 4"),
        ([SAME, SAME], {}, ValueError, "Received: the domain 'a' and .*'b', which read the same"),
        ([samples(4)] * 2, {"seed": -1}, ValueError, "`seed` to be a whole number"),
        ([samples(4)] * 2, {"batch_size": 0}, ValueError, "`batch_size` to be a whole number"),
    ],
)
def test_errors(domains, named, error, message):
    with pytest.raises(error, match=message):
        datasets.unpaired(*domains, **named)


def test_no_pairs_is_marked_and_the_mark_stays():
    dataset = make()
    assert dataset.paired is False
    mapped = datasets.map(dataset, lambda x: {"a": x["a"], "b": -x["b"]})
    zipped = datasets.zip({"domains": mapped, "number": datasets.from_arrays(samples(20), None, 4)})
    assert mapped.paired is False and zipped.paired is False
    paired = datasets.from_arrays(samples(LONG), samples(LONG), BATCH)
    assert getattr(datasets.map(paired, lambda y, x: (y, x)), "paired", True)
