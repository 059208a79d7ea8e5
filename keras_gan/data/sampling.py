"""A seed names an image: samples from seeds, the same in every batch and in every export."""

import keras
import numpy as np
import tensorflow as tf

from keras_gan.data import elements, values
from keras_gan.utils import arguments


def from_seeds(model, seeds, condition=None, truncation=None):
    """Return the model's samples for seeds, in graph or eager code.

    Args:
        model: a `GAN`.
        seeds: int64 tensor of shape `(batch,)`.
        condition: nest of tensors of as many rows, or `None`.
        truncation: see `keras_gan.latents.Prior.sample`.

    Returns:
        float32 tensor of shape `(batch, *sample_shape)`.
    """
    latents = None if model.latents is None else model.latents.sample(seeds, truncation)
    return tf.cast(model(latents, condition, training=False), tf.float32)


def generate(model, sample, n, seed, condition, truncation, batch_size):
    """Return the samples of seeds `seed` to `seed + n - 1`; see `GAN.generate`."""
    _check(model, n, seed, batch_size, truncation)
    condition = _rows(model, condition, n)
    seeds = _seeds(n, seed)
    batches = []
    for first in range(0, n, batch_size):
        part = slice(first, first + batch_size)
        rows = elements.map_arrays(lambda rows, part=part: tf.constant(rows[part]), condition)
        batches.append(sample(tf.constant(seeds[part]), rows, truncation).numpy())
    return np.concatenate(batches)


def _check(model, n, seed, batch_size, truncation):
    arguments.whole("n", n)
    arguments.whole("batch_size", batch_size)
    if seed is not None and not isinstance(seed, (int, np.integer)):
        raise ValueError(
            "Expected `seed` to be None or an integer, the seed of the first sample. "
            f"Received: seed={seed!r}"
        )
    if truncation is not None and model.latents is None:
        raise ValueError(
            f"This generator has no latents to truncate. Received: truncation={truncation}"
        )


def _seeds(n, seed):
    if seed is None:
        return np.random.default_rng().integers(2**62, size=n)
    return np.arange(seed, seed + n, dtype=np.int64)


def _rows(model, condition, n):
    """Return the condition with n rows; a single label stands for all."""
    if not model.conditional:
        if condition is not None:
            raise ValueError(
                "This generator takes no condition. Drop it, or build conditional networks, for "
                f"example with `num_classes=`. Received: condition={condition!r}"
            )
        return None
    if condition is None:
        raise ValueError(
            "The generator takes a condition: pass `condition=`, with a row for each of the "
            f"{n} samples (or one label for all). Received: condition=None"
        )

    if isinstance(condition, list):
        condition = np.asarray(condition)  # As in `datasets.from_arrays`: a list is one array.

    def rows(part):
        part = np.asarray(part)
        if part.dtype == np.int64:
            part = part.astype(np.int32)
        return np.repeat(part, n) if part.ndim == 0 else part

    condition = keras.tree.map_structure(rows, condition)
    for part in keras.tree.flatten(condition):
        if len(part) != n:
            raise ValueError(
                f"Expected a condition with a row for each of the n={n} samples. "
                f"Received: {len(part)} rows"
            )
    values.check_labels(condition, model.num_classes)
    return condition
