"""Games on a few points, whose losses are exact sums."""

import numpy as np


def expected_loss(loss, p, q, logits):
    """The discriminator's loss of each game in expectation: exact sums over pairs of outcomes."""
    pairs = np.broadcast_arrays(logits[:, :, None], logits[:, None, :])
    return np.einsum("gi,gj,gij->g", p, q, np.asarray(loss.discriminator_loss(*pairs)))


def random_games(count, points=6, seed=0):
    """Return pairs of distributions and a discriminator's outputs on their points, stacked."""
    rng, rows = np.random.default_rng(seed), []
    for _ in range(count):
        p, q = rng.dirichlet(np.full(points, rng.choice([0.3, 1.0, 10.0])), size=2) + 1e-6
        outputs = rng.normal(scale=rng.choice([0.1, 1, 10]), size=points)
        rows.append((p / p.sum(), q / q.sum(), outputs))
    return np.array(rows).transpose(1, 0, 2)
