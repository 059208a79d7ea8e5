"""What the losses' docstrings say of themselves beyond their formulas."""

import math

import numpy as np
import pytest
import tensorflow as tf

from keras_gan.losses import (
    Exponential,
    FDivergence,
    Hinge,
    RelativisticAverage,
    RelativisticPairing,
    Wasserstein,
)


def random_pairs(count=20, points=6):
    rng = np.random.default_rng(3)
    for _ in range(count):
        p, q = rng.dirichlet(np.ones(points), size=2) + 1e-6
        yield p / p.sum(), q / q.sum()


def kl(p, q):
    return np.sum(p * np.log(p / q))


def js(p, q):
    return (kl(p, (p + q) / 2) + kl(q, (p + q) / 2)) / 2


# Each row's divergence by its own name rather than by f, and the best output of a discriminator.
DIVERGENCES = {
    "kl": (kl, lambda u: 1 + np.log(u)),
    "reverse_kl": (lambda p, q: kl(q, p), np.log),
    "pearson": (lambda p, q: np.sum((p - q) ** 2 / q), lambda u: 2 * (u - 1)),
    "squared_hellinger": (
        lambda p, q: np.sum((np.sqrt(p) - np.sqrt(q)) ** 2),
        lambda u: np.log(u) / 2,
    ),
    "jensen_shannon": (lambda p, q: 2 * js(p, q), np.log),
    "gan": (lambda p, q: 2 * js(p, q) - math.log(4), np.log),
}


@pytest.mark.parametrize("row", DIVERGENCES)
def test_rows_reach_the_divergence_they_name(row):
    divergence, best = DIVERGENCES[row]
    loss = FDivergence(row)
    for p, q in random_pairs():
        v = best(p / q)
        # Real outputs weigh p and generated ones q: the loss is a sum of a part of each.
        zero = np.zeros_like(v)
        parts = loss.discriminator_loss(v, zero), loss.discriminator_loss(zero, v)
        both = np.asarray(loss.discriminator_loss(zero, zero))
        d_loss = np.sum(p * np.asarray(parts[0])) + np.sum(q * np.asarray(parts[1])) - both[0]
        assert loss.divergence(d_loss) == pytest.approx(divergence(p, q), abs=1e-6)


@pytest.mark.parametrize(
    ("row", "low", "high"),
    [
        ("kl", -np.inf, np.inf),
        ("reverse_kl", -np.inf, 0),
        ("pearson", -np.inf, np.inf),
        ("squared_hellinger", -np.inf, 1),
        ("jensen_shannon", -np.inf, math.log(2)),
        ("gan", -np.inf, 0),
    ],
)
def test_activations_fill_the_domain_of_the_conjugate(row, low, high):
    """g(v) is where f* is finite, and comes near both ends."""
    # Beyond 30 an activation is its limit in float64, to the last digit.
    loss, v = FDivergence(row), np.linspace(-30, 30, 3001)
    at_zero = -float(loss.generator_loss(np.zeros(1))[0])
    g = at_zero - np.asarray(loss.discriminator_loss(v, np.zeros_like(v)))
    assert (np.diff(g) > 0).all()
    assert low < g[0]
    assert g[-1] < high
    for end, outermost in ((low, g[0]), (high, g[-1])):
        assert abs(outermost) > 29 if np.isinf(end) else outermost == pytest.approx(end, abs=1e-9)


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


@pytest.mark.parametrize(
    ("row", "slope"),
    [
        ("kl", lambda v: -np.exp(v - 1)),
        ("reverse_kl", lambda v: -np.ones_like(v)),
        ("pearson", lambda v: -(1 + v / 2)),
        ("squared_hellinger", lambda v: -np.exp(v)),
        ("jensen_shannon", lambda v: -sigmoid(v)),
        ("gan", lambda v: -sigmoid(v)),
    ],
)
def test_what_reaches_the_generator(row, slope):
    v = np.array([-10.0, -5.0, -2.0, 0.0, 2.0, 5.0])
    outputs = tf.constant(v)
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        value = tf.reduce_sum(FDivergence(row).generator_loss(outputs))
    np.testing.assert_allclose(tape.gradient(value, outputs), slope(v), rtol=1e-12)


@pytest.mark.parametrize(
    ("loss", "discriminator", "generator"),
    [
        (Wasserstein(), 0, 0),
        (Hinge(), 2, 0),
        (Exponential(), 2, 1),
        (RelativisticPairing(), math.log(2), math.log(2)),
        (RelativisticAverage("logistic"), 2 * math.log(2), 2 * math.log(2)),
        (RelativisticAverage("least_squares"), 2, 2),
        (RelativisticAverage("hinge"), 2, 2),
        (FDivergence("kl"), math.exp(-1), -math.exp(-1)),
        (FDivergence("reverse_kl"), 0, 1),
        (FDivergence("pearson"), 0, 0),
        (FDivergence("squared_hellinger"), 0, 0),
        (FDivergence("jensen_shannon"), 0, 0),
        (FDivergence("gan"), 2 * math.log(2), -math.log(2)),
    ],
    ids=repr,
)
def test_values_at_logits_of_zero(loss, discriminator, generator):
    zeros = np.zeros((3, 1))
    np.testing.assert_allclose(loss.discriminator_loss(zeros, zeros), discriminator, atol=1e-12)
    np.testing.assert_allclose(loss.generator_loss(zeros, zeros), generator, atol=1e-12)


def test_why_the_relativistic_average_proves_nothing():
    """p = (3/4, 1/4), q = (1/4, 3/4), D = 1 and -1: the would-be bound is above the divergence."""
    real, fake = np.array([1.0, 1, 1, -1]), np.array([1.0, -1, -1, -1])
    loss = RelativisticAverage()
    would_be = math.log(2) - np.mean(loss.discriminator_loss(real, fake)) / 2
    assert would_be == pytest.approx(0.2985, abs=1e-4)
    assert js(np.array([0.75, 0.25]), np.array([0.25, 0.75])) == pytest.approx(0.1308, abs=1e-4)
    for form in ("logistic", "least_squares", "hinge"):
        assert RelativisticAverage(form).divergence_name is None
        assert RelativisticAverage(form).divergence(0.1) is None


@pytest.mark.parametrize(
    "loss",
    [Exponential(), *map(FDivergence, ("kl", "reverse_kl", "squared_hellinger"))],
    ids=repr,
)
def test_means_of_exponential_losses_are_finite_within_their_range(loss):
    for value in (-80.0, 80.0):
        logits = tf.fill([4096, 1], value)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(logits)
            d_loss = tf.reduce_mean(loss.discriminator_loss(logits, logits))
            g_loss = tf.reduce_mean(loss.generator_loss(logits))
        for mean in (d_loss, g_loss):
            assert np.isfinite(mean)
            assert np.isfinite(tape.gradient(mean, logits)).all()


@pytest.mark.parametrize("make", [FDivergence, RelativisticAverage])
def test_what_is_no_name_is_refused(make):
    for argument in (None, 3, ["kl"], {}):
        with pytest.raises(ValueError, match="to be one of"):
            make(argument)
