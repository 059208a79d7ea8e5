"""Speed and memory of the metrics, beside plain NumPy and SciPy in the same run.

    python benchmarks/metrics.py
    python benchmarks/metrics.py --scale=0.2     # a fifth of the samples, for a quick look

Each row runs in a process of its own, which tells its peak memory above that of a process that
has only imported and made the same data. Machines are noisy: ours and the plain version take
turns, `--rounds` times, and the medians are compared.

The plain versions are what one writes first: the whole n x d matrix at once and SciPy's matrix
root for the Frechet distance, the whole n x n matrix of distances for precision and recall, and a
whole kernel matrix for each block of the kernel distance.
"""

import statistics
import subprocess
import sys
import time

import numpy as np
import scipy.linalg
import scipy.spatial
from absl import app, flags
from memory import peak

from keras_gan import metrics

_SCALE = flags.DEFINE_float("scale", 1.0, "Share of the samples to use.", lower_bound=0.001)
_ROUNDS = flags.DEFINE_integer("rounds", 1, "Runs of each version.", lower_bound=1)
_ONLY = flags.DEFINE_string("only", None, "Run one version of one row; used by the command itself.")

BATCH = 500


def features(count, dimensions, seed, shift=0.0):
    """Yield batches of correlated features, as a network makes them: float32, not negative."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).normal(size=(64, dimensions)).astype("float32") / 8
    for first in range(0, count, BATCH):
        size = min(BATCH, count - first)
        latent = rng.normal(size=(size, 64)).astype("float32")
        noise = rng.normal(size=(size, dimensions)).astype("float32")
        yield np.maximum(latent @ mixing + 0.3 * noise + shift, 0)


def streamed(metric):
    """Return a function that feeds a metric both sides in batches, and computes it."""

    def run(sides):
        for side, batches in sides.items():
            for batch in batches:
                metric.update_features(**{side: batch})
        return metric.result()

    return run


def plain(function):
    """Return a function that gathers both sides whole, and calls another on them."""
    return lambda sides: function(*(np.concatenate(list(batches)) for batches in sides.values()))


def plain_frechet(real, fake):
    real, fake = real.astype("float64"), fake.astype("float64")
    covariances = [np.cov(rows, rowvar=False) for rows in (real, fake)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    means = np.sum((real.mean(axis=0) - fake.mean(axis=0)) ** 2)
    return means + np.trace(sum(covariances) - 2 * root)


def plain_precision_recall(real, fake, k=3):
    def radii(rows):
        distances = scipy.spatial.distance.cdist(rows, rows)
        return np.sort(distances, axis=1)[:, k]

    distances = scipy.spatial.distance.cdist(fake, real)
    precision = (distances <= radii(real)).any(axis=1).mean()
    return {"precision": precision, "recall": (radii(fake) >= distances.T).any(axis=1).mean()}


def plain_kernel(real, fake):
    estimates = []
    blocks = max(10, len(real) // 1000)
    for x, y in zip(np.array_split(real, blocks), np.array_split(fake, blocks), strict=True):
        both = np.concatenate([x, y]).astype("float64")
        kernel = (both @ both.T / both.shape[1] + 1) ** 3
        n = len(x)
        xx, yy, xy = kernel[:n, :n], kernel[n:, n:], kernel[:n, n:]
        within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (xx, yy)]
        estimates.append(sum(within) - 2 * xy.mean())
    return float(np.mean(estimates))


# name: samples, dimensions, ours, plain.
ROWS = {
    "frechet_distance": (50_000, 2048, metrics.FrechetDistance, plain_frechet),
    "precision_recall": (10_000, 512, metrics.PrecisionRecall, plain_precision_recall),
    "kernel_distance": (10_000, 2048, metrics.KernelDistance, plain_kernel),
}


def sides(name):
    count, dimensions = int(ROWS[name][0] * _SCALE.value), ROWS[name][1]
    return {
        "real": features(count, dimensions, seed=1),
        "fake": features(count, dimensions, seed=2, shift=0.05),
    }


def run_one(name, version):
    """Compute one version of one row, and print its seconds, memory and result."""
    run = streamed(ROWS[name][2]()) if version == "keras_gan" else plain(ROWS[name][3])
    for batches in sides(name).values():  # What making the data takes is not the metric's.
        start = time.perf_counter()
        for _ in batches:
            pass
        making = 2 * (time.perf_counter() - start)
    before, start = peak(), time.perf_counter()
    result = run(sides(name))
    seconds = time.perf_counter() - start - making
    print("result", seconds, peak() - before, result, sep="|")


def measure(name, version):
    """Return seconds, MiB and result of one version of one row, from a process of its own."""
    command = [sys.executable, __file__, f"--only={name}:{version}", f"--scale={_SCALE.value}"]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    line = next(line for line in out.splitlines() if line.startswith("result|"))
    _, seconds, memory, result = line.split("|")
    return float(seconds), float(memory), result


def compare():
    """Print the table."""
    head = "metric", "samples x dimensions", "version", "seconds", "MiB", "ratio", "result"
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    for name, (count, dimensions, *_) in ROWS.items():
        versions = ("keras_gan", "plain")
        runs = {version: [] for version in versions}
        for _ in range(_ROUNDS.value):
            for version in versions:
                runs[version].append(measure(name, version))
        medians = {v: statistics.median(run[0] for run in runs[v]) for v in versions}
        for version in versions:
            memory = max(run[1] for run in runs[version])
            ratio = medians[version] / medians["keras_gan"]
            shape = f"{int(count * _SCALE.value):,} x {dimensions:,}"
            cells = f"{medians[version]:.1f}", f"{memory:.0f}", f"{ratio:.2f}"
            print(f"| {name} | {shape} | {version} | {' | '.join(cells)} | {runs[version][0][2]} |")
            sys.stdout.flush()


def main(_):
    if _ONLY.value:
        run_one(*_ONLY.value.split(":"))
    else:
        compare()


if __name__ == "__main__":
    app.run(main)
