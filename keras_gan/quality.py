"""Quality metrics of a model, run on whole samples outside the training step."""

import inspect
import itertools
import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_gan import metrics as quality
from keras_gan.data import elements
from keras_gan.utils import arguments, nests
from keras_gan.workers import of_chief

# Far from the seeds that people look at, and the same at every evaluation.
FIRST_SEED = 2**40


class Quality:
    """The metrics that `evaluate` runs, kept where Keras does not track them.

    As attributes of the model they would be computed at every logging step, averaged over
    replicas, and their feature extractors would enter every checkpoint.

    Args:
        metrics: list of what `keras_gan.metrics.get` takes.
        samples: how many generated samples they see.
        seed: of the first of these.
        taken: keys that no metric may be named by.

    Raises:
        TypeError: when a metric is none.
        ValueError: for an unknown name, two metrics of one name, or when `samples` is not a
            positive integer.
    """

    def __init__(self, metrics, samples, seed=FIRST_SEED, taken=()):
        self.metrics = quality.evaluation.get_all(metrics)
        names = [*taken, *(metric.name for metric in self.metrics)]
        if len(set(names)) < len(names):
            raise ValueError(
                "Expected metrics with distinct names, none of them a key of the logs: pass "
                f"`name=...` to some. Received: metrics named {[m.name for m in self.metrics]}"
            )
        self.samples = arguments.whole("metric_samples", samples)
        for metric in self.metrics:
            _check_samples(metric, samples)
        self.seed = seed
        self._condition = self._condition_of = None
        self._names = None  # Of the last results: a user's own metric may not declare its keys.
        self._warned_of_range = False

    def evaluate(self, model, dataset, steps=None, keep_real=False, batch_size=100, verbose=0):
        """Return the metrics' results by name.

        Args:
            model: the `GAN` whose samples are judged.
            dataset: batches `x` or `(x, condition)`, the real side.
            steps: how many of them, `None` for all.
            keep_real: whether metrics reuse the real side of an earlier call: `dataset` must be
                the same object, with the same samples.
            batch_size: generated samples at a time.
            verbose: 0 for no progress bar.

        Returns:
            Dict of floats; a metric of several values gives keys `name/key`.
        """
        if not self.metrics:
            return {}
        kept = [m for m in self.metrics if keep_real and _holds(m, dataset)]
        for metric in self.metrics:
            metric.reset_state(**({"keep_real": True} if metric in kept else {}))
            if hasattr(metric, "bind"):
                metric.bind(model)
        self._read(model, dataset, steps, kept, verbose)
        try:
            fake = self._generated(model, batch_size)
            # The first batch in any case: it tells of divergence, though no metric may look.
            fake = itertools.chain([next(fake)], fake)
            quality.evaluation.feed(self.metrics, "fake", fake, verbose, self.samples)
        except _DivergedError:
            return self._unknown()
        found = quality.evaluation.results(self.metrics, verbose)
        self._names = list(found)
        return of_chief(model, found)

    def _read(self, model, dataset, steps, kept, verbose):
        """Show the real side to the metrics that need it, and note conditions to generate from."""
        metrics = [metric for metric in self.metrics if metric not in kept]
        wanted = model.conditional and not (kept and self._condition_of is dataset)
        conditions = []

        def batches():
            for real, condition in elements.batches(_local(dataset, model), steps):
                conditions.append(condition)
                yield real if condition is None else (real, condition)

        stream = batches()
        quality.evaluation.feed(metrics, "real", stream, verbose)
        for metric in metrics:
            if isinstance(metric, quality.QualityMetric):
                metric.real_of = _identity(metric, dataset)
        if wanted:
            for _ in stream:  # What no metric has looked at.
                pass
            self._condition, self._condition_of = self._rows(conditions), dataset

    def _rows(self, conditions):
        """Return as many conditions of real samples as there are samples to generate.

        In a random order, always the same: the first of a dataset may all be of one class.
        """
        joined = elements.concatenate(conditions)
        count = elements.rows_of(joined)
        order = np.resize(np.random.default_rng(0).permutation(count), self.samples)
        return elements.take(joined, order)

    def _generated(self, model, batch_size):
        limits = _limits(self.metrics)
        for first in range(0, self.samples, batch_size):
            fake = self._generate(model, first, min(batch_size, self.samples - first))
            if not np.isfinite(fake).all():
                raise _DivergedError
            yield self._clipped(fake, limits)

    def _generate(self, model, first, count):
        condition = self._condition if model.conditional else None
        rows = nests.map(lambda a: a[first : first + count], condition)
        return model.generate(count, self.seed + first, rows, batch_size=count)

    def _clipped(self, fake, limits):
        """Return generated images within the range of values that extractors take.

        A generator without a tanh may leave it a little; an image file would be clipped too.
        """
        if limits is None or fake.ndim != 4:
            return fake
        low, high = fake.min(), fake.max()
        if (low < limits[0] - 1e-3 or high > limits[1] + 1e-3) and not self._warned_of_range:
            self._warned_of_range = True
            warnings.warn(
                f"The generator makes values in [{low:g}, {high:g}]; for the metrics they are "
                f"clipped to [{limits[0]:g}, {limits[1]:g}], as in an image file.",
                stacklevel=2,
            )
        return np.clip(fake, *limits)

    def _unknown(self):
        """Return NaN for every metric, with a warning that training has diverged."""
        warnings.warn(
            "The generator makes NaN or infinite values: training has diverged, and the metrics "
            "have no values (NaN). Go back to an earlier checkpoint with a lower learning rate; "
            "`keras_gan.callbacks.DivergenceGuard` does.",
            stacklevel=2,
        )
        return self.nothing()

    def nothing(self):
        """Return NaN under every key."""
        names = self._names or []
        if not names:
            for metric in self.metrics:
                keys = getattr(metric, "keys", None)
                keys = keys if isinstance(keys, tuple) else ()
                names += [f"{metric.name}/{key}" for key in keys] if keys else [metric.name]
        return dict.fromkeys(names, float("nan"))

    def check(self, model, condition):
        """Raise what can be told before training: samples that a metric has no use for.

        Args:
            model: the `GAN`.
            condition: arrays or specs of the real samples' condition, batch axis first, or `None`.
        """
        ours = [m for m in self.metrics if isinstance(m, quality.QualityMetric)]
        if not ours:
            return
        rows = None
        if model.conditional:  # The least that any network takes: zeros.
            one = nests.map(elements.zeros_like_spec, condition)
            rows = nests.map(lambda row: np.repeat(np.asarray(row), 2, axis=0), one)
        fake = self._clipped(model.generate(2, self.seed, rows), _limits(self.metrics))
        for metric in ours if np.isfinite(fake).all() else ():
            metric._twin().update_state(fake=fake)


