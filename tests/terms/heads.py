"""Small networks of labels and codes, whose discriminator tells them in outputs of their own."""

import keras
import numpy as np
from term_steps import normal

import keras_gan
from keras_gan.latents import Categorical, Normal, Uniform

layers = keras.layers
PLAYERS = "discriminator", "generator"
CLASSES = 3
LATENTS = {"z": Normal(2), "code": Categorical(4), "tilt": Uniform(2)}
OUTPUTS = {"classes": CLASSES, "code": 4, "tilt": 2, "embedding": 5}


def networks(outputs=None, latents=None, labelled=True):
    """Return a generator of latents, and of a label, and a discriminator of some outputs."""
    latents = LATENTS if latents is None else latents
    outputs = OUTPUTS if outputs is None else outputs
    z = {name: keras.Input(prior.shape, name=name) for name, prior in latents.items()}
    parts = [layers.Flatten()(part) for part in z.values()]
    label = keras.Input((), dtype="int32", name="label")
    if labelled:
        parts.append(layers.Embedding(CLASSES, 3, embeddings_initializer="normal")(label))
    made = layers.Dense(6, activation="tanh")(layers.Concatenate()(parts))
    x = keras.Input((6,))
    trunk = layers.Dense(7, activation="tanh", name="trunk")(x)
    told = {name: layers.Dense(size, name=name)(trunk) for name, size in outputs.items()}
    discriminator = keras.Model(x, {"logits": layers.Dense(1, name="logits")(trunk), **told})
    return keras.Model([z, label] if labelled else z, made), discriminator


def model_of(*terms, outputs=None, latents=None, labelled=True, loss="wasserstein", **options):
    """Return a compiled GAN, eager by default."""
    latents = LATENTS if latents is None else latents
    made = networks(outputs, latents, labelled)
    conditional = "generator" if labelled else False
    model = keras_gan.GAN(*made, latents=latents, conditional=conditional, seed=3)
    model.compile(loss, terms=list(terms), **{"run_eagerly": True, **options})
    return model


def data(n=6):
    """Return samples and their labels."""
    return np.tanh(normal(n, 6)), np.arange(n, dtype="int32") % CLASSES
