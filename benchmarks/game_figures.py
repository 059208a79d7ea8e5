"""Print the tables of docs/game.md, computed by the library, and draw its Dirac picture.

    python benchmarks/game_figures.py --images=docs/images

Takes about a minute on 2 CPU cores.
"""

import math
import os

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

import keras_gan
from keras_gan.losses import LeastSquares, Minimax, NonSaturating

flags.DEFINE_string("images", None, "Directory to draw dirac.png into; by default none is drawn.")

LOSSES = {
    "Minimax": Minimax(),
    "NonSaturating": NonSaturating(),
    "LeastSquares(0, 1, 1)": LeastSquares(),
    "LeastSquares(-1, 1, 0)": LeastSquares(-1, 1, 0),
}
MEAN = 3.0
GRID = np.linspace(-12.0, 24.0, 36_001)


def print_table(title, names, rows):
    """Print rows of numbers and words as a Markdown table, numbers to four digits."""
    print(f"\n{title}\n\n| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|")
    for row in rows:
        print("| " + " | ".join(x if isinstance(x, str) else f"{x:.4g}" for x in row) + " |")


def normal(mean, x=GRID):
    """Return the density of N(mean, 1)."""
    return np.exp(-0.5 * (x - mean) ** 2) / math.sqrt(2 * math.pi)


def integral(values):
    """Integrate over the grid."""
    return float(np.sum(values) * (GRID[1] - GRID[0]))


def gradients(logits):
    """Return the gradient of each generator loss with respect to the logit: {loss: values}."""
    logits = tf.constant(logits, tf.float32)
    values = {}
    for name, loss in LOSSES.items():
        with tf.GradientTape() as tape:
            tape.watch(logits)
            total = tf.reduce_sum(loss.generator_loss(logits))
        values[name] = tape.gradient(total, logits).numpy()
    return values


def optimal_output(loss, x, mean):
    """Return the best output of a discriminator between N(3, 1) and N(mean, 1)."""
    logit = 0.5 * ((x - mean) ** 2 - (x - MEAN) ** 2)  # log p - log q
    if not isinstance(loss, LeastSquares):
        return logit
    return loss.fake_label + (loss.real_label - loss.fake_label) * tf.sigmoid(logit)


def discriminator_loss(loss, output, mean):
    """Return the expected discriminator loss of outputs on the grid, in float64."""
    output = tf.constant(output, tf.float64)
    real, fake = normal(MEAN), normal(mean)
    # One term depends on real outputs alone and the other on fake ones: weigh each by its density.
    zero = tf.zeros_like(output)
    on_zero = loss.discriminator_loss(zero, zero).numpy()
    real_part = loss.discriminator_loss(output, zero).numpy() - on_zero / 2
    fake_part = loss.discriminator_loss(zero, output).numpy() - on_zero / 2
    return integral(real * real_part + fake * fake_part)


def divergences(mean):
    """Return JS(p, q), the triangular discrimination and KL(q, p), p = N(3, 1), q = N(mean, 1)."""
    p, q = positive(normal(MEAN)), positive(normal(mean))
    return js(p, q), integral((p - q) ** 2 / (p + q)), (mean - MEAN) ** 2 / 2


def positive(density):
    """Return a density without zeros, whose logarithm is finite."""
    return np.maximum(density, np.finfo("float64").tiny)


def js(p, q):
    """Return the Jensen-Shannon divergence of two densities on the grid, in nats."""
    return integral(p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))) / 2


def bounds(mean=4.0):
    """Return rows of what discriminators of several qualities prove: (quality, js, triangular)."""
    games = NonSaturating(), LeastSquares()
    qualities = {"optimal": 1.0, "half as steep": 0.5, "flat": 0.0, "reversed": -1.0}
    rows = []
    for quality, slope in qualities.items():
        proved = []
        for loss in games:
            best = np.asarray(optimal_output(loss, GRID, mean))
            middle = 0.5 if isinstance(loss, LeastSquares) else 0.0
            output = middle + slope * (best - middle)
            bound = loss.divergence(discriminator_loss(loss, output, mean))
            proved.append(round(bound, 9))  # Quadrature leaves 1e-12 of what is 0.
        rows.append((quality, *proved))
    return [*rows, ("true value", *divergences(mean)[:2])]


