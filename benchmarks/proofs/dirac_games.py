"""The Dirac-GAN on paper: every loss's slopes, what each term adds, and the motion that follows.

The data is the single point 0, the generator a single point theta, the discriminator
`D(x) = psi x + b`, with a bias where the loss needs one. So the real logit is `r = b`, the fake
one `f = psi theta + b`, and gradient descent on the two losses is

    theta' = theta - h dL_G/df psi
    psi'   = psi - h (dL_D/df theta + what the terms add)
    b'     = b - h (dL_D/dr + dL_D/df)

with psi and b, for theta', those of before the step (simultaneous updates) or after it
(alternating). Nothing here uses keras_gan's losses or terms but to name them: slopes are derived
by hand, in float64.

Around the equilibrium (theta, psi, b) = (0, 0, b*), with l = dL_D/df, a = -dL_G/df and
c = d²L_D/db² there, and e theta and d psi what the terms add to the slopes, the flow is linear:

    d theta/dt = a psi - e theta,    d psi/dt = -l theta - d psi,    d b/dt = -c (b - b*)

so that its eigenvalues are `-(d + e)/2 ± sqrt((d - e)²/4 - a l)`, and -c of the bias.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from keras_gan import losses

STEP = 0.1
UNROLLED = 5


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


@dataclasses.dataclass(frozen=True)
class Game:
    """A loss and its slopes.

    Attributes:
        title: as the table has it.
        make: returns the shipped loss.
        fake: dL_D/df at the logits (r, f).
        answer: dL_G/df.
        real: dL_D/dr; a discriminator without a bias does not need it.
        bias: `(b*, c)`, the bias at equilibrium and its curvature; `None` for no bias.
    """

    title: str
    make: Callable
    fake: Callable
    answer: Callable
    real: Callable | None = None
    bias: tuple | None = None

    @property
    def rest(self):
        """Slopes `(l, a)` at equilibrium."""
        level = self.bias[0] if self.bias else 0.0
        return self.fake(level, level), -self.answer(level, level)


def _f_gan(divergence, title, real, fake, bias):
    """Return an f-GAN: L_D = -g(r) + f*(g(f)), L_G = -f*(g(f)).

    The bias rests at g(b*) = f'(1), its curvature is g'(b*)² / f''(1).
    """
    make = lambda: losses.FDivergence(divergence)  # noqa: E731
    return Game(f"f-GAN, {title}", make, fake, lambda r, f: -fake(r, f), real, bias)


GAMES = {
    # L_D = softplus(-r) + softplus(f).
    "minimax": Game(
        "minimax",
        lambda: losses.Minimax(),
        lambda r, f: sigmoid(f),
        lambda r, f: -sigmoid(f),
    ),
    "non_saturating": Game(
        "non-saturating",
        lambda: losses.NonSaturating(),
        lambda r, f: sigmoid(f),
        lambda r, f: -sigmoid(-f),
    ),
    # L_D = softplus(f - r), L_G = softplus(r - f).
    "relativistic_pairing": Game(
        "relativistic, paired",
        lambda: losses.RelativisticPairing(),
        lambda r, f: sigmoid(f - r),
        lambda r, f: -sigmoid(r - f),
    ),
    # Of a single sample the average is the sample: twice the paired loss.
    "relativistic_average": Game(
        "relativistic average",
        lambda: losses.RelativisticAverage(),
        lambda r, f: 2 * sigmoid(f - r),
        lambda r, f: -2 * sigmoid(r - f),
    ),
    # 2 (f - r + 1)² and 2 (r - f + 1)².
    "relativistic_average_least_squares": Game(
        "relativistic average, least squares",
        lambda: losses.RelativisticAverage("least_squares"),
        lambda r, f: 4 * (f - r + 1),
        lambda r, f: -4 * (r - f + 1),
    ),
    # 2 [1 + f - r]+ and 2 [1 + r - f]+.
    "relativistic_average_hinge": Game(
        "relativistic average, hinge",
        lambda: losses.RelativisticAverage("hinge"),
        lambda r, f: 2.0 * (1 + f - r > 0),
        lambda r, f: -2.0 * (1 + r - f > 0),
    ),
    # ((r - 1)² + f²) / 2 and (f - 1)² / 2: without a bias both eigenvalues are 0.
    "least_squares": Game(
        "least squares (0, 1, 1)",
        lambda: losses.LeastSquares(),
        lambda r, f: f,
        lambda r, f: f - 1,
        lambda r, f: r - 1,
        bias=(0.5, 2.0),
    ),
    "wasserstein": Game(
        "Wasserstein", lambda: losses.Wasserstein(), lambda r, f: 1.0, lambda r, f: -1.0
    ),
    # [1 - r]+ + [1 + f]+, and -f.
    "hinge": Game(
        "hinge",
        lambda: losses.Hinge(),
        lambda r, f: 1.0 * (1 + f > 0),
        lambda r, f: -1.0,
    ),
    # exp(-r) + exp(f), and exp(-f).
    "exponential": Game(
        "exponential",
        lambda: losses.Exponential(),
        lambda r, f: np.exp(f),
        lambda r, f: -np.exp(-f),
    ),
    # g = v, f* = exp(t - 1).
    "kl": _f_gan("kl", "KL", lambda r, f: -1.0, lambda r, f: np.exp(f - 1), (1.0, 1.0)),
    # g = -exp(-v), f*(g(v)) = v - 1.
    "reverse_kl": _f_gan(
        "reverse_kl", "reverse KL", lambda r, f: -np.exp(-r), lambda r, f: 1.0, (0.0, 1.0)
    ),
    # g = v, f* = t² / 4 + t.
    "pearson": _f_gan("pearson", "Pearson", lambda r, f: -1.0, lambda r, f: f / 2 + 1, (0.0, 0.5)),
    # g = 1 - exp(-v), f*(g(v)) = exp(v) - 1.
    "squared_hellinger": _f_gan(
        "squared_hellinger",
        "squared Hellinger",
        lambda r, f: -np.exp(-r),
        lambda r, f: np.exp(f),
        (0.0, 2.0),
    ),
    # g = log 2 - softplus(-v), f*(g(v)) = softplus(v) - log 2.
    "jensen_shannon": _f_gan(
        "jensen_shannon",
        "Jensen-Shannon",
        lambda r, f: -sigmoid(-r),
        lambda r, f: sigmoid(f),
        (0.0, 0.5),
    ),
    # g = -softplus(-v), f*(g(v)) = softplus(v).
    "gan": _f_gan("gan", "GAN", lambda r, f: -sigmoid(-r), lambda r, f: sigmoid(f), (0.0, 0.5)),
}


@dataclasses.dataclass(frozen=True)
class Push:
    """What terms add to the game.

    Attributes:
        title: as the table has it.
        slope: what is added to psi's slope, of (theta, psi).
        damping: its derivative at psi = 0, the `d` above; `None` where there is none.
        clip: bound of psi after the discriminator's update.
        pull: `e theta` is added to theta's slope.
    """

    title: str = ""
    slope: Callable = lambda theta, psi: 0.0
    damping: float | None = 0.0
    clip: float | None = None
    pull: float = 0.0


NOTHING = Push()


def damped(title, d):
    """Return a term that adds `d psi²/2` to the discriminator's loss."""
    return Push(title, lambda theta, psi: d * psi, d)


