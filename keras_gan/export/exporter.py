"""The export of a trained model: a directory that can be served."""

import tensorflow as tf

from keras_gan.data import randomness
from keras_gan.export import card as cards
from keras_gan.export import digests, formats, provenance, weights
from keras_gan.export import warmup as warming
from keras_gan.export.limits import Limits
from keras_gan.export.signatures import Signatures, is_sound
from keras_gan.export.versions import Versions
from keras_gan.utils import arguments, nests
from keras_gan.utils.arguments import shown
from keras_gan.workers import is_chief

_LARGEST_SIZE = 2**31 - 1  # Sizes of tensors are counted in 32 bits.


def export(
    model,
    filepath,
    format="tf_saved_model",
    version="next",
    keep=None,
    include_discriminator=False,
    max_batch_size=1024,
    max_pixels=2**22,
    dtype="float32",
    warmup="auto",
    card=None,
    sampling_rate=None,
):
    """Export a GAN's generator to `filepath/<version>/`, and return that path.

    The directory is TensorFlow Serving's layout. It is written beside its place and renamed in
    one step, so that a server which watches `filepath` never sees half of it. It holds the
    network that samples come from (the averaged generator where there is one), needs no Python
    code to run, and has these signatures, batched along axis 0:

    - `serving_default`: `latents` float32 `(batch, *latents.shape)` → `images` float32
    - `sample`: `seed` int64 `(batch,)`, `truncation` float32 `(batch,)` → `images` uint8,
      `latents`: the samples that `model.generate` makes of the seeds. Infinity is no truncation,
      and the signature's default, which gRPC knows and REST doesn't; a prior that can't be
      truncated has no such input.
    - `sample_png`: the same → `image_bytes`: PNG files, with text chunks that mark them as
      synthetic and name the model and its version
    - `sample_wav`, where `sampling_rate` is given: the same → `sound_bytes`: WAV files in 16 bits,
      marked likewise
    - `interpolate`: `seed_a`, `seed_b` int64 `(batch,)`, `position` float32 `(batch,)` in
      [0, 1] → `images` uint8, on the arc between normal latents, else on the line
    - `discriminate`, if asked for: `images` float32 → `logits`, `probability`
    - `translate` of a generator without latents whose condition has images: `condition` uint8 →
      `images` uint8; masks (keys that end in `mask`) are 0 or 255. `translate_png`: PNG files →
      `image_bytes`
    - `<source>_to_<part>`, `<source>_to_<part>_png` instead, of a translation between the parts of
      samples (`conditional="samples"`), where a part is made from one other: `condition_<source>`
      → `images_<part>`, or `image_<part>_bytes`

    A conditional generator's signatures take `condition` too (`condition_<key>` or
    `condition_<index>` for each part of a nest). A generator without latents has the first three,
    of the condition alone. Latents and samples of several parts have a name for each:
    `latents_<part>`, `images_<part>`, `image_<part>_bytes`, `sound_<part>_bytes`, and heads of
    logits `logits_<head>`; side outputs are left out. `truncation` of a generator with
    `layers.MeanStyle` is of its styles, from 0 up, 1 by default. Images are of the model's
    `value_range`. Samples that are no images (of rank 4, with 1, 3 or 4 channels) are float32
    everywhere, under the name `images`, and have no PNG.

    A request that is too large, out of range or not finite is refused within the graph: an
    `INVALID_ARGUMENT` that says what was expected.

    Beside the model lie `model_card.json` and `MODEL_CARD.md`, warm-up requests, and `files.json`,
    by which `verify` finds out whether a copy is whole.

    Args:
        model: a built `GAN`.
        filepath: base directory; made if missing.
        format: `"tf_saved_model"`; or `"litert"` (`model.tflite`) or `"onnx"` (`model.onnx`,
            with the extra `onnx`), which hold `serving_default` alone, without limits.
        version: `"next"` (one more than the largest there is), or a positive integer that does
            not exist yet.
        keep: how many versions to keep, the largest numbers; `None` for all.
        include_discriminator: whether to export the discriminator too.
        max_batch_size: largest number of rows in a request.
        max_pixels: where networks take sides of any length, the largest product of a request's rows
            and those sides, of what comes in and of what is made of it.
        dtype: `"float16"` stores the generator's weights in half the space; computation stays in
            float32. The card states how far samples move.
        warmup: `"auto"` writes warm-up requests where tensorflow-serving-api is installed (the
            extra `serving`); `True` insists, `False` doesn't.
        card: dict of what only you can know: `data`, `intended_use`, `known_limits`,
            `license`, `metrics` (numbers by name, as `evaluate` returns them) and the `protocol`
            they were measured by.
        sampling_rate: in Hz, of samples that are sounds: `(steps, 1)` or `(steps, 2)`.

    Returns:
        Path of the version's directory, a string. Of several workers the chief exports; the
        others return `None` at once.

    Raises:
        ValueError: for an unknown format or a value out of range, a path that is a file, a
            version that exists, versions of another format, a network that is not built or draws
            random numbers at inference, parts whose joined names would be one, or a
            `sampling_rate` where no sample can be a sound.
        TypeError: for an argument of the wrong kind.
        ImportError: when a package is missing that the export needs.
        OSError: when it can't be written (a full disk, a read-only directory); nothing of it is
            left then.

    Example:

    >>> model.export("saved_models/digits", card={"data": "1,797 handwritten digits"})
    'saved_models/digits/1'
    """
    formats.check(format)
    _check(model, keep, max_batch_size, max_pixels, dtype, include_discriminator, format)
    _check_sounds(model, sampling_rate, format)
    stated = cards.check(card)
    served = format == "tf_saved_model"
    warmed = warming.is_wanted(warmup) and served
    versions = Versions(filepath)
    formats.check_others(format, versions)
    if not is_chief(model):
        return None
    number = versions.choose(version)
    marks = provenance.marks(versions.name, number)
    signatures = Signatures(model, dtype, marks, sampling_rate)
    randomness.check(model, signatures.generator.graph)
    limits, functions = None, signatures.bare()
    if served:
        players = signatures.players(include_discriminator)
        limits = Limits(model, players, max_batch_size, max_pixels)
        functions = signatures.within(limits, include_discriminator)
    described = cards.facts(
        model,
        stated,
        name=versions.name,
        version=number,
        format=format,
        dtype=dtype,
        difference=_difference(model, signatures) if dtype == "float16" else None,
        functions=functions,
        limits=limits,
        sampling_rate=sampling_rate,
    )
    with versions.writing(number) as directory:
        formats.WRITERS[format](directory, functions)
        cards.write(directory, described)
        if warmed:
            warming.write(directory, versions.name, warming.requests(functions, limits.example))
        digests.write(directory)
    if keep is not None:
        versions.prune(keep, number)
    return str(versions.path(number))


