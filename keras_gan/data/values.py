"""What is checked of the data's values, as they are read and before a network sees them."""

import contextlib
import re
import warnings

import keras
import numpy as np
import tensorflow as tf

NOT_FINITE = (
    "The data holds NaN or infinite values: expected finite samples. The networks were not "
    "updated from them. Drop such samples, for example with `dataset.filter(...)`."
)


NOT_READ = (
    "The dataset could not be read: {}. The networks are as the last batch before left them, and "
    "a run with `keras_gan.callbacks.Backup` goes on from its last backup once the data is there."
)


def check_float(dtype):
    """Raise when samples are no floating-point numbers.

    Raises:
        ValueError: naming the dtype and how to scale images.
    """
    dtype = keras.backend.standardize_dtype(dtype)
    if "float" not in dtype:
        raise ValueError(
            "Expected floating-point samples, images scaled to [-1, 1] as a tanh generator makes "
            "them: `x.astype('float32') / 127.5 - 1` for 8-bit images. "
            f"Received: samples of dtype {dtype}"
        )


def check_labels(condition, classes):
    """Raise when labels are outside the networks' range.

    Args:
        condition: labels, any nest of arrays.
        classes: how many labels the networks embed, or `None` where they embed none.

    Raises:
        ValueError: naming the range expected and the one received.
    """
    for labels in keras.tree.flatten(condition) if classes else []:
        labels = np.asarray(labels)
        if np.issubdtype(labels.dtype, np.integer) and labels.size:
            low, high = int(labels.min()), int(labels.max())
            if low < 0 or high >= classes:
                raise ValueError(
                    f"Expected labels from 0 to {classes - 1}: the networks embed {classes} "
                    f"classes. Received: labels from {low} to {high}"
                )


class ValueChecks:
    """The checks that every batch passes on its way to the training step.

    On the host, in the input pipeline: XLA, which drops assertions, changes nothing here.

    Args:
        classes: how many labels the networks embed, or `None`.
        unit_range: whether the generator's samples are within [-1, 1], so that data outside
            deserves a warning.
    """

    def __init__(self, classes, unit_range):
        self._classes = classes
        self._unit_range = unit_range
        self._found = None

    def check(self, x, condition=None):
        """Raise when arrays can't be trained on; warn, by the first, of a range no tanh reaches.

        Raises:
            ValueError: for values that are not finite, or labels out of range.
        """
        x = np.asarray(x)
        for array in [x, *keras.tree.flatten(condition)]:
            _check_finite(array)
        check_labels(condition, self._classes)
        if self._unit_range and x.size:
            self._unit_range = False
            _warn_range(x.min(), x.max())

    def watch(self, dataset):
        """Return a `tf.data.Dataset` whose batches are checked as they pass."""

        def passed(*element):
            tensors = tf.nest.flatten(element)
            with tf.control_dependencies([tf.numpy_function(self._look, tensors, [])]):
                checked = tf.nest.map_structure(tf.identity, element)
            return checked if len(checked) > 1 else checked[0]

        # In sequence where tf.data tunes itself: it may stall then (see `datasets.epochs`).
        tuned = dataset.options().autotune.enabled is not False
        return dataset.map(passed, num_parallel_calls=None if tuned else tf.data.AUTOTUNE)

    @contextlib.contextmanager
    def readable(self):
        """Raise what a check found, or what kept the data from being read, so that one sees it."""
        try:
            yield
        except tf.errors.OpError as error:
            if self._found is not None:
                raise self._found from None
            reason = _why_not_read(error.message)
            if reason is None:
                raise
            raise type(error)(error.node_def, error.op, NOT_READ.format(reason)) from error

    def _look(self, x, *condition):
        try:
            self.check(x, list(condition))
        except ValueError as error:
            self._found = error
            raise


def _why_not_read(message):
    """Return what TensorFlow says of a batch that could not be read; `None` of other errors."""
    if "IteratorGetNext" not in message:
        return None
    # Behind the trace of a graph, between the names of nodes.
    last = message.rsplit("\n\n", 1)[-1].split("\n\t [[")[0]
    return re.sub(r"\{\{.*?\}\}|\[Op:.*", "", last).strip()


def _check_finite(array):
    array = np.asarray(array)
    # A sum is quick, and finite unless a value is not (or the sum overflows: look closer).
    floating = "float" in array.dtype.name
    if floating and not np.isfinite(array.sum()) and not np.isfinite(array).all():
        raise ValueError(NOT_FINITE)


def _warn_range(low, high):
    if low < -1.001 or high > 1.001:
        warnings.warn(
            "The generator ends in tanh and makes samples in [-1, 1], but the data is outside: "
            "the discriminator tells them apart by range alone. Scale the data, for 8-bit images "
            f"`x / 127.5 - 1`. Range seen: [{low:g}, {high:g}]",
            stacklevel=2,
        )
