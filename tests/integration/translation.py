"""Two domains of different sizes and channels, and the networks that translate between them."""

import keras
import numpy as np

import keras_gan

from .seeding import seeded

SHAPES = {"a": (32, 32, 1), "b": (16, 16, 3)}


def domains(n=12, m=8, seed=0):
    """Return n images of domain a and m of domain b, float32 in [-1, 1]."""
    rng = np.random.default_rng(seed)
    counts = {"a": n, "b": m}
    return {
        part: rng.uniform(-1, 1, (counts[part], *shape)).astype("float32")
        for part, shape in SHAPES.items()
    }


def one_way(source, target, name):
    """Return a generator from images of one domain to images of the other."""
    x = inputs = keras.Input(SHAPES[source])
    if source == "a":
        x = keras.layers.Conv2D(4, 4, 2, "same", activation="relu")(x)
    else:
        x = keras.layers.Conv2DTranspose(4, 4, 2, "same", activation="relu")(x)
    x = keras.layers.Conv2D(SHAPES[target][2], 3, 1, "same", activation="tanh")(x)
    return keras.Model(inputs, x, name=name)


def critic(part):
    """Return a discriminator of one domain: a patch map of logits."""
    x = inputs = keras.Input(SHAPES[part])
    x = keras.layers.LeakyReLU(0.2)(keras.layers.Conv2D(4, 4, 2, "same")(x))
    return keras.Model(inputs, keras.layers.Conv2D(1, 4, 1, "same")(x), name=f"critic_{part}")


def networks():
    """Return the four networks of a CycleGAN."""
    return one_way("a", "b", "to_b"), one_way("b", "a", "to_a"), critic("a"), critic("b")


def model(seed=5, **options):
    """Return a compiled CycleGAN."""
    seeded(seed)
    gan = keras_gan.CycleGAN(*networks(), seed=seed)
    gan.compile(**options)
    return gan


def dataset(batch_size=4, **sizes):
    """Return batches of both domains, without pairs."""
    return keras_gan.datasets.unpaired(**domains(**sizes), batch_size=batch_size, seed=1)
