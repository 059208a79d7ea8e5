"""Samples from seeds: the same in every batch and in every export."""

import numpy as np
import tensorflow as tf

from keras_gan.data import elements
from keras_gan.utils import arguments, nests


def from_seeds(model, seeds, condition=None, truncation=None):
    """Return the model's samples for seeds, in graph or eager code.

    Args:
        model: a `GAN`.
        seeds: int64 tensor of shape `(batch,)`.
        condition: nest of tensors of as many rows, or `None`.
        truncation: see `keras_gan.latents.Prior.sample`.

    Returns:
        Nest of float32 tensors of shape `(batch, *sample_shape)`.
    """
    latents = None if model.latents is None else model.latents.sample(seeds, truncation)
    samples = model(latents, condition, training=False)
    return nests.map(lambda part: tf.cast(part, tf.float32), samples)


def generate(model, sample, n, seed, condition, truncation, batch_size):
    """Return the samples of seeds `seed` to `seed + n - 1`; see `GAN.generate`."""
    _check(model, n, seed, batch_size, truncation)
    condition = model.condition.rows(condition, n)
    seeds = _seeds(n, seed)
    batches = []
    for first in range(0, n, batch_size):
        part = slice(first, first + batch_size)
        rows = nests.map(tf.constant, elements.take(condition, part))
        samples = sample(tf.constant(seeds[part]), rows, truncation)
        batches.append(nests.map(lambda tensor: tensor.numpy(), samples))
    return elements.concatenate(batches)


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
