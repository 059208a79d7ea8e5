"""Sources of data: the forms that `fit` takes, made into batches of `(x, condition)`."""

import collections.abc
import functools
import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_gan import datasets
from keras_gan.data import elements, grouping
from keras_gan.data.values import ValueChecks, check_float
from keras_gan.datasets.epochs import batch_plan
from keras_gan.utils import arguments, nests

_DATASETS = (tf.data.Dataset, tf.distribute.DistributedDataset)


def refuse_weights(**weights):
    """Raise when any weights were given.

    Raises:
        ValueError: naming the argument.
    """
    for name, value in weights.items():
        if value is not None:
            raise ValueError(
                f"`{name}` is not supported: an adversarial loss compares two distributions and "
                "has no target to weigh. Resample the dataset instead. "
                f"Received: {name} of type {type(value).__name__}"
            )


def too_few(needed, batches=None):
    """Return the error text for a dataset with too few batches for a training step.

    Args:
        needed: batches that a training step takes.
        batches: batches that there are, `None` when not known.
    """
    if needed == 1 or batches == 0:
        return "The dataset is empty: expected at least one batch of samples. Received: 0 batches"
    return (
        f"One training step takes {needed} batches, one for each update of the discriminator, and "
        f"the dataset has fewer. Received: discriminator_steps={needed}"
        + ("" if batches is None else f" and a dataset of {batches} batches")
    )


