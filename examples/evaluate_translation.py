r"""Score an image-to-image model against the targets, beside the sources themselves.

    python examples/evaluate_translation.py --model=runs/maps/checkpoint.keras \
        --sources=maps/test/photo --targets=maps/test/map
    python examples/evaluate_translation.py --model=saved_models/maps ...

--model is a `.keras` file, or a SavedModel of `model.export` (a version's directory, or the one
above it: the newest version), of a generator from one image to another. The two folders hold files
of the same names. Sources smaller than their targets are enlarged by bicubic interpolation for the
column "source"; where channels differ there is no such column.

PSNR and SSIM say how near each image is to its target, and are best for blurred ones; the
distance between patches and their contrast (`std_ratio`) say how real they look. Report both.
"""

import json
import math
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags, logging

import keras_gan
from keras_gan import metrics

_MODEL = flags.DEFINE_string("model", None, "A .keras file or an exported model.", required=True)
_SOURCES = flags.DEFINE_string("sources", None, "Folder of the images to translate.", required=True)
_TARGETS = flags.DEFINE_string("targets", None, "Folder of what is wanted of them.", required=True)
_LUMINANCE = flags.DEFINE_bool(
    "luminance", False, "PSNR and SSIM of the luminance of RGB images, as for super-resolution."
)
_CROP = flags.DEFINE_integer("crop", 0, "Border to leave out of both, in pixels.", lower_bound=0)
_SEED = flags.DEFINE_integer("seed", 0, "Of the first image, where there are latents.")
_JSON = flags.DEFINE_string("json", None, "File to write the figures to.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "Images at a time.", lower_bound=1)


def read_pairs():
    """Return all sources and their targets, in one order."""
    folders = [pathlib.Path(flag.value) for flag in (_SOURCES, _TARGETS)]
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"There is no folder of images there. Received: {folder}")
    names = [{file.stem for file in folder.iterdir() if file.is_file()} for folder in folders]
    if names[0] != names[1]:
        alone = sorted(names[0] ^ names[1])
        raise ValueError(
            "Expected files of the same names in both folders, whatever their endings. "
            f"Received: {len(alone)} names in one of them alone, such as {alone[:3]}"
        )
    sources, targets = (read(folder) for folder in folders)
    if len(sources) != len(targets):
        raise ValueError(
            "Expected as many images in both folders, and nothing else. "
            f"Received: {len(sources)} sources and {len(targets)} targets"
        )
    return sources, targets


def read(folder):
    """Return the images of a folder in the order of their names."""
    dataset = keras_gan.datasets.from_folder(folder, _BATCH_SIZE.value, shuffle=False)
    return np.concatenate(list(dataset.as_numpy_iterator()))


def open_model(path):
    """Return a function from the number of the first source, and a batch, to its translations."""
    if path.suffix == ".keras" and path.is_file():
        return translate_by_model(keras_gan.load_model(path), path)
    if not (path / "saved_model.pb").is_file() and path.is_dir():
        versions = [p for p in path.iterdir() if p.name.isdecimal() and p.is_dir()]
        path = max(versions, key=lambda version: int(version.name), default=path)
    if not (path / "saved_model.pb").is_file():
        raise ValueError(
            "Expected a .keras file, or a directory that `model.export` wrote. "
            f"Received: --model={path}"
        )
    keras_gan.export.verify(path)
    return translate_by_export(tf.saved_model.load(str(path)), path)


def translate_by_model(model, path):
    """Return what translates by a saved model."""
    if not isinstance(model, keras_gan.GAN) or not model.conditional:
        raise ValueError(
            "Expected a saved keras_gan.GAN whose generator takes a source. "
            f"Received: --model={path}, which holds a {type(model).__name__}"
        )

    def translate(first, batch):
        return model.generate(len(batch), _SEED.value + first, batch, batch_size=len(batch))

    return translate


def translate_by_export(loaded, path):
    """Return what translates by an export of a generator without latents."""
    serving = loaded.signatures["serving_default"]
    inputs = serving.structured_input_signature[1]
    if set(inputs) != {"condition"} or "images" not in serving.structured_outputs:
        raise ValueError(
            "Expected what `export` writes of a generator from one image to another: the input "
            f"`condition` and the output `images`. Received: {path}, with inputs {sorted(inputs)}"
        )

    def translate(first, batch):
        return serving(condition=tf.constant(batch))["images"].numpy()

    translate.model = loaded  # The signature lives as long as it does.
    return translate


def enlarged(sources, targets):
    """Return sources in the size of the targets, `None` where their channels differ."""
    if sources.shape[-1] != targets.shape[-1]:
        return None
    if sources.shape[1:3] == targets.shape[1:3]:
        return sources
    resized = tf.image.resize(sources, targets.shape[1:3], "bicubic", antialias=True)
    return np.clip(resized.numpy(), -1, 1)


def score(targets, images):
    """Return the figures of images against their targets."""
    protocol = {"luminance": _LUMINANCE.value, "crop": _CROP.value}
    listed = [metrics.PSNR(**protocol), metrics.SSIM(**protocol), "l1"]
    listed += ["patch_sliced_wasserstein"] if min(targets.shape[1:3]) >= 7 else []
    return metrics.evaluate(listed, targets, np.clip(images, -1, 1))


def show(columns):
    """Print figures as a table, one column for each of the sets that were scored."""
    print(" " * 36 + "".join(f"{name:>12}" for name in columns))
    for name in next(iter(columns.values())):
        cells = "".join(f"{figures[name]:>12.4g}" for figures in columns.values())
        print(f"{name:<36}{cells}")


def report_of(columns, pairs):
    """Return the figures, and what it takes to repeat them, as JSON can hold them."""
    figures = {
        column: {name: v if math.isfinite(v) else str(v) for name, v in found.items()}
        for column, found in columns.items()
    }
    flagged = _MODEL, _SOURCES, _TARGETS, _LUMINANCE, _CROP, _SEED
    versions = {module.__name__: module.__version__ for module in (keras_gan, keras, tf)}
    return {
        **{flag.name: flag.value for flag in flagged},
        "pairs": pairs,
        "versions": versions,
        "figures": figures,
    }


def main(_):
    if logging.get_verbosity() == logging.INFO:  # The default, at which tfds tells of each file.
        logging.set_verbosity(logging.WARNING)
    try:
        sources, targets = read_pairs()
        translate = open_model(pathlib.Path(_MODEL.value))
        size = _BATCH_SIZE.value
        batches = [translate(i, sources[i : i + size]) for i in range(0, len(sources), size)]
        columns = {"model": score(targets, np.concatenate(batches))}
        unchanged = enlarged(sources, targets)
        if unchanged is not None:
            columns["source"] = score(targets, unchanged)
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        logging.debug("Where it was raised:", exc_info=True)  # Shown with --verbosity=1.
        sys.exit(f"error: {error}")
    print(f"{len(targets):,} pairs of {_SOURCES.value} and {_TARGETS.value}, {_MODEL.value}\n")
    show(columns)
    if _JSON.value:
        report = json.dumps(report_of(columns, len(targets)), indent=2, allow_nan=False)
        pathlib.Path(_JSON.value).write_text(report + "\n")


if __name__ == "__main__":
    app.run(main)
