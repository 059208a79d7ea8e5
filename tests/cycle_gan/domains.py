"""Small CycleGANs of two domains of one shape."""

import keras
import numpy as np
from integration.seeding import seeded
from keras import layers

import keras_gan

SHAPE = (6, 6, 1)


def images(n=4, seed=0, shape=SHAPE):
    """Return n images, in [-1, 1]."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (n, *shape)).astype(keras.config.floatx())


def translation(width=3, shape=SHAPE, activation="tanh", name="translation"):
    """Return a network from images to images."""
    stack = [
        keras.Input(shape),
        layers.Conv2D(width, 3, padding="same", activation="tanh"),
        layers.Conv2D(shape[-1], 3, padding="same", activation=activation),
    ]
    return keras.Sequential(stack, name=name)


def critic(shape=SHAPE, name="critic"):
    """Return a network from images to a patch map of logits."""
    stack = [keras.Input(shape), layers.Conv2D(3, 3, 2, activation="tanh"), layers.Conv2D(1, 2)]
    return keras.Sequential(stack, name=name)


@keras.saving.register_keras_serializable("test")
class Counted(keras.layers.Layer):
    """What it is given, counted."""

    calls = 0

    def call(self, x):
        self.calls += 1
        return x


def networks(seed=1):
    """Return four networks."""
    seeded(seed)
    return translation(), translation(), critic(), critic()


def cycle_gan(seed=1, **options):
    """Return a CycleGAN, not compiled."""
    return keras_gan.CycleGAN(*networks(seed), seed=seed, **options)
