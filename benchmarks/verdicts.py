"""Every metric on eight sources of MNIST digits: good, bad, collapsed, memorized.

    TFDS_DATA_DIR=... python benchmarks/verdicts.py --images=docs/images

Prints the table of docs/metrics.md, and draws samples of each source. About ten minutes on 2 CPU
cores. All sources are compared with the same images of the test split. The generators are trained
on the first 50,000 training images; the other 10,000 are the floor: real images that no generator
was trained on, as far from the test images as two samples of one distribution are.
"""

import os
import time

import keras
import numpy as np
import scipy.ndimage
from absl import app, flags

import keras_gan
from keras_gan import metrics

_SAMPLES = flags.DEFINE_integer("samples", 5000, "Samples of each source, and real ones.")
_IMAGES = flags.DEFINE_string("images", None, "Directory to draw metrics_mnist.png into.")
_EPOCHS = flags.DEFINE_integer("epochs", 6, "Epochs of the trained generator.", lower_bound=2)

TRAINED_ON = 50_000
SHOWN = 16


def load(split):
    """Return a split's images in [-1, 1] and labels, in a fixed random order."""
    data = keras_gan.datasets.load("mnist", split, batch_size=1000, shuffle=False)
    images, labels = (np.concatenate(part) for part in zip(*data.as_numpy_iterator(), strict=True))
    order = np.random.default_rng(0).permutation(len(images))
    return images[order], labels[order]


def train(images):
    """Train the recipe of examples/train.py; return samples after one epoch and at the end."""
    keras.utils.set_random_seed(0)
    model = keras_gan.GAN(*keras_gan.networks.dcgan((28, 28, 1), latent_dim=64, width=16), seed=0)
    rates = [keras.optimizers.Adam(1e-3, beta_1=0.5, beta_2=0.99) for _ in range(2)]
    average = keras_gan.GeneratorAverage(half_life=20_000, ramp_up=0.05)
    model.compile("non_saturating", *rates, terms=[keras_gan.terms.R1(1.0)], ema=average)
    data = keras_gan.datasets.from_arrays(images, batch_size=64, seed=0)
    model.fit(data, epochs=1, verbose=2)
    early = generate(model)
    model.fit(data, initial_epoch=1, epochs=_EPOCHS.value, verbose=2)
    return early, generate(model)


def generate(model):
    return model.generate(_SAMPLES.value, seed=0, batch_size=500)


def sources(train_images, train_labels):
    """Return `{name: images}`: eight sets to be told apart."""
    count = _SAMPLES.value
    seen, unseen = train_images[:TRAINED_ON], train_images[TRAINED_ON:]
    early, trained = train(seen)
    rng = np.random.default_rng(1)
    blurred = scipy.ndimage.gaussian_filter(unseen[:count], sigma=(0, 1, 1, 0))
    # Moved by a pixel, so that they are no copies: one class, in all its variety.
    sevens = seen[train_labels[:TRAINED_ON] == 7][:count]
    moved = [np.roll(image, rng.choice([-1, 1]), axis=rng.choice(2)) for image in sevens]
    return {
        "real (floor)": unseen[:count],
        f"trained, {_EPOCHS.value} epochs": trained,
        "half-trained, 1 epoch": early,
        "one class": np.stack(moved),
        "one image": np.repeat(trained[:1], count, axis=0),
        "memorizer": seen[:count],
        "blurred": np.clip(blurred, -1, 1),
        "white noise": rng.uniform(-1, 1, size=(count, 28, 28, 1)).astype("float32"),
    }


def judges(classifier, seen):
    """Return the metrics."""
    return [
        metrics.FrechetDistance(classifier.features),
        metrics.FrechetDistance(name="frechet_distance, pixels"),
        metrics.KernelDistance(classifier.features),
        metrics.InceptionScore(classifier),
        metrics.PrecisionRecall(classifier.features),
        metrics.DensityCoverage(classifier.features),
        metrics.SlicedWasserstein(name="sliced_wasserstein, pixels"),
        metrics.MultiScaleSSIM(),
        metrics.NearestNeighbour(seen, name="nearest_neighbour, pixels"),
        metrics.ClassCoverage(classifier),
        metrics.FreshDiscriminator(),
    ]


def print_table(figures):
    """Print one row for each figure and one column for each source."""
    print("| | " + " | ".join(figures) + " |\n" + "|---" * (len(figures) + 1) + "|")
    for key in next(iter(figures.values())):
        values = (f"{row[key]:.3g}" for row in figures.values())
        print(f"| {key} | " + " | ".join(values) + " |")


def draw(images, path):
    """Draw some samples of each source, a row each."""
    rows = [
        keras_gan.callbacks.captioned(
            keras_gan.callbacks.image_grid(source[:SHOWN], columns=SHOWN, scale=1), name
        )
        for name, source in images.items()
    ]
    picture = np.concatenate(rows)
    keras.utils.save_img(path, picture, scale=False)
    print(f"Wrote {path}")


def main(_):
    train_images, train_labels = load("train")
    real = load("test")[0][: _SAMPLES.value]
    labelled = (train_images[:TRAINED_ON], train_labels[:TRAINED_ON])
    classifier = metrics.features.train_classifier(labelled)
    print(classifier.features.protocol)
    judged = judges(classifier, train_images[:TRAINED_ON])
    images, figures = sources(train_images, train_labels), {}
    for name, fake in images.items():
        start = time.perf_counter()
        figures[name] = metrics.evaluate(judged, real, fake, verbose=0)
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    print_table(figures)
    if _IMAGES.value:
        draw(images, os.path.join(_IMAGES.value, "metrics_mnist.png"))


if __name__ == "__main__":
    app.run(main)
