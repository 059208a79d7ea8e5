"""Order as a function of (seed, epoch): the protocol that makes a run resumable.

A *dataset with seek(epoch)* is a `tf.data.Dataset` with one more method, `seek`. Each pass over
it is the next epoch: 0, 1, 2, ... `seek(epoch)` makes the next pass be that epoch. A training
loop that calls `dataset.seek(epoch)` as each epoch begins sees the same batches in a fresh
process as in one that never stopped, whoever peeked at the dataset in between.

`seek(epoch, skip)` is for one that stopped in the middle of an epoch: the first `skip` batches
need not be read, and stand-ins of zeros come in their place. The pass is as long as any, so what
is derived from the dataset (repeated, grouped, shared among replicas) stays aligned, and the loop
lets pass what it has trained on already.

What is made of such a dataset moves it by itself, each time that a pass begins (`one_pass`), and
counts its own passes: it has a `seek(epoch, skip)` in its turn, and whoever reads the given dataset
in between changes nothing.
"""

import inspect
import itertools
import threading

import numpy as np
import tensorflow as tf

from keras_gan.utils.arguments import whole


class EpochCounter:
    """Count the passes over a dataset of `steps` batches.

    The count lives in Python rather than in a `tf.Variable`: a variable made inside a
    distribution strategy's scope would be mirrored, or land on an accelerator, where a host
    pipeline cannot read it.
    """

    def __init__(self, steps):
        self._next = self._skip = 0
        self._steps = steps
        self._lock = threading.Lock()

    def seek(self, epoch, skip=0):
        """Make the next pass be `epoch`, and stand-ins take the place of its first batches.

        Args:
            epoch: Integer, at least 0.
            skip: How many batches need not be read, at least 0. Those that the pass has not
                count in the next.

        Raises:
            ValueError: If an argument is negative.
            TypeError: If an argument is not an integer.
        """
        epoch = whole("epoch", epoch, least=0)
        skip = whole("skip", skip, least=0)
        with self._lock:
            self._next, self._skip = epoch, skip

    def advance(self):
        """Return epoch and batches to skip of a pass that begins, and move to the next."""
        with self._lock:
            epoch, self._next = self._next, self._next + 1
            skip = min(self._skip, self._steps)
            self._skip -= skip
        return epoch, skip

    def dataset(self):
        """Return a dataset of one element, epoch and batches to skip, taken anew by each pass."""

        @tf.autograph.experimental.do_not_convert
        def begin(_):
            numbers = tf.numpy_function(self.advance, [], [tf.int64, tf.int64])
            return tuple(tf.ensure_shape(number, []) for number in numbers)

        return tf.data.Dataset.from_tensors(0).map(begin)


def seekable(batches_of, steps, sources=(), paired=True):
    """Return a dataset with `seek(epoch, skip)` from a function that builds one epoch.

    Args:
        batches_of: Function from two scalar int64 tensors, the epoch and the number of batches to
            leave out at its beginning, to the `tf.data.Dataset` of that epoch's other batches.
        steps: The number of batches in an epoch.
        sources: The datasets with `seek` that `batches_of` moves, by `one_pass`.
        paired: Whether what comes together belongs together; it does not where it does not in a
            source. The dataset's attribute of that name says so.

    Returns:
        A prefetched `tf.data.Dataset` of known cardinality with a `seek` method. Every iteration
        counts as a pass, also one over a dataset derived from it; a derived dataset keeps the
        protocol when it is given the method: `derived.seek = dataset.seek`.
    """
    counter = EpochCounter(steps)

    def one_pass(epoch, skip):
        rest = batches_of(epoch, skip)
        return _stand_ins(rest.element_spec, skip).concatenate(rest)

    dataset = counter.dataset().flat_map(one_pass)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps))
    dataset = dataset.prefetch(tf.data.AUTOTUNE).with_options(_options())
    dataset.seek = counter.seek
    dataset.paired = paired and all(getattr(source, "paired", True) for source in sources)
    dataset.seeks = frozenset([counter.seek]).union(*map(seeks_of, sources))
    return dataset


def one_pass(dataset, epoch, skip):
    """Return one epoch of a dataset with `seek`, which is moved there as the pass begins.

    Args:
        dataset: A `tf.data.Dataset` with a method `seek(epoch)` or `seek(epoch, skip)`.
        epoch: Scalar int64 tensor, the epoch.
        skip: Scalar int64 tensor, how many batches to leave out at its beginning.

    Returns:
        A `tf.data.Dataset` of the epoch's other batches, for use within `seekable`.
    """
    # The function keeps `dataset` alive, whose own functions would be forgotten with it.
    with_skip = takes_skip(dataset.seek)

    def seek(epoch, skip):
        dataset.seek(int(epoch), *([int(skip)] if with_skip else []))
        return np.int64(0)

    def move(epoch, skip):
        return tf.numpy_function(seek, [epoch, skip], tf.int64)

    moved = tf.data.Dataset.from_tensors((epoch, skip)).map(move)
    return moved.flat_map(lambda _: dataset).skip(skip)


def takes_skip(seek):
    """Return whether a dataset's `seek` takes `(epoch, skip)` rather than the epoch alone."""
    try:
        inspect.signature(seek).bind(0, 0)
    except TypeError:
        return False
    return True


def seeks_of(dataset):
    """Return the `seek` of a dataset and of those that it moves in its turn."""
    return getattr(dataset, "seeks", frozenset([dataset.seek]))


def check_apart(named):
    """Raise when two datasets are made of one, which has one place at a time.

    Args:
        named: Dict of datasets with `seek`, by the names that the error calls them.

    Raises:
        ValueError: Naming both.
    """
    for (one, first), (other, second) in itertools.combinations(named.items(), 2):
        if seeks_of(first) & seeks_of(second):
            raise ValueError(
                f"Expected datasets that are read independently. Received: {one} and {other}, "
                "which read the same dataset. Make it twice, or make both parts in one function "
                "with `keras_gan.datasets.map(dataset, lambda x: (x, ...))`"
            )


