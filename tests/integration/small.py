"""Networks and data small enough that tracing is all they cost."""

import keras
import numpy as np
from keras.ops import convert_to_numpy as to_numpy

import keras_gan

from .seeding import seeded

PLAYERS = ("generator", "discriminator")
NAMED = ("iteration", "seed", "step", "seed_generator_state")


def points(n=32, seed=0):
    """Return n samples of 2-D data, float32."""
    return np.random.default_rng(seed).normal(size=(n, 2)).astype("float32")


def labels(n=32, classes=3):
    """Return n labels, int32, all classes in turn."""
    return (np.arange(n) % classes).astype("int32")


def networks(
    shape=(2,), latent_dim=3, classes=None, dropout=0.0, norm=False, last="linear", l2=None, wide=4
):
    """Return a generator and a discriminator of one hidden layer each."""
    size = int(np.prod(shape))
    z, x = keras.Input((latent_dim,), name="latents"), keras.Input(shape, name="samples")
    g, d, g_inputs, d_inputs = z, x, z, x
    if len(shape) > 1:
        d = keras.layers.Flatten()(d)
    if classes:
        y = [keras.Input((), dtype="int32", name="labels") for _ in range(2)]
        g = keras.layers.Concatenate()([g, keras.layers.Embedding(classes, 2)(y[0])])
        d = keras.layers.Concatenate()([d, keras.layers.Embedding(classes, 2)(y[1])])
        g_inputs, d_inputs = [z, y[0]], [x, y[1]]
    penalty = l2 and keras.regularizers.L2(l2)
    g = keras.layers.Dense(wide, activation="tanh", kernel_regularizer=penalty)(g)
    g = keras.layers.BatchNormalization()(g) if norm else g
    g = keras.layers.Reshape(shape)(keras.layers.Dense(size, activation=last)(g))
    d = keras.layers.Dense(wide, activation="tanh", kernel_regularizer=penalty)(d)
    d = keras.layers.Dropout(dropout)(d) if dropout else d
    d = keras.layers.Dense(1)(d)
    return keras.Model(g_inputs, g, name="generator"), keras.Model(d_inputs, d, name="critic")


def gan(seed=7, latents="auto", conditional="auto", **network_options):
    """Return an uncompiled GAN of such networks; equal seeds start from equal weights."""
    seeded(seed)
    pair = networks(**network_options)
    return keras_gan.GAN(*pair, latents=latents, conditional=conditional, seed=seed)


def adams(rate=0.01):
    """Return `compile`'s two optimizer arguments."""
    return {f"{player}_optimizer": keras.optimizers.Adam(rate) for player in PLAYERS}


def sgds(rate=0.1):
    """Return `compile`'s two optimizer arguments, for updates that are the gradients."""
    return {f"{player}_optimizer": keras.optimizers.SGD(rate) for player in PLAYERS}


def state(model):
    """Return all that training changes, as `{name: array}`."""
    parts = {
        "generator": model.generator.variables,
        "discriminator": model.discriminator.variables,
        "generator_optimizer": model.generator_optimizer.variables,
        "discriminator_optimizer": model.discriminator_optimizer.variables,
        "random_state": model.random_state.variables,
        "average": model.average.network.variables if model.average else [],
        **{f"term {term.name}": term.variables for term in model.terms},
        # Without its seeds, which every step sets anew.
        **{f"augmentation {i}": each.weights for i, each in enumerate(model._augmentations)},
    }
    return {
        # Names of layers are numbered by process, which an equal model does not repeat.
        f"{part} {i} {variable.name if variable.name in NAMED else ''}".strip(): to_numpy(variable)
        for part, variables in parts.items()
        for i, variable in enumerate(variables)
    }


def latents_of_step(model, rows):
    """Return the latents that the next training step on one batch draws."""
    seeds = model.random_state.stream()
    seeds.reseed(model.seed_states)
    return model.latents.batch(rows, seeds.next())


def weights(model):
    """Return both players' weights as a list of arrays."""
    return [to_numpy(w) for w in (*model.generator.weights, *model.discriminator.weights)]


def assert_equal_states(first, second, without=()):
    """Assert that two states agree bit for bit, and name what does not.

    Args:
        first: what `state` returned.
        second: the same.
        without: parts of names to leave out.
    """
    assert first.keys() == second.keys()
    different = [
        name
        for name in first
        if not any(part in name for part in without)
        and not np.array_equal(first[name], second[name])
    ]
    assert not different, different


def assert_unchanged(arrays, model):
    """Assert that both players' weights are still those of `weights`."""
    for before, after in zip(arrays, weights(model), strict=True):
        np.testing.assert_array_equal(before, after)
