r"""Train an InfoGAN: codes that come to stand for classes and styles, found without any label.

    python examples/infogan.py --dataset=mnist --run_dir=runs/infogan
    python examples/infogan.py --dataset=digits

The latents are noise, one category of ten and two continuous codes; the discriminator reads the
codes off the images. Networks are those of the paper for MNIST, at a quarter of their width
(--width=64 for all of it). What the paper does not have: random turns of what the discriminator
sees, real or generated, so that a slant makes no category (--turns=0 for none); and several starts
(--starts=1 for one). What categories come to stand for is settled in the first epochs, by luck in
part. So starts are trained for these, until the discriminator of one tells the same category of two
turns of one real image surely enough; that one goes on, or the best of all. In these epochs the
codes have a small weight; it rises afterwards. Labels are used at the end only, to score.

Under the run directory: `walk_category.png` (a row for each category, each column one noise),
`walk_first.png` and `walk_second.png` (each code from -2 to 2, a row for each category),
`scores.json`, `history.csv` and `checkpoint.keras`; and each start's own, with its samples and
backup, in `start_0/` and so on. The same command resumes an interrupted run exactly from its last
backup; --noresume starts a new one. What the codes find differs from seed to seed: report several.
"""

import csv
import json
import pathlib
import shutil
import sys

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags
from keras import layers
from PIL import Image
from scipy import optimize, special

import keras_gan
from keras_gan import metrics
from keras_gan.latents import Categorical, Uniform
from keras_gan.utils.files import whole_file

# What a dataset wants where the flags don't say.
RECIPES = {
    "digits": {"epochs": 100, "first_epochs": 40, "enough": 1.1, "batch_size": 64, "samples": 1000},
    "mnist": {"epochs": 6, "first_epochs": 2, "enough": 1.3, "batch_size": 64, "samples": 5000},
}
CATEGORIES = 10
COLUMNS = 11  # Of a walk.
CONTINUOUS = "first", "second"