def flow_eigenvalues(game, push):
    """Return the closed form of the flow's eigenvalues."""
    slope, answer = game.rest
    root = np.emath.sqrt((push.damping - push.pull) ** 2 / 4 - answer * slope)
    middle = -(push.damping + push.pull) / 2
    bias = [-game.bias[1]] if game.bias else []
    return np.array([middle + root, middle - root, *bias], complex)


def step_eigenvalues(game, push, update):
    """Return the closed form of the eigenvalues of one training step around the equilibrium.

    Updates of both players from the same state multiply by `1 + h lambda`. Alternating ones
    compose the two players' steps, of trace `(1 - h d) + (1 - h e) - h² a l` and determinant
    `(1 - h d) (1 - h e)`.
    """
    if update != "alternating":
        return 1 + STEP * flow_eigenvalues(game, push)
    slope, answer = game.rest
    kept = 1 - STEP * push.damping, 1 - STEP * push.pull
    half = (sum(kept) - STEP**2 * answer * slope) / 2
    root = np.emath.sqrt(half**2 - np.prod(kept))
    bias = [1 - STEP * game.bias[1]] if game.bias else []
    return np.array([half + root, half - root, *bias], complex)


def walk(game, push, update, steps):
    """Play the game by hand.

    Args:
        game: the `Game`.
        push: the `Push`.
        update: "simultaneous", "alternating" (the discriminator first) or "unrolled" (of the
            non-saturating game alone, by `UNROLLED` steps).
        steps: increasing numbers of steps.

    Returns:
        Array of the states `(theta, psi, b)` after each of these numbers of steps, from
        `start(game)`.
    """
    state, states = start(game), []
    with np.errstate(over="ignore", invalid="ignore"):
        for i in range(max(steps)):
            state = step(game, push, update, *state)
            if i + 1 in steps:
                states.append(state)
    return np.array(states)


def start(game):
    """Return the first state: (1, 1, 0)."""
    return 1.0, 1.0, 0.0


def step(game, push, update, theta, psi, b):
    """Return the state after one step from `(theta, psi, b)`, an array."""
    logits = b, psi * theta + b
    ahead = psi - STEP * (game.fake(*logits) * theta + push.slope(theta, psi))
    ahead_b = b - STEP * (game.real(*logits) + game.fake(*logits)) if game.bias else b
    if push.clip is not None:
        ahead = np.clip(ahead, -push.clip, push.clip)
    answered, level = (ahead, ahead_b) if update == "alternating" else (psi, b)
    slope = game.answer(level, answered * theta + level) * answered + push.pull * theta
    if update == "unrolled":
        slope = _unrolled_slope(theta, psi)
    return np.array([theta - STEP * slope, ahead, ahead_b])


def _unrolled_slope(theta, psi):
    """Return d/d theta of softplus(-psi_K theta) of the logistic game, psi_K being K steps ahead.

    By the chain rule: psi_K depends on theta at every one of its steps.
    """
    along = 0.0  # d psi_k / d theta.
    for _ in range(UNROLLED):
        f = psi * theta
        change = sigmoid(f) + sigmoid(f) * sigmoid(-f) * (psi + theta * along) * theta
        psi, along = psi - STEP * sigmoid(f) * theta, along - STEP * change
    return -sigmoid(-psi * theta) * (psi + theta * along)


def radius(game, state):
    """Return how far a state is from the equilibrium."""
    rest = game.bias[0] if game.bias else 0.0
    return float(np.linalg.norm(np.asarray(state) - [0, 0, rest]))
