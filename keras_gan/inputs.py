"""What `fit` is given: any of its forms made into batches of `(x, condition)`, and checked."""

import contextlib
import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_gan import checks, datasets


def unpack(element):
    """Return `(x, condition)` of one element of a dataset.

    Args:
        element: `x`, `(x,)` or `(x, condition)`, a condition being any nest of tensors.

    Raises:
        ValueError: when there is a third part: samples can't be weighted.
    """
    if not isinstance(element, (tuple, list)):
        return element, None
    x, condition, *rest = (*element, None) if len(element) == 1 else element
    if any(part is not None for part in rest):
        raise ValueError(
            "Expected data elements `x` or `(x, condition)`. A third part would be a "
            "`sample_weight`, which an adversarial loss has no use for: drop it. "
            f"Received: an element of {len(element)} parts"
        )
    return x, condition


def map_arrays(function, nest):
    """Apply a function to every array of a nest; `None` stays `None`."""
    return keras.tree.map_structure(lambda a: None if a is None else function(a), nest)


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
                f"Received: {name}={value!r}"
            )


class Source:
    """What `fit` was given to train on.

    Args:
        x: `tf.data.Dataset`, `keras.utils.PyDataset` or array-like of samples.
        y: condition of an array, a nest of arrays of as many rows; `None` otherwise.
        batch_size: samples in a batch of arrays, by default 32.
        shuffle: whether to shuffle arrays.
        seed: of the shuffling.

    Raises:
        TypeError: when `x` is none of these.
        ValueError: for arrays that can't be trained on, or a `y` beside a dataset.
    """

    def __init__(self, x, y, batch_size, shuffle, seed):
        self._options = batch_size or 32, bool(shuffle), seed
        self.arrays = None
        if isinstance(x, (*_DATASETS, keras.utils.PyDataset)):
            if y is not None:
                raise ValueError(
                    "A dataset brings its condition itself, as `(x, condition)`. "
                    f"Received: a {type(x).__name__} and y={type(y).__name__}"
                )
            self.batches = x
            return
        self.arrays = _as_arrays(x, y)
        self.batches = datasets.from_arrays(
            *self.arrays, batch_size=self._options[0], shuffle=self._options[1], seed=seed
        )

    @property
    def element(self):
        """Specs of `(x, condition)`, batch axis first, or `None` where they can't be known."""
        if isinstance(self.batches, tf.data.Dataset):
            return unpack(self.batches.element_spec)
        if isinstance(self.batches, keras.utils.PyDataset) and len(self.batches):
            return unpack(keras.tree.map_structure(np.asarray, self.batches[0]))
        return None

    def split(self, fraction):
        """Return the source without its last samples, and those as arrays or `None`.

        Args:
            fraction: share of an array's samples to keep out, in [0, 1).
        """
        if not fraction:
            return self, None
        if self.arrays is None or not 0 < fraction < 1:
            raise ValueError(
                "Expected `validation_split` in [0, 1), with arrays: a dataset is validated on "
                f"another, `validation_data`. Received: validation_split={fraction}"
            )
        kept = round(len(self.arrays[0]) * (1 - fraction))
        train = map_arrays(lambda rows: rows[:kept], self.arrays)
        return Source(*train, *self._options), map_arrays(lambda rows: rows[kept:], self.arrays)

    def check(self, discriminator_steps):
        """Raise when the samples are no floats, or there are too few batches for a step."""
        if self.element is not None:
            dtype = tf.as_dtype(self.element[0].dtype)
            if not dtype.is_floating:
                raise ValueError(_integer_message(dtype.name))
        batches = self._count()
        if batches == 0:
            raise ValueError(EMPTY)
        if batches is not None and batches < discriminator_steps:
            raise ValueError(
                f"One training step takes {discriminator_steps} batches, one for each update of "
                "the discriminator, and the dataset has fewer. Received: "
                f"discriminator_steps={discriminator_steps} and a dataset of {batches} batches"
            )

    def grouped(self, steps, strategy):
        """Return the batches as Keras takes them, grouped where a step takes several."""
        if steps == 1:
            return self.batches
        if isinstance(self.batches, keras.utils.PyDataset):
            return GroupedPyDataset(self.batches, steps)
        sides = keras.tree.flatten(map_arrays(lambda spec: spec.shape[0], self.element))
        if strategy.num_replicas_in_sync > 1 and None in sides:
            raise ValueError(
                "Expected batches of a fixed size for `discriminator_steps` above 1 under a "
                "distribution strategy: `dataset.batch(..., drop_remainder=True)`. "
                f"Received: discriminator_steps={steps}"
            )
        return group(self.batches, steps)

    def add_callbacks(self, callbacks):
        """Return the callbacks, with one that moves a seekable dataset to each epoch."""
        seek = getattr(self.batches, "seek", None)
        if seek is None:
            return callbacks
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks.append(SeekEpoch(seek))
            return callbacks
        callbacks = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
        return [SeekEpoch(seek), *(callback for callback in callbacks if callback is not None)]

    def _count(self):
        if isinstance(self.batches, tf.data.Dataset):
            count = int(self.batches.cardinality())
            return count if count >= 0 else None
        return len(self.batches) if isinstance(self.batches, keras.utils.PyDataset) else None


