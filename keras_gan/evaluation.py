"""Quality metrics: run on whole samples, outside the training step."""

import itertools

import keras
import numpy as np
import tensorflow as tf

from keras_gan import inputs

# Far from the seeds that people look at, and the same at every evaluation.
_FIRST_SEED = 2**40


class Quality:
    """The metrics that `evaluate` runs, kept where Keras does not track them.

    As attributes of the model they would be computed at every logging step, averaged over
    replicas, and their feature extractors would enter every checkpoint.

    Args:
        metrics: objects with `name`, `reset_state()`, `update_state(real=None, fake=None)` and
            `result()`, which returns a number or a dict of numbers.
        samples: how many generated samples they see.

    Raises:
        TypeError: when a metric has no such methods.
        ValueError: when `samples` is not a positive integer.
    """

    def __init__(self, metrics, samples):
        for metric in metrics:
            needed = ("name", "reset_state", "update_state", "result")
            if not all(hasattr(metric, attribute) for attribute in needed):
                raise TypeError(
                    "Expected `metrics` to be objects with a `name`, `reset_state()`, "
                    "`update_state(real=None, fake=None)` and `result()`. "
                    f"Received: {metric!r} of type {type(metric)}"
                )
        if not isinstance(samples, int) or samples < 1:
            raise ValueError(
                "Expected `metric_samples` to be a positive integer. "
                f"Received: metric_samples={samples!r}"
            )
        self.metrics = list(metrics)
        self.samples = samples

    def evaluate(self, model, dataset, steps=None, batch_size=100):
        """Return the metrics' results by name.

        Args:
            model: the `GAN` whose samples are judged.
            dataset: iterable of batches `x` or `(x, condition)`, the real side.
            steps: how many of them, `None` for all.
            batch_size: generated samples at a time.

        Returns:
            Dict of floats; a metric that returns a dict gives keys `name/key`.
        """
        if not self.metrics:
            return {}
        for metric in self.metrics:
            metric.reset_state()
        conditions = []
        for element in itertools.islice(_each(dataset), steps):
            real, condition = inputs.unpack(element)
            conditions.append(condition)
            for metric in self.metrics:
                metric.update_state(real=real)
        self._generate(model, conditions, batch_size)
        return self._results()

    def _generate(self, model, conditions, batch_size):
        condition = self._conditions(model, conditions)
        for first in range(0, self.samples, batch_size):
            count = min(batch_size, self.samples - first)
            rows = inputs.map_arrays(lambda a: a[first : first + count], condition)  # noqa: B023
            fake = model.generate(count, _FIRST_SEED + first, rows, batch_size=count)
            for metric in self.metrics:
                metric.update_state(fake=fake)

    def _conditions(self, model, conditions):
        """Return as many conditions of real samples as there are samples to generate."""
        if not model.conditional:
            return None
        joined = keras.tree.map_structure(lambda *parts: np.concatenate(parts), *conditions)
        return keras.tree.map_structure(
            lambda rows: np.take(rows, np.arange(self.samples), axis=0, mode="wrap"), joined
        )

    def _results(self):
        results = {}
        for metric in self.metrics:
            result = metric.result()
            if isinstance(result, dict):
                results.update({f"{metric.name}/{k}": float(v) for k, v in result.items()})
            else:
                results[metric.name] = float(tf.convert_to_tensor(result))
        return results


def _each(dataset):
    """Return an iterable over a dataset; a `PyDataset` has an end but does not say so."""
    if isinstance(dataset, keras.utils.PyDataset):
        return (dataset[index] for index in range(len(dataset)))
    return dataset
