"""Three ways to train on a mixture: PacGAN's, a penalized one, and the library's recipe."""

import dataclasses
from typing import ClassVar

import keras
import numpy as np
import runs

import keras_gan
from keras_gan import layers, schedules, terms


@dataclasses.dataclass(frozen=True)
class Mixture(runs.Arm):
    """What the arms share.

    Attributes:
        data: "ring" or "grid".
        samples: how many are judged.
    """

    data: str = "ring"
    samples: int = 2500


@dataclasses.dataclass(frozen=True)
class Perfect(Mixture):
    """Samples of the data itself, for the ceilings."""


@dataclasses.dataclass(frozen=True)
class Pac(Mixture):
    """PacGAN's set-up: maxout discriminator, simultaneous updates, weights from N(0, 0.02²).

    Its batches are of 100 judgements: of 100 samples, or 200 when packed by two.
    """

    packed: int = 1
    judgements: int = 100
    learning_rate: float = 1e-4
    beta_1: float = 0.8

    def model(self, seed):
        """Return the compiled model and its batch size."""
        normal = keras.initializers.RandomNormal(stddev=0.02)
        generator = [keras.Input((2,))]
        for _ in range(4):
            generator += [
                keras.layers.Dense(400, use_bias=False, kernel_initializer=normal.clone()),
                keras.layers.BatchNormalization(momentum=0.95),
                keras.layers.ReLU(),
            ]
        generator.append(keras.layers.Dense(2, kernel_initializer=normal.clone()))
        discriminator = [keras.Input((2,))]
        if self.packed > 1:
            discriminator.append(layers.Packing(self.packed))
        for _ in range(3):  # Maxout of 200 units, of 5 pieces each.
            discriminator += [
                keras.layers.Dense(1000, kernel_initializer=normal.clone()),
                keras.layers.Reshape((200, 5)),
                keras.layers.Lambda(lambda x: keras.ops.max(x, axis=-1)),
            ]
        discriminator.append(keras.layers.Dense(1, kernel_initializer=normal.clone()))
        model = keras_gan.GAN(*map(keras.Sequential, (generator, discriminator)), seed=seed)
        rates = [keras.optimizers.Adam(self.learning_rate, beta_1=self.beta_1) for _ in range(2)]
        model.compile("non_saturating", *rates, update="simultaneous", steps_per_execution=100)
        return model, self.judgements * self.packed


@dataclasses.dataclass(frozen=True)
class Penalized(Mixture):
    """Two games with and without R1 and R2, on small networks of two hidden layers."""

    loss: str = "non_saturating"
    gamma: float = 0.0
    width: int = 256
    latent_dim: int = 64
    batch: int = 256
    learning_rate: float = 2e-4
    beta_2: float = 0.99

    def model(self, seed):
        """Return the compiled model and its batch size."""
        generator = [keras.Input((self.latent_dim,))]
        discriminator = [keras.Input((2,))]
        for _ in range(2):
            generator += [keras.layers.Dense(self.width), keras.layers.ReLU()]
            discriminator += [
                keras.layers.Dense(self.width),
                keras.layers.LeakyReLU(negative_slope=0.2),
            ]
        generator.append(keras.layers.Dense(2))
        discriminator.append(keras.layers.Dense(1))
        model = keras_gan.GAN(*map(keras.Sequential, (generator, discriminator)), seed=seed)
        rates = [
            keras.optimizers.Adam(self.learning_rate, beta_1=0.0, beta_2=self.beta_2)
            for _ in range(2)
        ]
        penalties = [terms.R1(self.gamma), terms.R2(self.gamma)] if self.gamma else []
        model.compile(self.loss, *rates, terms=penalties, steps_per_execution=100)
        return model, self.batch


class FourierFeatures(keras.layers.Layer):
    """The samples beside sines and cosines of them, at fixed random frequencies.

    A plain network is slow to learn what changes within a hundredth of the data's range, and so
    is a discriminator to see how narrow the modes are. Directions are uniform, frequencies
    log-uniform from 0.5 to `highest`, in radians to a unit of the data.

    Reference:
        - [Tancik et al., 2020](https://arxiv.org/abs/2006.10739)
    """

    def __init__(self, count, highest, seed):
        super().__init__()
        self.count, self.highest, self.seed = count, highest, seed

    def build(self, shape):
        """Draw the frequencies."""
        rng = np.random.default_rng(self.seed)
        lengths = np.exp(rng.uniform(np.log(0.5), np.log(self.highest), self.count))
        directions = rng.normal(size=(shape[-1], self.count))
        directions *= lengths / np.linalg.norm(directions, axis=0)
        fixed = keras.initializers.Constant(directions)
        self.w = self.add_weight(directions.shape, fixed, trainable=False)

    def call(self, x):
        """Return the samples, their sines and their cosines."""
        angles = keras.ops.matmul(x, self.w)
        return keras.ops.concatenate([x, keras.ops.sin(angles), keras.ops.cos(angles)], axis=-1)


@dataclasses.dataclass(frozen=True)
class Recipe(Mixture):
    """The library's recipe: Fourier features before the critic, R1 and R2 annealed, an average.

    A ring's modes are a hundred times narrower than the ring: a network of points alone is too
    smooth to tell them from a line. Its features reach frequencies of half a mode's width.

    Attributes:
        gamma: of R1 and R2, at the start and at the end.
        frequencies: how many features, each a sine and a cosine.
        highest: the highest of them, in radians for a unit of the data.
        scale: of the generator's last layer, about the data's.
    """

    gamma: tuple = (0.1, 3e-5)
    frequencies: int = 64
    highest: float = 50.0
    scale: float = 1.0
    width: int = 128
    depth: int = 3
    batch: int = 256
    generator_rate: float = 1e-3
    discriminator_rate: float = 2e-3
    half_life: int = 100_000
    latent_dim: ClassVar[int] = 2

    def model(self, seed):
        """Return the compiled model and its batch size."""
        dense, inputs = keras.layers.Dense, keras.Input((self.latent_dim,))
        generator = [inputs, *self._hidden(), dense(2), keras.layers.Rescaling(self.scale)]
        features = FourierFeatures(self.frequencies, self.highest, seed)
        discriminator = [keras.Input((2,)), features, *self._hidden(), dense(1)]
        model = keras_gan.GAN(*map(keras.Sequential, (generator, discriminator)), seed=seed)
        first, last = self.gamma
        annealed = schedules.LogCosine(1.0, last / first, end=self.steps)
        model.compile(
            "non_saturating",
            *(self._adam(rate) for rate in (self.generator_rate, self.discriminator_rate)),
            terms=[terms.R1(first, schedule=annealed), terms.R2(first, schedule=annealed)],
            ema=keras_gan.GeneratorAverage(half_life=self.half_life, ramp_up=0.05),
            steps_per_execution=100,
        )
        return model, self.batch

    def _hidden(self):
        for _ in range(self.depth):
            yield keras.layers.Dense(self.width)
            yield keras.layers.LeakyReLU(negative_slope=0.2)

    def _adam(self, rate):
        falling = keras.optimizers.schedules.CosineDecay(rate, self.steps, alpha=0.01)
        return keras.optimizers.Adam(falling, beta_1=0.0, beta_2=0.99)


@dataclasses.dataclass(frozen=True)
class WideRecipe(Recipe):
    """The recipe with more latents than the data has dimensions.

    Of two latents a generator makes both which mode a sample is in and where in it. Around the
    ring that took from the modes' width along it, on some seeds down to a third.
    """

    latent_dim: int = 8
