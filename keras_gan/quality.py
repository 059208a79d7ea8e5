"""Quality metrics of a model, run on whole samples outside the training step."""

import inspect
import itertools
import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_gan import metrics as quality
from keras_gan.data import elements
from keras_gan.metrics import copies, pairing
from keras_gan.metrics.ranges import in_range
from keras_gan.utils import arguments, nests
from keras_gan.workers import of_chief

# Far from the seeds that people look at, and the same at every evaluation.
FIRST_SEED = 2**40


class Quality:
    """The metrics that `evaluate` runs, kept where Keras does not track them.

    As attributes of the model they would be computed at every logging step, averaged over
    replicas, and their feature extractors would enter every checkpoint.

    Args:
        metrics: list of what `keras_gan.metrics.get` takes, for every part of the samples by
            itself; or a dict of such lists by part.
        samples: how many generated samples they see.
        seed: of the first of these.
        taken: keys that no metric may be named by.

    Raises:
        TypeError: when a metric is none.
        ValueError: for an unknown name, two metrics of one name, or when `samples` is not a
            positive integer.

    Attributes:
        metrics: the metrics, a list or a dict of lists, as they were given.
        held_out: the validation data of a `fit` as it was given, or `None`.
    """

    def __init__(self, metrics, samples, seed=FIRST_SEED, taken=()):
        self.metrics = quality.evaluation.get_all(metrics)
        self._by_part = quality.evaluation.by_part(self.metrics)
        self._resolved = False
        self.held_out = None
        found = [quality.evaluation.key(part, metric.name) for part, metric in self._pairs]
        names = [*taken, *found]
        if len(set(names)) < len(names):
            raise ValueError(
                "Expected metrics with distinct names, none of them a key of the logs: pass "
                f"`name=...` to some. Received: metrics named {found}"
            )
        self.samples = arguments.whole("metric_samples", samples)
        for _, metric in self._pairs:
            _check_samples(metric, samples)
        self.seed = seed
        self._condition = self._condition_of = None
        self._names = None  # Of the last results: a user's own metric may not declare its keys.
        self._warned_of_range = False

    @property
    def _pairs(self):
        """All pairs of a part of the samples and a metric of it."""
        return [(part, metric) for part, listed in self._by_part.items() for metric in listed]

    @property
    def _all(self):
        return [metric for _, metric in self._pairs]

    def resolve(self, signature):
        """Give each part of the samples metrics of its own, once the parts are known.

        Args:
            signature: the networks' `Signature`.

        Raises:
            ValueError: for an unknown part, or a metric that can't judge one part of a nest.
        """
        if self._resolved or signature.samples is None or not self._all:
            return
        parts = nests.names(signature.samples)
        listed = not isinstance(self.metrics, dict)
        if parts != [""]:
            for metric in self._all:
                copies.check(metric, parts, listed)
        if listed and parts != [""]:
            # None is the one that was given: its state is its owner's.
            self._by_part = {
                part: [copies.copy_of(metric) for metric in self.metrics] for part in parts
            }
        elif not listed:
            quality.evaluation.check_parts(self.metrics, parts)
            self._by_part = copies.distinct(self.metrics)
        self._resolved = True

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
            Dict of floats; a metric of several values gives keys `name/key`, one of a part of the
            samples `part/name`.
        """
        if not self.metrics:
            return {}
        self.resolve(model.signature)
        self.check_pairs(model, dataset)
        kept = [m for m in self._all if keep_real and _holds(m, dataset)]
        for metric in self._all:
            metric.reset_state(**({"keep_real": True} if metric in kept else {}))
            if hasattr(metric, "bind"):
                metric.bind(model)
        try:
            self._judge_sets(model, dataset, steps, kept, batch_size, verbose)
            self._judge_pairs(model, dataset, steps, batch_size, verbose)
        except _DivergedError:
            return self._unknown()
        found = quality.evaluation.results(self._by_part, verbose)
        self._names = list(found)
        return of_chief(model, found)

    def _judge_sets(self, model, dataset, steps, kept, batch_size, verbose):
        """Show real samples, and generated ones of their own number, to metrics of two sets."""
        by_part = pairing.paired_of(self._by_part, paired=False)
        if not by_part:
            return
        self._read(model, dataset, steps, kept, verbose)
        fake = self._generated(model, batch_size)
        # The first batch in any case: it tells of divergence, though no metric may look.
        fake = itertools.chain([next(fake)], fake)
        value_range = model.range.known
        quality.evaluation.feed(by_part, "fake", fake, verbose, self.samples, value_range)

    def _judge_pairs(self, model, dataset, steps, batch_size, verbose):
        """Show every real sample, and the one made from its condition, to paired metrics.

        In the dataset's order; sample i is made from seed `seed` + i, where there are seeds.
        """
        by_part = pairing.paired_of(self._by_part)
        if not by_part:
            return

        def triples():
            first = 0
            for element in elements.batches(_local(dataset, model), steps):
                real, condition = model.condition.split(element)
                rows = elements.rows_of(real)
                fake = model.generate(rows, self.seed + first, condition, batch_size=batch_size)
                yield real, self._clipped(model, _finite(fake)), condition
                first += rows

        pairing.feed(by_part, triples(), verbose, value_range=model.range.known)

    def check_pairs(self, model, dataset=None):
        """Raise when paired metrics have no pairs to compare.

        Args:
            model: the `GAN`.
            dataset: what the pairs are to come from, or `None` where that is not known yet.

        Raises:
            ValueError: for a generator that is given nothing of the sample it is to make, and for
                data that is said to have no pairs.
        """
        pairs = pairing.paired_of(self._by_part).values()
        # Parts of a sample have metrics of the same names.
        names = list(dict.fromkeys(metric.name for metrics in pairs for metric in metrics))
        what = (
            f"The metrics {names} compare each real sample with the one that is made from its "
            "condition, and"
        )
        if names and not model.conditional:
            raise ValueError(
                f"{what} this generator takes no condition: use metrics of two sets, such as "
                f"'frechet_distance'. Received: metrics={names}, a model with conditional=False"
            )
        if names and not elements.has_pairs(dataset):
            raise ValueError(
                f"{what} the domains of this data have no pairs: give pairs, a dict of arrays or "
                "`keras_gan.datasets.zip`, or use metrics of two sets, such as "
                f"'frechet_distance'. Received: metrics={names}, a dataset with paired=False"
            )

    def _read(self, model, dataset, steps, kept, verbose):
        """Show the real side to the metrics that need it, and note conditions to generate from."""
        metrics = {
            part: [metric for metric in listed if not any(metric is other for other in kept)]
            for part, listed in self._by_part.items()
        }
        wanted = model.conditional and not (kept and self._condition_of is dataset)
        conditions = []

        def batches():
            for real, condition in elements.batches(_local(dataset, model), steps):
                conditions.append(model.condition.split((real, condition))[1])
                yield real if condition is None else (real, condition)

        stream = batches()
        value_range = model.range.known
        quality.evaluation.feed(metrics, "real", stream, verbose, value_range=value_range)
        for metric in itertools.chain(*metrics.values()):
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
        for first in range(0, self.samples, batch_size):
            fake = self._generate(model, first, min(batch_size, self.samples - first))
            yield self._clipped(model, _finite(fake))

    def _generate(self, model, first, count):
        condition = self._condition if model.conditional else None
        rows = nests.map(lambda a: a[first : first + count], condition)
        return model.generate(count, self.seed + first, rows, batch_size=count)

    def _clipped(self, model, fake):
        """Return generated images within the model's range of values, or that of extractors.

        A generator without a tanh may leave it a little; an image file would be clipped too.
        """
        parts = [
            self._clipped_part(part, _limits(self._by_part.get(name, ()), model.range.known))
            for name, part in nests.named(fake).items()
        ]
        return nests.pack_as(fake, parts)

    def _clipped_part(self, fake, limits):
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
            for part, metric in self._pairs:
                name = quality.evaluation.key(part, metric.name)
                keys = getattr(metric, "keys", None)
                keys = keys if isinstance(keys, tuple) else ()
                names += [f"{name}/{key}" for key in keys] if keys else [name]
        return dict.fromkeys(names, float("nan"))

    def check(self, model, condition, dataset=None):
        """Raise what can be told before training: samples that a metric has no use for.

        Args:
            model: the `GAN`.
            condition: arrays or specs of the real samples' condition, batch axis first, or `None`.
            dataset: see `evaluate`.
        """
        self.resolve(model.signature)
        self.check_pairs(model, dataset)
        ours = [pair for pair in self._pairs if isinstance(pair[1], quality.QualityMetric)]
        if not ours or elements.of_any_size(condition):
            return
        rows = None
        if model.conditional:  # The least that any network takes: zeros.
            one = nests.map(elements.zeros_like_spec, condition)
            rows = nests.map(lambda row: np.repeat(np.asarray(row), 2, axis=0), one)
        fake = model.generate(2, self.seed, rows)
        if not _is_finite(fake):
            return
        named = nests.named(self._clipped(model, fake))
        for part, metric in ours:
            ranges = model.range.known, metric.value_range
            fake = in_range(named[part], *ranges)
            pair = {"real": fake, "source": rows} if metric.paired else {}
            metric._twin().update_state(fake=fake, **pair)


class _DivergedError(Exception):
    """The generator makes values that are not finite."""


def _check_samples(metric, samples):
    """Raise when there will be too few generated samples for a metric."""
    if not isinstance(metric, quality.QualityMetric) or metric.paired:
        return
    if "fake" not in metric.needed:
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


def _limits(metrics, known):
    """Return the range that generated images are clipped to, or `None` when any value will do.

    Args:
        metrics: list of metrics.
        known: the model's range, or `None`.
    """
    ours = [metric for metric in metrics if isinstance(metric, quality.QualityMetric)]
    # Extractors before metrics with a range of their own.
    ours.sort(key=lambda metric: metric.features is None)
    ranges = [metric.value_range for metric in ours if metric.value_range]
    return (known or ranges[0]) if ranges else None


def _is_finite(samples):
    return all(np.isfinite(part).all() for part in nests.leaves(samples))


def _finite(samples):
    """Return generated samples, or raise that training has diverged."""
    if not _is_finite(samples):
        raise _DivergedError
    return samples


def _local(dataset, model):
    """Return what can be read sample by sample, of a distributed dataset its local batches."""
    if not isinstance(dataset, tf.distribute.DistributedDataset):
        return dataset
    local = model.distribute_strategy.experimental_local_results

    def joined(element):
        parts = [keras.tree.map_structure(np.asarray, part) for part in local(element)]
        return keras.tree.map_structure(lambda *rows: np.concatenate(rows), *parts)

    return (joined(element) for element in dataset)
