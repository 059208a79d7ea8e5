"""Limits of requests, checked within the graph, where no client can avoid them."""

import math

import numpy as np
import tensorflow as tf

from keras_gan.data import sampling
from keras_gan.data.examples import example
from keras_gan.export import lookups, pngs, sources
from keras_gan.utils import arguments


class Limits:
    """The limits of requests: a violation is an `INVALID_ARGUMENT` that names the limit.

    Nothing is computed for a request before it has passed.

    Args:
        model: a built `GAN`.
        players: the networks of its requests, `lookups.Traced`, the generator first.
        max_batch_size: largest number of rows in a request.
        max_pixels: largest product of rows and free sides, of inputs and of what is made of them;
            of texts, of rows and the bytes of the longest.

    Attributes:
        max_batch_size: as given.
        max_pixels: as given.
        side: how long the free sides of an example may be.
        sources: the `Source` of each input of translations, by name.

    Raises:
        ValueError: when `max_pixels` is less than what the generator makes of one, or when no side
            was found that the generator takes.
    """

    def __init__(self, model, players, max_batch_size, max_pixels):
        self.max_batch_size = max_batch_size
        self._labels = lookups.of_model(model, players)
        self._truncated_by = sampling.truncated_by(model)
        self.sources = sources.of_model(model, self._labels)
        generator, *_ = players
        self._growth = _growth(generator)
        least = max(self._growth.values(), default=1)
        self.max_pixels = arguments.whole("max_pixels", max_pixels, least)
        free = [(each.name, len(free_axes(each))) for p in players for each in p.specs.values()]
        self.side = generator.side(
            lambda side: all(side**count <= self._most(name) for name, count in free)
        )
        # What the other player is shown has the sides of what is made.
        self._made = generator.shapes(self.side) if self._growth else {}

    def passed(self, inputs, truncation=None):
        """Return inputs that are available only after their checks.

        Args:
            inputs: dict of tensors by name, the batch axis first.
            truncation: float tensor of shape `(batch,)` or `(1,)`, or `None`.

        Returns:
            The same tensors: the dict, or the dict and truncation where that was given.
        """
        # No server compares the shape of an input with the signature's: the graph must.
        inputs = {name: tf.ensure_shape(tensor, tensor.shape) for name, tensor in inputs.items()}
        if truncation is not None:
            truncation = tf.ensure_shape(truncation, truncation.shape)
        inputs = self._of_one_batch(inputs, truncation)
        given = inputs if truncation is None else {**inputs, "truncation": truncation}
        checks = [
            _expect(right, name, self._values(name, tensor.dtype), tensor)
            for name, tensor in given.items()
            if (right := self._right(name, tensor)) is not None
        ]
        with tf.control_dependencies(checks):
            passed = {name: tf.identity(tensor) for name, tensor in inputs.items()}
            return passed if truncation is None else (passed, tf.identity(truncation))

    def told(self, name, spec):
        """Return the limits of an input for the card, by what they are of.

        Args:
            name: the input's name.
            spec: its `tf.TensorSpec`.
        """
        told = {"rows": [1, self.max_batch_size]}
        if free_axes(spec):
            told["pixels"] = [1, self._most(name)]
        if self._are_files(name, spec):
            sides = self.sources[name].sides
            told["sides"] = list(sides)
            if None in sides:
                told["pixels"] = [1, self._most(name)]
        elif spec.dtype == tf.string:
            told["bytes"] = [0, self.max_pixels]
        if name in self._labels:
            told["labels"] = self._labels[name].ranges
        if values := self._values(name, spec.dtype):
            told["values"] = values
        return told

    def example(self, spec):
        """Return an array of one row for an input, as a client might send it.

        Args:
            spec: its `tf.TensorSpec`.
        """
        if self._are_files(spec.name, spec):
            return self.sources[spec.name].example(self.side)
        if spec.name in self._made:
            return np.zeros(self._made[spec.name], spec.dtype.name)
        return example(spec, side=self.side)

    def meaning(self, spec):
        """Return the meaning of an input that is a source in 8 bits; `None` for any other."""
        source = self.sources.get(spec.name)
        named = source is not None and spec.dtype in (tf.uint8, tf.string)
        return source.meaning(spec.dtype) if named else None

    def _are_files(self, name, tensor):
        return name in self.sources and tensor.dtype == tf.string

    # Sizes.

    def _of_one_batch(self, inputs, truncation):
        rows = {name: tf.shape(tensor)[0] for name, tensor in inputs.items()}
        (first, size), *others = rows.items()
        checks = [
            _expect(
                (size >= 1) & (size <= self.max_batch_size),
                f"the batch of {first}",
                f"of 1 to {self.max_batch_size} rows",
                size,
            ),
            *(
                _expect(count == size, name, f"of as many rows as {first}", [count, size])
                for name, count in others
            ),
            *(check for item in inputs.items() for check in self._of_size(*item)),
        ]
        if truncation is not None:
            count = tf.shape(truncation)[0]
            right = (count == size) | (count == 1)
            wanted = f"of one row, or of as many as {first}"
            checks.append(_expect(right, "truncation", wanted, [count, size]))
        with tf.control_dependencies(checks):
            return {name: tf.identity(tensor) for name, tensor in inputs.items()}

    def _of_size(self, name, tensor):
        if self._are_files(name, tensor):
            yield from self._of_files(name, tensor)
            return
        if axes := free_axes(tensor):
            yield self._of_pixels(name, tf.shape(tensor, tf.int64), axes)
        if tensor.dtype == tf.string:
            bytes_ = tf.reduce_max(tf.strings.length(tensor)) * tf.size(tensor)
            wanted = f"of at most {self.max_pixels} bytes, texts times the longest"
            yield _expect(bytes_ <= self.max_pixels, name, wanted, bytes_)

    def _of_files(self, name, files):
        """Yield the checks of what the headers of PNG files say, before any is decoded."""
        (right, found), rows = pngs.headers(files), tf.shape(files, tf.int64)[0]
        own = self.sources[name].sides
        are_pngs = _expect(right, name, "PNG files", tf.range(rows), "Received: none in row")
        # Behind it: what the others find in a file that is none says nothing.
        with tf.control_dependencies([are_pngs]):
            found = tf.identity(found)
        alike = tf.reduce_all(found == found[:1])
        yield _expect(alike, name, "PNG files of one height and width in a request", found)
        fixed = [found[:, axis] == side for axis, side in enumerate(own) if side is not None]
        if fixed:
            height, width = ("any" if side is None else side for side in own)
            wanted = f"PNG files of height {height} and width {width}"
            yield _expect(tf.reduce_all(fixed), name, wanted, found)
        if None in own:
            shape = tf.concat([[rows], tf.reduce_max(found, axis=0)], axis=0)
            yield self._of_pixels(name, shape, [axis + 1 for axis in (0, 1) if own[axis] is None])

    def _of_pixels(self, name, shape, axes):
        # Of floats, which don't overflow: a file's header may say any sides.
        pixels = tf.reduce_prod(tf.cast(tf.gather(shape, [0, *axes]), tf.float64))
        right = (pixels >= 1) & (pixels <= self._most(name))
        wanted = f"of 1 to {self._most(name)} pixels, rows times free sides,"
        return _expect(right, name, f"{wanted} in its shape", shape)

    def _most(self, name):
        """Return how many pixels of an input there may be."""
        return self.max_pixels // self._growth.get(name, 1)

    # Values.

    def _values(self, name, dtype):
        """Return in words which values an input may have; `None` for any."""
        if name == "position":
            return "from 0 to 1"
        if name == "truncation":
            return "finite, and at least 0" if self._truncated_by == "styles" else "above 0"
        if name in self._labels:
            return _in_words(self._labels[name], dtype)
        if name in self.sources and self.sources[name].is_mask and not dtype.is_floating:
            return "0 or 255"
        return "finite" if dtype.is_floating or dtype.is_complex else None

    def _right(self, name, tensor):
        """Return which values are right, `None` where all are."""
        if name == "position":
            return (tensor >= 0) & (tensor <= 1)
        if name == "truncation":
            styles = self._truncated_by == "styles"
            return tf.math.is_finite(tensor) & (tensor >= 0) if styles else tensor > 0
        if name in self._labels:
            return _are_labels(self._labels[name], tensor)
        if tensor.dtype == tf.uint8 and name in self.sources and self.sources[name].is_mask:
            return (tensor == 0) | (tensor == 255)
        if tensor.dtype.is_complex:
            return tf.math.is_finite(tf.math.real(tensor)) & tf.math.is_finite(tf.math.imag(tensor))
        return tf.math.is_finite(tensor) if tensor.dtype.is_floating else None