class Source:
    """What `fit` or `evaluate` was given to read.

    Args:
        x: `tf.data.Dataset`, `keras.utils.PyDataset` or array-like of samples.
        y: condition of an array, a nest of arrays of as many rows; `None` otherwise.
        batch_size: samples in a batch of arrays, by default 32.
        shuffle: whether to shuffle arrays.
        seed: of the shuffling.

    Raises:
        TypeError: when `x` is none of these.
        ValueError: for an empty array, or a `y` beside a dataset.
    """

    def __init__(self, x, y=None, batch_size=None, shuffle=False, seed=0):
        size = 32 if batch_size is None else arguments.whole("batch_size", batch_size)
        self._options = size, bool(shuffle), seed
        self._dataset = x if isinstance(x, (*_DATASETS, keras.utils.PyDataset)) else None
        self.arrays = None if self._dataset is not None else _as_arrays(x, y)
        self._checks = ValueChecks()
        self._adapter = None
        if self._dataset is not None and y is not None:
            raise ValueError(
                "A dataset brings its condition itself, as `(x, condition)`. "
                f"Received: a {type(x).__name__} and y of type {type(y).__name__}"
            )

    def check_dense(self):
        """Raise for a dataset of ragged or sparse tensors.

        Raises:
            ValueError: saying how to make dense ones.
        """
        specs = tf.nest.flatten(getattr(self._dataset, "element_spec", ()))
        kinds = {type(spec).__name__ for spec in specs}
        if found := kinds & {"RaggedTensorSpec", "SparseTensorSpec"}:
            raise ValueError(
                "Expected dense tensors. Pad ragged ones, `dataset.map(lambda x: x.to_tensor())`, "
                "or use `padded_batch`; sparse ones become dense by `tf.sparse.to_dense`. "
                f"Received: a dataset of {min(found).removesuffix('Spec')}s"
            )

    def adapt(self, adapter):
        """Let elements be read in the form that networks take.

        Args:
            adapter: an `Adapter`.

        Returns:
            Whether `batches` are others by it.

        Raises:
            ValueError: for what no form of is one that they take.
        """
        if self.arrays is not None:
            first = nests.map(lambda rows: rows[:1], self.arrays)
            needed = not nests.same(adapter(first), elements.unpack(first))
        elif isinstance(self._dataset, tf.data.Dataset):
            needed = adapter.changes(self._dataset.element_spec)
        else:
            needed = isinstance(self._dataset, keras.utils.PyDataset)
            if not needed:
                _check_distributed(self._dataset)
        self._adapter = adapter if needed else None
        return needed

    @property
    def element(self):
        """Arrays or specs `(x, condition)`, batch axis first, or `None` if they can't be known."""
        if self.arrays is not None and self._adapter is None:
            return self.arrays
        if self.arrays is not None:
            return self._adapter(nests.map(lambda rows: rows[:1], self.arrays))
        if isinstance(self._dataset, tf.data.Dataset):
            return elements.unpack(self.batches.element_spec)
        if isinstance(self._dataset, keras.utils.PyDataset) and len(self._dataset):
            first = nests.map(np.asarray, self._first)
            return elements.unpack(first) if self._adapter is None else self._adapter(first)
        return None

    @functools.cached_property
    def _first(self):
        return self._dataset[0]

    @property
    def batches(self):
        """The batches in the form that networks take, unchecked and ungrouped."""
        if self.arrays is not None:
            size, shuffle, seed = self._options
            batches = datasets.from_arrays(
                *self.arrays, batch_size=size, shuffle=shuffle, seed=seed
            )
            return self._adapted(batches)
        if isinstance(self._dataset, keras.utils.PyDataset):
            return grouping.GroupedPyDataset(self._dataset, 1, self._checks, self._adapter)
        return self._adapted(self._dataset)

    def _adapted(self, dataset):
        if self._adapter is None:
            return dataset

        @tf.autograph.experimental.do_not_convert
        def adapt(*element):
            return elements.pack(*self._adapter(element if len(element) > 1 else element[0]))

        return grouping.with_seek_of(dataset.map(adapt), dataset)

    def split(self, fraction):
        """Return the source without its last samples, and those as arrays or `None`.

        Args:
            fraction: share of an array's samples to keep out, in [0, 1).
        """
        fraction = arguments.number("validation_split", fraction, below=1)
        if not fraction:
            return self, None
        if self.arrays is None:
            raise ValueError(
                "Expected `validation_split` with arrays: a dataset is validated on another, "
                f"`validation_data`. Received: validation_split={fraction}"
            )
        kept = round(elements.rows_of(self.arrays[0]) * (1 - fraction))
        train = nests.map(lambda rows: rows[:kept], self.arrays)
        return Source(*train, *self._options), nests.map(lambda rows: rows[kept:], self.arrays)

    def check(self, needed):
        """Raise when the samples are no floats, or there are fewer batches than needed."""
        for part in nests.leaves(self.element[0]) if self.element is not None else ():
            check_float(part.dtype)
        batches = self._count()
        if batches is not None and batches < needed:
            raise ValueError(too_few(needed, batches))

    def check_end(self, steps, argument):
        """Raise when the dataset says that it never ends, and nobody says when to stop.

        Args:
            steps: how many batches are asked for, or `None`.
            argument: what that is called.
        """
        if steps is None and elements.is_endless(self._dataset):
            raise ValueError(
                f"Expected data with an end: leave `repeat()` out, or pass `{argument}=...`. "
                f"Received: {self._dataset}"
            )

    def warn_of_no_end(self, steps):
        """Warn when an epoch of the dataset never ends, as nobody says when it is over."""
        if steps is None and elements.is_endless(self._dataset):
            warnings.warn(
                "The dataset has no end, so the first epoch has none: no callback at an epoch's "
                "end will be called. Leave `repeat()` out, or pass `steps_per_epoch=`.",
                stacklevel=3,
            )

    def check_values(self, condition, value_range):
        """Check the values of arrays now, and those of datasets as they are read.

        Args:
            condition: the model's `Condition`.
            value_range: `(lowest, highest)` value of the generator's samples, or `None`.
        """
        unpack = elements.unpack if self._adapter is None else self._adapter.named
        self._checks = ValueChecks(condition, value_range, unpack)
        if self.arrays is not None:
            self._checks.check(*unpack(self.arrays))

    def readable_errors(self):
        """Return a context in which a failed check is raised as the ValueError it is."""
        return self._checks.readable()

    def grouped(self, size, replicas=1, steps=None):
        """Return the checked batches as Keras takes them, in groups where a step takes several.

        Batches that several replicas can't share evenly, such as a last and smaller one, are
        dropped.

        Args:
            size: batches in a group.
            replicas: how many share a batch.
            steps: groups in an epoch, for a dataset with `seek(epoch)`; `None` for all.

        Raises:
            ValueError: when replicas can't share groups of batches of unknown size.
        """
        if isinstance(self._dataset, keras.utils.PyDataset):
            return grouping.GroupedPyDataset(self._dataset, size, self._checks, self._adapter)
        batches = self.batches if self._dataset is None else self._dataset
        if isinstance(batches, tf.distribute.DistributedDataset):
            if size > 1:
                raise ValueError(
                    "Expected a tf.data.Dataset for `discriminator_steps` above 1: batches of one "
                    "that is distributed already can't be put together. Let `fit` distribute it. "
                    f"Received: {type(batches).__name__}, discriminator_steps={size}"
                )
            return batches
        # Values are checked as they come: once they are adapted, a wrong one may look right.
        watched = (
            batches
            if self.arrays is not None
            else self._adapted(grouping.with_seek_of(self._checks.watch(batches), batches))
        )
        sides = {spec.shape[0] for spec in tf.nest.flatten(watched.element_spec)}
        fixed = None not in sides
        if fixed and any(side % replicas for side in sides):
            raise ValueError(
                f"Expected batches that {replicas} replicas can share evenly. "
                f"Received: batches of {max(sides)} samples"
            )
        if replicas > 1 and not fixed and size > 1:
            raise ValueError(
                "Expected batches of a fixed size for `discriminator_steps` above 1 under a "
                "distribution strategy: `dataset.batch(..., drop_remainder=True)`. "
                f"Received: discriminator_steps={size}"
            )
        if replicas > 1 and not fixed:
            watched = grouping.even(watched, replicas)
        batches = watched if size == 1 else grouping.group(watched, size)
        if replicas > 1:
            batches = grouping.shared_by_batch(batches)
        return grouping.first(batches, steps) if steps and hasattr(batches, "seek") else batches

    def steps(self, size):
        """Return how many groups of batches one pass has, or `None` when not known.

        Args:
            size: batches in a group.
        """
        batches = self._count()
        return None if batches is None else batches // size

    def _count(self):
        if self.arrays is not None:
            size, shuffle, _ = self._options
            return batch_plan(elements.rows_of(self.arrays[0]), size, shuffle)[1]
        if isinstance(self._dataset, tf.data.Dataset):
            count = int(self._dataset.cardinality())
            return count if count >= 0 else None
        return len(self._dataset) if isinstance(self._dataset, keras.utils.PyDataset) else None


