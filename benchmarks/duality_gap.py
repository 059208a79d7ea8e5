"""Duality gaps of games whose state is known, and of games as they train.

    python benchmarks/duality_gap.py

The first table holds games that are solved by hand: a generator that makes N(mean, std) of data
N(3, 1), and a discriminator that says 0 everywhere, in two ways: with a last layer of zeros, and
with all weights zero, where no gradient leads anywhere. No generator can gain anything from it,
so the gap is 2 JS(data, generated), here integrated numerically. The second follows games in
training: two recipes that converge and two that fail, beside what a fresh discriminator proves.
Takes about three minutes on 2 CPU cores.
"""

import math
import time

import keras
import numpy as np
from absl import app, flags

import keras_gan

_SEED = flags.DEFINE_integer("seed", 0, "Seed of networks, data and metrics.", lower_bound=0)
_SAMPLES = flags.DEFINE_integer("samples", 10_000, "Held-out samples that judge.", lower_bound=20)
_CLASSIC = flags.DEFINE_integer("classic_seeds", 3, "Runs of the classic game.", lower_bound=0)

EXACT = "mean", "std", "D", "2 JS, exact", "gap", "V(G, D') + log 4", "V(G', D) + log 4", "seconds"
TRAINED = (
    *("game", "seed", "step", "generated", "2 x fresh JS bound", "V(G, D) + log 4"),
    *("V(G, D') + log 4", "V(G', D) + log 4", "gap", "seconds"),
)
TOYS = (3.0, 1.0), (3.3, 1.0), (3.0, 0.7), (4.0, 1.0), (3.0, 0.03), (9.0, 1.0)
SHOWN = 0, 1, 2, 5, 10, 20  # epochs of 20
EPOCHS = 20
GAUSSIAN = keras_gan.datasets.Gaussian()
RING = keras_gan.datasets.Ring(std=0.05)


def print_head(title, names):
    print(f"\n{title}\n\n| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|")


def print_row(cells):
    def shown(cell):
        return f"{cell:z.4f}" if isinstance(cell, float) else str(cell)

    print("| " + " | ".join(map(shown, cells)) + " |", flush=True)


def exact_js(mean, std):
    """Return JS(N(3, 1), N(mean, std)) in nats by the trapezoidal rule."""
    x = np.linspace(-12, 24, 600_001)
    p, q = (
        np.exp(-0.5 * ((x - m) / s) ** 2) / (s * math.sqrt(2 * math.pi))
        for m, s in ((3.0, 1.0), (mean, std))
    )
    middle = np.maximum((p + q) / 2, 1e-300)
    return sum(np.trapezoid(d * np.log(np.maximum(d, 1e-300) / middle), x) for d in (p, q)) / 2


def solved_game(mean, std, dead):
    """Return a compiled GAN that makes N(mean, std), whose discriminator says 0."""
    generator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)], name="generator")
    generator.set_weights([np.array([[std]]), np.array([mean])])
    _, discriminator = keras_gan.networks.mlp((1,))
    zeroed = [layer for layer in discriminator.layers if layer.weights][0 if dead else -1 :]
    for layer in zeroed:
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    model = keras_gan.GAN(generator, discriminator)
    model.compile("non_saturating")
    return model


def respond(metric):
    """Return the three values, from the equilibrium's on, the gap and the seconds it took."""
    start = time.perf_counter()
    values = metric.responses()
    seconds = time.perf_counter() - start
    above = [value + math.log(4) for value in values]
    return above, values.discriminator - values.generator, seconds


def solved_rows():
    """Print the rows of the games solved by hand."""
    real = GAUSSIAN.sample(_SAMPLES.value, [_SEED.value, 1])
    for mean, std in TOYS:
        for dead in (False, True):
            keras.utils.set_random_seed(_SEED.value)
            metric = keras_gan.metrics.DualityGap(seed=_SEED.value)
            metric.bind(solved_game(mean, std, dead))
            metric.update_state(real=real)
            (_, best, worst), gap, seconds = respond(metric)
            kind = "all weights 0" if dead else "last layer 0"
            js = exact_js(mean, std)
            print_row((mean, std, kind, 2 * js, gap, best, worst, f"{seconds:.1f}"))


def adam(steps):
    """Return Adam whose learning rate falls to 0."""
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, steps), beta_1=0.5)


