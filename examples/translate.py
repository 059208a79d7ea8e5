r"""Train an image-to-image GAN, show what it makes, score it beside simpler ways, export it.

    python examples/translate.py --task=glyphs --export_dir=saved_models/glyphs
    python examples/translate.py --task=super_resolution --scale=4
    python examples/translate.py --task=folder --source=maps/photos --target=maps/drawings

Tasks: `glyphs`, from one typeface to another (pix2pix: pairs); `unpaired`, the same both ways
without pairs (CycleGAN); `super_resolution`, `inpainting`, `denoising`; and `folder`, pairs of
your own images: two folders with equal names of files, or files with both images side by side
(--source alone). All but the last run on data that is installed already.

Under the run directory: `samples/` (source, output and target, each epoch, and an animation),
`outputs.png` (held-out images beside what simpler ways make of them), `scores.json`,
`history.csv`, `losses.png`, `tensorboard/`, `checkpoint.keras`, `backup/`. The same command
resumes an interrupted run exactly from its last backup; --noresume starts a new one.
--adversarial_weight=0 trains the same network without the adversary, for comparison.
"""

import csv
import dataclasses
import importlib.util
import json
import os
import pathlib
import shutil
import sys
import tempfile
from collections.abc import Callable

import keras
import matplotlib.figure
import numpy as np
import tensorflow as tf
from absl import app, flags
from PIL import Image, ImageFilter

import keras_gan
from keras_gan import datasets, metrics, networks, schedules, terms
from keras_gan.datasets import degrade

TYPEFACES = "sans", "serif bold italic"
PHOTOS = "china", "flower"  # Held out are parts of these two: they are there everywhere.
SIGMA = 25  # Standard deviation of the noise, in levels of 255.
SHOWN = 8  # Images in outputs.png.
SCORED = 2000  # Images at most, of inpainting: simple ways take longer than this model.

# What cards say of the data.
LETTERS = (
    "Characters in two typefaces of DejaVu, {} and {}, as matplotlib ships them (Bitstream Vera "
    "licence). Cyrillic and Armenian ones are held out."
).format(*TYPEFACES)
SEEN = " Shown and scored are training images: no others were given."

# What a task wants where the flags don't say.
RECIPES = {
    "glyphs": {"epochs": 12, "batch_size": 32},
    "unpaired": {"epochs": 12, "batch_size": 16},
    "super_resolution": {"epochs": 16, "batch_size": 16},
    "inpainting": {"epochs": 4, "batch_size": 32},
    "denoising": {"epochs": 12, "batch_size": 16},
    "folder": {"epochs": 100, "batch_size": 4},
}

