"""The Dirac-GAN: one weight each, solved on paper, played by `GAN.fit`'s own step."""

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan.losses import LeastSquares, Minimax, NonSaturating
from keras_gan.terms import R1

STEP = 0.1

# Radius of (theta, psi) after 500 and 2,000 steps from (1, 1), published or computed for it.
RADII = [
    (Minimax(), None, "simultaneous", 2.179, 3.225),
    (Minimax(), None, "alternating", 1.399, 1.376),
    (NonSaturating(), None, "simultaneous", 0.5211, 0.4508),
    (NonSaturating(), None, "alternating", 0.3902, 0.2000),
    (Minimax(), 0.3, "simultaneous", 0.00182, 1.5e-12),
    (Minimax(), 0.3, "alternating", 0.00094, 1.1e-13),
    (NonSaturating(), 0.3, "simultaneous", 0.00111, 8.3e-13),
    (NonSaturating(), 0.3, "alternating", 0.00062, 7.6e-14),
    (Minimax(), 1.0, "simultaneous", 1.83e-9, 0.0),
    (Minimax(), 1.0, "alternating", 1.792e-8, 0.0),
    (NonSaturating(), 1.0, "simultaneous", 6.4e-10, 0.0),
    (NonSaturating(), 1.0, "alternating", 8.8e-9, 0.0),
    (NonSaturating(), 2.0, "simultaneous", 0.00159, 2.6e-12),
    (NonSaturating(), 2.0, "alternating", 0.00168, 3.7e-12),
]


def play(loss, gamma, update, bias=False):
    """Return the states (theta, psi[, bias]) after 500 and 2,000 steps of `fit`."""
    # No latents: the generator's output is its weight times a condition that is always 1.
    generator = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")]
    )
    discriminator = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=bias, kernel_initializer="ones")]
    )
    model = keras_gan.GAN(generator, discriminator, latents=None)
    model.compile(
        loss,
        keras.optimizers.SGD(STEP),
        keras.optimizers.SGD(STEP),
        terms=[R1(gamma)] if gamma else (),
        update=update,
        steps_per_execution=500,
    )
    states = []
    record = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: states.append(
            [w.item() for network in (generator, discriminator) for w in network.get_weights()]
        )
    )
    zeros = np.zeros((2000, 1), "float32")
    model.fit(zeros, np.ones_like(zeros), batch_size=1, verbose=0, callbacks=[record])
    return states[0], states[3]


def literal_logistic(saturating, gamma, update, steps):
    """The logistic game with D(x) = psi x, real logit 0, written out by hand in float64."""
    theta, psi = 1.0, 1.0

    def generator_slope(logit):
        sigmoid = 1 / (1 + np.exp(-logit))
        return -sigmoid if saturating else sigmoid - 1

    for _ in range(steps):
        new_psi = psi - STEP * (theta / (1 + np.exp(-psi * theta)) + gamma * psi)
        answered = new_psi if update == "alternating" else psi
        theta -= STEP * answered * generator_slope(answered * theta)
        psi = new_psi
    return np.hypot(theta, psi)


def literal_least_squares(gamma, update, steps):
    """LeastSquares(0, 1, 1) with D(x) = psi x + b, written out by hand in float64."""
    theta, psi, b = 1.0, 1.0, 0.0
    for _ in range(steps):
        real, fake = b, psi * theta + b
        d_psi = fake * theta + gamma * psi
        d_b = (real - 1) + fake
        new_psi, new_b = psi - STEP * d_psi, b - STEP * d_b
        if update == "alternating":
            fake = new_psi * theta + new_b
            theta -= STEP * (fake - 1) * new_psi
        else:
            theta -= STEP * (fake - 1) * psi
        psi, b = new_psi, new_b
    return [theta, psi, b]


# Other gammas are the same code with another number. The non-saturating game is played with them in
# tests/proofs: at 1 the step's eigenvalues, at 2 these and the whole walk.
PLAYED = [row[:3] for row in RADII if row[1] in (None, 0.3)]


@pytest.mark.representatives(2)
@pytest.mark.parametrize(("loss", "gamma", "update"), PLAYED)
def test_radii(loss, gamma, update):
    for state, steps in zip(play(loss, gamma, update), (500, 2000), strict=True):
        literal = literal_logistic(isinstance(loss, Minimax), gamma or 0.0, update, steps)
        # 1e-30: below it, float32 has no digits left.
        assert np.hypot(*state) == pytest.approx(literal, rel=0.02, abs=1e-30)


@pytest.mark.parametrize(("loss", "gamma", "update", "early", "late"), RADII)
def test_published_radii_are_those_of_the_game_by_hand(loss, gamma, update, early, late):
    for steps, published in ((500, early), (2000, late)):
        literal = literal_logistic(isinstance(loss, Minimax), gamma or 0.0, update, steps)
        # The published figures have two to four digits.
        assert literal == pytest.approx(
            published, rel=0.04 if published < 1e-3 else 5e-3, abs=1e-16
        )


@pytest.mark.representatives(1)
@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
@pytest.mark.parametrize("gamma", [0.0, 0.3])
def test_least_squares_with_a_bias(gamma, update):
    """Without a bias the least-squares game is degenerate; with one it is compared by hand."""
    states = play(LeastSquares(), gamma, update, bias=True)
    for state, steps in zip(states, (500, 2000), strict=True):
        literal = literal_least_squares(gamma, update, steps)
        assert state == pytest.approx(literal, rel=0.02, abs=1e-4)


@pytest.mark.slow
def test_least_squares_without_a_bias_stalls():
    assert np.hypot(*play(LeastSquares(), None, "simultaneous")[1]) == pytest.approx(1.33, abs=0.01)
