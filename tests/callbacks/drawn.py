"""What SampleGrid sees of a GAN and of `fit`, without either."""

import os
import types

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from keras_gan.data.adapting import Adapter
from keras_gan.data.condition import Condition


def condition_of(conditional, num_classes):
    """Return the condition of networks that say nothing of it."""
    silent = types.SimpleNamespace(generator_condition=None, discriminator_condition=None)
    return Condition(silent, True, conditional, num_classes=num_classes)


class FakeGAN:
    """What SampleGrid sees of a GAN: samples that say which seed, label and epoch made them."""

    distribute_strategy = tf.distribute.get_strategy()
    value_range = (-1.0, 1.0)

    def __init__(self, shape=(4, 4, 1), conditional=False, num_classes=None):
        self.shape = shape
        self.condition = condition_of(conditional, num_classes)
        self.conditional = conditional
        self.discriminator = keras.Sequential()
        self.epoch = 0
        self.calls = []

    @property
    def adapter(self):
        silent = types.SimpleNamespace(samples=None)
        return Adapter(silent, self.condition, self.value_range)

    def generate(self, n, seed=None, condition=None):
        self.calls.append((n, seed, condition))
        values = np.linspace(-1.0, 1.0, 256)[(np.arange(n) + seed + 10 * self.epoch) % 256]
        return np.ones((n, *self.shape), np.float32) * values.reshape(-1, *[1] * len(self.shape))

    def discriminate(self, x):
        self.calls.append(x)
        return tf.constant(x * 2.0)


def train(grid, model, epochs, initial_epoch=0):
    """Drive the callback as `fit` does, and return the model."""
    grid.set_model(model)
    grid.set_params({"epochs": epochs})
    grid.on_train_begin()
    for epoch in range(initial_epoch, epochs):
        model.epoch = epoch
        grid.on_epoch_end(epoch)
    grid.on_train_end()
    return model


def names(directory):
    """Return what is in a directory."""
    return sorted(os.listdir(directory))


def read(path):
    """Return the pixels of a picture."""
    with Image.open(path) as image:
        return np.asarray(image)


def begin(grid, model):
    """Begin a training that the callback may refuse."""
    grid.set_model(model)
    grid.on_train_begin()
