"""Several metrics over the same samples: read once, each feature extracted once."""

import inspect

import keras
import numpy as np
import tensorflow as tf

from keras_gan.data import elements
from keras_gan.data.value_range import pair_of
from keras_gan.metrics import pairing
from keras_gan.metrics.metric import QualityMetric
from keras_gan.metrics.paired import is_paired
from keras_gan.metrics.ranges import in_range
from keras_gan.utils import nests, registry
from keras_gan.utils.arguments import shown
from keras_gan.utils.progress import progress, say

_AT_ONCE = 500  # Samples between two steps of a progress bar.
_METHODS = "name", "reset_state", "update_state", "result"


def get(identifier):
    """Return the metric that a name, a config or an object stands for.

    Args:
        identifier: a `QualityMetric`, or any object with a `name`, `reset_state()`,
            `update_state(real=None, fake=None)` and `result()`, a paired one (`paired = True`)
            with `update_state(real=None, fake=None, source=None)`; the name of a metric that needs
            no argument, such as `"frechet_distance"`; or a serialized config.

    Raises:
        ValueError: for an unknown name, with the known ones and the nearest.
        TypeError: for anything else.

    Example:

    >>> keras_gan.metrics.get("frechet_distance")
    <FrechetDistance name=frechet_distance>
    """
    missing = [] if isinstance(identifier, (str, dict, type)) else _missing(identifier)
    # A metric of the user's own, all but complete; one of Keras has a hint of its own.
    if 0 < len(missing) < len(_METHODS) and not isinstance(identifier, keras.metrics.Metric):
        raise TypeError(
            "Expected a metric to have a `name`, `reset_state()`, `update_state(real=None, "
            f"fake=None)` and `result()`. Received: {shown(identifier)}, which has no "
            f"{', no '.join(missing)}"
        )
    if isinstance(identifier, (str, dict, type)) or missing:
        classes = registry.classes_of("keras_gan.metrics", QualityMetric)
        return registry.resolve(identifier, classes, QualityMetric, "metric")
    return identifier


def get_all(identifiers):
    """Return the list of metrics that a list stands for, or the dict of a dict of lists; see `get`.

    Raises:
        TypeError: for anything but a list or a dict of lists, such as a single name.
    """
    if identifiers is None:
        return []
    if isinstance(identifiers, dict):
        return {part: get_all(listed) for part, listed in identifiers.items()}
    if not isinstance(identifiers, (list, tuple)):
        raise TypeError(
            "Expected `metrics` to be a list of metrics or their names. "
            f"Received: metrics={shown(identifiers)}"
        )
    return [get(identifier) for identifier in identifiers]


def by_part(metrics):
    """Return a dict from parts of samples to metrics; those of a list are of the part `""`."""
    return metrics if isinstance(metrics, dict) else {"": metrics}


def evaluate(metrics, real=None, fake=None, verbose=1, value_range=None, source=None):
    """Compute metrics on real and generated samples from anywhere: arrays, datasets, files.

    Args:
        metrics: list of metrics, or their names; for samples of several parts a dict of such
            lists by part. What they have seen before is forgotten.
        real: array of real samples, or iterable of batches `x` or `(x, condition)`. `None` keeps
            the real side that the metrics have: for several generators against the same data.
        fake: array or batches of generated samples. Paired metrics compare the first one with
            the first real one, and so on.
        verbose: 0 for no progress bar.
        value_range: `(lowest, highest)` value of the images on both sides, which are then mapped
            to the range that each extractor takes; `None` where they have that range.
        source: for paired metrics that look at it, what `fake` was made from: a nest of arrays,
            or batches of these, in the same order; by default the conditions in `real`.

    Returns:
        Dict of floats by metric name; those of several values under `name/key`, those of a part of
        the samples under `part/name`.

    Raises:
        ValueError: for a part that the samples don't have, with those that they have; for paired
            metrics when there are not as many real as generated samples.

    Example:

    >>> real, fake = np.random.randn(200, 4), np.random.randn(300, 4) + 1
    >>> keras_gan.metrics.evaluate(["frechet_distance"], real, fake)
    {'frechet_distance': 4...}
    """
    metrics = get_all(metrics)
    if value_range is not None:
        value_range = pair_of(value_range)
    for metric in (metric for listed in by_part(metrics).values() for metric in listed):
        keeps = real is None and isinstance(metric, QualityMetric)
        metric.reset_state(**({"keep_real": True} if keeps else {}))
    if pairs := pairing.paired_of(by_part(metrics)):
        _feed_pairs(pairs, real, fake, source, verbose, value_range)
    feed(metrics, "real", real, verbose, value_range=value_range)
    feed(metrics, "fake", fake, verbose, value_range=value_range)
    return results(metrics, verbose)


def _feed_pairs(pairs, real, fake, source, verbose, value_range):
    """Show pairs from anywhere to paired metrics, by part of the samples."""
    if real is None or fake is None:
        names = [metric.name for metrics in pairs.values() for metric in metrics]
        raise ValueError(
            f"The metrics {names} compare pairs: give `real` and `fake`, in one order. Received: "
            f"{'real' if real is None else 'fake'}=None"
        )
    for side in (real, fake, source):
        elements.check_repeatable(side)

    def triples():
        for triple in pairing.aligned(real, fake, source):
            check_parts(pairs, nests.names(triple[0]))
            yield triple

    pairing.feed(pairs, triples(), verbose, _count(real), value_range)


