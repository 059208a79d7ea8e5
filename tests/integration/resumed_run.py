"""Train GANs from one epoch to another: `resumed_run.py start stop load directory kind...`.

Of each kind of data one GAN, in a directory of its own; `load` is such a directory, or `-`.
"""

import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf

import keras_gan

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from integration import small


class Order(keras.layers.Layer):
    """Pass samples on, and keep a digest of the order in which they came."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.digest = self.add_weight(
            shape=(), initializer="zeros", trainable=False, dtype="float64", name="digest"
        )

    def call(self, x):
        rows = tf.cast(tf.reduce_sum(x, axis=list(range(1, len(x.shape)))), tf.float64)
        places = tf.range(tf.shape(rows)[0], dtype=tf.int32)
        self.digest.assign(0.999 * self.digest + tf.reduce_sum(rows * tf.cast(places, tf.float64)))
        return x


keras.saving.register_keras_serializable("tests")(Order)


def networks(classes=None):
    """Return networks with whatever holds state: Dropout, noise, BatchNorm, the order."""
    generator, critic = small.networks(classes=classes, norm=True, dropout=0.4)
    x = keras.Input((2,), name="samples")
    rest = [keras.Input((), dtype="int32", name="labels")] if classes else []
    seen = keras.layers.GaussianNoise(0.1)(Order(dtype="float32")(x))
    logits = critic([seen, *rest] if rest else seen)
    return generator, keras.Model([x, *rest] if rest else x, logits)


def new_model(kind):
    """Return a compiled model, the same in every process."""
    keras.utils.set_random_seed(11)
    classes = 3 if kind == "labelled" else None
    model = keras_gan.GAN(*networks(classes), seed=5)
    decay = keras.optimizers.schedules.ExponentialDecay(0.02, 5, 0.9)
    model.compile(
        loss=0.5 * keras_gan.losses.NonSaturating() + 0.5 * keras_gan.losses.LeastSquares(),
        generator_optimizer=keras.optimizers.Adam(decay),
        discriminator_optimizer=keras.optimizers.RMSprop(0.01),
        terms=[keras_gan.terms.R1(0.1, interval=3)],
        discriminator_steps=2 if kind == "labelled" else 1,
        ema=keras_gan.GeneratorAverage(half_life=100, ramp_up=0.5),
    )
    return model


def data(kind):
    """Return `fit`'s data."""
    x, y = small.points(40), small.labels(40)
    if kind == "arrays":
        return {"x": x, "batch_size": 8}
    return {"x": keras_gan.datasets.from_arrays(x, y, batch_size=8, seed=4)}


def keep(model, directory, epoch):
    """Write a checkpoint and the state that it is to hold."""
    model.save(f"{directory}/{epoch}.keras")
    [digest] = [w for w in model.discriminator.weights if w.name == "digest"]
    np.savez(f"{directory}/{epoch}.npz", order=digest, **small.state(model))


def train(kind, start, stop, load, directory):
    """Train, and keep `2.keras` and `2.npz` after two epochs, and so on."""
    file = f"{load}/{kind}/{start}.keras"
    model = new_model(kind) if load == "-" else keras.saving.load_model(file)
    # What ran before in a process must not matter.
    model.generate(3, seed=1, condition=np.zeros(3, "int32") if model.conditional else None)
    kept = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: keep(model, f"{directory}/{kind}", epoch + 1)
    )
    epochs = {"initial_epoch": int(start), "epochs": int(stop)}
    model.fit(**data(kind), **epochs, callbacks=[kept], verbose=0)


def main(start, stop, load, directory, *kinds):
    """Train one GAN after the other."""
    tf.config.experimental.enable_op_determinism()
    for kind in kinds:
        pathlib.Path(directory, kind).mkdir()
        train(kind, start, stop, load, directory)


if __name__ == "__main__":
    main(*sys.argv[1:])