_DATASET = flags.DEFINE_enum("dataset", "mnist", list(RECIPES), "What to find codes of.")
_EPOCHS = flags.DEFINE_integer(
    "epochs", None, "Epochs in all, those before an interruption included."
)
_STARTS = flags.DEFINE_integer("starts", 10, "Starts at most, one of which goes on.", 1)
_FIRST_EPOCHS = flags.DEFINE_integer("first_epochs", None, "Epochs of each start.", 1)
_ENOUGH = flags.DEFINE_float(
    "enough", None, "Nats that two turns of an image share, at which no more starts are made."
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", None, "Images in a batch.")
_WIDTH = flags.DEFINE_integer("width", 16, "Channels of the largest maps; 64 in the paper.")
_NOISE = flags.DEFINE_integer("noise", 62, "Numbers of the latents beside the codes.")
_WEIGHT = flags.DEFINE_float(
    "weight",
    0.1,
    "Of the codes' information in both losses, in the first epochs; it rises to 1 in as many more.",
)
_GENERATOR_RATE = flags.DEFINE_float("generator_rate", 1e-3, "Its learning rate.")
_DISCRIMINATOR_RATE = flags.DEFINE_float("discriminator_rate", 5e-4, "Its learning rate.")
_TURNS = flags.DEFINE_float(
    "turns", 0.1, "Share of a turn by which what the discriminator sees is turned at most."
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of networks, data order and every random draw.")
_SAMPLES = flags.DEFINE_integer("samples", None, "Generated samples that are scored.")
_RUN_DIR = flags.DEFINE_string(
    "run_dir", None, "Where to write; runs/infogan_<dataset> by default."
)
_RESUME = flags.DEFINE_bool("resume", True, "Go on from the run directory's newest backup.")
_BACKUP_STEPS = flags.DEFINE_integer(
    "backup_steps", None, "Training steps from one backup to the next; one an epoch by default."
)
_VERBOSE = flags.DEFINE_enum("verbose", "1", ["0", "1", "2"], "Progress bar, as in Keras.")


def choice(flag):
    """Return a flag's value, or what the dataset's recipe says."""
    return RECIPES[_DATASET.value][flag.name] if flag.value is None else flag.value


def load(split="train", **options):
    """Load a split of the dataset."""
    options = {"batch_size": choice(_BATCH_SIZE), "seed": _SEED.value, **options}
    return keras_gan.datasets.load(_DATASET.value, split, **options)


# Networks.


def priors():
    """Return the latents' parts: noise, and the codes."""
    codes = {name: Uniform(1) for name in CONTINUOUS}
    return {"noise": Uniform(_NOISE.value), "category": Categorical(CATEGORIES), **codes}


def generator(shape, width):
    """Return a generator of images from the latents."""
    side, channels = shape[0] // 4, shape[2]
    inputs = {name: keras.Input(part.shape, name=name) for name, part in priors().items()}
    x = layers.Concatenate()(list(inputs.values()))
    for units in (16 * width, side * side * 2 * width):
        x = layers.Dense(units, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Reshape((side, side, 2 * width))(x)
    x = layers.Conv2DTranspose(width, 4, 2, "same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2DTranspose(channels, 4, 2, "same", activation="tanh", dtype="float32")(x)
    return keras.Model(inputs, x, name="generator")


def discriminator(shape, width):
    """Return a discriminator that reads the codes too, through one more layer."""
    x = inputs = keras.Input(shape, name="images")
    x = layers.LeakyReLU(0.1)(layers.Conv2D(width, 4, 2, "same")(x))
    x = layers.Conv2D(2 * width, 4, 2, "same", use_bias=False)(x)
    x = layers.LeakyReLU(0.1)(layers.BatchNormalization()(x))
    x = layers.Dense(16 * width, use_bias=False)(layers.Flatten()(x))
    x = layers.LeakyReLU(0.1)(layers.BatchNormalization()(x))
    h = layers.Dense(2 * width, use_bias=False)(x)
    h = layers.LeakyReLU(0.1)(layers.BatchNormalization()(h))
    sizes = {"category": CATEGORIES, **dict.fromkeys(CONTINUOUS, 1)}
    told = {name: layers.Dense(size, name=name)(h) for name, size in sizes.items()}
    outputs = {"logits": layers.Dense(1, name="logits")(x), **told}
    return keras.Model(inputs, outputs, name="discriminator")


def build(shape, steps, seed):
    """Return the compiled GAN, for images of a shape and an epoch of so many steps."""
    first = steps * choice(_FIRST_EPOCHS)
    rising = keras_gan.schedules.Linear(_WEIGHT.value, 1, start=first, end=2 * first)
    networks = generator(shape, _WIDTH.value), discriminator(shape, _WIDTH.value)
    model = keras_gan.GAN(*networks, latents=priors(), seed=seed)
    model.compile(
        "non_saturating",
        generator_optimizer=keras.optimizers.Adam(_GENERATOR_RATE.value, beta_1=0.5),
        discriminator_optimizer=keras.optimizers.Adam(_DISCRIMINATOR_RATE.value, beta_1=0.5),
        terms=[keras_gan.terms.MutualInformation(schedule=rising)],
        augmentation=rotation(_TURNS.value, seed) if _TURNS.value else None,
        ema=0.99,
    )
    return model


def rotation(share, seed):
    """Return random turns by at most this share of a whole one."""
    return layers.RandomRotation(share, "constant", fill_value=-1.0, seed=seed, dtype="float32")


def train(run_dir):
    """Train starts for the first epochs, go on with one of them, and return its model."""
    if not _RESUME.value:
        for left in run_dir.glob("start_*"):
            shutil.rmtree(left)
    start = chosen_start(run_dir) if _STARTS.value > 1 else 0
    model = fitted(run_dir / f"start_{start}", start, choice(_EPOCHS))
    for part in ("history.csv", "checkpoint.keras"):
        with whole_file(run_dir / part) as partial:
            shutil.copyfile(run_dir / f"start_{start}" / part, partial)
    return model


def chosen_start(run_dir):
    """Train starts until one is good enough, and return its number, or that of the best."""
    epochs = min(choice(_FIRST_EPOCHS), choice(_EPOCHS))
    nats = []
    for start in range(_STARTS.value):
        nats.append(information_of_views(run_dir / f"start_{start}", start, epochs))
        if nats[-1] >= choice(_ENOUGH):
            break
    best = nats.index(max(nats))
    print(f"Start {best + 1} of {len(nats)} goes on.")
    return best


def fitted(directory, start, epochs):
    """Train a start up to an epoch, from its beginning or its last backup, and return its model."""
    directory.mkdir(exist_ok=True)
    seed = int(np.random.SeedSequence([_SEED.value, start]).generate_state(1)[0] >> 1)
    keras.utils.set_random_seed(seed)
    dataset = load(seed=seed)
    model = build(tuple(dataset.element_spec[0].shape[1:]), len(dataset), seed)
    callbacks = [
        keras_gan.callbacks.SampleGrid(directory / "samples"),
        keras.callbacks.CSVLogger(directory / "history.csv"),
        keras.callbacks.ModelCheckpoint(directory / "checkpoint.keras"),
        keras_gan.callbacks.Backup(directory / "backup", every_steps=_BACKUP_STEPS.value),
    ]
    try:
        model.fit(dataset, epochs=epochs, callbacks=callbacks, verbose=int(_VERBOSE.value))
    except KeyboardInterrupt:
        sys.exit(130)  # As shells report it; the backup's callback has said how to go on.
    return model


def information_of_views(directory, start, epochs):
    """Return the mutual information, in nats, of the categories of two turns of a real image.

    It is log 10 at best, where each image has one category, whichever way it is turned, and each
    category as many images. Ji et al., 2019 (https://arxiv.org/abs/1807.06653, Eq. (3)) train a
    network for it; here it only chooses among starts. No label is read.
    """
    kept = directory / "information_of_views.json"
    if kept.exists():  # By the same command, before an interruption.
        return json.loads(kept.read_text())
    model = fitted(directory, start, epochs)
    real = np.concatenate([images for images, _ in load(shuffle=False).take(80)])
    turn = rotation(_TURNS.value or _TURNS.default, seed=0)
    views = (turn(real, training=True) for _ in range(2))
    told = [model.discriminator.predict(view, verbose=0)["category"] for view in views]
    first, second = (special.softmax(logits.astype("float64"), axis=1) for logits in told)
    nats = information(first.T @ second / len(real))
    with whole_file(kept) as partial:
        partial.write_text(json.dumps(nats))
    print(f"Start {start + 1}: {nats:.3f} nats that two turns of an image share")
    return nats


def information(joint):
    """Return the mutual information of two variables in nats, by their joint probabilities."""
    joint = (joint + joint.T) / 2  # Views are alike: which is the first says nothing.
    apart = joint.sum(axis=0) * joint.sum(axis=1, keepdims=True)
    return float(special.rel_entr(joint, apart).sum())


# What the codes have found.


def drawn(model, count):
    """Return latents of the prior, an array for each part."""
    latents = model.latents.batch(count, tf.constant([0, 1]))
    return {name: part.numpy() for name, part in latents.items()}


def walk(model, name):
    """Return the sheet of a code: a row for each category, each column a noise, or a value."""
    values = np.linspace(-2, 2, COLUMNS, dtype="float32")[:, None]
    noise = drawn(model, COLUMNS)["noise"]
    columns = {"noise": noise, **{code: 0 * values for code in CONTINUOUS}}
    if name != "category":
        columns |= {"noise": np.repeat(noise[:1], COLUMNS, axis=0), name: values}
    latents = {part: np.tile(column, (CATEGORIES, 1)) for part, column in columns.items()}
    latents["category"] = np.repeat(np.eye(CATEGORIES, dtype="float32"), COLUMNS, axis=0)
    images = model.predict(latents, verbose=0)
    height, width = images.shape[1:3]
    sheet = images[..., 0].reshape(CATEGORIES, COLUMNS, height, width)
    return sheet.transpose(0, 2, 1, 3).reshape(CATEGORIES * height, -1)


def draw(model, run_dir):
    """Draw a sheet for each code."""
    for name in ("category", *CONTINUOUS):
        pixels = (255 * np.clip(walk(model, name) / 2 + 0.5, 0, 1)).astype("uint8")
        picture = Image.fromarray(pixels)
        larger = picture.resize([2 * side for side in picture.size], Image.Resampling.NEAREST)
        with whole_file(run_dir / f"walk_{name}.png") as partial:
            larger.save(partial)


def matched(categories, classes):
    """Return the share of samples whose class is that of their category, at the best matching.

    Args:
        categories: category of each sample.
        classes: class that the classifier sees in it.
    """
    counts = np.zeros((CATEGORIES, CATEGORIES), int)
    np.add.at(counts, (categories, classes), 1)
    best = optimize.linear_sum_assignment(counts, maximize=True)
    return counts[best].sum() / len(classes), counts


def informations(run_dir):
    """Return the nats that samples told of each code in the last epoch of training."""
    with open(run_dir / "history.csv", newline="") as file:
        *_, last = csv.DictReader(file)
    names = "category", *CONTINUOUS
    return {name: -float(last[f"mutual_information/generator/{name}"]) for name in names}


def score(model, run_dir):
    """Return how well the categories are classes, and how much the codes tell."""
    classifier = metrics.features.train_classifier(load(shuffle=False), verbose=0)
    count = choice(_SAMPLES)
    latents = drawn(model, count)
    images = model.predict(latents, batch_size=500, verbose=0)
    classes = classifier.probabilities(images).argmax(1)
    accuracy, counts = matched(latents["category"].argmax(1), classes)
    return {
        "samples": count,
        "matched accuracy": float(accuracy),
        "classifier accuracy, held-out": float(classifier.accuracy),
        "nats of each code, last epoch": informations(run_dir),
        "classes of each category": counts.tolist(),
    }


def main(_):
    run_dir = pathlib.Path(_RUN_DIR.value or f"runs/infogan_{_DATASET.value}")
    run_dir.mkdir(parents=True, exist_ok=True)
    model = train(run_dir)
    draw(model, run_dir)
    scores = score(model, run_dir)
    text = json.dumps(scores, indent=2) + "\n"
    with whole_file(run_dir / "scores.json") as partial:
        partial.write_text(text)
    print(f"Matched accuracy: {scores['matched accuracy']:.4f} of {scores['samples']} samples")
    for name, nats in scores["nats of each code, last epoch"].items():
        print(f"Information of {name}: {nats:.3f} nats")
    print(f"Walks, scores, history and checkpoint are in {run_dir}")


if __name__ == "__main__":
    app.run(main)
