"""Training of the classifier that metrics judge samples by."""

import json

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from keras_gan.data import elements
from keras_gan.metrics.features import caching
from keras_gan.metrics.features.classifier import (
    Classifier,
    ClassifierTrunk,
    build_network,
    standardized,
)
from keras_gan.metrics.features.extractor import Trunk
from keras_gan.metrics.undisturbed import outside_strategies, undisturbed
from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown

_VERSION = 1  # Of network and training: classifiers of another one are trained anew.
_BATCH_SIZE = 64
_LEARNING_RATE = 1e-3


def train_classifier(
    dataset, epochs="auto", value_range=(-1, 1), cache_dir=None, seed=0, verbose=1
):
    """Train a small classifier on labelled data, or load the one trained before.

    Convolutional for images, dense for all else. A tenth of each class is held out, to know its
    accuracy; the rest is trained on. The caller's random state is left as it was. The file it is
    cached in is named after the data, in any order, and the settings.

    Args:
        dataset: `(x, labels)` arrays, or what yields such batches: a `tf.data.Dataset`, a list.
            All of it is read into memory. `keras_gan.datasets.load(..., shuffle=False)` drops
            no sample.
        epochs: passes over the data; `"auto"` trains on about 60,000 samples, in 2 to 40 passes.
        value_range: `(lowest, highest)` value of images, or `None` to take any.
        cache_dir: directory of the file; by default `$KERAS_GAN_CACHE`, or else
            `~/.cache/keras_gan`.
        seed: integer from which the weights and the order of batches follow.
        verbose: 0 for silence, 1 for a progress bar and a line.

    Returns:
        `Classifier` with `.features` (128 of them, before the last layer), `.probabilities` and
        `.accuracy` on the held-out samples.

    Raises:
        ValueError: when labels are not integers from 0 with at least two classes, samples are not
            finite floating-point numbers in the value range, or the cache can't be written.

    Example:

    ```python
    digits = keras_gan.datasets.load("digits", shuffle=False)
    classifier = keras_gan.metrics.features.train_classifier(digits)
    score = keras_gan.metrics.InceptionScore(classifier)
    ```
    """
    x, labels = _gathered(dataset)
    x = Trunk(value_range).checked(x)
    classes = _count_classes(labels)
    settings = {
        "shape": list(x.shape[1:]),
        "classes": classes,
        "epochs": _epochs(epochs, len(x)),
        "value_range": value_range and [float(value) for value in value_range],
    }
    fingerprint = caching.fingerprint(
        _VERSION, caching.fingerprint_of((x, labels)), json.dumps(settings), seed
    )
    path = caching.path_of("classifier", fingerprint, cache_dir)

    def compute():
        if verbose:
            print(f"Training a classifier on {len(x):,} samples, to be cached in {path}")
        return outside_strategies(_train, x, labels, settings, seed, verbose)

    arrays = caching.cached("classifier", fingerprint, compute, cache_dir)
    trunk = ClassifierTrunk(path, arrays=arrays)
    accuracy = trunk.settings["accuracy"]
    if verbose:
        held_out = trunk.settings["held_out"]
        print(f"Classifier {path}: accuracy {accuracy:.4f} on {held_out} held-out samples")
    return Classifier(trunk, accuracy)


def _gathered(dataset):
    parts = list(elements.batches(dataset))
    if any(condition is None or not isinstance(condition, np.ndarray) for _, condition in parts):
        raise ValueError(
            "Expected labelled data: `(x, labels)` arrays, or batches of them. "
            f"Received: dataset={shown(dataset)}, without labels"
        )
    x = np.concatenate([x for x, _ in parts])
    labels = np.concatenate([labels for _, labels in parts])
    if labels.shape != x.shape[:1]:
        raise ValueError(
            "Expected one integer label for each sample; one-hot labels become such by "
            "`labels.argmax(-1)`, those of shape (n, 1) by `labels[:, 0]`. "
            f"Received: labels of shape {labels.shape} for samples of shape {x.shape}"
        )
    return x, labels


