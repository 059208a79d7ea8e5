r"""Train a classifier on few labels, with and without generated samples, and compare.

    python examples/augment_classifier.py --dataset=mnist --labels=10
    python examples/augment_classifier.py --dataset=digits --labels=5,20 --subsets=3

For each number of labels a class, and for several random subsets of the training images, a
conditional GAN is trained on that subset alone. Five classifiers of one network and one number of
steps then see: the real images; these under classical augmentation (shifts, and mirroring where
--flip says so); real and generated images, half a batch each; both kinds of augmentation; generated
images alone. All are tested on the whole test split, which chooses nothing: settings are fixed.

The table has each arm's accuracy, and its difference from classical augmentation, subset by subset,
with a 95 % interval (Student's t). "Copies" is the mean distance of generated images to their
nearest training image, divided by the same of test images: well below 1 means memorized.

Under the run directory: `results.json`, by which the same command goes on where it was ended, and
`samples/` with a picture of each subset's generator.
"""

import json
import pathlib

import keras
import matplotlib.image
import numpy as np
import tensorflow as tf
from absl import app, flags
from keras import layers
from scipy import stats

import keras_gan
from keras_gan import callbacks, metrics
from keras_gan.utils.files import whole_file

ARMS = {
    "real": "real images",
    "classical": "real, classical augmentation",
    "generated": "real and generated",
    "both": "real, classical augmentation, generated",
    "alone": "generated alone",
}
BATCH, GENERATED = 64, 10_000  # Images in a classifier's batch; generated ones to draw from.
FIRST_SEED = 1_000_000

_DATASET = flags.DEFINE_string("dataset", "mnist", "A labelled dataset of small images.")
_LABELS = flags.DEFINE_list("labels", ["10", "50", "200"], "Labelled images of each class.")
_SUBSETS = flags.DEFINE_integer("subsets", 5, "Random subsets, each with a GAN of its own.")
_FIRST = flags.DEFINE_integer("first_subset", 0, "Seed of the first of them.")
_GAN_STEPS = flags.DEFINE_integer("gan_steps", 6_000, "Training steps of a GAN.")
_GAN_BATCH = flags.DEFINE_integer("gan_batch", 64, "Images in a batch of a GAN's training.")
_RATE = flags.DEFINE_float("learning_rate", 1e-3, "Of a GAN's players.")
_R1_GAMMA = flags.DEFINE_float("r1_gamma", 1.0, "Weight of the gradient penalty R1.")
_STEPS = flags.DEFINE_integer("classifier_steps", 2_000, "Training steps of a classifier.")
_WIDTH = flags.DEFINE_integer("width", 16, "Channels of the GAN's largest maps.")
_POLICY = flags.DEFINE_string(
    "policy", "translation", "DiffAugment's transformations of what the discriminator sees."
)
_SHIFT = flags.DEFINE_integer("shift", 2, "Pixels that classical augmentation moves images by.")
_FLIP = flags.DEFINE_bool("flip", False, "Whether it mirrors them, too.")
_RUN_DIR = flags.DEFINE_string("run_dir", None, "Where to write; runs/augment_<dataset>.")


def load(split):
    """Return a split's images, in [-1, 1], and labels."""
    batches = keras_gan.datasets.load(_DATASET.value, split, batch_size=500, shuffle=False)
    return tuple(np.concatenate(part) for part in zip(*batches.as_numpy_iterator(), strict=True))


def subset(images, labels, count, seed):
    """Return `count` images of each class, chosen at random."""
    rng = np.random.default_rng(seed)
    classes = range(labels.max() + 1)
    chosen = [rng.permutation(np.flatnonzero(labels == label))[:count] for label in classes]
    rows = np.concatenate(chosen)
    return images[rows], labels[rows]


def train_gan(images, labels, seed):
    """Return a conditional GAN that has seen these images alone."""
    keras.utils.set_random_seed(seed)
    classes = int(labels.max()) + 1
    networks = keras_gan.networks.dcgan(
        images.shape[1:], width=_WIDTH.value, num_classes=classes, minibatch_std=True
    )
    model = keras_gan.GAN(*networks, seed=seed)
    model.compile(
        "non_saturating",
        *(keras.optimizers.Adam(_RATE.value, beta_1=0.5, beta_2=0.99) for _ in range(2)),
        terms=[keras_gan.terms.R1(_R1_GAMMA.value)],
        augmentation=keras_gan.augmentation.DiffAugment(_POLICY.value),
        ema=keras_gan.GeneratorAverage(half_life=20_000, ramp_up=0.05),
    )
    data = keras_gan.datasets.from_arrays(images, labels, batch_size=_GAN_BATCH.value, seed=seed)
    model.fit(data.repeat(), steps_per_epoch=_GAN_STEPS.value, verbose=2)
    return model


