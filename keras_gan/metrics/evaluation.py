"""Several metrics over the same samples: read once, each feature extracted once."""

import inspect

import keras

from keras_gan.data import elements
from keras_gan.metrics.metric import QualityMetric
from keras_gan.metrics.progress import progress, say
from keras_gan.utils import registry

_AT_ONCE = 500  # Samples between two steps of a progress bar.
_METHODS = "name", "reset_state", "update_state", "result"


def get(identifier):
    """Return the metric that a name, a config or an object stands for.

    Args:
        identifier: a `QualityMetric`, or any object with a `name`, `reset_state()`,
            `update_state(real=None, fake=None)` and `result()`; the name of a metric that needs
            no argument, such as `"frechet_distance"`; or a serialized config.

    Raises:
        ValueError: for an unknown name, with the known ones and the nearest.
        TypeError: for anything else.

    Example:

    >>> keras_gan.metrics.get("frechet_distance")
    <FrechetDistance name=frechet_distance>
    """
    if isinstance(identifier, (str, dict)) or not _is_metric(identifier):
        classes = registry.classes_of("keras_gan.metrics", QualityMetric)
        return registry.resolve(identifier, classes, QualityMetric, "metric")
    return identifier


def get_all(identifiers):
    """Return the list of metrics that a list stands for; see `get`.

    Raises:
        TypeError: for anything but a list, such as a single name.
    """
    if identifiers is None:
        return []
    if not isinstance(identifiers, (list, tuple)):
        raise TypeError(
            "Expected `metrics` to be a list of metrics or their names. "
            f"Received: metrics={identifiers!r}"
        )
    return [get(identifier) for identifier in identifiers]


def evaluate(metrics, real=None, fake=None, verbose=1):
    """Compute metrics on real and generated samples from anywhere: arrays, datasets, files.

    Args:
        metrics: list of metrics, or their names. What they have seen before is forgotten.
        real: array of real samples, or iterable of batches `x` or `(x, condition)`. `None` keeps
            the real side that the metrics have: for several generators against the same data.
        fake: array or batches of generated samples.
        verbose: 0 for no progress bar.

    Returns:
        Dict of floats by metric name; those of several values under `name/key`.

    Example:

    >>> real, fake = np.random.randn(200, 4), np.random.randn(300, 4) + 1
    >>> keras_gan.metrics.evaluate(["frechet_distance"], real, fake)
    {'frechet_distance': 4...}
    """
    metrics = get_all(metrics)
    for metric in metrics:
        keeps = real is None and isinstance(metric, QualityMetric)
        metric.reset_state(**({"keep_real": True} if keeps else {}))
    feed(metrics, "real", real, verbose)
    feed(metrics, "fake", fake, verbose)
    return results(metrics, verbose)


def feed(metrics, side, batches, verbose=0, total=None):
    """Show all batches of one side to every metric that looks at it.

    Args:
        metrics: list of metrics.
        side: `"real"` or `"fake"`.
        batches: array of samples or what yields batches `x` or `(x, condition)`; `None` for none.
        verbose: 0 for no progress bar.
        total: samples in all, where that is known.
    """
    looking = [metric for metric in metrics if _looks(metric, side)]
    if not looking or batches is None:
        return
    what = {"real": "Real samples", "fake": "Generated samples"}[side]
    with progress(verbose, what, "sample", _count(batches) if total is None else total) as bar:
        for samples, condition in elements.batches(batches):
            for part in _parts(len(samples)):
                _show(looking, side, samples[part], _rows(condition, part))
                bar.update(len(samples[part]))


def results(metrics, verbose=0):
    """Return what metrics have found.

    Args:
        metrics: list of metrics.
        verbose: 0 for no progress bar.

    Returns:
        Dict of floats by metric name; those of several values under `name/key`.
    """
    found = {}
    with progress(verbose, "Computing", "metric", len(metrics)) as bar:
        for metric in metrics:
            say(bar, f"Computing {metric.name}")
            found.update(_flat(metric.name, metric.result()))
            bar.update()
    return found


def _is_metric(candidate):
    """Tell whether an object has what is called of a metric, `real` and `fake` included."""
    if isinstance(candidate, type) or not all(hasattr(candidate, name) for name in _METHODS):
        return False
    parameters = inspect.signature(candidate.update_state).parameters
    any_name = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return any_name or {"real", "fake"} <= parameters.keys()


def _count(batches):
    """Return how many samples there are, where that can be told without reading them."""
    samples = batches[0] if isinstance(batches, tuple) else batches
    return len(samples) if hasattr(samples, "shape") else None


def _rows(condition, part):
    if condition is None:
        return None
    return keras.tree.map_structure(lambda rows: rows[part], condition)


def _parts(count):
    return [slice(first, first + _AT_ONCE) for first in range(0, count, _AT_ONCE)]


def _looks(metric, side):
    fixed = side == "real" and getattr(metric, "has_reference", False)
    return side in getattr(metric, "sides", ("real", "fake")) and not fixed


def _show(metrics, side, samples, condition):
    outputs = {}  # By trunk: several metrics may use the features of one network.
    for metric in metrics:
        if _takes_features(metric):
            features = metric.features
            if features.trunk not in outputs:
                outputs[features.trunk] = features.trunk(samples)
            metric.update_features(**{side: features.pick(outputs[features.trunk])})
        elif condition is not None and hasattr(metric, "bind"):
            metric.update_state(**{side: (samples, condition)})
        else:
            metric.update_state(**{side: samples})


def _takes_features(metric):
    """Tell whether a metric can be given features: a subclass may do more with samples."""
    if not isinstance(metric, QualityMetric) or metric.features is None:
        return False
    own = type(metric)
    return own.extract is QualityMetric.extract and own.update_state is QualityMetric.update_state


def _flat(name, result):
    if isinstance(result, dict):
        return {f"{name}/{key}": float(value) for key, value in result.items()}
    return {name: float(keras.ops.convert_to_numpy(result))}
