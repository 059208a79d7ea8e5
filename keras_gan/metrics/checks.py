"""Checks of rows and images that the metrics share."""

import numpy as np

from keras_gan.utils.arguments import shown


def as_rows(least=1, **arrays):
    """Return arrays of feature rows, checked, in their order.

    Args:
        least: rows that each must have.
        **arrays: arrays of shape `(n, d)` by name, with one d for all.

    Raises:
        ValueError: when one has another form, too few rows, or values that are not finite.
    """
    rows = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in rows.items():
        if array.ndim != 2 or len({a.shape[-1] for a in rows.values()}) > 1:
            shapes = {name: a.shape for name, a in rows.items()}
            raise ValueError(
                f"Expected feature rows of shape (n, d), with one d for all. Received: {shapes}"
            )
        if len(array) < least:
            raise ValueError(
                f"Expected at least {least} rows of `{name}`. Received: {len(array)} rows"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"Expected finite features. Received: NaN or infinity in `{name}`")
    return list(rows.values())


def check_images(images, name):
    """Raise when an array holds no images with values in [-1, 1].

    Args:
        images: array.
        name: what the error calls it.

    Raises:
        ValueError: for another shape, integers, values out of range or not finite.
    """
    if images.ndim != 4 or 0 in images.shape[1:]:
        raise ValueError(
            "Expected images of shape (n, height, width, channels). "
            f"Received: {name} of shape {images.shape}"
        )
    if images.dtype.kind in "iub" or (images.size and np.abs(images).max() > 1.001):
        raise ValueError(
            "Expected floating-point images in the range [-1, 1]; 8-bit ones become so by "
            f"`x / 127.5 - 1`. Received: {name} of dtype {images.dtype}, in "
            f"[{images.min():g}, {images.max():g}]"
        )
    if not np.isfinite(images).all():
        raise ValueError(f"Expected finite images. Received: NaN or infinity in {name}")


def as_probabilities(rows):
    """Return class probabilities, checked.

    Args:
        rows: array of shape `(n, classes)`.

    Raises:
        ValueError: when rows don't sum to 1, such as logits.
    """
    (rows,) = as_rows(probabilities=rows)
    if rows.min() < 0 or np.abs(rows.sum(axis=1) - 1).max() > 1e-3:
        raise ValueError(
            "Expected class probabilities: rows of at least 0 that sum to 1. Logits go through a "
            f"softmax first. Received: rows that sum to {rows.sum(axis=1).min():g} to "
            f"{rows.sum(axis=1).max():g}, values from {rows.min():g} to {rows.max():g}"
        )
    return rows


def as_frequencies(frequencies, count):
    """Return frequencies that sum to 1: uniform for `None`.

    Args:
        frequencies: array of `count` positive numbers, or `None`.
        count: how many there must be.

    Raises:
        ValueError: when there are fewer or more, or one is not positive.
    """
    if frequencies is None:
        return np.full(count, 1 / count)
    frequencies = np.asarray(frequencies, "float64")
    positive = (frequencies > 0) & (frequencies < np.inf)
    if frequencies.shape != (count,) or not positive.all():
        raise ValueError(
            f"Expected {count} positive `frequencies`. Received: {_range(frequencies)}"
        )
    return frequencies / frequencies.sum()


def _range(frequencies):
    if frequencies.ndim != 1 or not frequencies.size:
        return f"frequencies={shown(frequencies)}"
    ends = f"{frequencies.min():.4g} to {frequencies.max():.4g}"
    return f"{len(frequencies)} frequencies, from {ends}"


def shuffled(rows, seed):
    """Return rows in a random order that follows from the seed and their number."""
    return rows[np.random.default_rng(seed).permutation(len(rows))]
