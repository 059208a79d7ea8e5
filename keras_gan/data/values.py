"""Checks of the data's values while they are read, before a network sees them."""

import contextlib
import functools
import re
import warnings

import numpy as np
import tensorflow as tf

from keras_gan.data import elements
from keras_gan.data.adapting import is_of_bytes
from keras_gan.utils import nests

NOT_FINITE = (
    "The data holds NaN or infinite values: expected finite samples. The networks were not "
    "updated from them. Drop such samples, for example with `dataset.filter(...)`."
)

# Images of 8 bits are seldom darker than this all over; masks and maps of classes are.
_LEAST_WHITE = 32

NOT_READ = (
    "The dataset could not be read: {}. The networks are as the last batch before left them, and "
    "a run with `keras_gan.callbacks.Backup` goes on from its last backup once the data is there."
)


def check_float(dtype):
    """Raise when samples are not floating-point numbers.

    Raises:
        ValueError: naming the dtype and how to scale images.
    """
    dtype = tf.as_dtype(dtype)
    if not dtype.is_floating:
        raise ValueError(
            "Expected floating-point samples, images scaled to [-1, 1] as a tanh generator makes "
            "them: `x.astype('float32') / 127.5 - 1` for 8-bit images. "
            f"Received: samples of dtype {dtype.name}"
        )


class ValueChecks:
    """The checks that every batch passes on its way to the training step.

    They run on the host, in the input pipeline: XLA, which drops assertions, never sees them.

    Args:
        condition: the model's `Condition`, which knows its labels; `None` to check none.
        value_range: `(lowest, highest)` value of the generator's samples, so that data outside
            deserves a warning; `None` for any.
        unpack: function from an element to `(x, condition)`.
    """

    def __init__(self, condition=None, value_range=None, unpack=elements.unpack):
        self._condition = condition
        self.unpack = unpack
        self._value_range = value_range
        self._looked = False
        self._found = None

    def _look_at_range(self, samples, conditions):
        for part in [*samples, *conditions]:
            if is_of_bytes(np.asarray(part)):
                _warn_dark(int(np.max(part, initial=0)))
        if self._value_range and all(part.size and part.dtype != np.uint8 for part in samples):
            low = min(part.min() for part in samples)
            _warn_range(low, max(part.max() for part in samples), *self._value_range)

    def check(self, x, condition=None):
        """Raise when arrays can't be trained on; warn, by the first, of values out of range.

        Args:
            x: nest of arrays of samples.
            condition: nest of arrays, or `None`.

        Raises:
            ValueError: for values that are not finite, labels out of range, or parts of other
                batch sizes.
        """
        samples = [np.asarray(part) for part in nests.leaves(x)]
        for array in [*samples, *nests.leaves(condition)]:
            _check_finite(array)
        _check_rows(x, samples)
        if self._condition is not None:
            self._condition.check_labels(condition)
        if not self._looked:
            self._looked = True
            self._look_at_range(samples, nests.leaves(condition))

    def watch(self, dataset):
        """Return a `tf.data.Dataset` whose batches are checked as they pass."""

        # There is nothing to convert, and looking for it makes a seventh of a first step's calls.
        @tf.autograph.experimental.do_not_convert
        def passed(*element):
            look = functools.partial(self._look, element)
            with tf.control_dependencies([tf.numpy_function(look, nests.leaves(element), [])]):
                checked = tf.nest.map_structure(tf.identity, element)
            return checked if len(checked) > 1 else checked[0]

        # In sequence where tf.data tunes itself: it may stall then (see `datasets.epochs`).
        tuned = dataset.options().autotune.enabled is not False
        return dataset.map(passed, num_parallel_calls=None if tuned else tf.data.AUTOTUNE)

    @contextlib.contextmanager
    def readable(self):
        """Raise what a check found, or why the data could not be read, as a readable error."""
        try:
            yield
        except tf.errors.OpError as error:
            if self._found is not None:
                raise self._found from None
            reason = _why_not_read(error.message)
            if reason is None:
                raise
            raise type(error)(error.node_def, error.op, NOT_READ.format(reason)) from error

    def _look(self, structure, *tensors):
        x, condition = self.unpack(nests.pack_as(structure, tensors))
        try:
            self.check(x, condition)
        except ValueError as error:
            self._found = error
            raise


def _why_not_read(message):
    """Return TensorFlow's message about a batch that could not be read; `None` for other errors."""
    if "IteratorGetNext" not in message:
        return None
    # Behind the trace of a graph, between the names of nodes.
    last = message.rsplit("\n\n", 1)[-1].split("\n\t [[")[0]
    return re.sub(r"\{\{.*?\}\}|\[Op:.*", "", last).strip()


def _check_finite(array):
    array = np.asarray(array)
    # A sum is quick, and finite unless a value is not, or the sum overflows: then look closer.
    floating = "float" in array.dtype.name
    if floating and not np.isfinite(array.sum()) and not np.isfinite(array).all():
        raise ValueError(NOT_FINITE)


def _check_rows(x, samples):
    """Raise when the parts of samples differ in how many there are."""
    counts = {len(part) for part in samples if part.ndim}
    if len(counts) > 1:
        sizes = dict(zip(nests.names(x), (len(part) for part in samples), strict=True))
        raise ValueError(
            "Expected samples whose parts have as many rows each: one batch axis serves all. "
            f"Received: batch sizes {sizes}"
        )


def _warn_dark(most):
    """Warn of what is taken for images of 8 bits and is none: masks, maps of classes."""
    if 0 < most < _LEAST_WHITE:
        warnings.warn(
            "Values of dtype uint8 are taken for images of 8 bits, from 0 (black) to 255 (white), "
            f"and scaled; the largest is {most}. If these are none, such as masks or maps of "
            "classes, cast them first: `x.astype('float32')`.",
            stacklevel=2,
        )


def _warn_range(low, high, least, most):
    if (least, most) == (-1, 1) and 0 <= low < high <= 1:
        warnings.warn(
            "The generator makes samples in [-1, 1], as its tanh has it, but the data is in "
            "[0, 1]: nothing is below 0, and the discriminator tells them apart by that alone. "
            "Scale the data, `2 * x - 1`, or end the generator in a sigmoid. "
            f"Range seen: [{low:g}, {high:g}]",
            stacklevel=2,
        )
    if low < least - 1e-3 or high > most + 1e-3:
        warnings.warn(
            f"The generator makes samples in [{least:g}, {most:g}], as its last activation (tanh, "
            "sigmoid) or `value_range` has it, but the data is outside: the discriminator tells "
            "them apart by range alone. Scale the data, for 8-bit images "
            f"{_scaling(least, most)}, or say the data's own range by `GAN(value_range=...)`. "
            f"Range seen: [{low:g}, {high:g}]",
            stacklevel=2,
        )


def _scaling(least, most):
    if (least, most) == (-1, 1):
        return "`x / 127.5 - 1`"
    if (least, most) == (0, 1):
        return "`x / 255`"
    return f"`x / 255 * {most - least:g} + {least:g}`"
