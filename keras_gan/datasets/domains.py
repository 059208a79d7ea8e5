"""Domains whose samples have no pairs, each in an order of its own."""

import dataclasses
import hashlib
import string
from collections.abc import Callable

import tensorflow as tf

from keras_gan.datasets.arrays import as_array
from keras_gan.datasets.epochs import (
    check_apart,
    check_batching,
    gatherer,
    known_steps,
    one_pass,
    ordered,
    seekable,
)


def unpaired(*domains, batch_size=32, seed=0, shuffle=True, **named):
    """Make a dataset of domains without pairs, such as CycleGAN translates between.

    Each domain has an order of its own, a function of (seed, the domain's name, epoch): samples
    of equal number are not paired by it. An epoch is one pass over the domain of most batches.
    The others begin their next pass where they end, also in the middle of an epoch, and the next
    epoch goes on there. `dataset.seek(epoch)` makes the next pass be that epoch.

    Args:
        *domains: Domains that are called "a", "b", "c", ... An array of samples, shape `(n, ...)`;
            or a `tf.data.Dataset` with `seek`, a known number of batches and one size of batch,
            as `load` and `from_folder` make them, of which `x` is taken and a condition left out:
            `unpaired(from_folder("horses", 16), from_folder("zebras", 16))`.
        batch_size: Samples in a batch of each domain, if arrays are among them. Where the least
            array has fewer, it makes one batch, and all batches are of its size. Datasets bring
            their own, which has to be the same for all.
        seed: Integer from 0 to 2**32 - 1.
        shuffle: Whether to shuffle. Without it arrays keep their order, and datasets theirs. With
            it the epochs of a given dataset are counted from a number that follows from `seed`
            and its name, as two datasets of equal seeds would come in equal orders; one that does
            not shuffle by itself keeps its one order. An array's incomplete last batch is dropped
            either way.
        **named: Domains that keep their names: `horse=..., zebra=...`.

    Returns:
        A prefetched `tf.data.Dataset` of dicts `{name: batch}`, of known cardinality, with a
        method `seek(epoch, skip)`. Batches of different domains may differ in shape but for
        their first dimension. `dataset.paired` is False, also through `map` and `zip`: metrics of
        pairs refuse it.

    Raises:
        ValueError: If there are fewer than two domains, one is empty, a dataset has no `seek` or
            batches of another size, or `batch_size` or `seed` is out of range.
        TypeError: If a domain is neither a numeric array nor a `tf.data.Dataset`.

    Example:
    >>> photos, sketches = np.random.rand(90, 16, 16, 3), np.random.rand(40, 32, 32, 1)
    >>> dataset = keras_gan.datasets.unpaired(photos, sketches, batch_size=10)
    >>> len(dataset)
    9
    >>> {name: batch.shape for name, batch in next(iter(dataset)).items()}
    {'a': TensorShape([10, 16, 16, 3]), 'b': TensorShape([10, 32, 32, 1])}

    Reference:
        Zhu et al., [Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
        Networks](https://arxiv.org/abs/1703.10593), 2017.
    """
    batch_size, seed = check_batching(batch_size, seed)
    given = _checked(_all_named(domains, named))
    datasets = {name: data for name, data in given.items() if isinstance(data, tf.data.Dataset)}
    check_apart({f"the domain {name!r}": dataset for name, dataset in datasets.items()})
    size = _common_size(given, batch_size)

    def domain(name, data):
        key = _key(seed, name) if shuffle else None
        return _of_dataset(data, key) if name in datasets else _of_array(data, size, key)

    parts = {name: domain(name, data) for name, data in given.items()}
    longest = max(part.steps for part in parts.values())

    def batches_of(epoch, skip):
        begin = epoch * longest + skip
        onward = {name: part.onward(begin) for name, part in parts.items()}
        return tf.data.Dataset.zip(onward).take(longest - skip)

    return seekable(batches_of, longest, datasets.values(), paired=False)