def _count_classes(labels):
    if labels.dtype.kind not in "iu":
        raise ValueError(f"Expected integer labels. Received: labels of dtype {labels.dtype}")
    found = np.unique(labels)
    if len(found) < 2 or not np.array_equal(found, np.arange(len(found))):
        raise ValueError(
            "Expected labels of at least two classes, counted from 0 without a gap: "
            "`np.unique(labels, return_inverse=True)[1]` counts them so. "
            f"Received: labels {found.tolist() if len(found) < 20 else f'{found[:20]} ...'}"
        )
    return len(found)


def _epochs(epochs, samples):
    if epochs == "auto":
        return int(np.clip(round(60_000 / samples), 2, 40))
    return arguments.whole("epochs", epochs)


def _train(x, labels, settings, seed, verbose):
    """Return the arrays of a trained classifier: its weights, and what it was trained on."""
    training, held_out = _split(x, labels)
    arrays = _scale(x[training])
    with undisturbed():
        network = build_network(settings["shape"], settings["classes"], seed)
        rows = standardized(x[training], arrays)
        _fit(network, rows, labels[training], settings["epochs"], seed, verbose)
    settings = {**settings, "training": len(training), "held_out": len(held_out), "accuracy": 0.0}
    for i, weight in enumerate(network.get_weights()):
        arrays[f"weight_{i:03d}"] = weight
    arrays["settings"] = np.asarray(json.dumps(settings))
    outputs = ClassifierTrunk("", arrays=arrays)(x[held_out])
    right = outputs["probabilities"].argmax(axis=1) == labels[held_out]
    settings["accuracy"] = float(right.mean())
    return {**arrays, "settings": np.asarray(json.dumps(settings))}


def _split(x, labels):
    """Return the indices to train on and to hold out, a tenth of each class.

    By the order of the samples' digests, so that it depends on the data, not on their order.
    """
    order = np.argsort(np.array(caching.sample_digests(x, labels), "S32"), kind="stable")
    held_out = [order[labels[order] == label][5::10] for label in range(labels.max() + 1)]
    held_out = np.concatenate(held_out)
    if not len(held_out):
        raise ValueError(
            "Expected at least 6 samples of some class, to hold one out. "
            f"Received: {len(x)} samples of {labels.max() + 1} classes"
        )
    return order[~np.isin(order, held_out)], held_out


def _scale(x):
    """Return what standardizes samples: of each component of vectors, else over all values."""
    axis = 0 if x.ndim == 2 else None
    mean, deviation = x.mean(axis, dtype="float64"), x.std(axis, dtype="float64")
    return {
        "mean": np.asarray(mean, "float32"),
        "deviation": np.asarray(np.where(deviation > 0, deviation, 1), "float32"),
    }


def _fit(network, x, labels, epochs, seed, verbose):
    size = min(_BATCH_SIZE, len(x))
    steps = len(x) // size
    schedule = keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, epochs * steps)
    step = _step(network, keras.optimizers.Adam(schedule, name="adam"))
    generator = np.random.default_rng(seed)
    with tqdm(total=epochs * steps, desc="Classifier", disable=not verbose) as bar:
        for epoch in range(epochs):
            order = generator.permutation(len(x))
            for i in range(steps):
                rows = order[i * size : (i + 1) * size]
                loss = step(tf.constant(x[rows]), tf.constant(labels[rows], "int32"))
                bar.update()
            bar.set_postfix_str(f"epoch {epoch + 1}/{epochs}, loss {float(loss):.3f}")


def _step(network, optimizer):
    optimizer.build(network.trainable_variables)

    @tf.function(autograph=False)
    def step(x, labels):
        with tf.GradientTape() as tape:
            _, logits = network(x, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        optimizer.apply(tape.gradient(loss, network.trainable_variables))
        return loss

    return step
