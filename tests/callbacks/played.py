"""A training that is written down: losses, and files that say which state they hold."""

import os
import pathlib

import keras
import tensorflow as tf


class FakeGAN:
    """What the guard sees of a GAN whose losses are given."""

    average = None
    stop_training = False
    distribute_strategy = tf.distribute.get_strategy()

    def __init__(self, rate=0.1):
        self.generator = self.discriminator = keras.Sequential()
        self.generator_optimizer = keras.optimizers.SGD(rate)
        self.discriminator_optimizer = keras.optimizers.SGD(rate)
        self.files = []
        self.state = "0"

    def save_weights(self, path, every_worker=False):
        pathlib.Path(path).write_text(self.state)
        self.files.append(os.path.dirname(path))

    def load_weights(self, path):
        self.state = pathlib.Path(path).read_text()

    def reset_metrics(self):
        pass


def play(guard, *epochs, model=None):
    """Show a guard the losses of epochs, each a list of steps, and return its divergences."""
    model = model or FakeGAN()
    guard.set_model(model)
    guard.on_train_begin()
    for epoch, losses in enumerate(epochs):
        guard.on_epoch_begin(epoch)
        for step, loss in enumerate(losses):
            guard.on_train_batch_end(step, {"d_loss": loss, "g_loss": -loss / 2})
        if not model.stop_training:
            model.state = str(epoch + 1)
        guard.on_epoch_end(epoch, {})
    guard.on_train_end()
    return guard.divergences
