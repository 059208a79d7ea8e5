"""Train small games on replicas or workers and keep what came of it, for tests to compare.

    replicated.py DIRECTORY REPLICAS SCENARIO...

A scenario is `draws`, `equal GAME`, `single GAME` or `losses`.

With a TF_CONFIG it is one of several workers, of one replica each; else it has that many logical
CPUs to itself. `single` plays on one device, whatever the replicas.
"""

import os
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

import keras_gan
from tests.integration import small
from tests.integration.game_pieces import LOSS_GROUPS, summed


def strategy_of(replicas):
    """Return the strategy, before anything else touches a device."""
    tf.config.experimental.enable_op_determinism()
    if "TF_CONFIG" in os.environ:
        return tf.distribute.MultiWorkerMirroredStrategy()
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * replicas
    )
    if replicas == 1:
        return tf.distribute.get_strategy()
    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(replicas)])


def local(variable):
    """Return a variable's value on each replica of this process."""
    value = getattr(variable, "value", variable)
    return [part.numpy() for part in getattr(value, "values", [value])]


def trained(model):
    """Return the variables that training is to keep equal on all replicas."""
    optimizers = [getattr(model, f"{player}_optimizer").variables for player in small.PLAYERS]
    parts = [model.generator.weights, model.discriminator.weights, *optimizers]
    parts += [model.random_state.variables, model.average.network.weights if model.average else []]
    parts += [term.variables for term in model.terms]
    return [variable for part in parts for variable in part]


def state(model):
    """Return what `trained` holds by number, having made sure that local replicas agree."""
    arrays = {}
    for number, variable in enumerate(trained(model)):
        first, *others = local(variable)
        for other in others:
            assert first.tobytes() == other.tobytes(), variable.path
        arrays[f"{number} {variable.name if variable.name in small.NAMED else ''}"] = first
    return arrays


def judge_of_latents(strategy, norm=False, latents=3):
    """Return an uncompiled GAN whose latents come with the data, and weights from formulas."""
    with strategy.scope():
        generator, _ = small.networks(latent_dim=latents)
        if norm:
            normalized = keras.layers.BatchNormalization(synchronized=True)
            layers = [keras.layers.Dense(4, use_bias=False), normalized]
            generator = keras.Sequential([keras.Input((latents,)), *layers, keras.layers.Dense(2)])
        samples, z = keras.Input((2,)), keras.Input((latents,))
        hidden = keras.layers.Dense(4, activation="tanh")(keras.layers.Concatenate()([samples, z]))
        critic = keras.Model([samples, z], keras.layers.Dense(1)(hidden))
        for i, weight in enumerate([*generator.trainable_weights, *critic.trainable_weights]):
            weight.assign(np.random.default_rng(i).normal(size=weight.shape))
        return keras_gan.GAN(generator, critic, latents=None, seed=0)


GAMES = {
    "alternating": {"terms": ["r1"], "ema": 0.5, "metrics": ["sliced_wasserstein"]},
    "simultaneous": {"terms": ["r1", "r2"], "update": "simultaneous"},
    "several steps": {"discriminator_steps": 2},
    # What takes means over the whole batch, on whichever replica its parts are.
    "batch statistics": {"loss": "relativistic_average", "terms": ["lecam"]},
    "synchronized": {"norm": True},
}


