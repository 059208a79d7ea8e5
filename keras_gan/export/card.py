"""The model card of an export: its origin, its data, its quality and its intended use."""

import datetime
import json
import math
import platform

import keras
import numpy as np
import tensorflow as tf

from keras_gan.export import markdown, provenance, signatures
from keras_gan.utils.arguments import shown
from keras_gan.utils.version import __version__

NOT_STATED = "Not stated by whoever exported it."
KNOWN_LIMITS = (
    "Samples follow the training data, with what is uneven or unfair in it. No figure here says "
    "that none of them repeats a training sample. Seeds name the same samples in this version "
    "alone."
)
# What only the user can know, with the text that stands in its place otherwise.
STATED = {
    "data": NOT_STATED,
    "intended_use": NOT_STATED,
    "known_limits": KNOWN_LIMITS,
    "metrics": {},
    "protocol": NOT_STATED,
    "license": NOT_STATED,
}


def check(card):
    """Return the user's part of a card, with defaults for what is missing.

    Args:
        card: dict of `data`, `intended_use`, `known_limits`, `protocol`, `license` (texts) and
            `metrics` (numbers by name, nested or not), or `None`.

    Raises:
        TypeError: when it is not a dict, or a text is not a string.
        ValueError: for other keys, or metrics that JSON can't hold.
    """
    card = {} if card is None else card
    if not isinstance(card, dict):
        raise TypeError(f"Expected `card` to be a dict. Received: card={shown(card)}")
    if unknown := card.keys() - STATED.keys():
        raise ValueError(
            f"Expected `card` to have keys among {sorted(STATED)}. Received: {sorted(unknown)}"
        )
    for key, value in card.items():
        if key != "metrics" and not isinstance(value, str):
            raise TypeError(f"Expected card[{key!r}] to be a text. Received: {shown(value)}")
    return {**STATED, **card, "metrics": _plain(card.get("metrics", {}))}


def facts(
    model, stated, *, name, version, format, dtype, difference, functions, limits, sampling_rate
):
    """Return a card as a dict that JSON can hold.

    Args:
        model: the `GAN` that is exported.
        stated: what `check` returned.
        name: the model's name.
        version: its version.
        format: the export's.
        dtype: of the weights.
        difference: distance of the samples from those of the model's own weights, by name.
        functions: the signatures, as `tf.function`s by name.
        limits: the `Limits` of requests, or `None`.
        sampling_rate: of sounds, or `None`.
    """
    network = model.sampling_network
    return {
        "name": name,
        "version": version,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "synthetic": provenance.statement(name, version, "sound" if sampling_rate else "image"),
        "intended_use": stated["intended_use"],
        "known_limits": stated["known_limits"],
        "license": stated["license"],
        "data": stated["data"],
        "training": _training(model),
        "metrics": {"values": stated["metrics"], "protocol": stated["protocol"]},
        "generator": {
            "name": network.name,
            "parameters": int(sum(np.prod(weight.shape) for weight in network.weights)),
            "averaged": network is not model.generator,
            "statistics": model.statistics,
            "latents": None if model.latents is None else repr(model.latents),
            "classes": model.num_classes,
            "value_range": list(model.value_range),
            "heads": [name for name in model.signature.head_names or () if name],
            "condition": model.condition.keys,
            "computes_in": network.dtype_policy.compute_dtype,
        },
        "export": {
            "format": format,
            "weights": dtype,
            **({"difference": difference} if difference else {}),
            "max_batch_size": limits and limits.max_batch_size,
            "max_pixels": limits and limits.max_pixels,
            **({"sampling_rate": sampling_rate} if sampling_rate else {}),
            "signatures": {key: _signature(f, model, limits) for key, f in functions.items()},
        },
        "versions": _versions(),
    }


def write(directory, card):
    """Write `model_card.json` for programs and `MODEL_CARD.md` for readers."""
    text = json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (directory / "model_card.json").write_text(text, encoding="utf-8")
    (directory / "MODEL_CARD.md").write_text(markdown.text(card), encoding="utf-8")


def _training(model):
    if not model.compiled:
        return {"steps": model.steps, "seed": model.random_state.start}
    config = model.get_compile_config()
    described = {
        key: _call(config[key])
        for key in ("generator_optimizer", "discriminator_optimizer", "augmentation")
    }
    return {
        "loss": repr(model.loss),
        "terms": [_call(term) for term in config["terms"]],
        **described,
        "average": _call(config["ema"]),
        "update": model.update,
        "discriminator_steps": model.discriminator_steps,
        "steps": model.steps,
        "seed": model.random_state.start,
    }


def _call(config):
    """Return a serialized object as the call that makes it, with its plain arguments."""
    if config is None:
        return None
    arguments = [
        f"{key}={_argument(value)}"
        for key, value in config["config"].items()
        if isinstance(value, (int, float, str, dict)) and key not in ("name", "dtype", "trainable")
    ]
    return f"{config['class_name']}({', '.join(arguments)})"


def _argument(value):
    if isinstance(value, dict):
        return _call(value) if "class_name" in value else "{...}"
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def _signature(function, model, limits):
    graph = function.get_concrete_function()
    inputs = tf.nest.flatten(graph.structured_input_signature)
    outputs = graph.structured_outputs
    return {
        "inputs": {spec.name: _input(spec, model, limits) for spec in inputs},
        "outputs": {name: _tensor(name, tensor, model) for name, tensor in outputs.items()},
    }


def _input(spec, model, limits):
    described = _tensor(spec.name, spec, model)
    if limits is None:
        return described
    meaning = limits.meaning(spec) or described["meaning"]
    return {**described, "meaning": meaning, "limits": limits.told(spec.name, spec)}


def _tensor(name, spec, model):
    meaning = signatures.meaning(name, model)
    # The batch axis comes first everywhere and has any size.
    sides = ["batch", *spec.shape[1:]]
    return {"dtype": spec.dtype.name, "shape": sides, "meaning": meaning}


def _versions():
    return {
        "keras_gan": __version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "python": platform.python_version(),
    }


def _plain(metrics):
    """Return numbers by name as JSON has them."""
    if isinstance(metrics, dict):
        return {str(key): _plain(value) for key, value in metrics.items()}
    # JSON does not know NumPy's numbers.
    number = metrics.item() if np.ndim(metrics) == 0 and hasattr(metrics, "item") else metrics
    if not isinstance(number, (int, float)) or not math.isfinite(number):
        raise ValueError(
            f"Expected card['metrics'] to hold finite numbers by name. Received: {shown(metrics)}"
        )
    return number
