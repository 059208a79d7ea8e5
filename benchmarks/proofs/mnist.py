"""MNIST as the proofs use it: training data, judges and the floor."""

import functools

import numpy as np
import runs

import keras_gan
from keras_gan import metrics

# The classifier and the generators see the first; the last are real images that neither has seen.
LEARNED, FLOOR, JUDGED = "train[:50000]", "train[50000:]", "test"


@functools.cache
def load(split):
    """Return a split's images in [-1, 1] and labels, in a fixed order; of a trial the first."""
    data = keras_gan.datasets.load("mnist", split, batch_size=1000, shuffle=False)
    parts = (np.concatenate(part) for part in zip(*data.as_numpy_iterator(), strict=True))
    return tuple(part[: runs.SAMPLES.value] for part in parts)


@functools.cache
def classifier():
    """Return the classifier, trained once and read from disk from then on; in a trial briefly."""
    epochs = 1 if runs.SAMPLES.value else "auto"
    return metrics.features.train_classifier(load(LEARNED), epochs=epochs, verbose=0)


def classifier_figures():
    """Return how often the classifier is right on the test images, in percent."""
    images, labels = load(JUDGED)
    right = classifier().probabilities(images).argmax(axis=1) == labels
    return 100 * float(right.mean())
