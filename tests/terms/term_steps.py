"""Small players, and the training step that a term sees, without training."""

import keras
import numpy as np
import tensorflow as tf

import keras_gan
from keras_gan.game.step import Generated, Step
from keras_gan.utils import nests


def normal(*shape, seed=0):
    """Return standard normal numbers."""
    return np.random.default_rng(seed).normal(size=shape).astype(keras.config.floatx())


def linear_generator(shape, latent_dim=2, activation=None, bias=True):
    """Return a generator of one Dense layer."""
    size = int(np.prod(shape))
    dense = keras.layers.Dense(size, activation=activation, use_bias=bias)
    return keras.Sequential([keras.Input((latent_dim,)), dense, keras.layers.Reshape(shape)])


def linear_critic(shape):
    """Return D(x) = a.x + b."""
    layers = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(1)]
    return keras.Sequential(layers)


@keras.saving.register_keras_serializable("test")
class Quadratic(keras.Model):
    """D(x) = x.A x / 2 with a symmetric A, which keeps what it was given."""

    def __init__(self, matrix, pack=1):
        super().__init__()
        self.matrix = matrix
        self.pack = pack
        self.seen = []
        self.built = True

    def call(self, x):
        self.seen.append(x)
        x = tf.reshape(x, (-1, self.pack * x.shape[1]))
        return 0.5 * tf.reduce_sum(x * (x @ self.matrix), axis=1, keepdims=True)


def symmetric(size, seed=0):
    """Return a random symmetric matrix."""
    matrix = normal(size, size, seed=seed)
    return matrix + matrix.T


def frozen_layers(channels=3, layers=("first", "second"), **options):
    """Return features of a small network with batch normalization, frozen."""
    network = keras.Sequential(
        [
            keras.Input((None, None, channels)),
            keras.layers.Conv2D(4, 3, padding="same", name="first"),
            keras.layers.BatchNormalization(),
            keras.layers.Conv2D(3, 3, strides=2, activation="tanh", name="second"),
        ],
        name="frozen",
    )
    for i, variable in enumerate(network.weights[:4]):
        variable.assign(0.5 + 0.1 * normal(*variable.shape, seed=i))
    return keras_gan.terms.FrozenFeatures(network, layers, **options)


def compiled(discriminator, terms, generator=None, shape=None, **options):
    """Return an eager GAN with these terms, none of it trained yet."""
    shape = shape or discriminator.input_shape[1:]
    generator = generator or linear_generator(shape)
    conditional = options.pop("conditional", "auto")
    model = keras_gan.GAN(generator, discriminator, conditional=conditional, seed=3)
    model.compile(terms=terms, run_eagerly=True, **options)
    return model


def step_of(model, real, fake=None, condition=None, player="discriminator"):
    """Return a step with both forwards done, as a player's terms see it.

    Args:
        model: a compiled GAN.
        real: array of real samples, or a nest of them.
        fake: array of generated ones; by default the generator's.
        condition: what the networks take beside.
        player: whose turn it is: the discriminator sees samples cut off from the generator.
    """
    seeds = model.random_state.stream()
    seeds.reseed(model.seed_states)
    real, condition = (nests.map(tf.constant, part) for part in (real, condition))
    step = Step(model.game, real, condition, seeds, model.game.logs.collector())
    if model.latents is not None:
        step.latents = nests.map(lambda z: tf.cast(z, keras.config.floatx()), step.latents)
    if fake is None:
        step.answer()
    else:
        step.generated = Generated.of(tf.constant(fake))
    step.show_fake()
    if player == "discriminator":
        step.cut_fake_off()
    step.judge_real()
    step.judge_fake()
    return step


def draws_of(model):
    """Return the seeds that terms draw by in the step of `step_of`, in their order."""
    seeds = model.random_state.stream()
    seeds.reseed(model.seed_states)
    if model.latents is not None:
        seeds.next()
    return seeds


def values_of(term, step, player="discriminator"):
    """Return a term's unreduced values as an array, or a nest of them."""
    return nests.map(np.asarray, getattr(term, f"{player}_term")(step))
