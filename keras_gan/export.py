"""SavedModels for serving."""

import os
import pathlib
import shutil
import uuid

import keras
import tensorflow as tf

from keras_gan import checks, sampling


def export(model, filepath, format="tf_saved_model", version="next"):
    """Export a GAN's generator to `filepath/<version>/`, and return that path.

    The directory is TensorFlow Serving's layout. It is written beside its place and renamed in
    one step, so that a server which watches `filepath` never sees half of it. It holds the
    network that samples come from (the averaged generator where there is one), needs no Python
    code to run, and has these signatures, batched along axis 0:

    - `serving_default`: `latents` float32 `(batch, *latents.shape)` → `images`
    - `sample`: `seed` int64 `(batch,)` → `images`: those that `model.generate` makes of the seeds

    A conditional generator's signatures take `condition` too (`condition_<key>` or
    `condition_<i>` where it is a nest). A generator without latents has `serving_default` with
    the condition alone.

    Args:
        model: a built `GAN`.
        filepath: base directory; made if missing.
        format: `"tf_saved_model"`.
        version: `"next"` (one more than the largest there is), or a positive integer that does
            not exist yet.

    Returns:
        Path of the version's directory, a string.

    Raises:
        ValueError: for an unknown format, a path that is a file, a version that exists, or a
            network that is not built.

    Example:

    >>> model.export("saved_models/digits")
    'saved_models/digits/1'
    """
    if format != "tf_saved_model":
        raise ValueError(f"Expected `format='tf_saved_model'`. Received: format={format!r}")
    if not model.built:
        raise ValueError("Expected a built model: call `fit`, or build the networks, before export")
    base = pathlib.Path(filepath)
    if base.exists() and not base.is_dir():
        raise ValueError(f"Expected a directory to export to; it is a file. Received: {filepath}")
    base.mkdir(parents=True, exist_ok=True)
    target = base / str(_version(base, version))
    # No integer: a model server ignores it until it is whole.
    temporary = base / f".{target.name}-{uuid.uuid4().hex[:8]}"
    try:
        _archive(model).write_out(str(temporary), verbose=False)
        os.rename(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return str(target)


def _version(base, version):
    if version == "next":
        return 1 + max((int(p.name) for p in base.iterdir() if p.name.isdecimal()), default=0)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ValueError(
            f"Expected `version` to be 'next' or a positive integer. Received: version={version!r}"
        )
    if (base / str(version)).exists():
        raise ValueError(
            f"Version {version} exists already in {str(base)!r}, and a server may be using it. "
            f"Choose another, or version='next'. Received: version={version}"
        )
    return version


def _archive(model):
    """Return an ExportArchive with the signatures that apply to the model."""
    archive = keras.export.ExportArchive()
    archive.track(model.sampling_network)
    conditions = _condition_specs(model)

    def condition_of(named):
        leaves = [named[spec.name] for spec in keras.tree.flatten(conditions)]
        return keras.tree.pack_sequence_as(conditions, leaves) if leaves else None

    def serving_default(latents=None, **condition):
        return {"images": _float(model(latents, condition_of(condition), training=False))}

    def sample(seed, **condition):
        return {"images": sampling.from_seeds(model, seed, condition_of(condition))}

    named = {spec.name: spec for spec in keras.tree.flatten(conditions)}
    if model.latents is None:
        _add(archive, "serving_default", serving_default, named)
        return archive
    latents = tf.TensorSpec((None, *model.latents.shape), tf.float32, name="latents")
    _add(archive, "serving_default", serving_default, {"latents": latents, **named})
    seed = tf.TensorSpec((None,), tf.int64, name="seed")
    _add(archive, "sample", sample, {"seed": seed, **named})
    return archive


def _add(archive, name, function, named):
    """Add an endpoint whose inputs keep the names of their specs."""

    def endpoint(*tensors):
        return function(**dict(zip(named, tensors, strict=True)))

    archive.add_endpoint(name, endpoint, input_signature=list(named.values()))


def _float(images):
    return tf.cast(images, tf.float32)


def _condition_specs(model):
    """Return the condition's specs, named, in the nest that the generator takes."""
    if not model.conditional:
        return []
    tensors = checks.inputs_of(model.generator)
    if tensors is None:
        raise ValueError(
            "Expected a Functional generator to export a conditional GAN: the shape of its "
            f"condition is read off its inputs. Received: {type(model.generator).__name__}"
        )
    tensors = tensors[1:] if model.latents is not None else tensors
    names = ["condition"] if len(tensors) == 1 else [f"condition_{i}" for i in range(len(tensors))]
    specs = [
        tf.TensorSpec(tensor.shape, tensor.dtype, name=name)
        for name, tensor in zip(names, tensors, strict=True)
    ]
    return specs[0] if len(specs) == 1 else specs