def _check_distributed(dataset):
    """Raise for a distributed dataset of bytes, whose elements can't be changed any more."""
    specs = tf.nest.flatten(dataset.element_spec, expand_composites=True)
    if any(spec.dtype == tf.uint8 for spec in specs):
        raise ValueError(
            "Expected floats in a dataset that is distributed already: images of 8 bits are not "
            "scaled there. Give `fit` the dataset itself, which it distributes. "
            f"Received: a {type(dataset).__name__} of dtype uint8"
        )


def _as_arrays(x, y):
    samples = _as_samples(x)
    if not elements.rows_of(samples):
        raise ValueError(too_few(1))
    # As in `datasets.from_arrays`: a list is one array.
    try:
        condition = np.asarray(y) if isinstance(y, list) else nests.map(np.asarray, y)
    except ValueError:
        raise TypeError(
            "Expected `y` to be arrays, or a list of rows of one length. "
            f"Received: y={arguments.shown(y)}"
        ) from None
    if any(part is not None and part.ndim == 0 for part in nests.leaves(condition)):
        raise ValueError(
            "Expected `y` to have a row for each sample. Received: a single value, of shape ()"
        )
    return samples, condition


def _as_samples(x):
    """Return samples as a nest of arrays: dicts and tuples are nests, a list is one array."""
    if isinstance(x, dict):  # Of any kind: a library's own would be a leaf to `nests.map`.
        return {key: _as_samples(part) for key, part in x.items()}
    if isinstance(x, tuple):
        return tuple(map(_as_samples, x))
    if isinstance(x, _DATASETS):
        raise TypeError(
            "Expected one dataset. Received: a dict or tuple of datasets, such as the splits that "
            "`tfds.load` returns: give one of them, `data['train']`"
        )
    if isinstance(x, (list, np.ndarray)) and len(x):
        array = elements.as_array(x, "x")
    else:
        try:
            array = elements.as_array(x, "x")
        except TypeError:
            array = np.asarray(None)
    if array.ndim == 0:
        iterator = isinstance(x, collections.abc.Iterator)
        hint = (
            "An iterator can be read once, and no run could be resumed on it: make a dataset, "
            "for example by `tf.data.Dataset.from_generator`. "
        )
        raise TypeError(
            "Expected a `tf.data.Dataset`, a `keras.utils.PyDataset` or an array of samples. "
            f"{hint if iterator else ''}Received: x of type {type(x)}"
        )
    return array