def _check(model, keep, max_batch_size, max_pixels, dtype, include_discriminator, format):
    if not model.built:
        raise ValueError("Expected a built model: call `fit`, or build the networks, before export")
    if keep is not None:
        arguments.whole("keep", keep)
    arguments.whole("max_batch_size", max_batch_size, most=_LARGEST_SIZE)
    arguments.whole("max_pixels", max_pixels, most=_LARGEST_SIZE)
    arguments.choice("dtype", dtype, weights.DTYPES)
    arguments.flag("include_discriminator", include_discriminator)
    if include_discriminator and format != "tf_saved_model":
        raise ValueError(
            "The discriminator is exported as a signature of SavedModels alone. "
            f"Received: include_discriminator=True with format={shown(format)}"
        )


def _check_sounds(model, sampling_rate, format):
    if sampling_rate is None:
        return
    arguments.whole("sampling_rate", sampling_rate, most=_LARGEST_SIZE)
    shapes = nests.leaves(model.signature.samples)
    if format != "tf_saved_model" or not any(map(is_sound, shapes)):
        raise ValueError(
            "`sampling_rate` is of WAV files, which SavedModels alone make, of samples of shape "
            "(steps, 1) or (steps, 2). Received: "
            f"sampling_rate={sampling_rate} with format={shown(format)} and samples of shape "
            f"{nests.describe(model.signature.samples, lambda part: tuple(part.shape[1:]))}"
        )


# How many samples measure the difference that half precision makes.
_COMPARED = 64


def _difference(model, signatures):
    """Return the distance of samples of fixed seeds from those of the model's own weights."""
    latents = None
    if model.latents is not None:
        latents = model.latents.sample(tf.range(_COMPARED, dtype=tf.int64))
    side = signatures.generator.side()
    condition = model.condition.example(_COMPARED, model.value_range, side)
    expected = nests.leaves(model(latents, condition, training=False))
    found = nests.leaves(signatures.run(model.generator_inputs(latents, condition)))
    apart = [tf.abs(a - tf.cast(b, tf.float32)) for a, b in zip(found, expected, strict=True)]
    return {
        "samples": _COMPARED,
        "largest": max(float(tf.reduce_max(part)) for part in apart),
        "mean": float(tf.reduce_mean(tf.concat([tf.reshape(part, -1) for part in apart], 0))),
    }
