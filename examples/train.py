r"""Train a GAN on a dataset, show what it makes, score it and export it.

    python examples/train.py --dataset=digits --run_dir=runs/digits \
        --export_dir=runs/digits/saved_models/digits
    python examples/train.py --dataset=mnist --run_dir=runs/mnist
    python examples/train.py --dataset=mnist --conditional --network=sngan
    python examples/train.py --dataset=path/to/images --image_size=64 --network=stylegan2

Under the run directory: `samples/` (a grid each epoch, and an animation), `history.csv`,
`losses.png`, `tensorboard/`, `checkpoint.keras`, `backup/` and, for labelled images, `scores.json`.
The same command resumes an interrupted run exactly from its last backup; --noresume starts a new
one. On SIGTERM it finishes the step, writes a backup and exits with status 75.
"""

import csv
import json
import os
import pathlib
import shutil
import sys

import keras
import matplotlib.figure
import numpy as np
import tensorflow as tf
from absl import app, flags

import keras_gan
from keras_gan import metrics
from keras_gan.utils.files import whole_file

# What a dataset wants where the flags don't say; the last one serves for all others.
RECIPES = {
    "digits": {"epochs": 23, "passes": 10, "width": 32, "learning_rate": 1e-3},
    "mnist": {"epochs": 6, "width": 16, "learning_rate": 1e-3},
    "fashion_mnist": {"epochs": 10, "width": 16, "learning_rate": 1e-3},
    "cifar10": {"epochs": 7, "learning_rate": 1e-3},
    "other": {"epochs": 50, "learning_rate": 5e-4},
}
# What all want where neither dataset nor network says another.
USUAL = {
    "network": "dcgan",
    "width": 32,
    "passes": 1,
    "batch_size": 64,
    "minibatch_std": False,
    "loss": "non_saturating",
    "r1_gamma": 0.0,
    "r1_interval": 1,
    "betas": (0.0, 0.99),
}

# What networks want: as in the papers (`keras_gan.recipes`), at rates for short runs.
NETWORKS = {
    "dcgan": {"r1_gamma": 1.0, "betas": (0.5, 0.99)},
    "sngan": {"loss": "hinge", "betas": (0.0, 0.9)},
    "sagan": {"loss": "hinge", "betas": (0.0, 0.9)},
    "biggan": {"loss": "hinge", "betas": (0.0, 0.9)},
    "stylegan2": {"r1_gamma": 0.1, "r1_interval": 16, "learning_rate": 2.5e-3},
    "r3gan": {"loss": "relativistic_pairing", "r1_gamma": 0.1, "learning_rate": 5e-4},
}

# What was found for both together, in the trials that docs/networks.md lists.
_LAZY = {"r1_interval": 4, "learning_rate": 1e-3}
BOTH = {
    ("cifar10", "dcgan"): {"batch_size": 16, "r1_gamma": 0.1, "minibatch_std": True, **_LAZY},
    ("cifar10", "stylegan2"): {"batch_size": 8, "r1_gamma": 0.02},
    ("cifar10", "r3gan"): {"batch_size": 32, "r1_gamma": 0.05, **_LAZY},
}

# What an export's card says of the data, and of what it is for.
CARDS = {
    "digits": {
        "data": "Optical Recognition of Handwritten Digits (E. Alpaydin, C. Kaynak; UCI Machine "
        "Learning Repository), in the part that scikit-learn ships: 1,797 images of 8 by 8 pixels "
        "by 13 writers, a fifth of them held out. Their license is CC BY 4.0.",
        "intended_use": "To show how a generator is trained, judged and served. Not for reading "
        "digits, nor as data that stands for anyone's handwriting.",
    },
    "mnist": {
        "data": "MNIST (Y. LeCun, C. Cortes, C. Burges): the 60,000 training images, 28 by 28 "
        "pixels.",
        "intended_use": "To show how a generator is trained, judged and served.",
    },
}