def known_steps(dataset, name):
    """Return how many batches an epoch of a dataset has.

    Args:
        dataset: A `tf.data.Dataset`.
        name: What the error calls it.

    Raises:
        ValueError: If the dataset does not know, or never ends.
    """
    steps = int(dataset.cardinality())
    if steps < 0:
        endless = steps == tf.data.INFINITE_CARDINALITY
        raise ValueError(
            f"Expected a known number of batches in {name}: leave `repeat()` out, or say the "
            "number with `dataset.apply(tf.data.experimental.assert_cardinality(steps))`, and "
            f"give the result its `seek` again. Received: {'no end' if endless else 'unknown'}"
        )
    return steps


@tf.autograph.experimental.do_not_convert
def _stand_ins(specs, count):
    """Return a dataset of zeros of these specs. An axis of unknown length has no entries."""
    zeros = tf.nest.map_structure(
        lambda spec: tf.zeros([side or 0 for side in spec.shape], spec.dtype), specs
    )

    return tf.data.Dataset.from_tensors(zeros).repeat(count)


def _options():
    options = tf.data.Options()
    options.deterministic = True
    # With it, TensorFlow 2.21 now and then waits at the end of a pass until its tuning thread
    # wakes of itself: an epoch of 1.9 seconds takes 2.55. AUTOTUNE means as many as cores then.
    options.autotune.enabled = False
    # Every worker makes the same order, so each may keep its share of the batches. The default
    # would look for files to share out, and drop the cardinality.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return options


def gathered(arrays, batch_size, seed, shuffle, transform=None):
    """Return the dataset with `seek(epoch, skip)` that gathers batches from arrays in memory.

    Args:
        arrays: Nest of NumPy arrays with the same first dimension. They are not copied.
        batch_size: Samples in a batch. Where there are fewer samples, they make one batch.
        seed: Integer that, with the epoch, fixes the order.
        shuffle: Whether to shuffle and drop the remainder; else the order is that of the
            arrays and the last batch may be smaller.
        transform: Function of a batch of tensors, run in parallel.

    Returns:
        A dataset with `seek(epoch, skip)`.
    """
    count = len(tf.nest.flatten(arrays)[0])
    return indexed(gatherer(arrays, transform), count, batch_size, seed, shuffle)


def gatherer(arrays, transform=None):
    """Return the function from a tensor of indices to those rows of a nest of NumPy arrays.

    Args:
        arrays: Nest of NumPy arrays. They are not copied.
        transform: Function of the batch of tensors, or `None`.
    """
    # Gathered by NumPy, as tensors that a pipeline captures are copied into its graph, twice,
    # whenever it is optimized or split among replicas.
    flat = tf.nest.flatten(arrays)

    def batch(index):
        def pick(rows):
            return [array[rows] for array in flat]

        picked = tf.numpy_function(pick, [index], [a.dtype for a in flat], stateful=False)
        for i, array in enumerate(flat):
            picked[i].set_shape(index.shape + array.shape[1:])
        picked = tf.nest.pack_sequence_as(arrays, picked)
        return transform(picked) if transform else picked

    return batch


def indexed(batch, count, batch_size, seed, shuffle):
    """Return the dataset with `seek(epoch, skip)` of what a function makes of batches of indices.

    Args:
        batch: Function from an int64 tensor of indices to a batch, run in parallel.
        count: The number of samples, at least 1.
        batch_size: Samples in a batch. Where there are fewer samples, they make one batch.
        seed: Integer that, with the epoch, fixes the order.
        shuffle: Whether to shuffle and drop the remainder.

    Returns:
        A dataset with `seek(epoch, skip)`.
    """
    size, steps = batch_plan(count, batch_size, shuffle)

    @tf.autograph.experimental.do_not_convert
    def batches_of(epoch, skip):
        # Dropping where nothing is left over only tells the pipeline the static batch size.
        indices = ordered(count, seed if shuffle else None, epoch).batch(
            size, drop_remainder=shuffle or steps * size == count
        )
        return indices.skip(skip).map(batch, num_parallel_calls=tf.data.AUTOTUNE)

    return seekable(batches_of, steps)


def ordered(count, seed, epoch):
    """Return a dataset of the indices of `count` samples in the order of (seed, epoch).

    Args:
        count: The number of samples.
        seed: Integer, `None` for the order 0, 1, 2, ...
        epoch: Scalar int64 tensor.
    """
    order = tf.range(count, dtype=tf.int64)
    if seed is not None:
        order = stateless_shuffle(order, seed, epoch)
    return tf.data.Dataset.from_tensor_slices(order)


def stateless_shuffle(values, seed, epoch):
    """Return `values` in an order that is a function of (seed, epoch) alone.

    It costs a hundredth of a second for a million samples. `tf.random.experimental.index_shuffle`
    would permute each index by itself, but its four rounds are far from uniform: of 10
    samples, over 3,000 epochs, one came first 399 times and another 199.
    """
    seeds = tf.stack([tf.constant(seed, tf.int64), epoch])
    return tf.random.experimental.stateless_shuffle(values, seeds, alg="philox")


def batch_plan(count, batch_size, shuffle):
    """Return the size of a batch and the number of batches in an epoch."""
    size = min(batch_size, count)
    return size, count // size if shuffle else -(-count // size)


def check_batching(batch_size, seed):
    """Return `batch_size` and `seed` as integers, or say what is wrong with them."""
    return whole("batch_size", batch_size), whole("seed", seed, least=0, most=2**32 - 1)