def classifier(shape, classes, seed):
    """Return an untrained classifier: images to logits."""
    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input(shape)
    for filters, strides in ((32, 1), (64, 2), (128, 2)):
        x = layers.Conv2D(filters, 3, strides, "same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    # Strokes are told by where they are; what is in a photograph may be anywhere.
    pooled = layers.Flatten() if shape[-1] == 1 else layers.GlobalAveragePooling2D()
    return keras.Model(inputs, layers.Dense(classes)(layers.Dropout(0.5)(pooled(x))))


def batches(arm, real, made, seed):
    """Yield the batches that an arm's classifier sees: the same number for all arms."""
    rng = np.random.default_rng(seed)
    shares = {"real": (BATCH, 0), "classical": (BATCH, 0), "alone": (0, BATCH)}
    counts = shares.get(arm, (BATCH // 2, BATCH // 2))
    for _ in range(_STEPS.value):
        parts = []
        for (images, labels), count in zip((real, made), counts, strict=True):
            rows = rng.integers(len(images), size=count)
            parts.append((images[rows], labels[rows]))
        images, labels = (np.concatenate(part) for part in zip(*parts, strict=True))
        yield moved(images, rng) if arm in ("classical", "both") else images, labels


def moved(images, rng):
    """Return images under classical augmentation, each moved, and mirrored, by chance."""
    shift, (height, width) = _SHIFT.value, images.shape[1:3]
    padded = np.pad(images, [(0, 0), (shift, shift), (shift, shift), (0, 0)], mode="edge")
    offsets = rng.integers(0, 2 * shift + 1, (len(images), 2))
    images = np.stack(
        [each[i : i + height, j : j + width] for each, (i, j) in zip(padded, offsets, strict=True)]
    )
    mirrored = _FLIP.value & (rng.random(len(images)) < 0.5)
    return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)


def accuracy(arm, real, made, test, seed):
    """Train an arm's classifier, and return the share of test images that it is right on."""
    network = classifier(real[0].shape[1:], int(real[1].max()) + 1, seed)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, _STEPS.value)
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(network.trainable_variables)

    @tf.function(autograph=False)
    def step(images, labels):
        with tf.GradientTape() as tape:
            logits = network(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        optimizer.apply(tape.gradient(loss, network.trainable_variables))

    for images, labels in batches(arm, real, made, seed):
        step(tf.constant(images), tf.constant(labels, tf.int32))
    predicted = network.predict(test[0], batch_size=500, verbose=0).argmax(axis=1)
    return float((predicted == test[1]).mean())


def copies(made, real, test):
    """Return how near generated images are to training ones, as a share of test images."""
    rows = [each[:2_000].reshape(len(each[:2_000]), -1) for each in (made, test)]
    train = real.reshape(len(real), -1)
    near, usual = (metrics.nearest_neighbour(each, train).mean() for each in rows)
    return float(near / usual)


def run(count, seed, train, test, directory):
    """Return the figures of one subset: every arm's accuracy, and how near copies are."""
    real = subset(*train, count, seed)
    model = train_gan(*real, seed)
    labels = np.arange(GENERATED) % model.num_classes
    made = model.generate(GENERATED, seed=FIRST_SEED, condition=labels, batch_size=500)
    made = np.clip(made, -1, 1), labels
    picture = callbacks.image_grid(made[0][: 10 * model.num_classes], columns=model.num_classes)
    directory.mkdir(parents=True, exist_ok=True)
    matplotlib.image.imsave(directory / f"{count}_{seed}.png", np.squeeze(picture), cmap="gray")
    figures = {arm: accuracy(arm, real, made, test, seed) for arm in ARMS}
    return {**figures, "copies": copies(made[0], real[0], test[0])}


def interval(values):
    """Return the mean of some values and half of its 95 % interval, Student's t."""
    values = np.asarray(values)
    if len(values) < 2:
        return values.mean(), float("nan")
    error = values.std(ddof=1) / np.sqrt(len(values))
    return values.mean(), float(stats.t.ppf(0.975, len(values) - 1) * error)


def report(results):
    """Return the table: mean accuracies, and differences from classical augmentation."""
    lines = [
        "| labels a class | trained on | accuracy, % | less classical, points | copies |",
        "|---|---|---|---|---|",
    ]
    for count in sorted({int(key.split("/")[0]) for key in results}):
        found = [each for key, each in results.items() if key.startswith(f"{count}/")]
        for arm, title in ARMS.items():
            accuracy = cell([100 * each[arm] for each in found])
            apart = cell([100 * (each[arm] - each["classical"]) for each in found], "+")
            difference = "" if arm == "classical" else apart
            near = f"{np.mean([each['copies'] for each in found]):.2f}" if arm == "alone" else ""
            lines.append(f"| {count} | {title} | {accuracy} | {difference} | {near} |")
    return "\n".join(lines)


def cell(values, sign=""):
    """Return a mean with half of its interval, which one value alone has not."""
    mean, half = interval(values)
    return f"{mean:{sign}.2f}" + (f" ± {half:.2f}" if len(values) > 1 else "")


def settings():
    """Return what the figures depend on beside count and seed."""
    names = (
        *("dataset", "gan_steps", "gan_batch", "learning_rate", "r1_gamma", "width", "policy"),
        *("classifier_steps", "shift", "flip"),
    )
    return {name: flags.FLAGS[name].value for name in names}


def main(_):
    run_dir = pathlib.Path(_RUN_DIR.value or f"runs/augment_{_DATASET.value}")
    run_dir.mkdir(parents=True, exist_ok=True)
    path = run_dir / "results.json"
    kept = json.loads(path.read_text()) if path.exists() else {"settings": settings()}
    if kept.pop("settings") != settings():
        raise app.UsageError(f"{path} was made by other settings: give another --run_dir.")
    train, test = load("train"), load("test")
    for count in map(int, _LABELS.value):
        for seed in range(_FIRST.value, _FIRST.value + _SUBSETS.value):
            key = f"{count}/{seed}"
            if key not in kept:
                kept[key] = run(count, seed, train, test, run_dir / "samples")
                write(path, {"settings": settings(), **kept})
            shown = ", ".join(f"{name} {value:.4f}" for name, value in kept[key].items())
            print(f"{count} labels, subset {seed}: {shown}", flush=True)
    print("\n" + report(kept))


def write(path, results):
    """Write the results beside their place and rename, so that no reader sees half of them."""
    with whole_file(path) as partial:
        partial.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    app.run(main)
