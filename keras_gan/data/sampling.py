"""Samples from seeds: the same in every batch and in every export."""

import numpy as np
import tensorflow as tf

from keras_gan.data import elements, randomness
from keras_gan.layers.mean_style import MeanStyle, styles_truncated
from keras_gan.utils import arguments, nests
from keras_gan.utils.arguments import shown
from keras_gan.utils.keras_internals import layers_within

# The truncation without effect, by what is truncated.
NO_TRUNCATION = {"latents": float("inf"), "styles": 1.0}


def truncated_by(model):
    """Return what a model truncates: `"styles"` towards their mean, `"latents"`, or `None`."""
    if any(isinstance(layer, MeanStyle) for layer in layers_within(model.sampling_network)):
        return "styles"
    return "latents" if model.latents is not None and model.latents.truncates else None


def from_seeds(model, seeds, condition=None, truncation=None):
    """Return the model's samples for seeds, in graph or eager code.

    Args:
        model: a `GAN`.
        seeds: int64 tensor of shape `(batch,)`.
        condition: nest of tensors of as many rows, or `None`.
        truncation: see `keras_gan.latents.Prior.sample`; of a generator with
            `layers.MeanStyle` the share of the way from the mean style.

    Returns:
        Nest of float32 tensors of shape `(batch, *sample_shape)`.
    """
    bound, styles = truncation, None
    if truncated_by(model) == "styles" and not isinstance(truncation, dict):
        bound, styles = None, truncation
    with tf.name_scope(randomness.LATENTS):
        latents = None if model.latents is None else model.latents.sample(seeds, bound)
    with styles_truncated(styles):
        samples = model(latents, condition, training=False)
    return nests.map(lambda part: tf.cast(part, tf.float32), samples)


def generate(model, sample, n, seed, condition, truncation, batch_size):
    """Return the samples of seeds `seed` to `seed + n - 1`; see `GAN.generate`.

    Args:
        model: the `GAN`.
        sample: `tf.function` of `from_seeds`, for one model.
        n: how many.
        seed: of the first, or `None`.
        condition: see `GAN.generate`.
        truncation: see `GAN.generate`.
        batch_size: samples in one call.
    """
    _check(model, n, seed, batch_size, truncation)
    condition = model.condition.rows(condition, n, model.adapter.scaled)
    seeds, bounds = _seeds(n, seed), _tensors(truncation)
    batches = []
    for first in range(0, n, batch_size):
        part = slice(first, first + batch_size)
        rows = nests.map(tf.constant, elements.take(condition, part))
        given = tf.constant(seeds[part]), rows, bounds
        if not first:
            is_first = sample.experimental_get_tracing_count() == 0
            graph = sample.get_concrete_function(*_specs(*given)).graph
            if is_first:
                randomness.warn(graph, model)
        samples = sample(*given)
        batches.append(nests.map(lambda tensor: tensor.numpy(), samples))
    return elements.concatenate(batches)


def _check(model, n, seed, batch_size, truncation):
    arguments.whole("n", n)
    arguments.whole("batch_size", batch_size)
    if seed is not None:
        arguments.seed("seed", seed, n)
    if truncation is None:
        return
    if model.latents is None:
        raise ValueError(
            f"This generator has no latents to truncate. Received: truncation={shown(truncation)}"
        )
    if truncated_by(model) == "styles" and not isinstance(truncation, dict):
        arguments.number("truncation", truncation)
    else:
        model.latents.check_truncation(truncation)


def _tensors(truncation):
    """Return a truncation's numbers as tensors: a graph serves all values, not one."""
    if isinstance(truncation, dict):
        return {name: _tensors(bound) for name, bound in truncation.items()}
    return None if truncation is None else tf.constant(truncation, tf.float32)


def _specs(seeds, rows, bounds):
    """Return the specs of a graph that serves batches of any size."""
    any_size = nests.map(
        lambda part: tf.TensorSpec((None, *part.shape[1:]), part.dtype), (seeds, rows)
    )
    return *any_size, tf.nest.map_structure(lambda b: None if b is None else _spec(b), bounds)


def _spec(tensor):
    return tf.TensorSpec(tensor.shape, tensor.dtype)


def _seeds(n, seed):
    if seed is None:
        return np.random.default_rng().integers(2**62, size=n)
    return np.arange(seed, seed + n, dtype=np.int64)
