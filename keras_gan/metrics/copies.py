"""Metrics of samples of several parts: one for each, with a state of its own."""

import copy

import keras

from keras_gan.metrics.duality_gap import DualityGap
from keras_gan.metrics.metric import QualityMetric


def check(metric, parts, listed):
    """Raise when a metric can't judge one part of samples by itself."""
    if isinstance(metric, DualityGap):
        raise ValueError(
            f"The metric {metric.name!r} judges a whole game, of samples of one tensor: it has no "
            f"value for a part. Leave it out. Received: samples with the parts {parts}"
        )
    if listed and getattr(metric, "has_reference", False):
        raise ValueError(
            f"The metric {metric.name!r} has a reference, which belongs to one part of the "
            f"samples: pass a dict by part, `metrics={{{parts[0]!r}: [...]}}`. "
            f"Received: a list of metrics for the parts {parts}"
        )


def copy_of(metric):
    """Return a metric like another that has seen nothing."""
    if isinstance(metric, QualityMetric):
        return metric._twin()
    try:
        if isinstance(metric, keras.metrics.Metric):
            return type(metric).from_config(metric.get_config())
        return copy.deepcopy(metric)
    except (TypeError, ValueError, NotImplementedError, AttributeError) as error:
        raise ValueError(
            f"The metric {metric.name!r} can't be copied, and each part of the samples needs one "
            "of its own: pass a dict by part, such as `metrics={'y': [metric]}`. "
            f"Received: {metric!r}, which says: {error}"
        ) from error


def distinct(metrics):
    """Return metrics by part, with a copy of each that has served another part before."""
    used, by_part = [], {}
    for part, listed in metrics.items():
        before = [id(metric) for metric in used]
        by_part[part] = [copy_of(m) if id(m) in before else m for m in listed]
        used += listed
    return by_part