def feed(metrics, side, batches, verbose=0, total=None, value_range=None):
    """Show all batches of one side to every metric that looks at it.

    Args:
        metrics: list of metrics, or a dict of lists by part of the samples.
        side: `"real"` or `"fake"`.
        batches: array of samples or what yields batches `x` or `(x, condition)`; `None` for none.
        verbose: 0 for no progress bar.
        total: samples in all, where that is known.
        value_range: see `evaluate`.
    """
    looking = {
        part: seeing
        for part, listed in by_part(metrics).items()
        if (seeing := [metric for metric in listed if _looks(metric, side)])
    }
    if not looking or batches is None:
        return
    what = {"real": "Real samples", "fake": "Generated samples"}[side]
    with progress(verbose, what, "sample", _count(batches) if total is None else total) as bar:
        for samples, condition in elements.batches(batches):
            named = nests.named(samples)
            check_parts(looking, list(named))
            for rows in _slices(elements.rows_of(samples)):
                for part, seeing in looking.items():
                    shown = named[part][rows]
                    _show(seeing, side, shown, elements.take(condition, rows), value_range)
                bar.update(len(shown))


def check_parts(parts, there):
    """Raise when metrics are for parts that samples don't have.

    Args:
        parts: names of parts, `""` for samples of one tensor.
        there: the names of the samples' parts.

    Raises:
        ValueError: with the names that there are.
    """
    unknown = sorted(set(parts) - set(there))
    if not unknown:
        return
    if there == [""]:
        raise ValueError(
            "Expected `metrics` as a list: the samples are one tensor, without parts. Received: "
            f"metrics for the parts {unknown}"
        )
    raise ValueError(
        f"Expected `metrics` as a dict of lists by part, of samples with the parts {there}. "
        f"Received: metrics for {'a single tensor' if unknown == [''] else unknown}"
    )


def results(metrics, verbose=0):
    """Return what metrics have found.

    Args:
        metrics: list of metrics, or a dict of lists by part of the samples.
        verbose: 0 for no progress bar.

    Returns:
        Dict of floats by metric name; those of several values under `name/key`, those of a part
        under `part/name`.
    """
    found = {}
    pairs = [(part, metric) for part, listed in by_part(metrics).items() for metric in listed]
    with progress(verbose, "Computing", "metric", len(pairs)) as bar:
        for part, metric in pairs:
            name = key(part, metric.name)
            say(bar, f"Computing {name}")
            found.update(_flat(name, metric.result()))
            bar.update()
    return found


def key(part, name):
    """Return the key of a metric of a part of the samples in logs."""
    return f"{part}/{name}" if part else name


def _missing(candidate):
    """Return what an object lacks of what is called of a metric, `real` and `fake` included."""
    missing = [f"`{name}`" for name in _METHODS if not hasattr(candidate, name)]
    if hasattr(candidate, "update_state"):
        parameters = inspect.signature(candidate.update_state).parameters
        any_name = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        wanted = ["real", "fake"] + ["source"] * is_paired(candidate)
        if not any_name and not set(wanted) <= parameters.keys():
            missing.append(f"`update_state({', '.join(f'{name}=None' for name in wanted)})`")
    return missing


def _count(batches):
    """Return how many samples there are, where that can be told without reading them."""
    samples = batches[0] if isinstance(batches, tuple) else batches
    if isinstance(samples, dict):
        samples = next(iter(nests.leaves(samples)), None)
    return len(samples) if isinstance(samples, (np.ndarray, tf.Tensor)) else None


def _slices(count):
    return [slice(first, first + _AT_ONCE) for first in range(0, count, _AT_ONCE)]


def _looks(metric, side):
    if is_paired(metric):
        return False  # Neither side by itself.
    fixed = side == "real" and getattr(metric, "has_reference", False)
    return side in getattr(metric, "sides", ("real", "fake")) and not fixed


def _show(metrics, side, samples, condition, value_range):
    outputs = {}  # By trunk: several metrics may use the features of one network.
    for metric in metrics:
        shown = in_range(samples, value_range, getattr(metric, "value_range", None))
        if _takes_features(metric):
            features = metric.features
            if features.trunk not in outputs:
                outputs[features.trunk] = features.trunk(shown)
            metric.update_features(**{side: features.pick(outputs[features.trunk])})
        elif condition is not None and hasattr(metric, "bind"):
            metric.update_state(**{side: (shown, condition)})
        else:
            metric.update_state(**{side: shown})


def _takes_features(metric):
    """Tell whether a metric can be given features: a subclass may do more with samples."""
    if not isinstance(metric, QualityMetric) or metric.features is None:
        return False
    own = type(metric)
    return own.extract is QualityMetric.extract and own.update_state is QualityMetric.update_state


def _flat(name, result):
    values = {name: result}
    if isinstance(result, dict):
        values = {f"{name}/{key}": value for key, value in result.items()}
    try:
        return {key: float(keras.ops.convert_to_numpy(value)) for key, value in values.items()}
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"Expected `result()` of the metric {name!r} to return a number or a dict of numbers. "
            f"Received: {shown(result)}"
        ) from error
