import math

import numpy as np
import pytest
import tensorflow as tf
from discrete_games import expected_loss, random_games

from keras_gan.losses import LeastSquares, Minimax, NonSaturating

ALL = [
    Minimax(),
    NonSaturating(),
    NonSaturating(label_smoothing=0.1),
    LeastSquares(),
    LeastSquares(-1, 1, 0),
    0.5 * NonSaturating() + 0.25 * LeastSquares(),
]


def gradient(function, *logits):
    tensors = [tf.constant(value) for value in logits]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        total = tf.reduce_sum(function(*tensors))
    return [g.numpy() for g in tape.gradient(total, tensors)]


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_gradients_equal_finite_differences(loss):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(scale=3, size=(2, 50))
    h = 1e-6

    def slope(function, value):
        return (np.asarray(function(value + h)) - np.asarray(function(value - h))) / (2 * h)

    d_real, d_fake = gradient(loss.discriminator_loss, real, fake)
    assert np.allclose(d_real, slope(lambda r: loss.discriminator_loss(r, fake), real), atol=1e-7)
    assert np.allclose(d_fake, slope(lambda f: loss.discriminator_loss(real, f), fake), atol=1e-7)
    (g_fake,) = gradient(loss.generator_loss, fake)
    assert np.allclose(g_fake, slope(loss.generator_loss, fake), atol=1e-7)


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_finite_for_huge_logits(loss):
    logits = np.array([-1e4, -100, 0, 100, 1e4], "float32")
    for function, arguments in [
        (loss.discriminator_loss, (logits, logits[::-1].copy())),
        (loss.generator_loss, (logits,)),
    ]:
        assert np.isfinite(function(*arguments)).all()
        assert all(np.isfinite(g).all() for g in gradient(function, *arguments))


def test_saturating_gradient_vanishes_and_non_saturating_tends_to_minus_one():
    logits = np.array([-30.0, -10.0, -1.0, 0.0, 2.0])
    sigmoid = 1 / (1 + np.exp(-logits))
    (saturating,) = gradient(Minimax().generator_loss, logits)
    (alive,) = gradient(NonSaturating().generator_loss, logits)
    assert np.allclose(saturating, -sigmoid, atol=1e-12)
    assert np.allclose(alive, -(1 - sigmoid), atol=1e-12)
    assert abs(saturating[0]) < 1e-12
    assert alive[0] == pytest.approx(-1, abs=1e-12)


# Each exact divergence between discrete distributions, and the loss that bounds it from below.


def jensen_shannon(p, q):
    m = (p + q) / 2
    return 0.5 * np.sum(p * np.log(p / m)) + 0.5 * np.sum(q * np.log(q / m))


def triangular(p, q):
    return np.sum((p - q) ** 2 / (p + q))


def optimal_logistic(p, q):
    return np.log(p / q)


def optimal_least_squares(fake, real):
    return lambda p, q: (real * p + fake * q) / (p + q)


BOUNDS = [
    (Minimax(), "js", jensen_shannon, optimal_logistic),
    (NonSaturating(), "js", jensen_shannon, optimal_logistic),
    (LeastSquares(0, 1, 1), "triangular", triangular, optimal_least_squares(0, 1)),
    (LeastSquares(-1, 1, 0), "triangular", triangular, optimal_least_squares(-1, 1)),
    (LeastSquares(0.5, 3, 1), "triangular", triangular, optimal_least_squares(0.5, 3)),
    (0.3 * NonSaturating(), "js", jensen_shannon, optimal_logistic),
]
# Named after the loss alone: the processes that share out the tests must agree on names.
every_bound = pytest.mark.parametrize(
    ("loss", "name", "divergence", "optimum"), BOUNDS, ids=[repr(bound[0]) for bound in BOUNDS]
)


@every_bound
def test_bound_holds_for_any_discriminator(loss, name, divergence, optimum):
    assert loss.divergence_name == name
    p, q, logits = random_games(1000)
    exact = np.array([divergence(*pair) for pair in zip(p, q, strict=True)])
    mixed = optimum(p, q) + 0.01 * logits  # Near the optimum a wrong bound shows first.
    for outputs in (logits, mixed):
        assert (loss.divergence(expected_loss(loss, p, q, outputs)) <= exact + 1e-9).all()


@every_bound
def test_bound_is_reached_by_the_optimal_discriminator(loss, name, divergence, optimum):
    p, q, _ = random_games(50)
    exact = [divergence(*pair) for pair in zip(p, q, strict=True)]
    bound = loss.divergence(expected_loss(loss, p, q, optimum(p, q)))
    assert bound == pytest.approx(exact, abs=1e-7)


def test_pearson_setting_minimizes_its_divergence():
    """With (-1, 1, 0) the whole generator objective is chi^2(p + q || 2 q) / 2."""
    loss = LeastSquares(-1, 1, 0)
    for p, q in zip(*random_games(50)[:2], strict=True):
        logits = optimal_least_squares(-1, 1)(p, q)
        fake_part = np.sum(q * np.asarray(loss.generator_loss(logits)))
        real_part = np.sum(p * np.asarray(loss.generator_loss(logits)))
        assert fake_part + real_part == pytest.approx(triangular(p, q) / 2, abs=1e-7)


def test_smoothed_losses_prove_nothing():
    for loss in (NonSaturating(label_smoothing=0.1), Minimax(label_smoothing=0.1)):
        assert loss.divergence(1.0) is None
        assert loss.divergence_name is None


def test_bound_at_equilibrium_is_zero():
    for loss in (Minimax(), NonSaturating(), LeastSquares(), LeastSquares(-1, 1, 0)):
        assert loss.divergence(loss.equilibrium.discriminator) == pytest.approx(0, abs=1e-12)
    assert NonSaturating().divergence(0.0) == pytest.approx(math.log(2))