def free_axes(tensor):
    """Return the axes of a tensor or spec, beside the batch, that may have any length."""
    return [axis for axis, side in enumerate(tensor.shape) if axis and side is None]


def _growth(generator):
    """Return how many pixels a generator makes of one, for each input with free sides, by name."""
    free = {name: len(free_axes(spec)) for name, spec in generator.specs.items()}
    if not any(free.values()):
        return {}
    side = generator.side()
    made = [
        math.prod(shape[axis] for axis in free_axes(generator.outputs[name]))
        for name, shape in generator.shapes(side).items()
    ]
    return {name: max(1, -(-max(made) // side**count)) for name, count in free.items() if count}


def _in_words(labels, dtype):
    whole = "labels" if dtype.is_integer else "whole numbers"
    kind = whole if labels.whole.any() or dtype.is_integer else "numbers"
    ranges = labels.ranges
    if isinstance(ranges[0], int):
        return "{} from {} to {}".format(kind, *ranges)
    places = ", ".join("any" if each is None else "{} to {}".format(*each) for each in ranges)
    return f"{kind} in a row of the ranges {places}"


def _are_labels(labels, tensor):
    # As float64, in which a label beyond the range of the tensor's type is one too.
    values = tf.cast(tensor, tf.float64)
    right = (values >= labels.low) & (values <= labels.high)
    if tensor.dtype.is_floating:
        right &= tf.math.is_finite(values)
        right &= (values == tf.floor(values)) | ~labels.whole
    return right


def _expect(right, name, expected, received, said="Received:"):
    """Return an operation that fails with a sentence unless all values are right."""
    message = f"Expected {name} to be {expected}. {said}"
    if right.shape.rank:
        # The first wrong value: in a large batch nobody would find it.
        received = tf.boolean_mask(received, ~right)[:1]
    return tf.debugging.Assert(tf.reduce_all(right), [message, received], summarize=8)