def _as_arrays(x, y):
    try:
        x = np.asarray(x)
    except (TypeError, ValueError):
        x = np.asarray(None)
    if x.dtype == object or x.ndim == 0:
        raise TypeError(
            "Expected a `tf.data.Dataset`, a `keras.utils.PyDataset` or an array of samples. "
            f"Received: x of type {type(x)}"
        )
    if not len(x):
        raise ValueError(EMPTY)
    if not np.issubdtype(x.dtype, np.floating):
        raise ValueError(_integer_message(x.dtype))
    if not np.isfinite(x).all():
        raise ValueError(NOT_FINITE)
    return x, map_arrays(np.asarray, y)


def evaluation_batches(x, y, batch_size, steps):
    """Return an iterable over the batches that `evaluate` sees."""
    if isinstance(x, _DATASETS):
        return x if steps is None else x.take(steps)
    if isinstance(x, keras.utils.PyDataset):
        return (x[index] for index in range(steps or len(x)))
    arrays = _as_arrays(x, y)
    return datasets.from_arrays(*arrays, batch_size=batch_size or 32, shuffle=False)


def zeros_like_spec(spec):
    """Return a batch of one zero of a spec's shape and dtype."""
    return tf.zeros((1, *spec.shape[1:]), spec.dtype)


def assert_labels(condition, classes):
    """Assert, in the graph, that integer labels are from 0 to classes - 1."""
    for labels in keras.tree.flatten(condition):
        if labels.dtype.is_integer:
            low, high = tf.reduce_min(labels), tf.reduce_max(labels)
            fine = tf.logical_and(low >= 0, high < tf.cast(classes, high.dtype))
            tf.debugging.Assert(
                fine, [checks.label_message(classes, "(low, high) =", ""), low, high]
            )


def warn_outside_unit_range(real, count):
    """Warn, at the first step of training, of samples outside the range of a tanh."""

    def look():
        low, high = tf.reduce_min(real), tf.reduce_max(real)
        tf.numpy_function(_warn_range, [low, high], [])
        return tf.constant(True)

    tf.cond(tf.equal(tf.convert_to_tensor(count), 0), look, lambda: tf.constant(True))


def _warn_range(low, high):
    if low < -1.001 or high > 1.001:
        warnings.warn(
            "The generator ends in tanh and makes samples in [-1, 1], but the data is outside: "
            "the discriminator tells them apart by range alone. Scale the data, for 8-bit "
            f"images `x / 127.5 - 1`. Range seen in the first batch: [{low:g}, {high:g}]",
            stacklevel=2,
        )


@contextlib.contextmanager
def readable_errors():
    """Raise what an assertion of the training step found as the ValueError it is."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        message = error.message or str(error)
        if NOT_FINITE in message:
            raise ValueError(NOT_FINITE) from None
        if "the networks embed" in message:
            raise ValueError(_joined(message)) from None
        raise


def _joined(message):
    """Return the parts of an assertion's message as the sentence they make."""
    start = message.index("Expected labels")
    return message[start:].split("\n")[0].replace("[", "").replace("]", "").replace("'", "").strip()


EMPTY = "The dataset is empty: expected at least one batch of samples. Received: 0 batches"

NOT_FINITE = (
    "The data holds NaN or infinite values: expected finite samples. The networks were not "
    "updated from them. Drop such samples, for example with `dataset.filter(...)`."
)

_DATASETS = (tf.data.Dataset, tf.distribute.DistributedDataset)


def _integer_message(dtype):
    return (
        "Expected floating-point samples, images scaled to [-1, 1] as a tanh generator makes "
        "them: `x.astype('float32') / 127.5 - 1` for 8-bit images. "
        f"Received: samples of dtype {keras.backend.standardize_dtype(dtype)}"
    )


def group(dataset, size):
    """Return a dataset whose elements are tuples of `size` successive elements.

    What is left over at the end of an epoch is dropped. Batches of unequal size are fine.

    Args:
        dataset: `tf.data.Dataset`.
        size: elements in a group.
    """

    def gather(*windows):
        windows = windows if len(windows) > 1 else windows[0]

        def element(i):
            return tf.nest.map_structure(
                lambda window: window.skip(i).take(1).get_single_element(), windows
            )

        return tuple(element(i) for i in range(size))

    return dataset.window(size, drop_remainder=True).map(gather)


class GroupedPyDataset(keras.utils.PyDataset):
    """A `PyDataset` whose items are tuples of successive items of another.

    Args:
        dataset: the `keras.utils.PyDataset` to group.
        size: items in a group.
    """

    def __init__(self, dataset, size):
        super().__init__(dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size)
        self._dataset = dataset
        self._size = size

    def __len__(self):
        return len(self._dataset) // self._size

    def __getitem__(self, index):
        first = index * self._size
        # Keras takes a tuple of more than three for an error: one level more hides it.
        return (tuple(self._dataset[first + i] for i in range(self._size)),)

    def on_epoch_begin(self):
        """Pass the event on."""
        self._dataset.on_epoch_begin()

    def on_epoch_end(self):
        """Pass the event on."""
        self._dataset.on_epoch_end()


class SeekEpoch(keras.callbacks.Callback):
    """Move the data to the epoch that begins, so that a resumed run sees what it would have.

    Args:
        seek: function of the epoch's number, from 0.
    """

    def __init__(self, seek):
        super().__init__()
        self._seek = seek

    def on_epoch_begin(self, epoch, logs=None):
        """Tell the dataset which epoch comes."""
        self._seek(epoch)
