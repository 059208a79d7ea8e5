"""Statistics of the real set, computed once and kept on disk."""

import inspect
import json

import numpy as np

from keras_gan.data import elements
from keras_gan.metrics.features import caching
from keras_gan.utils.progress import progress

_VERSION = 1  # Of what is kept: another one is computed anew.


def arrays_of(metric, dataset, cache_dir=None, verbose=1):
    """Return what a metric keeps of a real set, from disk when it was computed before.

    Args:
        metric: a `QualityMetric`; it is left as it is.
        dataset: what `elements.batches` reads, more than once.
        cache_dir: see `caching.cache_directory`.
        verbose: 0 for no progress bar.

    Returns:
        Dict of arrays: those of the accumulator, and the `"shape"` of a row of features.
    """
    elements.check_repeatable(dataset)

    def compute():
        scratch = metric._twin()
        with progress(verbose, f"Reference of {metric.name}", "sample") as bar:
            for x, _ in elements.batches(dataset):
                scratch.update_state(real=x)
                bar.update(len(x))
        return {**scratch._real.arrays(), "shape": np.array(scratch._shape, "int64")}

    return caching.cached("reference", _fingerprint(metric, dataset), compute, cache_dir)


def _fingerprint(metric, dataset):
    """Return what the result depends on: data in its order, settings, features and code."""
    settings = json.dumps(metric._settings(), sort_keys=True)
    # Rows are kept in their order, which some metrics depend on.
    data = caching.fingerprint_of(dataset, ordered=True)
    return caching.fingerprint(_VERSION, *_code_of(type(metric)), settings, data)


def _code_of(cls):
    """Return what stands for a class: its name and, of a user's own, its source."""
    name = f"{cls.__module__}.{cls.__qualname__}"
    if cls.__module__.startswith("keras_gan."):
        return (name,)
    try:
        return name, inspect.getsource(cls)
    except (OSError, TypeError):  # Typed at a prompt.
        return (name,)