class _DivergedError(Exception):
    """The generator makes values that are not finite."""


def serialize(metrics):
    """Return the configs of metrics; one that has none is left out, with a warning."""
    configs = []
    for metric in metrics:
        if getattr(metric, "has_reference", False):
            _warn_left_out(f"{metric.name!r} has a reference that is on disk, not in the model.")
            continue
        try:
            configs.append(keras.saving.serialize_keras_object(metric))
        except (TypeError, NotImplementedError) as error:
            _warn_left_out(f"{metric.name!r} has no config: {error}")
    return configs


def deserialize(configs):
    """Return the metrics of configs; one that can't be had here is left out, with a warning."""
    metrics = []
    for config in configs:
        try:
            metric = keras.saving.deserialize_keras_object(config)
        except (TypeError, ValueError) as error:
            _warn_left_out(str(error))
            continue
        if getattr(metric, "unavailable", None):
            _warn_left_out(metric.unavailable)
        else:
            metrics.append(metric)
    return metrics


def _warn_left_out(reason):
    warnings.warn(
        f"A metric was left out of the saved or loaded model. {reason} In training, "
        "`keras_gan.callbacks.Evaluation` runs metrics that are in no model.",
        stacklevel=2,
    )


def _check_samples(metric, samples):
    """Raise when there will be too few generated samples for a metric."""
    if not isinstance(metric, quality.QualityMetric) or "fake" not in metric.needed:
        return
    if samples < metric.least:
        raise ValueError(
            f"The metric {metric.name!r} needs at least {metric.least} generated samples. "
            f"Received: metric_samples={samples}"
        )


def _holds(metric, dataset):
    """Tell whether a metric's real side is that of a dataset, unchanged."""
    if not isinstance(metric, quality.QualityMetric) or metric.real_of is None:
        return False
    if "keep_real" not in inspect.signature(metric.reset_state).parameters:
        return False  # A subclass that always forgets all.
    read, fingerprint = metric.real_of
    # A network of the user's own may be in training: its old features are of no use.
    return read is dataset and fingerprint == _identity(metric, dataset)[1]


def _identity(metric, dataset):
    return dataset, metric.features.fingerprint if metric.features else None


def _limits(metrics):
    """Return the range of image values that the metrics take, or `None` when any will do."""
    for metric in metrics:
        features = getattr(metric, "features", None)
        if isinstance(features, quality.features.Features) and features.trunk.value_range:
            return features.trunk.value_range
    return (-1.0, 1.0) if any(isinstance(m, quality.MultiScaleSSIM) for m in metrics) else None


def _local(dataset, model):
    """Return what can be read sample by sample, of a distributed dataset its local batches."""
    if not isinstance(dataset, tf.distribute.DistributedDataset):
        return dataset
    local = model.distribute_strategy.experimental_local_results

    def joined(element):
        parts = [keras.tree.map_structure(np.asarray, part) for part in local(element)]
        return keras.tree.map_structure(lambda *rows: np.concatenate(rows), *parts)

    return (joined(element) for element in dataset)
