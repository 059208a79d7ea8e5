"""Speed, tracing time and memory of `fit` against an earlier commit, in alternation.

    python benchmarks/against.py 3c33f02
    python benchmarks/against.py 3c33f02 --rounds=15 --steps=40

Both commits train the same DCGAN on the same images, each in a process of its own that stays; the
two take turns, and the ratio is taken pair by pair. Tracing time is that of a first step in fresh
processes, in turns too. Memory is each process's peak.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from absl import app, flags

_ROUNDS = flags.DEFINE_integer("rounds", 11, "Pairs of runs.", lower_bound=1)
_STARTS = flags.DEFINE_integer("starts", 5, "Pairs of fresh processes, for tracing.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 40, "Training steps in one run.", lower_bound=1)

_ROOT = pathlib.Path(__file__).resolve().parents[1]
# Answers each line of its input with the seconds that as many steps took, then its peak memory.
_WORKER = """
import resource, sys, time
import keras, numpy as np, tensorflow as tf
import keras_gan
keras.utils.set_random_seed(0)
networks = keras_gan.networks.dcgan((28, 28, 1), latent_dim=64, width=32)
model = keras_gan.GAN(*networks, seed=0)
model.compile("non_saturating")
def images(steps):
    x = np.random.default_rng(0).uniform(-1, 1, (steps, 128, 28, 28, 1)).astype("float32")
    options = tf.data.Options()
    options.autotune.enabled = False
    return tf.data.Dataset.from_tensor_slices(x).prefetch(2).with_options(options)
kept = {}
for line in sys.stdin:
    steps = int(line)
    data = kept.setdefault(steps, images(steps))
    start = time.perf_counter()
    model.fit(data, verbose=0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("took", time.perf_counter() - start, peak, flush=True)
"""


class Worker:
    """A process that trains with the library of one checkout."""

    def __init__(self, tree):
        self._process = subprocess.Popen(
            [sys.executable, "-c", _WORKER],
            env={**os.environ, "PYTHONPATH": str(tree), "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, steps):
        """Return the seconds that steps took, and the process's peak memory in MiB."""
        print(steps, file=self._process.stdin, flush=True)
        for line in self._process.stdout:
            if line.startswith("took"):
                return [float(number) for number in line.split()[1:]]
        raise RuntimeError("The process has ended.")

    def end(self):
        """Let the process end."""
        self._process.stdin.close()
        self._process.wait()


def in_turns(rounds, first, second):
    """Return two lists of what two functions gave, called in turns."""
    given = [], []
    for i in range(rounds):
        order = (0, 1) if i % 2 else (1, 0)
        for which in order:
            given[which].append((first, second)[which]())
    return given


def tell(what, unit, now, before):
    """Print the medians, and the median of the paired ratios with its range."""
    ratios = sorted(a / b for a, b in zip(now, before, strict=True))
    medians = [f"{statistics.median(values):9.3f} {unit:4}" for values in (now, before)]
    spread = f"({ratios[0]:.3f} to {ratios[-1]:.3f})"
    print(f"{what:14} {' '.join(medians)} {statistics.median(ratios):7.3f} {spread}", flush=True)


def first_step(tree):
    """Return the seconds of a fresh process's first step."""
    worker = Worker(tree)
    seconds, _ = worker.run(1)
    worker.end()
    return seconds


def compare(now, before):
    """Print the table of two checkouts."""
    print(f"{'':14} {'now':>14} {'before':>14}   ratio, median of pairs")
    workers = Worker(now), Worker(before)
    for worker in workers:
        worker.run(1)
        worker.run(_STEPS.value)
    runs = in_turns(_ROUNDS.value, *(lambda w=w: w.run(_STEPS.value) for w in workers))
    steps = [[1000 * seconds / _STEPS.value for seconds, _ in each] for each in runs]
    tell("step", "ms", *steps)
    tell("peak memory", "MiB", *([[each[-1][1]] for each in runs]))
    for worker in workers:
        worker.end()
    starts = in_turns(_STARTS.value, lambda: first_step(now), lambda: first_step(before))
    tell("first step", "s", *starts)


def main(argv):
    if len(argv) != 2:
        raise app.UsageError(f"Expected one commit. Received: {argv[1:]}")
    with tempfile.TemporaryDirectory() as directory:
        tree = os.path.join(directory, "tree")
        command = ["git", "worktree", "add", "--detach", "--quiet", tree, argv[1]]
        subprocess.run(command, cwd=_ROOT, check=True)
        try:
            compare(_ROOT, tree)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=_ROOT, check=True)


if __name__ == "__main__":
    app.run(main)
