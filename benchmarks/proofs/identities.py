"""Identities of discriminators' losses at the optimum, and bounds for any other discriminator.

    python benchmarks/proofs/identities.py

On pairs of random distributions over six points, expectations are exact sums. At the optimal
discriminator, known on paper, the shipped loss must equal a closed form of the divergence; for
random discriminators it must never prove more than there is. Takes seconds, in float64.
"""

import dataclasses
import sys
import time
from collections.abc import Callable

import keras
import numpy as np
import rows
import runs
import scipy.special
import tables
from absl import app

from keras_gan import losses

POINTS, PAIRS, DISCRIMINATORS = 6, 20, 1000
AGREE = 1e-6


def entropy(p, q):
    """Return KL(p, q) in nats."""
    return float(np.sum(scipy.special.rel_entr(p, q)))


def js(p, q):
    return (entropy(p, (p + q) / 2) + entropy(q, (p + q) / 2)) / 2


def triangular(p, q):
    return float(np.sum((p - q) ** 2 / (p + q)))


def affinity(p, q):
    return float(np.sum(np.sqrt(p * q)))


def js_of_pairs(p, q):
    """Return the divergence of pairs in one order from pairs in the other."""
    return js(np.outer(p, q).ravel(), np.outer(q, p).ravel())


@dataclasses.dataclass(frozen=True)
class Case:
    """A loss, its optimum on paper and the divergence that it bounds.

    Attributes:
        title: as the table has it.
        loss: the shipped loss.
        optimum: the optimal discriminator's logits on the points, of (p, q).
        value: the loss at the optimum, of (p, q).
        divergence: what the bound is on, of (p, q); `None` for no bound.
        identity: the identity, in words.
    """

    title: str
    loss: losses.AdversarialLoss
    optimum: Callable
    value: Callable
    divergence: Callable | None
    identity: str


def _f_gan(divergence, optimum, value, identity):
    """L_D at T* = f'(p/q) is -D_f(p, q); `optimum` solves g(v) = f'(p/q) for v."""
    return Case(
        f"f-GAN, {divergence.replace('_', ' ')}",
        losses.FDivergence(divergence),
        optimum,
        lambda p, q: -value(p, q),
        value,
        identity,
    )


def _log_ratio(p, q):
    return np.log(p / q)


def _logistic(loss, title):
    return Case(
        title, loss, _log_ratio, lambda p, q: 2 * np.log(2) - 2 * js(p, q), js, "2 log 2 - 2 JS"
    )


CASES = [
    _logistic(losses.Minimax(), "minimax"),
    _logistic(losses.NonSaturating(), "non-saturating"),
    Case(
        "relativistic, paired",
        losses.RelativisticPairing(),
        _log_ratio,
        lambda p, q: np.log(2) - js_of_pairs(p, q),
        js_of_pairs,
        "log 2 - JS of the pairs",
    ),
    Case(
        "least squares (0, 1, 1)",
        losses.LeastSquares(),
        lambda p, q: p / (p + q),
        lambda p, q: 1 / 4 - triangular(p, q) / 8,
        triangular,
        "1/4 - triangular/8",
    ),
    Case(
        "least squares (-1, 1, 0)",
        losses.LeastSquares(-1, 1, 0),
        lambda p, q: (p - q) / (p + q),
        lambda p, q: 1 - triangular(p, q) / 2,
        triangular,
        "1 - triangular/2",
    ),
    Case(
        "hinge",
        losses.Hinge(),
        lambda p, q: np.sign(p - q),
        lambda p, q: 2 - np.sum(abs(p - q)),
        lambda p, q: np.sum(abs(p - q)) / 2,
        "2 - 2 TV",
    ),
    Case(
        "exponential",
        losses.Exponential(),
        lambda p, q: _log_ratio(p, q) / 2,
        lambda p, q: 2 * affinity(p, q),
        lambda p, q: 1 - affinity(p, q),
        "2 Σ√(pq)",
    ),
    _f_gan("kl", lambda p, q: 1 + _log_ratio(p, q), entropy, "-KL(p, q)"),
    _f_gan("reverse_kl", _log_ratio, lambda p, q: entropy(q, p), "-KL(q, p)"),
    _f_gan(
        "pearson",
        lambda p, q: 2 * (p / q - 1),
        lambda p, q: float(np.sum((p - q) ** 2 / q)),
        "-Σ(p - q)²/q",
    ),
    # f' = 1 - sqrt(q/p) = 1 - exp(-v).
    _f_gan(
        "squared_hellinger",
        lambda p, q: _log_ratio(p, q) / 2,
        lambda p, q: float(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2)),
        "-Σ(√p - √q)²",
    ),
    _f_gan("jensen_shannon", _log_ratio, lambda p, q: 2 * js(p, q), "-2 JS"),
    _f_gan("gan", _log_ratio, lambda p, q: 2 * js(p, q) - np.log(4), "log 4 - 2 JS"),
]

