"""Models of every kind that is exported, small, and what a served one answers."""

import functools
import subprocess
import sys

import keras
import numpy as np
import tensorflow as tf

import keras_gan
from tests.integration import small
from tests.integration.seeding import seeded

SHAPE = (8, 8, 1)


@functools.cache
def batch_norm():
    """Return a trained model of images with BatchNorm in both networks, and dropout."""
    seeded(3)
    generator, discriminator = keras_gan.networks.dcgan(SHAPE, latent_dim=5, width=4, dropout=0.2)
    return trained(keras_gan.GAN(generator, discriminator, seed=0))


@functools.cache
def averaged():
    """Return a trained model with an average far from its generator."""
    return trained(small.gan(norm=True, dropout=0.2), ema=0.9)


@functools.cache
def labelled():
    """Return a trained model of images and three labels."""
    seeded(4)
    networks = keras_gan.networks.dcgan(SHAPE, latent_dim=5, width=4, num_classes=3)
    return trained(keras_gan.GAN(*networks, seed=0), labels=small.labels(16))


@functools.cache
def spectral():
    """Return a trained model whose layers are all spectrally normalized."""
    seeded(5)
    norm = keras_gan.layers.SpectralNormalization
    z, x = keras.Input((3,)), keras.Input((2,))
    generator = keras.Model(z, norm(keras.layers.Dense(2))(norm(keras.layers.Dense(4))(z)))
    discriminator = keras.Model(x, norm(keras.layers.Dense(1))(x))
    return trained(keras_gan.GAN(generator, discriminator, seed=0))


@functools.cache
def from_source():
    """Return a trained model from images to images, without latents."""
    seeded(6)
    source, judged = keras.Input(SHAPE), [keras.Input(SHAPE), keras.Input(SHAPE)]
    drawn = keras.layers.Conv2D(1, 3, padding="same", activation="tanh")(source)
    both = keras.layers.Concatenate()(judged)
    networks = (
        keras.Model(source, drawn),
        keras.Model(judged, keras.layers.Conv2D(1, 3)(both)),
    )
    return trained(keras_gan.GAN(*networks, latents=None, seed=0), labels=pictures(16))


@functools.cache
def mixed():
    """Return a trained model that computes in bfloat16."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return batch_norm()
    finally:
        keras.config.set_dtype_policy(before)


def pictures(n):
    """Return n images in [-1, 1]."""
    return np.random.default_rng(n).uniform(-1, 1, (n, *SHAPE)).astype("float32")


def trained(model, labels=None, **options):
    """Return a model after two steps, by which its moving statistics differ from their start."""
    # Eagerly: two steps take less than to trace one.
    model.compile(**small.adams(0.05), run_eagerly=True, **options)
    samples = model.generator.output_shape[1:]
    data = pictures(16) if len(samples) == 3 else small.points(16)
    model.fit(data, labels, batch_size=8, verbose=0)
    return model


KINDS = {
    "batch norm": batch_norm,
    "average": averaged,
    "labels": labelled,
    "spectral norm": spectral,
    "source image": from_source,
    "mixed precision": mixed,
}

LOADER = """
import sys
sys.modules["keras_gan"] = None
sys.modules["keras"] = None
import numpy as np, tensorflow as tf

def given(array, wanted):
    value = tf.constant(array)
    if value.dtype == tf.float32 and wanted.dtype in (tf.uint8, tf.string):
        value = tf.cast(tf.round((value + 1) * 127.5), tf.uint8)
        if wanted.dtype == tf.string:
            value = tf.map_fn(tf.io.encode_png, value, fn_output_signature=tf.string)
    return value

for path in sys.argv[1:]:
    inputs = dict(np.load(path + ".npz"))
    results = {}
    for name, signature in tf.saved_model.load(path).signatures.items():
        wanted = signature.structured_input_signature[1]
        outputs = signature(**{key: given(inputs[key], spec) for key, spec in wanted.items()})
        for key, tensor in outputs.items():
            array = tensor.numpy()
            # Strings as fixed-size bytes: no object arrays, which are pickled.
            results[name + " " + key] = array.astype(bytes) if array.dtype == object else array
    np.savez(path + ".out.npz", **results)
"""


def inputs_of(model, rows=4):
    """Return inputs by name, enough for every signature."""
    inputs = {
        "seed": np.arange(5, 5 + rows, dtype="int64"),
        "truncation": np.full(rows, np.inf, "float32"),
        "seed_a": np.arange(rows, dtype="int64"),
        "seed_b": np.arange(1, 1 + rows, dtype="int64"),
        "position": np.linspace(0, 1, rows, dtype="float32"),
    }
    if model.latents is not None:
        inputs["latents"] = model.latents.sample(tf.constant(inputs["seed"])).numpy()
    if model.conditional:
        inputs["condition"] = pictures(rows) if model.latents is None else small.labels(rows)
    return inputs


def served(exports):
    """Return what every signature gives in a process that knows neither keras_gan nor Keras.

    Args:
        exports: pairs of a version's path and inputs by name.

    Returns:
        For each, a dict of arrays by "signature output".
    """
    for path, inputs in exports:
        np.savez(f"{path}.npz", **inputs)
    command = [sys.executable, "-c", LOADER, *(path for path, _ in exports)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return [dict(np.load(f"{path}.out.npz")) for path, _ in exports]
