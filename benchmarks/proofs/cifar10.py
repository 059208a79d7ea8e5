"""Networks on CIFAR-10 at fixed budgets of processor time, with and without labels.

    TFDS_DATA_DIR=... python benchmarks/proofs/cifar10.py

Each run trains what `examples/train.py --dataset=cifar10 --network=...` builds, in one thread,
until its process has used 10 or 60 minutes since `fit` began: tracing, reading of images and all.
A classifier trained here, on the training images, gives the features. By these 10,000 samples are
compared with the 10,000 test images in Fréchet and kernel distance, 5,000 with 5,000 in precision,
recall and coverage. No such distance can be compared with Inception's. About 8 hours on 2 cores.
"""

import dataclasses
import functools
import pathlib
import sys
import time

import classifiers
import keras
import numpy as np
import page
import runs
import tables
from absl import flags
from absl.testing import flagsaver
from PIL import Image

from keras_gan import metrics

sys.path.append(str(pathlib.Path(__file__).parents[2] / "examples"))
import train  # What users run is what is judged.

_IMAGES = flags.DEFINE_string("images", None, "Directory to draw each run's first samples into.")

FIRST_SEED = 1_000_000
CLASSES, SAMPLES, COMPARED = 10, 10_000, 5_000
ROWS = 8  # Of a picture, whose columns are the classes where labels are asked for.

FIGURES = (
    tables.Figure("frechet", "Fréchet", 2, best=min),
    tables.Figure("kernel", "kernel", 3, best=min),
    tables.Figure("precision", "precision", 3),
    tables.Figure("recall", "recall", 3),
    tables.Figure("coverage", "coverage", 3),
    tables.Figure("smallest", "smallest class, %", 1),
    tables.Figure("agreement", "of the class asked for, %", 1),
    tables.Figure("images", "thousand images", 0),
    tables.Figure("rate", "images/s", 0),
)


@dataclasses.dataclass(frozen=True)
class Budget(runs.Arm):
    """One network, for some minutes of one core.

    Attributes:
        network: as of `examples/train.py`.
        minutes: of processor time.
        conditional: whether labels are given to both networks.
        recipe: what the example does with the network on this dataset.
    """

    network: str = "dcgan"
    minutes: float = 10.0
    conditional: bool = False
    recipe: tuple = ()


@dataclasses.dataclass(frozen=True)
class Real(runs.Arm):
    """Training images in place of samples."""


def _arms():
    for minutes, seeds in ((10, (0, 1, 2)), (60, (0,))):
        for conditional in (False, True):
            for network in ("dcgan", "sngan", "sagan", "stylegan2", "r3gan"):
                labels = ", labels" if conditional else ""
                yield Budget(
                    f"{network}-{minutes}{'-labels' if conditional else ''}",
                    f"{network}{labels}, {minutes} min",
                    0,
                    seeds,
                    network=network,
                    minutes=minutes,
                    conditional=conditional,
                    recipe=tuple(sorted(train.recipe("cifar10", network).items())),
                )
    yield Real("real", "training images", 0)


ARMS = tuple(_arms())


def load(split):
    """Return a split's images and labels."""
    return classifiers.load("cifar10", split)


@functools.cache
def judge():
    """Return the classifier, trained once on this machine."""
    return classifiers.kept("cifar10", *load("train"), CLASSES, steps=12_000, shift=4, flip=True)


class Stop(keras.callbacks.Callback):
    """End of training after some minutes of the process's own time.

    Args:
        minutes: counted from the beginning of `fit`.
    """

    def __init__(self, minutes):
        super().__init__()
        self.seconds, self.steps = 60 * minutes, 0

    def on_train_begin(self, logs=None):
        """Start the clock."""
        self.start = time.process_time()

    def on_train_batch_end(self, batch, logs=None):
        """Count the step, and look at the clock."""
        self.steps += 1
        if time.process_time() - self.start > self.seconds:
            self.model.stop_training = True


def trained(arm, seed):
    """Return the model of a run, and how many images it has seen."""
    keras.utils.set_random_seed(seed)
    asked = {"network": arm.network, "conditional": arm.conditional, "seed": seed}
    with flagsaver.flagsaver(dataset="cifar10", **asked):
        data = train.load()
        model = train.build(data)
        clock = Stop(arm.minutes)
        model.fit(data.repeat(), steps_per_epoch=10**6, callbacks=[clock], verbose=0)
        return model, clock.steps * train.chosen("batch_size")


def play(arm, seed):
    """Train one run and return its figures."""
    asked = np.arange(SAMPLES) % CLASSES
    if isinstance(arm, Real):
        rows = np.random.default_rng(seed).permutation(len(load("train")[0]))[:SAMPLES]
        right = 100 * classifiers.accuracy(judge(), *load("test"))
        return {**judged(*(part[rows] for part in load("train"))), "judge": right}
    model, images = trained(arm, seed)
    condition = asked if arm.conditional else None
    samples = model.generate(SAMPLES, FIRST_SEED, condition, batch_size=500)
    if _IMAGES.value and seed == 0:
        draw(samples, pathlib.Path(_IMAGES.value) / f"cifar10_{arm.name}.png")
    counts = {"images": images / 1000, "rate": images / arm.minutes / 60}
    return {**judged(samples, condition), **counts}


def judged(samples, asked=None):
    """Return the figures of some samples, and of the labels that were asked for."""
    features, shown = classifiers.outputs(judge(), samples)
    real, _ = classifiers.outputs(judge(), load("test")[0])
    few = real[:COMPARED], features[:COMPARED]
    moments = (part for rows in (real, features) for part in _moments(rows))
    figures = {
        "frechet": metrics.frechet_distance(*moments),
        "kernel": metrics.kernel_distance(real, features)["mean"],
        **metrics.precision_recall(*few),
        "coverage": metrics.density_coverage(*few)["coverage"],
        "smallest": 100 * np.bincount(shown, minlength=CLASSES).min() / len(samples),
    }
    return figures if asked is None else {**figures, "agreement": 100 * np.mean(shown == asked)}


def _moments(rows):
    rows = rows.astype("float64")
    return rows.mean(axis=0), np.cov(rows, rowvar=False)


def draw(samples, path):
    """Draw the first samples: a column of each class where labels were asked for."""
    rows = samples[: CLASSES * ROWS].reshape(ROWS, CLASSES, *samples.shape[1:])
    height, width, channels = samples.shape[1:]
    sheet = rows.transpose(0, 2, 1, 3, 4).reshape(ROWS * height, CLASSES * width, channels)
    Image.fromarray((255 * np.clip(sheet / 2 + 0.5, 0, 1)).astype("uint8")).save(path)


def finish(arms, rows):
    """Return what the judge is worth."""
    del arms
    right = [f"{row.figures['judge']:.2f} %" for row in rows["real"] if not row.failed]
    return f"The judge is right on {right[0]} of the test images." if right else None


if __name__ == "__main__":
    runs.command(
        runs.Table("cifar10", ARMS, play, FIGURES, prepare=judge, finish=finish, page=page.NETWORKS)
    )
