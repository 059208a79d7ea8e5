"""The metrics' definitions as plain loops, and the data that their tests share.

Nothing here is fast or stable; each function is the formula of its paper, written out.
"""

import itertools
import math

import numpy as np


def normal(n, d, seed=0, mean=0.0, std=1.0):
    return mean + std * np.random.default_rng(seed).standard_normal((n, d))


def integer_points(n, d, seed=0, high=4):
    """Points of a small lattice: many ties, many duplicates, every distance exact."""
    return np.random.default_rng(seed).integers(0, high, (n, d)).astype("float64")


def distance(x, y):
    return math.sqrt(sum((a - b) ** 2 for a, b in zip(x, y, strict=True)))


def distances(xs, ys):
    return np.array([[distance(x, y) for y in ys] for x in xs])


def radii(xs, k):
    """Return each point's distance to its k-th nearest other point of the same set."""
    return np.array(
        [
            sorted(distance(x, y) for j, y in enumerate(xs) if j != i)[k - 1]
            for i, x in enumerate(xs)
        ]
    )


def share_within(points, manifold, k):
    """Return the share of points that lie in a closed ball of the manifold."""
    within = distances(points, manifold) <= radii(manifold, k)
    return float(np.mean([any(row) for row in within]))


def precision_recall(real, fake, k):
    return {
        "precision": share_within(fake, real, k),
        "recall": share_within(real, fake, k),
    }


def density_coverage(real, fake, k):
    """Balls are open, as in the authors' code."""
    within = distances(real, fake) < radii(real, k)[:, None]
    return {
        "density": within.sum() / (k * len(fake)),
        "coverage": float(np.mean([any(row) for row in within])),
    }


def cubic_kernel(x, y):
    return (sum(a * b for a, b in zip(x, y, strict=True)) / len(x) + 1) ** 3


def unbiased_mmd(xs, ys):
    n, m = len(xs), len(ys)
    within_x = sum(cubic_kernel(xs[i], xs[j]) for i in range(n) for j in range(n) if i != j)
    within_y = sum(cubic_kernel(ys[i], ys[j]) for i in range(m) for j in range(m) if i != j)
    across = sum(cubic_kernel(x, y) for x in xs for y in ys)
    return within_x / (n * (n - 1)) + within_y / (m * (m - 1)) - 2 * across / (n * m)


def shuffled(real, fake):
    """Return both sides in the order that the documentation names."""
    sides = enumerate((real, fake))
    return [rows[np.random.default_rng([0, i]).permutation(len(rows))] for i, rows in sides]


def kernel_distance(real, fake, blocks):
    real, fake = shuffled(real, fake)
    pairs = zip(np.array_split(real, blocks), np.array_split(fake, blocks), strict=True)
    values = [unbiased_mmd(x, y) for x, y in pairs]
    return {
        "mean": np.mean(values),
        "standard_error": np.std(values, ddof=1) / math.sqrt(blocks),
    }


def kl(p, q):
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)


def inception_score(probabilities, splits):
    probabilities = probabilities[np.random.default_rng(0).permutation(len(probabilities))]
    scores = []
    for part in np.array_split(probabilities, splits):
        marginal = [sum(column) / len(part) for column in part.T]
        scores.append(math.exp(sum(kl(p, marginal) for p in part) / len(part)))
    mean = sum(scores) / splits
    return {"mean": mean, "std": math.sqrt(sum((s - mean) ** 2 for s in scores) / splits)}


def wasserstein(x, y, p):
    """Integrate |quantile of x - quantile of y|^p over the levels, and take the root."""
    x, y = sorted(x), sorted(y)
    n, m = len(x), len(y)
    levels = sorted({i / n for i in range(n + 1)} | {j / m for j in range(m + 1)})
    total = 0.0
    for low, high in itertools.pairwise(levels):
        middle = (low + high) / 2
        gap = abs(x[int(middle * n)] - y[int(middle * m)])
        total += (high - low) * gap**p
    return total ** (1 / p)


def histogram(indices, bins):
    return [sum(1 for i in indices if i == b) / len(indices) for b in range(bins)]


def mode_coverage(samples, centers, std):
    """All but the spread's correction for the cut at three standard deviations."""
    gaps = distances(samples, centers)
    nearest = [int(np.argmin(row)) for row in gaps]
    good = [bool(row.min() < 3 * std) for row in gaps]
    squares, freedom = 0.0, 0
    for mode in set(nearest):
        own = [x for x, m, g in zip(samples, nearest, good, strict=True) if m == mode and g]
        if own:
            mean = sum(own) / len(own)
            squares += sum(distance(x, mean) ** 2 for x in own)
            freedom += (len(own) - 1) * len(mean)
    return {
        "modes": len({m for m, g in zip(nearest, good, strict=True) if g}),
        "high_quality": sum(good) / len(good),
        "reverse_kl": kl(histogram(nearest, len(centers)), [1 / len(centers)] * len(centers)),
        "uncorrected_spread": math.sqrt(squares / freedom) / std if freedom else 0.0,
    }
