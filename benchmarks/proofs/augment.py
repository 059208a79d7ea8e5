"""Classifiers of few labels, with and without generated samples.

    TFDS_DATA_DIR=... python benchmarks/proofs/augment.py

Each run is one subset of `examples/augment_classifier.py`: so many training images of each class, a
conditional GAN that sees these alone, and a classifier for each way to train one, tested on the
whole test split. About 3 hours on 2 cores.
"""

import dataclasses
import functools
import pathlib
import sys
import tempfile

import page
import runs
import tables
from absl import flags
from absl.testing import flagsaver

sys.path.append(str(pathlib.Path(__file__).parents[2] / "examples"))
import augment_classifier  # What users run is what is judged.

_IMAGES = flags.DEFINE_string("images", None, "Directory of a picture of each run's generator.")

FIGURES = (
    *(tables.Figure(arm, f"{title}, %", 2) for arm, title in augment_classifier.ARMS.items()),
    tables.Figure("copies", "copies", 2, best=1),
)
TITLES = {"mnist": "MNIST", "cifar10": "CIFAR-10"}
# Of the example's flags; the rest are its defaults.
OPTIONS = {
    "mnist": {},
    "cifar10": {
        "gan_batch": 16,
        "r1_gamma": 0.1,
        "width": 32,
        "policy": "color,translation,cutout",
        "shift": 4,
        "flip": True,
    },
}


@dataclasses.dataclass(frozen=True)
class Labels(runs.Arm):
    """One number of labels of one dataset.

    Attributes:
        dataset: its name.
        labels: images of each class.
        classifier_steps: of each classifier.
        options: of the example, beside these.
    """

    dataset: str = "mnist"
    labels: int = 10
    classifier_steps: int = 2_000
    options: tuple = ()


ARMS = tuple(
    Labels(
        f"{dataset}-{labels}",
        f"{title}, {labels} labels a class",
        6_000,
        (0, 1, 2, 3, 4),
        dataset=dataset,
        labels=labels,
        options=tuple(sorted(OPTIONS[dataset].items())),
    )
    for dataset, title in TITLES.items()
    for labels in (10, 50, 200)
)


@functools.cache
def load(dataset):
    """Return the training and the test images of a dataset, each with their labels."""
    with flagsaver.flagsaver(dataset=dataset):
        return augment_classifier.load("train"), augment_classifier.load("test")


def play(arm, seed):
    """Train one subset's GAN and classifiers; return accuracies in percent, and how near copies."""
    asked = {
        "dataset": arm.dataset,
        "gan_steps": arm.steps,
        "classifier_steps": arm.classifier_steps,
    }
    with flagsaver.flagsaver(**asked, **dict(arm.options)), tempfile.TemporaryDirectory() as spare:
        directory = pathlib.Path(_IMAGES.value or spare, arm.dataset)
        figures = augment_classifier.run(arm.labels, seed, *load(arm.dataset), directory)
    copies = figures.pop("copies")
    return {**{name: 100 * share for name, share in figures.items()}, "copies": copies}


def finish(arms, rows):
    """Return each dataset's differences from classical augmentation, subset by subset."""
    parts = []
    for dataset, title in TITLES.items():
        found = {
            f"{arm.labels}/{row.seed}": _shares(row.figures)
            for arm in arms
            for row in rows[arm.name]
            if arm.dataset == dataset and not row.failed
        }
        if found:
            parts.append(f"{title}:\n\n{augment_classifier.report(found)}")
    return "\n\n".join(parts)


def _shares(figures):
    return {name: value if name == "copies" else value / 100 for name, value in figures.items()}


if __name__ == "__main__":
    runs.command(runs.Table("augment", ARMS, play, FIGURES, finish=finish, page=page.NETWORKS))
