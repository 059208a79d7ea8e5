"""The tables of docs/losses.md, each computed with the losses that the library ships.

The data is N(3, 1), the generator N(3 + offset, 1), and
expectations are sums over a fine grid, in float64.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_gan.losses import (
    AdversarialLoss,
    Exponential,
    FDivergence,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    RelativisticAverage,
    RelativisticPairing,
    Wasserstein,
)

MEAN = 3.0
GRID = np.linspace(-12.0, 24.0, 1801)
STEP = GRID[1] - GRID[0]


class Game(NamedTuple):
    """A loss, its best output as a function of log p / q, and the output that decides nothing."""

    loss: AdversarialLoss
    best: Callable
    undecided: float = 0.0


GAMES = {
    "NonSaturating()": Game(NonSaturating(), lambda ratio: ratio),
    "LeastSquares()": Game(LeastSquares(), tf.sigmoid, 0.5),
    "Hinge()": Game(Hinge(), tf.sign),
    "Exponential()": Game(Exponential(), lambda ratio: ratio / 2),
    "RelativisticPairing()": Game(RelativisticPairing(), lambda ratio: ratio),
    'FDivergence("kl")': Game(FDivergence("kl"), lambda ratio: 1 + ratio, 1.0),
    'FDivergence("reverse_kl")': Game(FDivergence("reverse_kl"), lambda ratio: ratio),
    'FDivergence("pearson")': Game(FDivergence("pearson"), lambda ratio: 2 * tf.math.expm1(ratio)),
    'FDivergence("squared_hellinger")': Game(
        FDivergence("squared_hellinger"), lambda ratio: ratio / 2
    ),
    'FDivergence("jensen_shannon")': Game(FDivergence("jensen_shannon"), lambda ratio: ratio),
    'FDivergence("gan")': Game(FDivergence("gan"), lambda ratio: ratio),
}
AVERAGES = {
    f'RelativisticAverage("{form}")': RelativisticAverage(form)
    for form in ("logistic", "least_squares", "hinge")
}
ALL = {
    "Minimax()": Minimax(),
    **{name: game.loss for name, game in GAMES.items()},
    "LeastSquares(-1, 1, 0)": LeastSquares(-1, 1, 0),
    "Wasserstein()": Wasserstein(),
    **AVERAGES,
}


def normal(mean):
    """Return the weights of N(mean, 1) on the grid."""
    return np.exp(-0.5 * (GRID - mean) ** 2) / math.sqrt(2 * math.pi) * STEP


def log_ratio(x, mean):
    """Return log p(x) / q(x), p = N(3, 1), q = N(mean, 1)."""
    return 0.5 * ((x - mean) ** 2 - (x - MEAN) ** 2)


def bound(loss, output, mean):
    """Return what outputs on the grid prove, in expectation over independent pairs."""
    real, fake = np.meshgrid(output, output, indexing="ij")
    values = loss.discriminator_loss(tf.constant(real), tf.constant(fake)).numpy()
    return loss.divergence(float(normal(MEAN) @ values @ normal(mean)))


def true_values(mean):
    """Return each divergence between p = N(3, 1) and q = N(mean, 1) by its log key."""
    p, q, ratio = normal(MEAN), normal(mean), log_ratio(GRID, mean)
    js = _js(p, q, ratio)
    # Of a pair only the difference tells the order: N(-d, 2) and N(d, 2), sqrt(2) d apart.
    far = MEAN + math.sqrt(2) * (mean - MEAN)
    affinity = np.sum(np.sqrt(p * q))
    return {
        "js": js,
        "triangular": np.sum((p - q) * np.tanh(ratio / 2)),
        "tv": np.sum(np.abs(p - q)) / 2,
        "hellinger": 1 - affinity,
        "js_pair": _js(p, normal(far), log_ratio(GRID, far)),
        "kl": np.sum(p * ratio),
        "reverse_kl": -np.sum(q * ratio),
        "pearson": np.sum((p - q) * np.expm1(ratio)),
        "squared_hellinger": 2 - 2 * affinity,
        "jensen_shannon": 2 * js,
        "gan": 2 * js - math.log(4),
    }


def _js(p, q, ratio):
    """Return the Jensen-Shannon divergence: softplus(-t) = -log p / (p + q), t = log p / q."""
    return math.log(2) - np.sum(p * np.logaddexp(0, -ratio) + q * np.logaddexp(0, ratio)) / 2


def bounds_table(mean=4.0):
    """Return names and rows: what discriminators of four qualities prove of N(mean, 1)."""
    qualities = {"optimal": 1.0, "half as steep": 0.5, "flat": 0.0, "reversed": -1.0}
    true, rows = true_values(mean), []
    for name, (loss, best, undecided) in GAMES.items():
        advantage = best(tf.constant(log_ratio(GRID, mean))).numpy() - undecided
        proved = [bound(loss, undecided + s * advantage, mean) for s in qualities.values()]
        proved = [round(value, 9) + 0.0 for value in proved]  # Sums leave 1e-12 of what is 0.
        key = loss.divergence_name
        rows.append((f"`{name}`", f"`{key}`", *proved, float(true[key])))
    return ["loss", "key", *qualities, "true value"], rows


def pushes(game, mean):
    """Return d L_G / d mean against the best opponent: in expectation, and of a central sample."""
    x, p = tf.constant(GRID), tf.constant(normal(MEAN))
    with tf.GradientTape() as tape:
        tape.watch(x)
        fake, real = game.best(log_ratio(x, mean)), None
        if game.loss.uses_real_logits:
            pairs = tf.meshgrid(tf.stop_gradient(fake), fake, indexing="ij")
            values = tf.linalg.matvec(game.loss.generator_loss(*pairs[::-1]), p, transpose_a=True)
        else:
            values = game.loss.generator_loss(fake, real)
    # x = mean + z: moving the mean moves every sample.
    slope = tape.gradient(values, x).numpy()
    return float(normal(mean) @ slope), float(np.interp(mean, GRID, slope))


def push_table(offsets=(1.0, 3.0)):
    """Return names and rows: how hard each generator is pushed, and one sample in its middle."""
    rows = []
    for name, game in GAMES.items():
        pairs = [pushes(game, MEAN + offset) for offset in offsets]
        rows.append((f"`{name}`", *(pair[i] for i in range(2) for pair in pairs)))
    names = [f"{what}, offset {o:g}" for what in ("mean push", "middle sample") for o in offsets]
    return ["loss", *names], rows


def slope_table(logits=(-10.0, -5.0, -2.0, 0.0, 2.0, 5.0)):
    """Return names and rows: d L_G / d D of a generated sample, by its logit."""
    columns = {
        "Wasserstein, Hinge": Hinge(),
        "Exponential": Exponential(),
        "kl": FDivergence("kl"),
        "reverse_kl": FDivergence("reverse_kl"),
        "pearson": FDivergence("pearson"),
        "squared_hellinger": FDivergence("squared_hellinger"),
        "jensen_shannon, gan": FDivergence("gan"),
    }
    outputs, slopes = tf.constant(logits, tf.float64), []
    for loss in columns.values():
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            total = tf.reduce_sum(loss.generator_loss(outputs))
        slopes.append(tape.gradient(total, outputs).numpy().tolist())
    return ["logit", *columns], list(zip(logits, *slopes, strict=True))


def equilibrium_table():
    """Return names and rows: both losses where generator and data are equal, and the log key."""
    rows = [
        (
            f"`{name}`",
            *("not unique" if value is None else value for value in loss.equilibrium),
            f"`{loss.logged_name}`" if loss.logged_name else "none",
        )
        for name, loss in ALL.items()
    ]
    return ["loss", "d_loss", "g_loss", "key"], rows


def show(table, images):
    """Print the tables, in some seconds on 2 CPU cores.

    Args:
        table: function of a title, column names and rows that prints a table.
        images: directory to draw into; there is no picture.
    """
    table("Losses at equilibrium", *equilibrium_table())
    table("Bounds proved, N(3, 1) v N(4, 1)", *bounds_table())
    table("Gradient of the generator loss, d L_G / d D", *slope_table())
    table("Push on the generator's mean, optimal discriminator", *push_table())
