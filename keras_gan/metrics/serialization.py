"""Configs of metrics in the file of a model, and the metrics that come back from them."""

import warnings

import keras


def serialize(metrics):
    """Return the configs of metrics; one that has none is left out, with a warning.

    Args:
        metrics: list of metrics, or a dict of lists by part.
    """
    if isinstance(metrics, dict):
        return {part: serialize(listed) for part, listed in metrics.items()}
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
    """Return the metrics of configs; one that can't be had here is left out, with a warning.

    Args:
        configs: list of configs, or a dict of lists by part.
    """
    if isinstance(configs, dict):
        return {part: deserialize(listed) for part, listed in configs.items()}
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
