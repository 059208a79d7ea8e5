"""Samples from seeds: the same in every batch and in every export."""

import inspect

import numpy as np
import tensorflow as tf

from keras_gan.data import elements, randomness, statistics
from keras_gan.data.signature import samples_of
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


class Sampling:
    """The samples of a `GAN`: of latents by `call` and `predict`, of seeds by `generate`."""

    def call(self, latents, condition=None, training=False):
        """Return the generator's samples: the averaged generator's where there is an average.

        Args:
            latents: tensor of shape `(batch, *latents.shape)`, or the nest of a composite prior;
                the condition itself for a generator without latents. `[latents, condition]` as
                one argument works too, so that `predict([latents, condition])` does.
            condition: nest of tensors for a conditional generator.
            training: whether layers behave as in training.

        Returns:
            Samples, a tensor or a nest; side outputs are left out.
        """
        if self.latents is None:
            latents, condition = None, latents if condition is None else condition
        elif self.conditional and condition is None:
            if not isinstance(latents, (list, tuple)):
                raise ValueError(
                    "The generator takes a condition beside latents: expected "
                    "`predict([latents, condition])`. Received: latents alone"
                )
            latents, condition = _parted(latents)
        if tf.executing_eagerly():  # `predict` has its labels checked before.
            self.condition.check_labels(condition)
        network_inputs = self.generator_inputs(latents, self.adapter.of_condition(condition))
        return samples_of(self.sampling_network(network_inputs, training=training))

    def predict(self, x, *args, **kwargs):
        """Return the samples of latents, or of `[latents, condition]`; as `keras.Model.predict`.

        Raises:
            ValueError: for labels out of range.
        """
        if self.conditional and isinstance(x, (list, tuple)) and self.latents is not None:
            self.condition.check_labels(_parted(x)[1])
        return super().predict(x, *args, **kwargs)

    def generate(self, n, seed=None, condition=None, truncation=None, batch_size=64, **unknown):
        """Return n samples. A seed names a sample: these are those of seeds s to s + n - 1.

        Sample i depends on its seed (and its row of the condition) alone, whatever the batch
        size: its latents to the bit, the sample to rounding. The export makes the same ones.

        Args:
            n: how many.
            seed: integer s, or `None` for fresh samples.
            condition: nest of arrays of n rows for a conditional generator, or one label for all.
            truncation: positive bound on normal latents, which trades variety for quality.
            batch_size: samples in one call of the generator.
            **unknown: refused; the error says what to write.

        Returns:
            float32 NumPy array of shape `(n, *sample_shape)`.

        Raises:
            ValueError: for a missing condition, labels out of range or a wrong argument.

        Example:

        >>> model.generate(4, seed=0).shape
        (4, 8, 8, 1)
        """
        accepted = inspect.signature(Sampling.generate).parameters
        arguments.known("GAN.generate", unknown, accepted)
        _check(self, n, seed, batch_size, truncation)
        condition = self.condition.rows(condition, n, self.adapter.scaled)
        seeds, bounds = _seeds(n, seed), _tensors(truncation)
        batches = []
        for first in range(0, n, batch_size):
            part = slice(first, first + batch_size)
            rows = nests.map(tf.constant, elements.take(condition, part))
            given = tf.constant(seeds[part]), rows, bounds
            if not first:
                self._trace(given)
            samples = self._sample(*given)
            batches.append(nests.map(lambda tensor: tensor.numpy(), samples))
        return elements.concatenate(batches)

    def standing_statistics(self, batches=16, batch_size=64, seed=0, condition=None):
        """Have batch normalizations normalize samples by the statistics of fresh batches.

        The moving averages of training lag behind the weights, and mix statistics of many
        generators. Standing ones are the means over batches that the network as it is makes in
        training mode. They take the place of the moving averages of the network that samples come
        from, until it is trained on. Figures of one generator differ by this choice alone: say
        which it was. `statistics` does, and an export's card.

        Normalizing samples by the statistics of their own batch is no option: a sample would
        depend on the others.

        Args:
            batches: how many.
            batch_size: samples in each.
            seed: integer s; the latents are those of the seeds from s on.
            condition: nest of arrays of `batches * batch_size` rows, or one label for all; by
                default all classes in turn.

        Raises:
            ValueError: when the network has no batch normalization, a number is out of range, or a
                condition is missing or does not fit.

        Example:

        ```python
        model.standing_statistics()
        model.statistics  # "standing, of 16 batches of 64"
        ```

        Reference:
            - [Brock et al., 2019](https://arxiv.org/abs/1809.11096), Appendix C
        """
        count = arguments.whole("batches", batches)
        size = arguments.whole("batch_size", batch_size)
        seed = arguments.seed("seed", seed, count * size)
        network = self.sampling_network
        if not statistics.normalizations(network):
            raise ValueError(
                "Expected a generator with batch normalization, whose statistics can be set. "
                f"Received: {network.name!r}, which has none"
            )
        if condition is None:
            condition = self.condition.in_turn(count * size)
        condition = self.condition.rows(condition, count * size, self.adapter.scaled)

        def inputs():
            for first in range(0, count * size, size):
                rows = elements.take(condition, slice(first, first + size))
                seeds = tf.constant(np.arange(seed + first, seed + first + size), tf.int64)
                latents = None if self.latents is None else self.latents.sample(seeds)
                yield self.generator_inputs(latents, nests.map(tf.constant, rows))

        statistics.accumulate(network, inputs())
        self.standing = {
            "steps": self.steps,
            "averaged": network is not self.generator,
            "batches": count,
            "batch_size": size,
        }

    @property
    def statistics(self):
        """Which statistics samples are normalized by, in words; `None` without normalization."""
        network, standing = self.sampling_network, self.standing
        if not statistics.normalizations(network):
            return None
        # Of a network that has not been trained on since, nor given way to another one.
        now = {"steps": self.steps, "averaged": network is not self.generator}
        if standing is None or any(standing[key] != value for key, value in now.items()):
            return "running"
        return f"standing, of {standing['batches']} batches of {standing['batch_size']}"

    def _trace(self, given):
        """Have a graph for batches of any size; the first one is searched for random draws."""
        if self._sample is None:
            self._sample = tf.function(
                lambda *given: from_seeds(self, *given), reduce_retracing=True, autograph=False
            )
        is_first = self._sample.experimental_get_tracing_count() == 0
        graph = self._sample.get_concrete_function(*_specs(*given)).graph
        if is_first:
            randomness.warn(graph, self)


def _parted(x):
    """Return the latents and the condition of the list that `predict` takes."""
    latents, *condition = x
    return latents, condition[0] if len(condition) == 1 else tuple(condition)


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
