"""Losses once more, in NumPy from the papers, with their divergences and best discriminators."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from keras_gan.losses import (
    AdversarialLoss,
    Exponential,
    FDivergence,
    Hinge,
    RelativisticAverage,
    RelativisticPairing,
    Wasserstein,
)


def log_sigmoid(t):
    return -np.logaddexp(0, -t)


def kl(p, q):
    return np.sum(p * np.log(p / q))


def jensen_shannon(p, q):
    return (kl(p, (p + q) / 2) + kl(q, (p + q) / 2)) / 2


def log_ratio(p, q):
    return np.log(p / q)


class Case(NamedTuple):
    """A shipped loss beside what its paper says.

    `discriminator(r, f)` and `generator(r, f)` are unreduced; `optimum(p, q)` is the best output
    at each point of two discrete distributions and `divergence(p, q)` what it proves, under
    `name`.
    """

    loss: AdversarialLoss
    discriminator: Callable
    generator: Callable
    name: str | None = None
    divergence: Callable | None = None
    optimum: Callable | None = None
    equilibrium: tuple = (None, None)


def f_gan(row, f, slope, activation, conjugate, output_of, equilibrium):
    """Build the case of an f-divergence from Nowozin's tables.

    `f` and its derivative `slope` are functions of u, `conjugate` of t, `activation` of v, and
    `output_of(t)` inverts the activation.
    """
    return Case(
        FDivergence(row),
        lambda r, fake: -activation(r) + conjugate(activation(fake)),
        lambda r, fake: -conjugate(activation(fake)),
        row,
        lambda p, q: np.sum(q * f(p / q)),
        lambda p, q: output_of(slope(p / q)),
        equilibrium,
    )


F_GAN = [
    f_gan(
        "kl",
        lambda u: u * np.log(u),
        lambda u: 1 + np.log(u),
        lambda v: v,
        lambda t: np.exp(t - 1),
        lambda t: t,
        (0, -1),
    ),
    f_gan(
        "reverse_kl",
        lambda u: -np.log(u),
        lambda u: -1 / u,
        lambda v: -np.exp(-v),
        lambda t: -1 - np.log(-t),
        lambda t: -np.log(-t),
        (0, 1),
    ),
    f_gan(
        "pearson",
        lambda u: (u - 1) ** 2,
        lambda u: 2 * (u - 1),
        lambda v: v,
        lambda t: t**2 / 4 + t,
        lambda t: t,
        (0, 0),
    ),
    f_gan(
        "squared_hellinger",
        lambda u: (np.sqrt(u) - 1) ** 2,
        lambda u: 1 - 1 / np.sqrt(u),
        lambda v: 1 - np.exp(-v),
        lambda t: t / (1 - t),
        lambda t: -np.log(1 - t),
        (0, 0),
    ),
    f_gan(
        "jensen_shannon",
        lambda u: -(u + 1) * np.log((1 + u) / 2) + u * np.log(u),
        lambda u: np.log(2 * u / (1 + u)),
        lambda v: math.log(2) + log_sigmoid(v),
        lambda t: -np.log(2 - np.exp(t)),
        lambda t: -np.log(2 * np.exp(-t) - 1),
        (0, 0),
    ),
    f_gan(
        "gan",
        lambda u: u * np.log(u) - (u + 1) * np.log(u + 1),
        lambda u: np.log(u / (1 + u)),
        log_sigmoid,
        lambda t: -np.log(1 - np.exp(t)),
        lambda t: -np.log(np.exp(-t) - 1),
        (2 * math.log(2), -math.log(2)),
    ),
]


def average(form, real, fake, equilibrium):
    """Build the case of a relativistic average, `real` and `fake` taken of the advantages."""

    def discriminator(r, f):
        return real(r - f.mean()) + fake(f - r.mean())

    loss = RelativisticAverage(form=form)
    return Case(
        loss, discriminator, lambda r, f: discriminator(f, r), equilibrium=(equilibrium,) * 2
    )


AVERAGES = [
    average("logistic", lambda t: -log_sigmoid(t), lambda t: -log_sigmoid(-t), 2 * math.log(2)),
    average("least_squares", lambda t: (t - 1) ** 2, lambda t: (t + 1) ** 2, 2),
    average("hinge", lambda t: np.maximum(0, 1 - t), lambda t: np.maximum(0, 1 + t), 2),
]

CASES = [
    Case(
        Wasserstein(),
        lambda r, f: -r + f,
        lambda r, f: -f,
        equilibrium=(0, None),
    ),
    Case(
        Hinge(),
        lambda r, f: np.maximum(0, 1 - r) + np.maximum(0, 1 + f),
        lambda r, f: -f,
        "tv",
        lambda p, q: np.sum(np.abs(p - q)) / 2,
        lambda p, q: np.sign(p - q),
        (2, None),
    ),
    Case(
        Exponential(),
        lambda r, f: np.exp(-r) + np.exp(f),
        lambda r, f: np.exp(-f),
        "hellinger",
        lambda p, q: 1 - np.sum(np.sqrt(p * q)),
        lambda p, q: log_ratio(p, q) / 2,
        (2, 1),
    ),
    Case(
        RelativisticPairing(),
        lambda r, f: -log_sigmoid(r - f),
        lambda r, f: -log_sigmoid(f - r),
        "js_pair",
        lambda p, q: jensen_shannon(np.outer(p, q), np.outer(q, p)),
        log_ratio,
        (math.log(2), math.log(2)),
    ),
    *AVERAGES,
    *F_GAN,
]
BOUNDED = [case for case in CASES if case.name]
# Those without an exponential are finite for any logits.
STABLE = [
    case
    for case in CASES
    if not isinstance(case.loss, Exponential)
    and case.name not in ("kl", "reverse_kl", "squared_hellinger")
]
