"""A dataset from NumPy arrays."""

import numpy as np
import tensorflow as tf

from keras_gan.datasets.epochs import check_batching, gathered


def from_arrays(x, condition=None, batch_size=32, seed=0, shuffle=True):
    """Make a dataset of batches from arrays in memory.

    The order is a function of (seed, epoch): each pass over the dataset is the next epoch, and
    `dataset.seek(epoch)` makes the next pass be that epoch.

    Args:
        x: Array of samples, shape `(n, ...)`, or a dict or tuple of such arrays for samples of
            several parts. The values are not rescaled; float64 becomes float32. Other arrays are
            used where they lie, without a copy.
        condition: Array of shape `(n, ...)`, or tuples and dictionaries of such arrays. A list
            is read as one array.
        batch_size: Samples in a batch. Where there are fewer samples, they make one batch.
        seed: Integer from 0 to 2**32 - 1.
        shuffle: Whether to shuffle each epoch and drop its incomplete last batch. Without it the
            order is the arrays' own and every sample is kept.

    Returns:
        A `tf.data.Dataset` of `x` or `(x, condition)` with a `seek(epoch)` method.

    Raises:
        ValueError: If the arrays are empty or of different lengths, or `batch_size` or `seed` is
            out of range.
        TypeError: If `x` is not numeric, or `condition` neither numbers nor texts.

    Example:
    >>> x, labels = np.random.rand(100, 28, 28, 1), np.arange(100) % 10
    >>> dataset = keras_gan.datasets.from_arrays(x, labels, batch_size=20)
    >>> images, y = next(iter(dataset))
    >>> images.shape, y.shape
    (TensorShape([20, 28, 28, 1]), TensorShape([20]))
    """
    batch_size, seed = check_batching(batch_size, seed)
    x = _as_arrays(x)
    for part in tf.nest.flatten(x):
        if part.dtype.kind not in "fiub":
            raise TypeError(
                f"`x` must be a numeric array. Received: an array of dtype {part.dtype}"
            )
    # A bare tuple would be read as samples and condition.
    alone = (x,) if isinstance(x, tuple) else x
    arrays = alone
    if condition is not None:
        arrays = x, _as_arrays(condition)
        _check_values(tf.nest.flatten(arrays[1]))
    _check_lengths(tf.nest.flatten(arrays))
    return gathered(arrays, batch_size, seed, shuffle)


def _as_arrays(nest):
    if isinstance(nest, dict):
        return {key: _as_arrays(value) for key, value in nest.items()}
    if isinstance(nest, tuple):
        return tuple(_as_arrays(value) for value in nest)
    return as_array(nest)


def as_array(values):
    """Return values as an array: float64 becomes float32, text its UTF-8 bytes."""
    array = np.asarray(values)
    if array.dtype.kind == "U":
        return np.char.encode(array, "utf-8")
    return array.astype("float32") if array.dtype == np.float64 else array


def _check_values(condition):
    for array in condition:
        if array.dtype == object and not all(isinstance(v, (str, bytes)) for v in array.flat):
            raise TypeError(
                "A condition must be arrays of numbers, or of texts. Received: an array of dtype "
                "object, with other values"
            )


def _check_lengths(arrays):
    shapes = [array.shape for array in arrays]
    if any(len(shape) == 0 for shape in shapes):
        raise ValueError(
            "Every array needs a first dimension that counts the samples. "
            f"Received arrays of shapes {shapes}"
        )
    if len({shape[0] for shape in shapes}) > 1:
        raise ValueError(
            "`x` and every array of `condition` must have the same number of samples. "
            f"Received arrays of shapes {shapes}"
        )
    if shapes[0][0] == 0:
        raise ValueError(f"There are no samples. Received arrays of shapes {shapes}")
