"""Tasks of image to image, as `translate.py` trains them: data, networks, recipe, simpler ways.

A task of your own is one more function here, and its row in `RECIPES`.
"""

import dataclasses
import importlib.util
import os
from collections.abc import Callable

import keras
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
    "unpaired": {"epochs": 10, "batch_size": 16},
    "super_resolution": {"epochs": 16, "batch_size": 16},
    "inpainting": {"epochs": 4, "batch_size": 32},
    "denoising": {"epochs": 12, "batch_size": 16},
    "folder": {"epochs": 100, "batch_size": 4},
}

TASK = flags.DEFINE_enum("task", "glyphs", list(RECIPES), "What to translate.")
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
EPOCHS = flags.DEFINE_integer(
    "epochs", None, "Epochs in all, those before an interruption included."
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", None, "Images in a batch.")
ADVERSARIAL_WEIGHT = flags.DEFINE_float(
    "adversarial_weight", 1.0, "Weight of the adversarial loss in the generator's.", lower_bound=0
)
SEED = flags.DEFINE_integer("seed", 0, "Seed of networks, data order and every random draw.")


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
    return RECIPES[TASK.value][flag.name] if flag.value is None else flag.value


# Data.


def order(shuffle=True):
    """Return in what batches and order a dataset comes."""
    return {"batch_size": choice(_BATCH_SIZE), "seed": SEED.value, "shuffle": shuffle}


def whole(dataset):
    """Return all elements of a dataset as arrays."""
    batches = list(dataset.as_numpy_iterator())
    return tf.nest.map_structure(lambda *parts: np.concatenate(parts), *batches)


def photographs(degraded):
    """Return patches of photographs, and what a function makes of them: to train on, held out."""
    train = datasets.patches(datasets.load_photos("train"), 32, stride=16, least_deviation=8)
    test = datasets.patches(datasets.load_photos("test", PHOTOS), 32, least_deviation=8)
    held_out = datasets.map(datasets.from_arrays(test, **order(shuffle=False)), degraded, seed=1)
    train = datasets.map(datasets.from_arrays(train, **order()), degraded, seed=SEED.value)
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
        generator(), discriminator(), latents=None, seed=SEED.value, **options
    )


def restoring(scale):
    """Return the function that makes a model of photographs from degraded ones of any size."""
    return one_way(
        lambda: networks.srresnet((None, None, 3), scale, width=32, blocks=4),
        lambda: networks.patch((None, None, 3), depth=1, width=16, normalization="spectral"),
        conditional="generator",
    )


def steps_of(dataset):
    """Return how many training steps the run has, at least one: it may be of simple ways alone."""
    return max(1, choice(EPOCHS) * len(dataset))


def optimizers(dataset, generator, discriminator):
    """Return both optimizers; their rates fall over the last two thirds of the run."""
    steps = steps_of(dataset)

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
    options = game(train, 20.0, (5e-4, 2e-4))
    if ADVERSARIAL_WEIGHT.value:  # Features are learnt by a discriminator that plays.
        options["terms"].append(terms.PairedFeatureMatching(8.0))
    return Task(
        train,
        datasets.load_glyphs(*TYPEFACES, "test"),
        one_way(
            lambda: networks.unet(shape, width=(32, 64, 128, 128)),
            lambda: networks.patch(shape, shape, depth=2, width=16),
        ),
        options,
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
        return keras_gan.CycleGAN(*translators, *critics, seed=SEED.value)

    # A start without an identity may end in the negative; later it holds the strokes back.
    fading = schedules.Cosine(1.0, 0.0, end=max(1, steps_of(train) // 4))
    identity = terms.Identity(1.0, interval=4, schedule=fading)
    return Task(
        train,
        {"a": letters_a, "b": letters_b},
        make,
        {"terms": [terms.Cycle(5.0), identity], **optimizers(train, 1e-3, 4e-4)},
        {"source": np.asarray},
        f"{LETTERS} No character is in both domains.",
    )


def super_resolution():
    """Enlarge photographs."""
    scale = int(_SCALE.value)
    train, held_out = photographs(lambda x, seed: (x, degrade.bicubic(x, scale)))

    def enlarged(method):
        return lambda sources: np.asarray(degrade.upsample(sources, scale, method))

    return Task(
        train,
        held_out,
        restoring(scale),
        {
            **game(train, 8.0, (5e-4, 5e-4)),
            "adversarial_weight": keras.optimizers.schedules.PiecewiseConstantDecay(
                [steps_of(train) // 2], [0.0, ADVERSARIAL_WEIGHT.value]
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