def stable(shape, steps):
    """Return a game with R1, decaying learning rates and an averaged generator."""
    model = keras_gan.GAN(*keras_gan.networks.mlp(shape, latent_dim=8))
    model.compile(
        "non_saturating",
        adam(steps),
        adam(steps),
        terms=[keras_gan.terms.R1(gamma=0.1)],
        ema=keras_gan.GeneratorAverage(half_life=200_000, ramp_up=0.1),
        steps_per_execution=50,
    )
    return model


def rash(steps):
    """Return a game on the plane with high learning rates, momentum and no penalty."""
    model = keras_gan.GAN(*keras_gan.networks.mlp((2,), latent_dim=8, width=32))
    optimizers = [keras.optimizers.Adam(3e-3, beta_1=0.9) for _ in range(2)]
    model.compile("non_saturating", *optimizers, steps_per_execution=50)
    return model


def classic(steps):
    """Return the textbook's game of examples/gaussian.py."""
    networks = [
        keras.Sequential(
            [keras.Input((1,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(1)], name=name
        )
        for name in ("generator", "discriminator")
    ]
    model = keras_gan.GAN(*networks)
    optimizers = [keras.optimizers.Adam(0.01) for _ in range(2)]
    model.compile("non_saturating", *optimizers, steps_per_execution=50)
    return model


class Follow(keras.callbacks.Callback):
    """Print a row before training and after some epochs."""

    def __init__(self, game, seed, data):
        super().__init__()
        self._names = game, seed
        self._data = data
        self._real = data.sample(_SAMPLES.value, [seed, 1])
        self._metric = keras_gan.metrics.DualityGap(seed=_SEED.value)
        self._metric.update_state(real=self._real)

    def on_train_begin(self, logs=None):
        """Print the row of the untrained game."""
        self._metric.bind(self.model)
        self._print(0)

    def on_epoch_end(self, epoch, logs=None):
        """Print a row after the epochs that have one."""
        if epoch + 1 in SHOWN:
            self._print(epoch + 1)

    def _print(self, epoch):
        fake = self.model.generate(_SAMPLES.value, seed=0, batch_size=_SAMPLES.value)
        bound = keras_gan.metrics.fresh_discriminator(self._real, fake)["js"]
        values, gap, seconds = respond(self._metric)
        step = epoch * self.params["steps"]
        cells = f"{step:,}", describe(fake, self._data), 2 * bound, *values, gap
        print_row((*self._names, *cells, f"{seconds:.1f}"))


def describe(samples, data):
    """Return the moments of samples on a line, the modes of samples on the plane."""
    if samples.shape[1] == 1:
        return f"mean {samples.mean():.2f}, std {samples.std():.2f}"
    found = keras_gan.metrics.mode_coverage(samples, data.centers, data.std)
    return f"{found['modes']:.0f} modes, {found['high_quality']:.0%} good"


def follow(game, model, seed, data, steps, batch_size):
    """Train a game and print its rows."""
    dataset = data.dataset(batch_size, seed, size=min(steps * batch_size, 500_000)).repeat()
    callbacks = [Follow(game, seed, data)]
    model.fit(
        dataset, epochs=EPOCHS, steps_per_epoch=steps // EPOCHS, callbacks=callbacks, verbose=0
    )


def trained_rows():
    """Print the rows of the games in training."""
    seed = _SEED.value
    games = [
        ("N(3, 1), R1 and average", lambda: stable((1,), 4000), seed, GAUSSIAN, 4000, 256),
        ("ring, R1 and average", lambda: stable((2,), 6000), seed, RING, 6000, 256),
        ("ring, rash", lambda: rash(4000), seed, RING, 4000, 64),
    ]
    for other in range(seed, seed + _CLASSIC.value):
        games.append(("N(3, 1), classic", lambda: classic(1000), other, GAUSSIAN, 1000, 16))
    for name, make, run_seed, data, steps, batch_size in games:
        keras.utils.set_random_seed(run_seed)
        follow(name, make(), run_seed, data, steps, batch_size)


def main(_):
    start = time.perf_counter()
    config = keras_gan.metrics.DualityGap(seed=_SEED.value).get_config()
    print(f"DualityGap: {config}, on {_SAMPLES.value:,} real samples")
    print_head("Games solved by hand", EXACT)
    solved_rows()
    print_head("Games in training", TRAINED)
    trained_rows()
    print(f"\n{time.perf_counter() - start:.0f} seconds")


if __name__ == "__main__":
    app.run(main)
