"""Statistics of the real set, computed once and kept on disk."""

import json

import numpy as np

from keras_gan.metrics.features import caching
from keras_gan.metrics.progress import progress


def arrays_of(metric, dataset, cache_dir=None, verbose=1):
    """Return what a metric keeps of a real set, from disk when it was computed before.

    Args:
        metric: a `QualityMetric`; its samples are forgotten.
        dataset: what `caching.batches` reads, more than once.
        cache_dir: see `caching.cache_directory`.
        verbose: 0 for no progress bar.

    Returns:
        Dict of arrays: those of the accumulator, and the `"shape"` of a row of features.
    """
    caching.check_repeatable(dataset)

    def compute():
        metric.reset_state()
        with progress(verbose, f"Reference of {metric.name}", "sample") as bar:
            for x, _ in caching.batches(dataset):
                metric.update_state(real=x)
                bar.update(len(x))
        return {**metric._real.arrays(), "shape": np.array(metric._shape, "int64")}

    return caching.cached("reference", _fingerprint(metric, dataset), compute, cache_dir)


def _fingerprint(metric, dataset):
    kind = type(metric).__name__, json.dumps(metric._settings(), sort_keys=True)
    # Rows are kept in their order, which some metrics depend on.
    return caching.fingerprint(*kind, caching.fingerprint_of(dataset))
