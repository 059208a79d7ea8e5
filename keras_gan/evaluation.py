"""Quality metrics: run on whole samples, outside the training step."""

import itertools
import warnings

import keras
import numpy as np

from keras_gan import inputs
from keras_gan import metrics as quality

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

    Raises:
        TypeError: when a metric is none.
        ValueError: for an unknown name, two metrics of one name, or when `samples` is not a
            positive integer.
    """

    def __init__(self, metrics, samples, seed=FIRST_SEED):
        self.metrics = [quality.get(metric) for metric in metrics]
        names = [metric.name for metric in self.metrics]
        if len(set(names)) < len(names):
            raise ValueError(
                "Expected metrics with distinct names: pass `name=...` to some. "
                f"Received: metrics named {names}"
            )
        if not isinstance(samples, int) or samples < 1:
            raise ValueError(
                "Expected `metric_samples` to be a positive integer. "
                f"Received: metric_samples={samples!r}"
            )
        self.samples = samples
        self.seed = seed
        self._seen = None  # The dataset that the real side holds, while it can be kept.
        self._condition = None

    def evaluate(self, model, dataset, steps=None, keep_real=False, batch_size=100, verbose=0):
        """Return the metrics' results by name.

        Args:
            model: the `GAN` whose samples are judged.
            dataset: iterable of batches `x` or `(x, condition)`, the real side.
            steps: how many of them, `None` for all.
            keep_real: whether the real side of the last call does, if it was of this dataset.
            batch_size: generated samples at a time.
            verbose: 0 for no progress bar.

        Returns:
            Dict of floats; a metric of several figures gives keys `name/key`.
        """
        if not self.metrics:
            return {}
        kept = keep_real and self._seen is dataset
        for metric in self.metrics:
            # A metric of a user's own has no way to keep a side: it sees the data again.
            metric.reset_state(**({"keep_real": kept} if _is_ours(metric) else {}))
            if hasattr(metric, "bind"):
                metric.bind(model)
        self._read(model, dataset, steps, kept, verbose)
        self._seen = dataset if keep_real else None
        try:
            fake = self._generated(model, batch_size)
            quality.evaluation.feed(self.metrics, "fake", fake, verbose, self.samples)
        except _DivergedError:
            return self._unknown()
        return quality.evaluation.results(self.metrics, verbose)

    def _read(self, model, dataset, steps, kept, verbose):
        """Show the real side to the metrics that need it, and note conditions to generate from."""
        metrics = [metric for metric in self.metrics if not (kept and _is_ours(metric))]
        conditions = []

        def batches():
            for element in itertools.islice(_each(dataset), steps):
                real, condition = inputs.unpack(element)
                conditions.append(condition)
                yield real if condition is None else (real, condition)

        quality.evaluation.feed(metrics, "real", batches(), verbose)
        if model.conditional and not kept:
            if not conditions:  # No metric has looked.
                conditions = [inputs.unpack(element)[1] for element in _each(dataset)]
            self._condition = self._rows(conditions)

    def _rows(self, conditions):
        """Return as many conditions of real samples as there are samples to generate.

        In a random order, always the same: the first of a dataset may all be of one class.
        """
        joined = keras.tree.map_structure(lambda *parts: np.concatenate(parts), *conditions)
        count = len(keras.tree.flatten(joined)[0])
        order = np.resize(np.random.default_rng(0).permutation(count), self.samples)
        return keras.tree.map_structure(lambda rows: rows[order], joined)

    def _generated(self, model, batch_size):
        condition = self._condition if model.conditional else None
        for first in range(0, self.samples, batch_size):
            count = min(batch_size, self.samples - first)
            rows = inputs.map_arrays(lambda a: a[first : first + count], condition)  # noqa: B023
            fake = model.generate(count, self.seed + first, rows, batch_size=count)
            if not np.isfinite(fake).all():
                raise _DivergedError
            yield fake

    def _unknown(self):
        """Return NaN for every figure: training has diverged, which is no reason to lose it."""
        warnings.warn(
            "The generator makes NaN or infinite values: training has diverged, and the metrics "
            "have no figures (NaN). Go back to an earlier checkpoint with a lower learning rate; "
            "`keras_gan.callbacks.DivergenceGuard` does.",
            stacklevel=2,
        )
        names = []
        for metric in self.metrics:
            keys = getattr(metric, "keys", ())
            names += [f"{metric.name}/{key}" for key in keys] if keys else [metric.name]
        return dict.fromkeys(names, float("nan"))


class _DivergedError(Exception):
    """The generator makes values that are not finite."""


def _is_ours(metric):
    return isinstance(metric, quality.QualityMetric)


def _each(dataset):
    """Return an iterable over a dataset; a `PyDataset` has an end but does not say so."""
    if isinstance(dataset, keras.utils.PyDataset):
        return (dataset[index] for index in range(len(dataset)))
    return dataset
