"""Limits of requests, checked within the graph, where no client can avoid them."""

import tensorflow as tf


class Limits:
    """The limits of requests: a violation is an `INVALID_ARGUMENT` that names the limit.

    Nothing is computed for a request before it has passed.

    Args:
        max_batch_size: largest number of rows in a request.
        num_classes: number of labels that the networks embed, or `None`.
        of_styles: whether truncation is of styles: finite, 0 for their mean.
    """

    def __init__(self, max_batch_size, num_classes=None, of_styles=False):
        self.max_batch_size = max_batch_size
        self.num_classes = num_classes
        self.of_styles = of_styles

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
        checks = [check for name, tensor in inputs.items() for check in self._of(name, tensor)]
        if truncation is not None:
            checks.append(self._of_truncation(truncation))
        with tf.control_dependencies(checks):
            passed = {name: tf.identity(tensor) for name, tensor in inputs.items()}
            return passed if truncation is None else (passed, tf.identity(truncation))

    def _of_truncation(self, truncation):
        if self.of_styles:
            right = tf.math.is_finite(truncation) & (truncation >= 0)
            return _expect(right, "truncation", "finite, and at least 0", truncation)
        return _expect(truncation > 0, "truncation", "above 0", truncation)

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
        ]
        if truncation is not None:
            count = tf.shape(truncation)[0]
            right = (count == size) | (count == 1)
            wanted = f"of one row, or of as many as {first}"
            checks.append(_expect(right, "truncation", wanted, [count, size]))
        with tf.control_dependencies(checks):
            return {name: tf.identity(tensor) for name, tensor in inputs.items()}

    def _of(self, name, tensor):
        if name == "position":
            yield _expect((tensor >= 0) & (tensor <= 1), name, "from 0 to 1", tensor)
        elif tensor.dtype.is_floating:
            yield _expect(tf.math.is_finite(tensor), name, "finite", tensor)
        elif self.num_classes and name.startswith("condition") and tensor.dtype.is_integer:
            right = (tensor >= 0) & (tensor < tf.cast(self.num_classes, tensor.dtype))
            yield _expect(right, name, f"labels from 0 to {self.num_classes - 1}", tensor)


def _expect(right, name, expected, received):
    """Return an operation that fails with a sentence unless all values are right."""
    message = f"Expected {name} to be {expected}. Received:"
    if tf.is_tensor(received) and received.shape.rank:
        # The first wrong value: in a large batch nobody would find it.
        received = tf.boolean_mask(received, ~right)[:1]
    return tf.debugging.Assert(tf.reduce_all(right), [message, received])