_DATASET = flags.DEFINE_string(
    "dataset", "digits", "digits, a toy (gaussian, ring, grid), a tfds image dataset, or a folder."
)
_IMAGE_SIZE = flags.DEFINE_integer("image_size", None, "Side to resize images to, in pixels.")
_CONDITIONAL = flags.DEFINE_bool("conditional", False, "Condition both networks on the labels.")
_NETWORK = flags.DEFINE_enum(
    "network", None, list(NETWORKS), "Networks of images, by default the dataset's."
)
_LOSS = flags.DEFINE_string("loss", None, "Name of the adversarial loss.")
_R1_GAMMA = flags.DEFINE_float(
    "r1_gamma", None, "Weight of the R1 penalty, and of R2 with --network=r3gan; 0 for none."
)
_R1_INTERVAL = flags.DEFINE_integer("r1_interval", None, "Steps from one penalty to the next.")
_EPOCHS = flags.DEFINE_integer(
    "epochs", None, "Epochs in all, those before an interruption included."
)
_PASSES = flags.DEFINE_integer("passes", None, "Passes over the data in one epoch.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", None, "Images in a batch.")
_LATENT_DIM = flags.DEFINE_integer("latent_dim", 64, "Dimensions of the latents.")
_WIDTH = flags.DEFINE_integer("width", None, "Channels of the networks' largest maps.")
_DROPOUT = flags.DEFINE_float("dropout", 0.0, "Dropout rate in dcgan's discriminator.")
_LEARNING_RATE = flags.DEFINE_float("learning_rate", None, "Learning rate of both players.")
_COSINE_DECAY = flags.DEFINE_bool(
    "cosine_decay", False, "Let both rates fall along a cosine, to a hundredth at the last epoch."
)
_DISCRIMINATOR_STEPS = flags.DEFINE_integer(
    "discriminator_steps", 1, "Batches, and discriminator updates, to one generator update."
)
_EMA = flags.DEFINE_float(
    "ema",
    None,
    "Decay per step of the averaged generator, such as 0.999; 0 for no average. By default a "
    "half-life of 20,000 images, shorter at first.",
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of networks, data order and every random draw.")
_DETERMINISTIC = flags.DEFINE_bool(
    "deterministic", False, "Make the same seed give the same bits, at some cost in speed."
)
_STRATEGY = flags.DEFINE_enum(
    "strategy",
    "auto",
    ["auto", "one", "mirrored", "multi_worker"],
    "One device, all GPUs of this machine, or the workers that TF_CONFIG names; auto: the workers "
    "where there is a TF_CONFIG, the GPUs where there are several.",
)
_PATIENCE = flags.DEFINE_float(
    "patience", 600.0, "Seconds to wait for the other workers at the start."
)
_BF16 = flags.DEFINE_bool("bf16", False, "Compute in mixed_bfloat16.")
_RUN_DIR = flags.DEFINE_string("run_dir", None, "Where to write; runs/<dataset> by default.")
_EXPORT_DIR = flags.DEFINE_string(
    "export_dir",
    None,
    "Base directory of the generator's exports, named after it; none by default.",
)
_RESUME = flags.DEFINE_bool("resume", True, "Go on from the run directory's newest backup.")
_BACKUP_STEPS = flags.DEFINE_integer(
    "backup_steps", None, "Training steps from one backup to the next; one an epoch by default."
)
_SCORE = flags.DEFINE_bool("score", True, "Score samples of labelled images when done.")
_VERBOSE = flags.DEFINE_enum("verbose", "1", ["0", "1", "2"], "Progress bar, as in Keras.")


def recipe(dataset, network):
    """Return what is to be done with a network on a dataset where the flags don't say.

    Args:
        dataset: its name.
        network: its name, or `None` for the dataset's.
    """
    wanted = {**USUAL, **RECIPES.get(dataset, RECIPES["other"])}
    name = network or wanted["network"]
    return {**wanted, **NETWORKS[name], **BOTH.get((dataset, name), {}), "network": name}


def choice(flag):
    """Return a flag's value, or what the recipe says."""
    return chosen(flag.name) if flag.value is None else flag.value


def chosen(name):
    """Return what the recipe of the flags' dataset and network says."""
    return recipe(_DATASET.value, _NETWORK.value)[name]


def strategy():
    """Return the `tf.distribute` strategy that the flags or the machine ask for."""
    name = _STRATEGY.value
    if name == "auto":
        several = len(tf.config.list_physical_devices("GPU")) > 1
        name = "multi_worker" if "TF_CONFIG" in os.environ else "mirrored" if several else "one"
    if name == "one":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    return keras_gan.workers.connect(_PATIENCE.value)


def load(split="train", **kwargs):
    """Load a split of the dataset."""
    kwargs = {"batch_size": choice(_BATCH_SIZE), "seed": _SEED.value, **kwargs}
    return keras_gan.datasets.load(_DATASET.value, split, image_size=_IMAGE_SIZE.value, **kwargs)


def training_data():
    """Return the training split, some passes an epoch; its order follows from seed and epoch."""
    once, passes = load(), choice(_PASSES)
    dataset = once.repeat(passes)
    dataset.seek = lambda epoch, skip=0: once.seek(epoch * passes, skip)
    return dataset


def build(dataset):
    """Return a compiled GAN for a dataset."""
    sample, *labels = tf.nest.flatten(dataset.element_spec)
    classes = count_classes(dataset) if _CONDITIONAL.value else None
    if _CONDITIONAL.value and not labels:
        raise app.UsageError(f"--conditional needs labels; {_DATASET.value} has none.")
    model = keras_gan.GAN(*networks(tuple(sample.shape[1:]), classes), seed=_SEED.value)
    generator_steps = choice(_EPOCHS) * int(dataset.cardinality()) // _DISCRIMINATOR_STEPS.value
    model.compile(
        loss=choice(_LOSS),
        generator_optimizer=optimizer(generator_steps),
        discriminator_optimizer=optimizer(generator_steps * _DISCRIMINATOR_STEPS.value),
        terms=penalties(),
        discriminator_steps=_DISCRIMINATOR_STEPS.value,
        ema=average(),
    )
    return model


def networks(shape, classes):
    """Return generator and discriminator for samples of a shape, with classes or `None`."""
    made, width, name = keras_gan.networks, choice(_WIDTH), choice(_NETWORK)
    options = {"latent_dim": _LATENT_DIM.value, "num_classes": classes}
    if len(shape) != 3:
        return made.mlp(shape, width=width, dropout=_DROPOUT.value, **options)
    if name == "dcgan":
        options |= {"width": width, "dropout": _DROPOUT.value}
        options["minibatch_std"] = chosen("minibatch_std")
    elif name == "stylegan2":  # `width` channels at 32 pixels, twice as many below.
        options |= {"channel_base": 32 * width, "max_channels": 2 * width}
    elif name == "r3gan":
        halvings = (shape[0] // 4).bit_length()
        options["widths"] = [width * min(4, 2**stage) for stage in reversed(range(halvings))]
    elif name == "biggan":  # Its width is a quarter of the channels, as in its paper.
        options |= {"width": max(1, width // 4), "embedding_dim": width}
    else:
        options["width"] = width
    return getattr(made, name)(shape, **options)


def penalties():
    """Return the gradient penalties."""
    gamma, interval = choice(_R1_GAMMA), choice(_R1_INTERVAL)
    kinds = [keras_gan.terms.R1]
    if choice(_NETWORK) == "r3gan":
        kinds.append(keras_gan.terms.R2)
    return [kind(gamma, interval=interval) for kind in kinds] if gamma else []


def optimizer(steps):
    """Return one player's optimizer, which steps so often over the whole run."""
    beta_1, beta_2 = chosen("betas")
    rate = choice(_LEARNING_RATE)
    if _COSINE_DECAY.value:
        rate = keras.optimizers.schedules.CosineDecay(rate, steps, alpha=0.01)
    return keras.optimizers.Adam(rate, beta_1=beta_1, beta_2=beta_2)


def average():
    """Return what `compile(ema=...)` is given."""
    if _EMA.value is None:
        return keras_gan.GeneratorAverage(half_life=20_000, ramp_up=0.05)
    return _EMA.value or None


def count_classes(dataset):
    """Return how many labels there are, from one pass over them."""
    return 1 + max(int(tf.reduce_max(labels)) for _, labels in dataset)


class TensorBoard(keras.callbacks.TensorBoard):
    """TensorBoard of the epochs' logs.

    Keras's own makes tensors of every step's logs too, which TensorFlow never frees: some
    kilobytes a step, for a file that holds none of them.
    """

    def on_train_batch_end(self, batch, logs=None):
        """Do nothing."""


def callbacks(model, run_dir):
    """Return what accompanies the training: grids, logs, checkpoints and backups."""
    writer = logs = None
    if keras_gan.workers.is_chief(model):
        writer = tf.summary.create_file_writer(str(run_dir / "tensorboard" / "samples"))
        logs = [
            keras.callbacks.CSVLogger(run_dir / "history.csv"),
            TensorBoard(run_dir / "tensorboard", write_graph=False),
        ]
    return [
        keras_gan.callbacks.SampleGrid(run_dir / "samples", writer=writer),
        *(logs or []),
        keras.callbacks.ModelCheckpoint(run_dir / "checkpoint.keras"),
        keras_gan.callbacks.Backup(run_dir / "backup", every_steps=_BACKUP_STEPS.value),
    ]


def plot_losses(run_dir):
    """Draw both losses and the bound over the epochs of `history.csv`."""
    with open(run_dir / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    figure = matplotlib.figure.Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot(xlabel="epoch", ylabel="mean over the epoch")
    epochs = [int(row["epoch"]) + 1 for row in rows]
    for key in ("d_loss", "g_loss", "js", "triangular"):
        if rows and key in rows[0]:
            axes.plot(epochs, [float(row[key]) for row in rows], label=key)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside upper right", ncols=3, frameon=False)  # Not over a curve.
    with whole_file(run_dir / "losses.png") as partial:
        figure.savefig(partial, dpi=120, format="png")


def arrays(split):
    """Return a split's images, in [-1, 1], and labels."""
    batches = list(load(split, shuffle=False, batch_size=500).as_numpy_iterator())
    return tuple(np.concatenate(part) for part in zip(*batches, strict=True))


def frechet(first, second):
    """Return the Fréchet distance between two sets of images' pixels, as shares of white."""
    moments = []
    for images in (first, second):
        pixels = (images.reshape(len(images), -1).astype("float64") + 1) / 2
        moments += [pixels.mean(axis=0), np.cov(pixels, rowvar=False)]
    return metrics.frechet_distance(*moments)


def nearest(images, references):
    """Return the mean squared distance of images to their nearest reference."""
    rows = (a.reshape(len(a), -1) for a in (images, references))
    return np.mean(metrics.nearest_neighbour(*rows) ** 2)


def score(model, splits, samples):
    """Return scores of generated samples, judged by digits the model was never trained on."""
    (train, train_labels), (held_out, held_out_labels) = splits
    classifier = metrics.features.train_classifier((train, train_labels))
    condition = np.arange(samples) % model.num_classes if model.num_classes else None
    fake = model.generate(samples, seed=1_000_000, condition=condition)
    probabilities = classifier.probabilities(fake)
    coverage = metrics.class_coverage(probabilities)
    counts = np.bincount(probabilities.argmax(1), minlength=probabilities.shape[1])
    correct = classifier.probabilities(held_out).argmax(1) == held_out_labels
    real = np.concatenate([train, held_out])
    scores = {
        "classifier accuracy, held-out": correct.mean(),
        "smallest class": coverage["smallest"],
        "mean confidence": coverage["confidence"],
        "Frechet distance to all real (pixels)": frechet(fake, real),
        "Frechet distance to held-out (pixels)": frechet(fake, held_out),
        "  of the training images to held-out": frechet(train, held_out),
        "nearest training image, ratio to held-out": nearest(fake, train)
        / nearest(held_out, train),
    }
    scores = {name: float(value) for name, value in scores.items()}
    return {"samples": samples, "samples of each class": counts.tolist(), **scores}


def report(model, run_dir):
    """Score the model, print the scores and write them beside the run."""
    print("Scoring ...", flush=True)
    scores = score(model, [arrays("train"), arrays("test")], 1000 if small() else 5000)
    for name, value in scores.items():
        print(f"{name:>42}: {value if not isinstance(value, float) else format(value, '.4f')}")
    text = json.dumps(scores, indent=2) + "\n"
    with whole_file(run_dir / "scores.json") as partial:
        partial.write_text(text)
    return scores


def card(scores):
    """Return what the export's card is to say that the model does not know."""
    card = CARDS.get(_DATASET.value, {"data": f"{_DATASET.value}, the training split."})
    if not scores:
        return card
    numbers = {name.strip(): value for name, value in scores.items() if np.ndim(value) == 0}
    samples = numbers.pop("samples")
    protocol = (
        f"examples/train.py: {samples} samples of the seeds from 1,000,000 on, judged by a "
        "classifier trained on the training images, and by the pixels' mean and covariance."
    )
    return {**card, "metrics": numbers, "protocol": protocol}


def small():
    return _DATASET.value == "digits"


def train(run_dir, devices):
    """Train, from the start or from the last backup, and return the model."""
    if not _RESUME.value:
        shutil.rmtree(run_dir / "backup", ignore_errors=True)
    dataset = training_data()
    with devices.scope():
        model = build(dataset)
    try:
        model.fit(
            dataset,
            epochs=choice(_EPOCHS),
            callbacks=callbacks(model, run_dir),
            verbose=int(_VERBOSE.value) if keras_gan.workers.is_chief(model) else 0,
        )
    except KeyboardInterrupt:
        sys.exit(130)  # As shells report it; the backup's callback has said how to go on.
    return model


def main(_):
    try:
        devices = strategy()  # Before anything else: workers find each other at the very start.
        with keras_gan.workers.readable_errors(devices):
            run(devices)
    except tf.errors.UnavailableError as error:
        print(error.message, file=sys.stderr, flush=True)
        sys.exit(keras_gan.callbacks.Backup.exit_code)  # To try again will do, as on SIGTERM.


def run(devices):
    """Train, and have the chief plot, score and export."""
    if _DETERMINISTIC.value:
        tf.config.experimental.enable_op_determinism()
    if _BF16.value:
        keras.config.set_dtype_policy("mixed_bfloat16")
    keras.utils.set_random_seed(_SEED.value)
    run_dir = pathlib.Path(_RUN_DIR.value or f"runs/{pathlib.Path(_DATASET.value).name}")
    run_dir.mkdir(parents=True, exist_ok=True)
    model = train(run_dir, devices)
    if keras_gan.workers.is_chief(model):
        conclude(model, run_dir)
    # Until then the chief may be lost, and needs the others to start again.
    keras_gan.workers.wait_for_all(model)


def conclude(model, run_dir):
    """Plot, score and export what was trained."""
    plot_losses(run_dir)
    print(f"Samples, history, losses and checkpoint are in {run_dir}")
    scores = None
    if _SCORE.value and _DATASET.value in ("digits", "mnist", "fashion_mnist"):
        scores = report(model, run_dir)
    if _EXPORT_DIR.value:
        path = model.export(_EXPORT_DIR.value, card=card(scores))
        print(f"Exported for TensorFlow Serving: {path}")


if __name__ == "__main__":
    app.run(main)
