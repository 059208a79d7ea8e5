"""Batches in groups, for steps that take several, and in parts, for replicas that share them."""

import keras
import tensorflow as tf

from keras_gan.data import elements
from keras_gan.datasets.epochs import takes_skip

_Policy = tf.data.experimental.AutoShardPolicy


def group(dataset, size):
    """Return a dataset whose elements are tuples of `size` successive elements.

    What is left over at the end of an epoch is dropped. Batches of unequal size are fine.

    Args:
        dataset: `tf.data.Dataset`, with or without `seek(epoch)`.
        size: elements in a group.
    """

    @tf.autograph.experimental.do_not_convert
    def gather(*windows):
        windows = windows if len(windows) > 1 else windows[0]

        def element(i):
            return tf.nest.map_structure(
                lambda window: window.skip(i).take(1).get_single_element(), windows
            )

        return tuple(element(i) for i in range(size))

    grouped = dataset.window(size, drop_remainder=True).map(gather)
    return with_seek_of(grouped, dataset, size)


def even(dataset, replicas):
    """Return the dataset without the batches that replicas can't share evenly.

    It can be moved to an epoch, not within one: only reading tells which batches are kept.
    """

    @tf.autograph.experimental.do_not_convert
    def is_even(*element):
        return tf.shape(tf.nest.flatten(element)[0])[0] % replicas == 0

    even = dataset.filter(is_even)
    if hasattr(dataset, "seek"):
        even.seek = lambda epoch: dataset.seek(epoch)
    return even


def shared_by_batch(dataset):
    """Return a dataset of which every worker takes its share of each batch.

    TensorFlow would rather give workers files of their own, and batches then differ from those of
    one device. A policy that the dataset's owner has chosen stays.
    """
    if dataset.options().experimental_distribute.auto_shard_policy != _Policy.AUTO:
        return dataset
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = _Policy.DATA
    return with_seek_of(dataset.with_options(options), dataset)


def first(dataset, steps):
    """Return a dataset with `seek(epoch)` whose epochs are cut to their first steps."""
    return with_seek_of(dataset.take(steps), dataset)


def with_seek_of(derived, dataset, size=1):
    """Give a derived dataset, whose elements are of several of another, the other's `seek`."""
    if hasattr(dataset, "seek"):
        derived.seek = dataset.seek
        if size > 1 and takes_skip(dataset.seek):
            derived.seek = lambda epoch, skip=0: dataset.seek(epoch, skip * size)
    return derived


class GroupedPyDataset(keras.utils.PyDataset):
    """A `PyDataset` whose items are tuples of successive items of another, each checked.

    Args:
        dataset: the `keras.utils.PyDataset` to group.
        size: items in a group; 1 leaves them as they are.
        checks: `ValueChecks`.
        adapter: an `Adapter`, or `None` for items as they are.
    """

    def __init__(self, dataset, size, checks, adapter=None):
        super().__init__(dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size)
        self._dataset = dataset
        self._size = size
        self._checks = checks
        self._adapter = adapter
        if hasattr(dataset, "seek"):
            self.seek = dataset.seek

    def __len__(self):
        return len(self._dataset) // self._size

    def __getitem__(self, index):
        items = [self._item(index * self._size + i) for i in range(self._size)]
        # Keras refuses tuples of more than three: one more level hides it.
        return items[0] if self._size == 1 else (tuple(items),)

    def _item(self, index):
        item = self._dataset[index]
        self._checks.check(*self._checks.unpack(item))
        return item if self._adapter is None else elements.pack(*self._adapter(item))

    def on_epoch_begin(self):
        """Pass the event on."""
        self._dataset.on_epoch_begin()

    def on_epoch_end(self):
        """Pass the event on."""
        self._dataset.on_epoch_end()