# Those without a bound, and why.
WITHOUT = {
    "Wasserstein": "unbounded without a Lipschitz constraint; the log calls it `critic_gap`",
    "RelativisticAverage": "log 2 - L_D/2 can exceed the Jensen-Shannon divergence",
    "Minimax, NonSaturating with label smoothing": "the optimum is not the ratio of densities",
}


def expected_losses(loss, logits, p, q):
    """Return the discriminator's expected loss: the exact sum over pairs of points.

    Every real point meets every generated one, with the product of their probabilities. For a
    loss that does not compare the two, that is the sum of its two expectations.

    Args:
        loss: the shipped loss.
        logits: the discriminators on the points, array of shape `(n, points)`.
        p: the data's probabilities, of the same shape.
        q: the generator's.

    Returns:
        Array of n losses.
    """
    real = np.repeat(logits, POINTS, axis=1).reshape(-1, 1)
    fake = np.tile(logits, POINTS).reshape(-1, 1)
    values = keras.ops.convert_to_numpy(loss.discriminator_loss(real, fake))
    weights = p[:, :, None] * q[:, None, :]
    return np.sum(weights.reshape(len(p), -1) * values.reshape(len(p), -1), axis=1)


def distributions(rng, count):
    """Return pairs of random distributions without zeros, two arrays of a row for each."""
    return rng.dirichlet(np.ones(POINTS), size=(2, count))


def largest_error(case, seed=0):
    """Return the largest relative deviation from the identity, over pairs of distributions."""
    p, q = distributions(np.random.default_rng(seed), PAIRS)
    values = np.array([case.value(*pair) for pair in zip(p, q, strict=True)])
    errors = abs(expected_losses(case.loss, case.optimum(p, q), p, q) - values)
    return float(np.max(errors / np.maximum(1, abs(values))))


def margins(case, seed=0):
    """Return by how much each random discriminator's bound stays below the divergence.

    Half of them are random, of different sizes; half are the optimum, disturbed.
    """
    rng = np.random.default_rng(seed)
    p, q = distributions(rng, DISCRIMINATORS)
    sizes = np.exp(rng.uniform(-6, 1, size=(DISCRIMINATORS, 1)))
    logits = sizes * rng.normal(size=p.shape)
    logits[::2] += case.optimum(p, q)[::2]
    bounds = case.loss.divergence(expected_losses(case.loss, logits, p, q))
    return np.array([case.divergence(*pair) for pair in zip(p, q, strict=True)]) - bounds


def main(_):
    keras.config.set_floatx("float64")
    begun, body, failed = time.perf_counter(), [], False
    for case in CASES:
        error, margin = largest_error(case), margins(case)
        violated = int(np.sum(margin < -1e-9))
        failed |= error > AGREE or violated > 0
        body.append(
            [
                case.title,
                case.identity,
                f"{error:.0e}",
                case.loss.divergence_name,
                str(violated),
                f"{margin.min():.1e}",
            ]
        )
    head = ["", "L_D at the optimum", "largest error", "bound on", "violated", "smallest margin"]
    parts = [
        tables.lines(head, body),
        f"{PAIRS} pairs of distributions, {DISCRIMINATORS:,} random discriminators a loss; "
        f"{tables.duration(time.perf_counter() - begun)}, float64; {rows.machine()}; "
        f"commit {rows.commit()}.",
        "No bound:\n\n" + "\n".join(f"- `{name}`: {why}." for name, why in WITHOUT.items()),
    ]
    text = "\n\n".join(parts)
    print(text)
    runs.publish("identities", text)
    sys.exit(failed)


if __name__ == "__main__":
    app.run(main)
