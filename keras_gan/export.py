"""SavedModels for serving."""

import os
import pathlib
import re
import shutil
import time
import uuid

import keras
import tensorflow as tf

from keras_gan import checks, sampling
from keras_gan.workers import is_chief

# Seconds after which a directory that no export has finished belongs to none.
_OLD = 3600


def export(model, filepath, format="tf_saved_model", version="next"):
    """Export a GAN's generator to `filepath/<version>/`, and return that path.

    The directory is TensorFlow Serving's layout. It is written beside its place and renamed in
    one step, so that a server which watches `filepath` never sees half of it. It holds the
    network that samples come from (the averaged generator where there is one), needs no Python
    code to run, and has these signatures, batched along axis 0:

    - `serving_default`: `latents` float32 `(batch, *latents.shape)` → `images`
    - `sample`: `seed` int64 `(batch,)` → `images`: those that `model.generate` makes of the seeds

    A conditional generator's signatures take `condition` too (`condition_<key>` or
    `condition_<index>` for each part of a nest). A generator without latents has
    `serving_default` with the condition alone.

    Args:
        model: a built `GAN`.
        filepath: base directory; made if missing.
        format: `"tf_saved_model"`.
        version: `"next"` (one more than the largest there is), or a positive integer that does
            not exist yet.

    Returns:
        Path of the version's directory, a string. Of several workers the chief exports; the
        others return `None` at once.

    Raises:
        ValueError: for an unknown format, a path that is a file, a version that exists, or a
            network that is not built.
        OSError: when it can't be written (a full disk, a directory that is only read); nothing
            of it is left then.

    Example:

    >>> model.export("saved_models/digits")
    'saved_models/digits/1'
    """
    if format != "tf_saved_model":
        raise ValueError(f"Expected `format='tf_saved_model'`. Received: format={format!r}")
    if not model.built:
        raise ValueError("Expected a built model: call `fit`, or build the networks, before export")
    if "://" in str(filepath):
        raise ValueError(
            "Expected a local directory: a remote one can't be renamed in one step. Export "
            f"locally and copy the version's directory. Received: {filepath}"
        )
    if not is_chief(model):
        return None
    base = pathlib.Path(filepath)
    if base.exists() and not base.is_dir():
        raise ValueError(f"Expected a directory to export to; it is a file. Received: {filepath}")
    base.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(base)
    target = base / str(_version(base, version))
    # No integer: a model server ignores it until it is whole.
    temporary = base / f".{target.name}-{uuid.uuid4().hex[:8]}"
    try:
        _archive(model).write_out(str(temporary), verbose=False)
        os.rename(temporary, target)
    except (OSError, tf.errors.OpError) as error:
        raise OSError(
            f"The export to {str(target)!r} could not be written, and nothing of it was left "
            "there; other versions are as they were. Make room on the disk, or export to another "
            f"directory. Received: {error}"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return str(target)


def _remove_leftovers(base):
    """Remove what exports that were killed have left, and none that may still be running."""
    for path in base.iterdir():
        old = re.fullmatch(r"\.\d+-[0-9a-f]{8}", path.name) and _age(path) > _OLD
        if old:
            shutil.rmtree(path, ignore_errors=True)


def _age(path):
    return time.time() - path.stat().st_mtime


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
    structure, named = _condition_specs(model)

    def condition_of(tensors):
        if not named:
            return None
        return keras.tree.pack_sequence_as(structure, [tensors[name] for name in named])

    def serving_default(latents=None, **condition):
        images = model(latents, condition_of(condition), training=False)
        return {"images": tf.cast(images, tf.float32)}

    def sample(seed, **condition):
        return {"images": sampling.from_seeds(model, seed, condition_of(condition))}

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


def _condition_specs(model):
    """Return the condition's nest, as the generator takes it, and its specs by name."""
    if not model.conditional:
        return None, {}
    if checks.inputs_of(model.generator) is None:
        raise ValueError(
            "Expected a Functional generator to export a conditional GAN: the shape of its "
            f"condition is read off its inputs. Received: {type(model.generator).__name__}"
        )
    structure = model.generator.input
    if model.latents is not None:
        structure = structure[1] if len(structure) == 2 else structure[1:]
    named = {}
    for path, tensor in keras.tree.flatten_with_path(structure):
        name = "_".join(["condition", *map(str, path)])
        named[name] = tf.TensorSpec(tensor.shape, tensor.dtype, name=name)
    return structure, named
