"""Image to image: each task of `examples/translate.py` beside simpler ways, and without adversary.

    TFDS_DATA_DIR=... python benchmarks/proofs/translations.py

Each run is the example's own command; a table reads the scores that it writes. `alone` is the same
network by `--adversarial_weight=0`. About two hours on 2 cores.
"""

import dataclasses
import json
import math
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Callable

import runs
import tables

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples" / "translate.py"
PAGE = EXAMPLE.parents[1] / "docs" / "translation.md"
SEEDS = 0, 1, 2

DISTANCE = (
    tables.Figure("l1", "L1", 4, best=min),
    tables.Figure("psnr", "PSNR, dB", 2),
    tables.Figure("ssim", "SSIM", 3),
)
PATCHES = (
    tables.Figure("patch_sliced_wasserstein/distance", "patches", 4, best=min),
    tables.Figure("patch_sliced_wasserstein/std_ratio", "their contrast", 2, best=1),
)


@dataclasses.dataclass(frozen=True)
class Arm(runs.Arm):
    """One way of doing a task.

    Attributes:
        flags: of the example.
        way: whose scores are read.
        batches: training steps of an epoch.
    """

    flags: tuple = ()
    way: str = "this model"
    batches: int = 1

    def play(self, seed):
        """Run the example and return the scores of the way, by direction where there are two."""
        with tempfile.TemporaryDirectory() as directory:
            own = f"--run_dir={directory}", f"--seed={seed}", "--verbose=0"
            epochs = f"--epochs={-(-self.steps // self.batches)}"
            command = [sys.executable, str(EXAMPLE), *own, epochs, *self.flags]
            subprocess.run(command, check=True)
            scores = json.loads(pathlib.Path(directory, "scores.json").read_text())
        return {
            key if direction == "scores" else f"{direction}/{key}": value
            for direction, ways in scores.items()
            for key, value in ways[self.way].items()
        }


@dataclasses.dataclass(frozen=True)
class Target:
    """What one figure of a task, seed by seed, is held to.

    Attributes:
        what: as the page has it.
        of: function of the figures by arm, the task's name left out, that returns a number.
        low: the least that it may be.
        high: the most that it may be.
        digits: after the point.
    """

    what: str
    of: Callable
    low: float = -math.inf
    high: float = math.inf
    digits: int = 2

    def line(self, by_seed):
        """Return its value on each seed, and on which it is missed."""
        values = {seed: self.of(figures) for seed, figures in by_seed.items()}
        missed = [str(s) for s, value in values.items() if not self.low <= value <= self.high]
        shown = ", ".join(f"{value:.{self.digits}f}" for value in values.values())
        bound = f"at most {self.high:g}" if self.high < math.inf else f"at least {self.low:g}"
        verdict = f"**missed** on seed {', '.join(missed)}" if missed else "met"
        return f"- {self.what}, {bound}: {shown}: {verdict}"


def table(task, ways, epochs, batches, figures, targets, flags=(), name=None, alone=True):
    """Return the table of a task.

    Args:
        task: name of it.
        ways: names of the ways that need no training, as `scores.json` has them.
        epochs: of the recipe.
        batches: training steps of an epoch.
        figures: the columns.
        targets: what is claimed.
        flags: of the example, beside the task.
        name: of the table, by default the task's.
        alone: whether the network is trained without its adversary too.
    """
    name, flags = name or task, (f"--task={task}", *flags)
    trained = {"alone": ("the network alone", ("--adversarial_weight=0",))} if alone else {}
    trained["gan"] = "with its adversary", ()
    steps = epochs * batches
    arms = [Arm(f"{name}_{way.split()[0].lower()}", way, 0, flags=flags, way=way) for way in ways]
    arms += [
        Arm(f"{name}_{key}", title, steps, SEEDS, flags=(*flags, *more), batches=batches)
        for key, (title, more) in trained.items()
    ]

    def finish(_, rows):
        by_seed = {seed: figures_of(seed, arms, rows) for seed in SEEDS}
        whole = {seed: found for seed, found in by_seed.items() if len(found) == len(arms)}
        return "\n".join(target.line(whole) for target in targets)

    return runs.Table(
        f"translations_{name}", tuple(arms), Arm.play, figures, finish=finish, page=PAGE
    )


def figures_of(seed, arms, rows):
    """Return the figures of one seed by arm, the task's name left out; of ways the only ones."""
    return {
        arm.name.rpartition("_")[2]: row.figures
        for arm in arms
        for row in rows[arm.name]
        if not row.failed and row.seed == (seed if arm.steps else 0)
    }