def force(loss, mean):
    """Return d L_G / d mean: how hard the generator N(mean, 1) is pushed by an optimal opponent."""
    x = tf.constant(GRID, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(x)
        values = loss.generator_loss(optimal_output(loss, x, mean))
    # x = mean + z: moving the mean moves every sample.
    return integral(normal(mean) * tape.gradient(values, x).numpy())


def slopes(mean, h=1e-4):
    """Return the derivatives of 2 JS and of KL(q, p) - 2 JS with respect to the mean."""
    (js_low, _, kl_low), (js_high, _, kl_high) = divergences(mean - h), divergences(mean + h)
    js, kl = (js_high - js_low) / (2 * h), (kl_high - kl_low) / (2 * h)
    return 2 * js, kl - 2 * js


class Trajectory(keras.callbacks.Callback):
    """Record (theta, psi) after every step."""

    def on_train_begin(self, logs=None):
        """Record where the game starts."""
        self.points = [[1.0, 1.0]]

    def on_train_batch_end(self, batch, logs=None):
        """Record where it is now."""
        networks = self.model.generator, self.model.discriminator
        self.points.append([network.get_weights()[0].item() for network in networks])


def dirac(loss, gamma, update, steps=2000):
    """Play the Dirac game from (1, 1) with SGD(0.1); return (theta, psi) after every step."""
    # No latents: the generator's one sample is its weight times a condition that is always 1.
    generator, discriminator = (
        keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        for _ in range(2)
    )
    for network in (generator, discriminator):
        network.set_weights([np.ones((1, 1))])
    model = keras_gan.GAN(generator, discriminator, latents=None)
    model.compile(
        loss,
        generator_optimizer=keras.optimizers.SGD(0.1),
        discriminator_optimizer=keras.optimizers.SGD(0.1),
        terms=[keras_gan.terms.R1(gamma)] if gamma else (),
        update=update,
    )
    trajectory = Trajectory()
    zeros = np.zeros((steps, 1), "float32")
    model.fit(zeros, np.ones_like(zeros), batch_size=1, callbacks=[trajectory], verbose=0)
    return np.array(trajectory.points)


def dirac_table():
    """Return rows of radii, and the trajectories by (loss, gamma, update)."""
    rows, paths = [], {}
    for loss in (Minimax(), NonSaturating()):
        for gamma in (0.0, 0.3, 1.0):
            row = [type(loss).__name__, f"{gamma:g}"]
            for update in ("simultaneous", "alternating"):
                paths[row[0], gamma, update] = path = dirac(loss, gamma, update)
                row += np.linalg.norm(path[[500, 2000]], axis=1).tolist()
            rows.append(row)
    return rows, paths


def draw_dirac(paths, filepath):
    """Draw three trajectories of the Dirac game."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 3.6), dpi=100, facecolor="white", layout="constrained")
    shown = ("Minimax", 0.0), ("NonSaturating", 0.0), ("NonSaturating", 0.3)
    panels = figure.subplots(1, 3, sharex=True, sharey=True)
    for axes, (loss, gamma) in zip(panels, shown, strict=True):
        path = paths[loss, gamma, "alternating"][:501]
        axes.plot(*path.T, color="#0072B2", linewidth=0.8)
        axes.plot(*path[0], "o", color="#D55E00", label="start")
        axes.plot(*path[-1], "s", color="#222222", label="after 500 steps")
        axes.plot(0, 0, "+", color="#222222", markersize=12, label="equilibrium")
        axes.set(title=f"{loss}, " + (f"R1({gamma:g})" if gamma else "no penalty"), xlabel="θ")
        axes.set_aspect("equal")
    panels[0].set_ylabel("ψ")
    panels[2].legend(loc="lower right", fontsize="small")
    figure.savefig(filepath)


def held_out_row(seed):
    """Train on 16 samples; return the bound on these and on 10,000 others."""
    keras.utils.set_random_seed(seed)
    model = keras_gan.GAN(*keras_gan.networks.mlp((1,), latent_dim=8))
    adams = [keras.optimizers.Adam(1e-3, beta_1=0.5) for _ in range(2)]
    model.compile("non_saturating", *adams, ema=0.99, steps_per_execution=100)
    data = keras_gan.datasets.Gaussian()
    history = model.fit(
        np.tile(data.sample(16, [seed, 0]), (100, 1)),
        batch_size=16,
        epochs=40,
        validation_data=(data.sample(10_000, [seed, 1]),),
        validation_batch_size=1000,
        validation_freq=40,
        verbose=0,
    ).history
    return str(seed), np.mean(history["js"][-4:]), history["val_js"][-1]


def fresh_rows(count=100_000):
    """Return rows of what a fresh discriminator proves of N(3, 1) against known generators."""
    rng, half = np.random.default_rng(0), math.sqrt(3.0)
    densities = {
        "N(3.3, 1)": (rng.normal(3.3, 1.0, (count, 1)), normal(3.3)),
        "N(3, 0.7)": (rng.normal(3.0, 0.7, (count, 1)), normal(0.0, (GRID - 3) / 0.7) / 0.7),
        "N(3, 0.03)": (rng.normal(3.0, 0.03, (count, 1)), normal(0.0, (GRID - 3) / 0.03) / 0.03),
        "uniform, mean 3, std 1": (
            rng.uniform(3 - half, 3 + half, (count, 1)),
            (np.abs(GRID - 3) < half) / (2 * half),
        ),
    }
    real, rows = keras_gan.datasets.Gaussian().sample(count, [0, 1]), []
    for name, (fake, q) in densities.items():
        found = keras_gan.metrics.fresh_discriminator(real, fake)
        true = js(positive(normal(MEAN)), positive(q))
        rows.append((name, found["js"], found["standard_error"], true))
    return rows


def gradient_table(logits=(-10.0, -5.0, -2.0, 0.0, 2.0, 5.0)):
    """Return names and rows: what a fake's logit weighs in each generator's gradient."""
    values = gradients(logits)
    probabilities = tf.sigmoid(logits).numpy().tolist()
    rows = list(zip(logits, probabilities, *values.values(), strict=True))
    return ["logit", "probability of real", *values], rows


def equilibrium_table():
    """Return names and rows: both losses where generator and data are equal."""
    smoothed = {"NonSaturating(label_smoothing=0.1)": NonSaturating(label_smoothing=0.1)}
    rows = [(name, *loss.equilibrium) for name, loss in {**LOSSES, **smoothed}.items()]
    return ["loss", "d_loss", "g_loss"], rows


def force_table(offsets=(0.1, 1.0, 3.0, 6.0)):
    """Return names and rows: the push on the generator's mean against an optimal opponent."""
    rows = [
        (offset, *(force(loss, MEAN + offset) for loss in LOSSES.values()), *slopes(MEAN + offset))
        for offset in offsets
    ]
    return ["offset", *LOSSES, "slope of 2 JS", "slope of KL - 2 JS"], rows


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}")
    print_table("Gradient of the generator loss, d L_G / d D", *gradient_table())
    print_table("Losses at equilibrium", *equilibrium_table())
    print_table("Bounds proved, N(3, 1) v N(4, 1)", ["discriminator", "js", "triangular"], bounds())
    print_table("Push on the generator's mean, optimal discriminator", *force_table())
    print_table(
        "16 training samples, 4,000 steps",
        ["seed", "js (last 400 steps)", "val_js"],
        [held_out_row(seed) for seed in range(3)],
    )
    print_table(
        "A fresh discriminator, N(3, 1) v known generators, 100,000 samples of each",
        ["generator", "bound", "standard error", "true JS"],
        fresh_rows(),
    )
    rows, paths = dirac_table()
    names = ["loss", "gamma", "sim. 500", "sim. 2,000", "alt. 500", "alt. 2,000"]
    print_table("Dirac game: distance from equilibrium after so many steps", names, rows)
    if flags.FLAGS.images:
        os.makedirs(flags.FLAGS.images, exist_ok=True)
        draw_dirac(paths, os.path.join(flags.FLAGS.images, "dirac.png"))


if __name__ == "__main__":
    app.run(main)
