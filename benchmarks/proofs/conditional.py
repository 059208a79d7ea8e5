"""Conditional generation: samples of the class asked for, their variety, what they teach.

    TFDS_DATA_DIR=... python benchmarks/proofs/conditional.py

MNIST, and Fashion-MNIST where it is prepared. A judge, trained on the training images, says which
class each of 5,000 samples shows. A second classifier, of the same network and training, sees
60,000 samples and no real image, and is tested on the test images (the classification accuracy
score of Ravuri and Vinyals, 2019). Within-class variety is the mean squared distance of samples
from the mean of their class, in pixels and in the judge's features, as a share of the test
images'. About 50 minutes on 2 cores.
"""

import dataclasses
import functools

import classifiers
import keras
import numpy as np
import page
import runs
import tables

import keras_gan

FIRST_SEED = 1_000_000
CLASSES, SAMPLES, LEARNED = 10, 5_000, 60_000

FIGURES = (
    tables.Figure("agreement", "% of the class asked for", 2),
    tables.Figure("smallest", "of the worst class", 1),
    tables.Figure("cas", "CAS, %", 2),
    tables.Figure("variety", "variety, pixels", 3),
    tables.Figure("variety_features", "features", 3),
)


@dataclasses.dataclass(frozen=True)
class Conditional(runs.Arm):
    """The recipe of `examples/train.py --conditional --cosine_decay`, on one data set.

    Attributes:
        data: name of the data set.
        width: of the networks.
        head: of the discriminator.
        gamma: of R1.
        rate: learning rate of both players, at the start; it falls along a cosine.
    """

    data: str = "mnist"
    width: int = 16
    head: str = "projection"
    gamma: float = 1.0
    rate: float = 1e-3

    def model(self, seed):
        """Return the compiled model."""
        networks = keras_gan.networks.dcgan(
            (28, 28, 1), width=self.width, num_classes=CLASSES, head=self.head
        )
        told = [keras_gan.terms.AuxiliaryClassifier()] if self.head == "classifier" else []
        model = keras_gan.GAN(*networks, seed=seed)
        model.compile(
            "non_saturating",
            *(keras.optimizers.Adam(self._falling(), beta_1=0.5, beta_2=0.99) for _ in range(2)),
            terms=[keras_gan.terms.R1(self.gamma), *told],
            ema=keras_gan.GeneratorAverage(half_life=20_000, ramp_up=0.05),
        )
        return model

    def _falling(self):
        return keras.optimizers.schedules.CosineDecay(self.rate, self.steps, alpha=0.01)


@dataclasses.dataclass(frozen=True)
class Real(runs.Arm):
    """The training images in place of samples."""

    data: str = "mnist"


ARMS = (
    Conditional("mnist", "MNIST, projection", 15_000, (0, 1, 2)),
    Conditional(
        "mnist-classifier", "MNIST, auxiliary classifier", 15_000, (0, 1, 2), head="classifier"
    ),
    Real("mnist-real", "MNIST, the training images", 0),
    Conditional("fashion", "Fashion-MNIST, projection", 15_000, (0, 1, 2), data="fashion_mnist"),
    Real("fashion-real", "Fashion-MNIST, the training images", 0, data="fashion_mnist"),
)

CLAIMS = (
    tables.Claim("mnist", "agreement", low=97),
    tables.Claim("mnist", "smallest", low=94),
    tables.Claim("mnist", "cas", low=95),
    tables.Claim("mnist", "variety", low=0.8),
    tables.Claim("mnist", "variety_features", low=0.8),
    tables.Claim("fashion", "cas", low=80),
)


@functools.cache
def judge(name):
    """Return the judge of a data set, trained once on this machine."""
    return classifiers.kept(name, *classifiers.load(name, "train"), CLASSES)


def samples_of(arm, seed):
    """Return images and the labels asked for: 5,000 to judge, and 60,000 to learn from."""
    if isinstance(arm, Real):
        images, labels = classifiers.load(arm.data, "train")
        chosen = np.random.default_rng(seed).permutation(len(images))[:SAMPLES]
        return (images[chosen], labels[chosen]), (images, labels)
    keras.utils.set_random_seed(seed)
    data = keras_gan.datasets.load(arm.data, "train", batch_size=64, seed=seed)
    model = arm.model(seed)
    model.fit(data.repeat(), steps_per_epoch=arm.steps, verbose=0)
    parts = []
    for first, count in ((FIRST_SEED, SAMPLES), (2 * FIRST_SEED, LEARNED)):
        labels = np.arange(count) % CLASSES
        parts.append((model.generate(count, first, labels, batch_size=500), labels))
    return parts


def play(arm, seed):
    """Train one run and return its figures."""
    (samples, asked), learned = samples_of(arm, seed)
    test, truth = classifiers.load(arm.data, "test")
    features, shown = classifiers.outputs(judge(arm.data), samples)
    real_features, _ = classifiers.outputs(judge(arm.data), test)
    of_class = [100 * np.mean(shown[asked == label] == label) for label in range(CLASSES)]
    taught = classifiers.train(*learned, CLASSES, seed=seed)
    right = {}
    if isinstance(arm, Real):
        right["judge"] = 100 * classifiers.accuracy(judge(arm.data), test, truth)
    return {
        **right,
        "agreement": 100 * np.mean(shown == asked),
        "smallest": min(of_class),
        "cas": 100 * classifiers.accuracy(taught, test, truth),
        "variety": variety(samples, asked, test, truth),
        "variety_features": variety(features, asked, real_features, truth),
    }


def variety(samples, asked, real, truth):
    """Return how far samples lie from their class's mean, as a share of real ones', on average."""
    return np.mean(
        [_spread(samples[asked == c]) / _spread(real[truth == c]) for c in range(CLASSES)]
    )


def _spread(rows):
    rows = rows.reshape(len(rows), -1).astype("float64")
    return np.square(rows - rows.mean(0)).sum(1).mean()


def table(name, data, title):
    """Return the table of one data set, whose judge is trained before the runs that share it."""
    arms = tuple(arm for arm in ARMS if arm.data == data)

    def finish(_, rows):
        real = next(arm.name for arm in arms if isinstance(arm, Real))
        right = [f"{row.figures['judge']:.2f} %" for row in rows[real] if not row.failed]
        claims = [claim for claim in CLAIMS if rows.get(claim.arm)]
        if not right or not claims:
            return None
        return (
            f"The judge of {title} is right on {right[0]} of the test images.\n\n"
            "What every run was to reach:\n\n" + tables.kept(claims, arms, rows, FIGURES)
        )

    return runs.Table(
        name, arms, play, FIGURES, prepare=lambda: judge(data), finish=finish, page=page.NETWORKS
    )


if __name__ == "__main__":
    runs.command(
        table("conditional_mnist", "mnist", "MNIST"),
        table("conditional_fashion", "fashion_mnist", "Fashion-MNIST"),
    )