@dataclasses.dataclass(frozen=True)
class _Domain:
    """A domain in batches.

    Attributes:
        steps: How many there are in a pass.
        pass_of: Function from the number of a pass, and of batches to leave out at its
            beginning, to a dataset of the others.
    """

    steps: int
    pass_of: Callable

    def onward(self, begin):
        """Return the batches from one on, counted over all passes, without end."""
        first, skip = begin // self.steps, begin % self.steps

        @tf.autograph.experimental.do_not_convert
        def one(number):
            return self.pass_of(number, tf.where(number == first, skip, tf.zeros_like(skip)))

        return tf.data.Dataset.range(first, tf.int64.max).flat_map(one)


def _of_array(array, size, key):
    batch = gatherer(array)

    def pass_of(number, skip):
        indices = ordered(len(array), key, number).batch(size, drop_remainder=True)
        return indices.skip(skip).map(batch, num_parallel_calls=tf.data.AUTOTUNE)

    return _Domain(len(array) // size, pass_of)


def _of_dataset(dataset, key):
    first = 0 if key is None else key % 2**31

    def pass_of(number, skip):
        return one_pass(dataset, first + number, skip).map(lambda x, *_: x)

    return _Domain(len(dataset), pass_of)


def _key(seed, name):
    """Return a number from 0 to 2**63 - 1 that is a function of (seed, name)."""
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def _all_named(domains, named):
    letters = dict(zip(string.ascii_lowercase, domains, strict=False))
    both = sorted(letters.keys() & named.keys())
    if both or len(domains) > len(letters):
        raise ValueError(
            f"Expected domains of different names, at most {len(string.ascii_lowercase)} without "
            "one: those are called 'a', 'b', ... Received: "
            + (f"{both} twice" if both else f"{len(domains)} domains without a name")
        )
    given = {**letters, **named}
    if len(given) < 2:
        raise ValueError(
            "Expected at least two domains, as in `unpaired(photos, sketches)`; for one, use "
            f"`keras_gan.datasets.from_arrays`. Received: {len(given)}"
        )
    return given


def _checked(given):
    return {
        name: _checked_dataset(name, data)
        if isinstance(data, tf.data.Dataset)
        else _checked_array(name, data)
        for name, data in given.items()
    }


def _checked_dataset(name, dataset):
    if not hasattr(dataset, "seek"):
        raise ValueError(
            f"Expected the domain {name!r} to have a method `seek(epoch)`: each domain begins its "
            "passes by itself. Make it with `keras_gan.datasets`, or give it one (see "
            "docs/resume.md). Received: a dataset without `seek`"
        )
    if known_steps(dataset, f"the domain {name!r}") == 0:
        raise ValueError(f"There are no samples. Received: an empty domain {name!r}")
    return dataset


def _checked_array(name, samples):
    array = None if isinstance(samples, (tuple, dict, str)) else as_array(samples)
    if array is None or array.dtype.kind not in "fiub" or array.ndim == 0:
        what = type(samples).__name__ if array is None else f"an array of dtype {array.dtype}"
        raise TypeError(
            f"Expected the domain {name!r} to be a numeric array of samples, batch axis first, or "
            "a `tf.data.Dataset` with `seek`; of a folder, `from_folder(path)`. "
            f"Received: {what}"
        )
    if not len(array):
        raise ValueError(f"There are no samples. Received: an empty domain {name!r}")
    return array


def _common_size(given, batch_size):
    """Return how many samples a batch of each domain has."""
    sizes = {
        name: tf.nest.flatten(data.element_spec)[0].shape[0]
        for name, data in given.items()
        if isinstance(data, tf.data.Dataset)
    }
    counts = [len(data) for name, data in given.items() if name not in sizes]
    wanted = min([batch_size, *counts]) if counts else next(iter(sizes.values()))
    for name, size in sizes.items():
        if size is None or size != wanted:
            raise ValueError(
                "Expected batches of one known size in all domains: make datasets with the same "
                "batch_size and shuffle=True, which drops an incomplete last batch. "
                f"Received: {wanted or 'an unknown number of'} samples and, in the domain "
                f"{name!r}, {size or 'an unknown number'}"
            )
    return wanted