def equal(strategy, keep, name):
    """Five steps of a game by SGD on the same batches and latents."""
    options = dict(GAMES[name])
    samples = 40 * options.get("discriminator_steps", 1)
    z = np.random.default_rng(1).normal(size=(samples, 3)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((small.points(samples), z))
    model = judge_of_latents(strategy, options.pop("norm", False))
    with strategy.scope():
        model.compile(**{**small.sgds(), "metric_samples": 40, **options})
    data = data.batch(8, drop_remainder=True)
    weights = model.generator.trainable_weights + model.discriminator.trainable_weights
    begin = [weight.numpy() for weight in weights]
    history = model.fit(data, epochs=1, validation_data=data, verbose=0).history
    assert model.steps == 5
    moved = [np.abs(w.numpy() - before).max() for w, before in zip(weights, begin, strict=True)]
    assert min(moved) > 1e-4, moved
    logs = {f"log {key}": np.array(values) for key, values in history.items()}
    keep(f"equal {name}", {**state(model), **logs})


def single(strategy, keep, name):
    """What `equal` plays, on one device of a process that has replicas too."""
    equal(tf.distribute.get_strategy(), lambda _, arrays: keep(f"single {name}", arrays), name)


def losses(strategy, keep):
    """Five steps by Adam of the sum of all losses, with R1."""
    with strategy.scope():
        model = small.gan(dropout=0.3, norm=True)
        first, *others = map(summed, LOSS_GROUPS)
        model.compile(sum(others, first), terms=[keras_gan.terms.R1(1.0)], **small.adams())
    data = keras_gan.datasets.from_arrays(small.points(40), batch_size=8, seed=1)
    history = model.fit(data, verbose=0).history
    logs = {f"log {key}": np.array(values) for key, values in history.items()}
    keep("losses", {**state(model), **logs})


class Draws(keras_gan.terms.Term):
    """Keep the bits of what each replica draws: latents, a dropout mask, an augmentation."""

    def __init__(self, rows, augment, weight=0.0, name="draws", **kwargs):
        super().__init__(weight=weight, name=name, **kwargs)
        self.augment = augment
        # As integers: what is float in a term is averaged over the replicas.
        bits = {"initializer": "zeros", "dtype": "int32", "trainable": False}
        self.seen = {
            "latents": self.add_weight(shape=(rows, 3), name="latents", **bits),
            "mask": self.add_weight(shape=(rows, 4), name="mask", **bits),
            "noise": self.add_weight(shape=(rows, 2), name="noise", **bits),
        }

    def discriminator_term(self, step):
        """Note what the step has drawn, and draw once more from its layers."""
        rows = tf.shape(step.latents)[0]
        layers = step.discriminator.layers
        dropout = next(layer for layer in layers if isinstance(layer, keras.layers.Dropout))
        drawn = {
            "latents": step.latents,
            "mask": dropout(tf.ones((rows, 4)), training=True),
            "noise": self.augment(tf.zeros((rows, 2))),
        }
        for name, value in drawn.items():
            self.seen[name].assign(tf.bitcast(value, tf.int32))
        return step.real_logits


def drawing(strategy):
    """Return a model that keeps its draws, and them."""
    replicas = strategy.num_replicas_in_sync
    with strategy.scope():
        noise = keras_gan.augmentation.InstanceNoise(0.1)
        draws = Draws(8 // replicas, lambda samples: noise(samples, training=True))
        model = small.gan(dropout=0.5)
        model.compile(terms=[draws], augmentation=noise, ema=0.9, **small.adams())
    return model, draws


def draws(strategy, keep):
    """What replicas draw, in two runs of one seed and in one that goes on from a backup."""
    data = keras_gan.datasets.from_arrays(small.points(40), batch_size=8, seed=1)
    directory = pathlib.Path(sys.argv[1]) / f"backup {strategy.num_replicas_in_sync}"
    directory = directory / type(strategy).__name__
    kept = keras_gan.callbacks.Backup(directory, every_steps=1, keep=9)
    for run in ("first", "second", "restored"):
        if run != "restored":
            model, seen = drawing(strategy)
            model.fit(data, verbose=0, callbacks=[kept] if run == "first" else [])
        else:  # Into the second run's model: all that it drew is to be undone.
            with strategy.scope():
                model.load_weights(weights_after(directory, 3))
            assert model.steps == 3
            model.fit(data.skip(3), verbose=0)
        rows = {
            f"{name} {i}": value
            for name, variable in seen.seen.items()
            for i, value in enumerate(local(variable))
        }
        keep(f"draws {run}", {**rows, "step": np.array(model.steps)})


def weights_after(directory, step):
    """Return the path of the weights in the backup of a step of the first epoch."""
    return directory / f"epoch-000000-step-{step:06d}" / "model.weights.h5"


def main():
    directory, replicas, *scenarios = sys.argv[1:]
    strategy = strategy_of(int(replicas))
    resolver = getattr(strategy, "cluster_resolver", None)
    worker = resolver.task_id if "TF_CONFIG" in os.environ else 0
    for scenario in scenarios:

        def keep(name, arrays):
            np.savez(os.path.join(directory, f"{name} {worker}.npz"), **arrays)

        kind, _, name = scenario.partition(" ")
        globals()[kind](strategy, keep, *([name] if name else []))


if __name__ == "__main__":
    main()