_TASK = flags.DEFINE_enum("task", "glyphs", list(RECIPES), "What to translate.")
_SCALE = flags.DEFINE_enum("scale", "4", ["2", "4"], "Of super-resolution.")
_DATASET = flags.DEFINE_string(
    "dataset", "digits", "Of inpainting: digits, a tfds image dataset, or a folder."
)
_SOURCE = flags.DEFINE_string("source", None, "Of --task=folder: images to translate.")
_TARGET = flags.DEFINE_string("target", None, "Of --task=folder: what they are to become.")
_TEST_SOURCE = flags.DEFINE_string(
    "test_source", None, "Held-out images of a folder, to show and score; by default those of it."
)
_TEST_TARGET = flags.DEFINE_string("test_target", None, "Of --task=folder: their targets.")
_IMAGE_SIZE = flags.DEFINE_integer("image_size", None, "Side to resize images to, in pixels.")
_EPOCHS = flags.DEFINE_integer(
    "epochs", None, "Epochs in all, those before an interruption included."
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", None, "Images in a batch.")
_ADVERSARIAL_WEIGHT = flags.DEFINE_float(
    "adversarial_weight", 1.0, "Weight of the adversarial loss in the generator's.", lower_bound=0
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of networks, data order and every random draw.")
_DETERMINISTIC = flags.DEFINE_bool(
    "deterministic", False, "Make the same seed give the same bits, at some cost in speed."
)
_BF16 = flags.DEFINE_bool("bf16", False, "Compute in mixed_bfloat16.")
_RUN_DIR = flags.DEFINE_string("run_dir", None, "Where to write; runs/<task> by default.")
_EXPORT_DIR = flags.DEFINE_string(
    "export_dir", None, "Base directory of the generator's exports; none by default."
)
_RESUME = flags.DEFINE_bool("resume", True, "Go on from the run directory's newest backup.")
_BACKUP_STEPS = flags.DEFINE_integer(
    "backup_steps", None, "Training steps from one backup to the next; one an epoch by default."
)
_VERBOSE = flags.DEFINE_enum("verbose", "1", ["0", "1", "2"], "Progress bar, as in Keras.")


@dataclasses.dataclass
class Task:
    """What is translated, by what, and what that is compared with.

    Attributes:
        train: dataset of training elements.
        held_out: `(targets, sources)` that nothing is trained on, or a dict of both domains.
        make: function that returns the model.
        options: of `compile`.
        ways: functions from sources to images, by name: what needs no training.
        data: what the export's card says of the data.
        judges: metrics beside those that every task is scored by.
    """

    train: tf.data.Dataset
    held_out: tuple | dict
    make: Callable
    options: dict
    ways: dict
    data: str
    judges: tuple = ()


def choice(flag):
    """Return a flag's value, or what the task's recipe says."""
    return RECIPES[_TASK.value][flag.name] if flag.value is None else flag.value


# Data.


def order(shuffle=True):
    """Return in what batches and order a dataset comes."""
    return {"batch_size": choice(_BATCH_SIZE), "seed": _SEED.value, "shuffle": shuffle}


def whole(dataset):
    """Return all elements of a dataset as arrays."""
    batches = list(dataset.as_numpy_iterator())
    return tf.nest.map_structure(lambda *parts: np.concatenate(parts), *batches)


def photographs(degraded):
    """Return patches of photographs, and what a function makes of them: to train on, held out."""
    train = datasets.patches(datasets.load_photos("train"), 32, stride=16, least_deviation=8)
    test = datasets.patches(datasets.load_photos("test", PHOTOS), 32, least_deviation=8)
    held_out = datasets.map(datasets.from_arrays(test, **order(shuffle=False)), degraded, seed=1)
    train = datasets.map(datasets.from_arrays(train, **order()), degraded, seed=_SEED.value)
    return train, whole(held_out)


class SameClass(metrics.PairedMetric):
    """The share of outputs that a classifier puts in the class of their target."""

    own_shape = False

    def __init__(self, classifier):
        super().__init__(classifier.probabilities, name="same_class")

    def compare(self, real, fake, source=None):
        """Tell of each pair whether it is one class."""
        return real.argmax(axis=1) == fake.argmax(axis=1)


# Pieces that several tasks have.


def one_way(generator, discriminator, **options):
    """Return the function that makes a model of images from images."""
    return lambda: keras_gan.GAN(
        generator(), discriminator(), latents=None, seed=_SEED.value, **options
    )


def restoring(scale):
    """Return the function that makes a model of photographs from degraded ones of any size."""
    return one_way(
        lambda: networks.srresnet((None, None, 3), scale, width=32, blocks=4),
        lambda: networks.patch((None, None, 3), depth=1, width=16, normalization="spectral"),
        conditional="generator",
    )


def optimizers(dataset, generator, discriminator):
    """Return both optimizers; their rates fall over the last two thirds of the run."""
    steps = max(1, choice(_EPOCHS) * len(dataset))  # Without an epoch the simple ways are scored.

    def adam(rate):
        falling = schedules.Cosine(rate, 0.05 * rate, start=steps // 3, end=steps)
        return keras.optimizers.Adam(falling, beta_1=0.5)

    return {"generator_optimizer": adam(generator), "discriminator_optimizer": adam(discriminator)}


def game(dataset, weight, rates, loss="non_saturating"):
    """Return the options of `compile` for pairs, the weight that of their distance."""
    return {"loss": loss, "terms": [terms.Reconstruction(weight)], **optimizers(dataset, *rates)}


def nearest(targets, sources):
    """Return the way that answers with the target of the nearest training source."""
    rows = sources.reshape(len(sources), -1)

    def way(given):
        given = given.reshape(len(given), -1)
        return targets[((rows**2).sum(1) - 2 * given @ rows.T).argmin(1)]

    return way


def filled(fill):
    """Return the way that fills each hole by a function of levels from 0 to 1 and the mask."""

    def way(condition):
        pairs = zip(condition["image"] / 2 + 0.5, condition["mask"][..., 0] > 0, strict=True)
        return np.stack([fill(image, hole) for image, hole in pairs]) * 2 - 1

    return way


def classical():
    """Return the ways of filling holes that need no training, of what is installed."""
    ways = {"source": lambda condition: condition["image"]}
    if importlib.util.find_spec("skimage"):
        from skimage.restoration import inpaint_biharmonic

        ways["biharmonic"] = filled(lambda *pair: inpaint_biharmonic(*pair, channel_axis=-1))
    if importlib.util.find_spec("cv2"):
        import cv2

        def telea(image, hole):
            levels = (image * 255).round().astype("uint8")
            made = cv2.inpaint(levels, hole.astype("uint8"), 3, cv2.INPAINT_TELEA)
            return made.reshape(image.shape).astype("float32") / 255

        ways["Telea"] = filled(telea)
    return ways


def filtered(how):
    """Return the way that answers with Pillow's filter of the source."""

    def way(sources):
        levels = np.clip(sources * 127.5 + 127.5, 0, 255).round().astype("uint8")
        images = [np.asarray(Image.fromarray(image).filter(how)) for image in levels]
        return np.stack(images).astype("float32") / 127.5 - 1

    return way


# The tasks.


def glyphs():
    """Turn characters of one typeface into those of another, from pairs."""
    targets, sources = datasets.load_glyphs(*TYPEFACES)
    train, shape = datasets.from_arrays(targets, sources, **order()), sources.shape[1:]
    return Task(
        train,
        datasets.load_glyphs(*TYPEFACES, "test"),
        one_way(
            lambda: networks.unet(shape, width=(32, 64, 128, 128)),
            lambda: networks.patch(shape, shape, depth=2, width=16),
        ),
        game(train, 20.0, (5e-4, 2e-4)),
        {"source": np.asarray, "nearest training glyph": nearest(targets, sources)},
        LETTERS,
    )


def unpaired():
    """Translate characters between two typefaces both ways, without pairs."""
    targets, sources = datasets.load_glyphs(*TYPEFACES)
    letters_b, letters_a = datasets.load_glyphs(*TYPEFACES, "test")
    # No character of the one half is in the other.
    train = datasets.unpaired(a=sources[::2], b=targets[1::2], **order())
    shape = sources.shape[1:]

    def make():
        translators = [networks.resnet_translator(shape, width=16, blocks=3) for _ in "ab"]
        critics = [networks.patch(shape, depth=2, width=16) for _ in "ab"]
        return keras_gan.CycleGAN(*translators, *critics, seed=_SEED.value)

    return Task(
        train,
        {"a": letters_a, "b": letters_b},
        make,
        optimizers(train, 1e-3, 4e-4),
        {"source": np.asarray},
        f"{LETTERS} No character is in both domains.",
    )


def super_resolution():
    """Enlarge photographs."""
    scale = int(_SCALE.value)
    train, held_out = photographs(lambda x, seed: (x, degrade.bicubic(x, scale)))
    half = choice(_EPOCHS) * len(train) // 2

    def enlarged(method):
        return lambda sources: np.asarray(degrade.upsample(sources, scale, method))

    return Task(
        train,
        held_out,
        restoring(scale),
        {
            **game(train, 8.0, (5e-4, 5e-4)),
            "adversarial_weight": keras.optimizers.schedules.PiecewiseConstantDecay(
                [half], [0.0, _ADVERSARIAL_WEIGHT.value]
            ),
        },
        {method: enlarged(method) for method in ("nearest", "bicubic", "lanczos")},
        "Patches of the photographs that scikit-learn ships (CC BY 2.0), and of those of "
        "scikit-image where it is installed, made smaller by a bicubic filter.",
        (metrics.PSNR(luminance=True, crop=scale, name="psnr_y"),),
    )


def denoising():
    """Take noise from photographs."""
    train, held_out = photographs(lambda x, seed: (x, degrade.noise(x, SIGMA, seed)))
    return Task(
        train,
        held_out,
        restoring(scale=1),
        game(train, 20.0, (5e-4, 2e-4)),
        {
            "source": np.asarray,
            "Gaussian filter": filtered(ImageFilter.GaussianBlur(1)),
            "median filter": filtered(ImageFilter.MedianFilter(3)),
        },
        f"Patches of photographs with normal noise of {SIGMA} levels of 255.",
    )


def inpainting():
    """Fill holes in the middle of images."""

    def load(name, split, shuffle=True):
        return datasets.load(name, split, image_size=_IMAGE_SIZE.value, **order(shuffle))

    def holed(images):
        return datasets.map(images, lambda x, *_: degrade.masked(x, degrade.center_mask(x)))

    name = _DATASET.value
    # A folder is one split: that of held-out images is another folder.
    is_folder = os.path.basename(name) != name and os.path.isdir(name)
    test = (_TEST_SOURCE.value or name, "train") if is_folder else (name, "test")
    images = load(name, "train")
    judges = [metrics.L1(mask="mask", name="hole_l1"), metrics.PSNR(mask="mask", name="hole")]
    if isinstance(images.element_spec, tuple):  # With labels.
        classifier = metrics.features.train_classifier(load(name, "train", shuffle=False))
        judges += [metrics.FrechetDistance(classifier.features), SameClass(classifier)]
    train = holed(images)
    shape = tuple(train.element_spec[0].shape[1:])
    return Task(
        train,
        whole(holed(load(*test, shuffle=False)).take(-(-SCORED // choice(_BATCH_SIZE)))),
        one_way(
            lambda: networks.gated_inpainter(shape, width=16, stages=1, dilations=(2, 4)),
            lambda: networks.sn_patch(shape, (*shape[:2], 1), width=16, depth=3),
            discriminator_condition="mask",
        ),
        game(train, 20.0, (5e-4, 5e-4), "hinge"),
        classical(),
        f"{name}, the training split, with a hole in the middle of each image."
        + (SEEN if test == (name, "train") else ""),
        tuple(judges),
    )


def folder():
    """Translate pairs of images in folders of your own."""
    if not _SOURCE.value:
        raise app.UsageError("--task=folder needs --source, and --target beside it.")

    def load(source, target, shuffle=True):
        options = {"image_size": _IMAGE_SIZE.value, **order(shuffle)}
        if target:
            return datasets.from_folders(source, target, **options)
        return datasets.from_side_by_side(source, "left", **options)

    train = load(_SOURCE.value, _TARGET.value)
    test = _TEST_SOURCE.value or _SOURCE.value, _TEST_TARGET.value or _TARGET.value
    target, source = (tuple(spec.shape[1:]) for spec in train.element_spec)
    return Task(
        train,
        whole(load(*test, shuffle=False)),
        one_way(
            lambda: networks.unet(source, channels=target[2]),
            lambda: networks.patch(target, source),
        ),
        game(train, 100.0, (2e-4, 2e-4)),
        {"source": np.asarray} if source == target else {},
        f"Pairs of images in {_SOURCE.value}." + ("" if _TEST_SOURCE.value else SEEN),
    )


TASKS = {
    task.__name__: task
    for task in (glyphs, unpaired, super_resolution, inpainting, denoising, folder)
}


# Training.


class TensorBoard(keras.callbacks.TensorBoard):
    """TensorBoard of the epochs' logs.

    Keras's own makes tensors of every step's logs too, which TensorFlow never frees.
    """

    def on_train_batch_end(self, batch, logs=None):
        """Do nothing."""


def callbacks(task, run_dir):
    """Return what accompanies the training: grids, logs, checkpoints and backups."""
    writer = tf.summary.create_file_writer(str(run_dir / "tensorboard" / "samples"))
    return [
        keras_gan.callbacks.SampleGrid(run_dir / "samples", data=task.held_out, writer=writer),
        keras.callbacks.CSVLogger(run_dir / "history.csv"),
        TensorBoard(run_dir / "tensorboard", write_graph=False),
        keras.callbacks.ModelCheckpoint(run_dir / "checkpoint.keras"),
        keras_gan.callbacks.Backup(run_dir / "backup", every_steps=_BACKUP_STEPS.value),
    ]


def train(task, run_dir):
    """Train, from the start or from the last backup, and return the model."""
    if not _RESUME.value:
        shutil.rmtree(run_dir / "backup", ignore_errors=True)
    model = task.make()
    model.compile(**{"ema": 0.99, "adversarial_weight": _ADVERSARIAL_WEIGHT.value, **task.options})
    try:
        model.fit(
            task.train,
            epochs=choice(_EPOCHS),
            callbacks=callbacks(task, run_dir),
            verbose=int(_VERBOSE.value),
        )
    except KeyboardInterrupt:
        sys.exit(130)  # As shells report it; the backup's callback has said how to go on.
    return model


# What it reached.


def directions(task):
    """Return the held-out `(targets, sources)` by the domain that is made, "" of one way."""
    if isinstance(task.held_out, tuple):
        return {"": task.held_out}
    (a, of_a), (b, of_b) = task.held_out.items()
    return {b: (of_b, of_a), a: (of_a, of_b)}


def made(task, model):
    """Return what each way makes of the held-out sources, by direction and way."""
    found = {}
    for direction, (targets, sources) in directions(task).items():
        found[direction] = {name: way(sources) for name, way in task.ways.items()}
        if direction:
            translated = model.translate(sources, to=direction)
        else:
            translated = model.generate(len(targets), seed=0, condition=sources)
        found[direction]["this model"] = translated
    return found


def report(task, images, run_dir):
    """Score all ways, print the scores as tables, write them beside the run and return them."""
    scores = {}
    judges = metrics.L1(), metrics.PSNR(), metrics.SSIM(), metrics.PatchSlicedWasserstein()
    for direction, ways in images.items():
        pairs = directions(task)[direction]
        rows = {
            name: metrics.evaluate([*judges, *task.judges], pairs, np.clip(made, -1, 1), verbose=0)
            for name, made in ways.items()
        }
        scores[direction or "scores"] = rows
        keys = list(rows["this model"])
        print(f"\n{f'to {direction}' if direction else '':>24}", *(f"{k:>18}" for k in keys))
        for name, row in rows.items():
            print(f"{name:>24}", *(f"{row[key]:18.4f}" for key in keys))
    text = json.dumps(scores, indent=2) + "\n"
    write_whole(run_dir / "scores.json", lambda path: path.write_text(text))
    return scores


def draw(task, images, run_dir):
    """Draw held-out sources, what each way makes of them, and their targets."""
    rows = {}
    for direction, ways in images.items():
        targets, sources = directions(task)[direction]
        prefix = f"to {direction}: " if direction else ""
        source = sources["image"] if isinstance(sources, dict) else sources
        # From all of them: neighbours are of one photograph, or of one alphabet.
        chosen = np.linspace(0, len(targets) - 1, min(SHOWN, len(targets))).astype(int)
        columns = {"source": source, **ways, "target": targets}
        rows |= {prefix + name: pictures[chosen] for name, pictures in columns.items()}
    figure = matplotlib.figure.Figure(figsize=(SHOWN, 1.1 * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), SHOWN, squeeze=False)
    for axes, (name, pictures) in zip(grid, rows.items(), strict=True):
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center")
        for ax, picture in zip(axes, pictures, strict=False):
            ax.imshow(np.clip(picture / 2 + 0.5, 0, 1), cmap="gray", vmin=0, vmax=1)
        for ax in axes:
            ax.set(xticks=[], yticks=[])
    write_whole(run_dir / "outputs.png", lambda path: figure.savefig(path, dpi=120))


def write_whole(path, write):
    """Write a file beside its place and rename it, so that no reader sees half of it."""
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=path.parent) as directory:
        temporary = pathlib.Path(directory, path.name)
        write(temporary)
        os.replace(temporary, path)


def plot_losses(run_dir):
    """Draw the losses and terms over the epochs of `history.csv`."""
    with open(run_dir / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    figure = matplotlib.figure.Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot(xlabel="epoch", ylabel="mean over the epoch")
    epochs = [int(row["epoch"]) + 1 for row in rows]
    for key in ("d_loss", "g_loss", "reconstruction", "cycle", "identity"):
        if rows and key in rows[0]:
            axes.plot(epochs, [float(row[key]) for row in rows], label=key)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside upper right", ncols=5, frameon=False)
    write_whole(run_dir / "losses.png", lambda path: figure.savefig(path, dpi=120))


def export(task, model, scores):
    """Export the generator, its scores on the card."""
    numbers = {
        f"{direction} {name}".removeprefix("scores "): value
        for direction, rows in scores.items()
        for name, value in rows["this model"].items()
    }
    card = {
        "data": task.data,
        "intended_use": "To show how a translation of images is trained, judged and served.",
        "metrics": numbers,
        "protocol": "examples/translate.py: images, pixel by pixel beside their targets, and "
        "patches of 7x7 pixels beside those of the targets.",
    }
    path = model.export(_EXPORT_DIR.value, card=card)
    print(f"Exported to {path}")


def main(_):
    if _DETERMINISTIC.value:
        tf.config.experimental.enable_op_determinism()
    if _BF16.value:
        keras.config.set_dtype_policy("mixed_bfloat16")
    keras.utils.set_random_seed(_SEED.value)
    run_dir = pathlib.Path(_RUN_DIR.value or f"runs/{_TASK.value}")
    run_dir.mkdir(parents=True, exist_ok=True)
    task = TASKS[_TASK.value]()
    model = train(task, run_dir)
    plot_losses(run_dir)
    images = made(task, model)
    draw(task, images, run_dir)
    scores = report(task, images, run_dir)
    print(f"\nIn {run_dir}: samples/, outputs.png, scores.json, losses.png")
    if _EXPORT_DIR.value:
        export(task, model, scores)


if __name__ == "__main__":
    app.run(main)
