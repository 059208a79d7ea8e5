"""Small classifiers of images: judges of samples, and what is learned from samples alone."""

import functools
import os
import pathlib

import keras
import numpy as np
import tensorflow as tf

from keras_gan import datasets

# Steps of the judges and of all that are compared with them: equal networks, equal training.
STEPS, BATCH = 4_000, 64
# Weights of judges whose features a table's distances are measured in.
PUBLISHED = pathlib.Path(__file__).parent / "judges"
# Filters and strides, of images of one channel and of three.
GREY = (32, 2), (64, 1), (64, 2), (128, 2)
COLOR = (32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (256, 2)


@functools.cache
def load(name, split):
    """Return a split's images in [-1, 1] and labels, in a fixed order."""
    data = datasets.load(name, split, batch_size=1000, shuffle=False)
    return tuple(np.concatenate(part) for part in zip(*data.as_numpy_iterator(), strict=True))


def build(shape, classes, seed):
    """Return a convolutional classifier: `images in [-1, 1] -> (features, logits)`.

    Args:
        shape: `(height, width, channels)`.
        classes: their number.
        seed: of the weights.
    """
    keras.utils.set_random_seed(seed)
    x = images = keras.Input(shape)
    color = shape[-1] > 1
    for filters, strides in COLOR if color else GREY:
        x = keras.layers.Conv2D(filters, 3, strides, "same", use_bias=False)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(x))
    if color:
        x = keras.layers.GlobalAveragePooling2D()(x)
    else:
        x = keras.layers.Dense(128, activation="relu")(keras.layers.Flatten()(x))
    logits = keras.layers.Dense(classes)(keras.layers.Dropout(0.2 if color else 0.5)(x))
    return keras.Model(images, [x, logits])


def kept(name, images, labels, classes, **options):
    """Return the classifier of seed 0: that of the published table, or one trained here once.

    Distances are of its features: whoever has other weights has other distances. Where no weights
    lie beside this program they are trained, and kept in `~/.cache/keras_gan`.

    Args:
        name: of the dataset.
        images: as of `train`.
        labels: as of `train`.
        classes: as of `train`.
        options: of `train`.
    """
    file = f"{name}-{options.get('steps', STEPS)}.weights.h5"
    directory = pathlib.Path("~/.cache/keras_gan").expanduser()
    path = directory / f"judge-{file}"
    for weights in (PUBLISHED / file, path):
        if weights.exists():
            network = build(images.shape[1:], classes, seed=0)
            network.load_weights(weights)
            return network
    network = train(images, labels, classes, seed=0, **options)
    directory.mkdir(parents=True, exist_ok=True)
    # Beside its place and renamed: another process may look for it.
    partial = path.with_name(f"partial-{os.getpid()}.weights.h5")
    network.save_weights(partial)
    os.replace(partial, path)
    return network


def train(images, labels, classes, seed, steps=STEPS, shift=2, flip=False):
    """Return a trained classifier.

    Adam at 1e-3, which falls along a cosine; each batch is moved by up to `shift` pixels.

    Args:
        images: float32 array in [-1, 1].
        labels: integer array.
        classes: their number.
        seed: of weights, order and shifts.
        steps: of 64 images.
        shift: in pixels.
        flip: whether images are mirrored at random.
    """
    network = build(images.shape[1:], classes, seed)
    rate = keras.optimizers.schedules.CosineDecay(1e-3, steps)
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(network.trainable_variables)

    @tf.function(autograph=False)
    def step(x, y):
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, network(x, training=True)[1])
            loss = tf.reduce_mean(losses)
        optimizer.apply(tape.gradient(loss, network.trainable_variables))

    for x, y in _batches(images, labels, seed, steps, shift, flip):
        step(tf.constant(x), tf.constant(y, tf.int32))
    return network


def _batches(images, labels, seed, steps, shift, flip):
    rng = np.random.default_rng(seed)
    order = np.concatenate(
        [rng.permutation(len(images)) for _ in range(-(-steps * BATCH // len(images)))]
    )
    for step in range(steps):
        rows = order[step * BATCH : (step + 1) * BATCH]
        x = images[rows]
        x = np.where(rng.random((len(x), 1, 1, 1)) < 0.5, x[:, :, ::-1], x) if flip else x
        rows_down, columns = rng.integers(-shift, shift + 1, 2) if shift else (0, 0)
        yield _moved(x, rows_down, columns), labels[rows]


def _moved(images, down, right):
    """Return images moved by some pixels, their border repeated."""
    most = max(abs(down), abs(right))
    padded = np.pad(images, [(0, 0), (most, most), (most, most), (0, 0)], mode="edge")
    height, width = images.shape[1:3]
    return padded[:, most - down : most - down + height, most - right : most - right + width]


def outputs(network, images, batch=500):
    """Return the features and the predicted classes of images, as arrays."""
    call = tf.function(lambda x: network(x, training=False), reduce_retracing=True)
    parts = [call(tf.constant(images[i : i + batch])) for i in range(0, len(images), batch)]
    features, logits = (np.concatenate(part) for part in zip(*parts, strict=True))
    return features, logits.argmax(axis=1)


def accuracy(network, images, labels):
    """Return the share of images whose class is predicted."""
    return float((outputs(network, images)[1] == labels).mean())
