"""Image to image: each task of `examples/translate.py` beside simpler ways, and without adversary.

    TFDS_DATA_DIR=... python benchmarks/proofs/translations.py --pictures_dir=docs/images

Each run is the example's own command; a table reads the scores that it writes. `alone` is the same
network by `--adversarial_weight=0`. About two hours on 2 cores.
"""

import dataclasses
import json
import math
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable

import page
import runs
import tables
from absl import flags

_PICTURES = flags.DEFINE_string(
    "pictures_dir", None, "Existing directory for the outputs of each task's first seed, pictures."
)

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples" / "translate.py"
SEEDS = 0, 1, 2

# How the network of a task is trained: the title, and flags of the example.
TRAINED = {
    "alone": ("the network alone", ("--adversarial_weight=0",)),
    "gan": ("with its adversary", ()),
}


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
            if self.name.endswith("_gan") and seed == SEEDS[0] and _PICTURES.value:
                picture = pathlib.Path(
                    _PICTURES.value, f"translation_{self.name.removesuffix('_gan')}.png"
                )
                shutil.copy(pathlib.Path(directory, "outputs.png"), picture)
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
        if not values:
            return f"- {self.what}, {bound}: not run yet"
        if len(values) < len(SEEDS):
            verdict += f", on {len(values)} of {len(SEEDS)} seeds"
        return f"- {self.what}, {bound}: {shown}: {verdict}"


def table(
    task, ways, epochs, batches, figures, targets, flags=(), name=None, trained=tuple(TRAINED)
):
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
        trained: what is run on each seed, of `TRAINED`.
    """
    name, flags = name or task, (f"--task={task}", *flags)
    steps = epochs * batches
    arms = [Arm(f"{name}_{way.split()[0].lower()}", way, 0, flags=flags, way=way) for way in ways]
    for key in trained:
        title, own = TRAINED[key]
        arms.append(
            Arm(f"{name}_{key}", title, steps, SEEDS, flags=(*flags, *own), batches=batches)
        )

    def finish(_, rows):
        by_seed = {seed: figures_of(seed, arms, rows) for seed in SEEDS}
        whole = {seed: found for seed, found in by_seed.items() if len(found) == len(arms)}
        return "\n".join(target.line(whole) for target in targets)

    return runs.Table(
        f"translations_{name}", tuple(arms), Arm.play, figures, finish=finish, page=page.TRANSLATION
    )


def figures_of(seed, arms, rows):
    """Return the figures of one seed by arm, the task's name left out; of ways the only ones."""
    return {
        arm.name.rpartition("_")[2]: row.figures
        for arm in arms
        for row in rows[arm.name]
        if not row.failed and row.seed == (seed if arm.steps else 0)
    }


def ratio(key, other="alone", of="gan"):
    """Return a function of the ratio of a figure of two arms."""
    return lambda figures: figures[of][key] / figures[other][key]


def gain(key, other="alone", of="gan"):
    """Return a function of the difference of a figure of two arms."""
    return lambda figures: figures[of][key] - figures[other][key]


L1 = tables.Figure("l1", "L1", 4, best=min)
PSNR = tables.Figure("psnr/mean", "PSNR, dB")
SSIM = tables.Figure("ssim", "SSIM", 3)
PATCHES = "patch_sliced_wasserstein/distance"
APART = tables.Figure(PATCHES, "patches apart", 4, best=min)
CONTRAST = tables.Figure("patch_sliced_wasserstein/std_ratio", "contrast", best=1)
LUMINANCE = (
    tables.Figure("psnr_y/mean", "PSNR-Y, mean"),
    tables.Figure("psnr_y/pooled", "pooled"),
)
SHARPER = Target("patches apart, beside the network alone's", ratio(PATCHES), high=0.67)


def enlarging(epochs, **options):
    """Return the table of super-resolution at one scale."""
    return table(
        "super_resolution",
        ["nearest", "bicubic", "lanczos"],
        epochs=epochs,
        batches=173,
        figures=(*LUMINANCE, SSIM, APART, CONTRAST),
        **options,
    )


TABLES = (
    table(
        "glyphs",
        ["source", "nearest training glyph"],
        epochs=12,
        batches=73,
        figures=(L1, PSNR, SSIM, APART, CONTRAST),
        targets=[
            Target("L1, less the network alone's", gain("l1"), high=0.0, digits=4),
            Target("L1, beside the nearest training glyph's", ratio("l1", "nearest"), high=0.85),
            Target("patches apart, beside the network alone's", ratio(PATCHES), high=0.78),
            Target("PSNR, less the network alone's", gain("psnr/mean"), low=-0.2),
        ],
    ),
    table(
        "unpaired",
        ["source"],
        epochs=10,
        batches=73,
        figures=(
            tables.Figure("b/l1", "L1 to b", 4, best=min),
            tables.Figure("b/ssim", "SSIM", 3),
            tables.Figure(f"b/{PATCHES}", "patches apart", 4, best=min),
            tables.Figure("a/l1", "L1 to a", 4, best=min),
            tables.Figure("a/ssim", "SSIM", 3),
            tables.Figure(f"a/{PATCHES}", "patches apart", 4, best=min),
        ),
        targets=[
            Target("L1 to b", lambda figures: figures["gan"]["b/l1"], high=0.138, digits=4),
            Target("L1 to a", lambda figures: figures["gan"]["a/l1"], high=0.12, digits=4),
            Target(
                "patches apart of b, beside the source's",
                ratio(f"b/{PATCHES}", "source"),
                high=0.35,
            ),
        ],
        trained=("gan",),
    ),
    enlarging(
        epochs=16,
        targets=[
            SHARPER,
            Target("pooled PSNR-Y, less the network alone's", gain("psnr_y/pooled"), low=-0.9),
        ],
    ),
    enlarging(
        epochs=8,
        targets=[
            Target(
                "PSNR-Y of the network alone, less bicubic's",
                gain("psnr_y/mean", "bicubic", of="alone"),
                low=0.2,
            ),
        ],
        flags=("--scale=2",),
        name="super_resolution_2",
        trained=("alone",),
    ),
    table(
        "inpainting",
        ["source", "biharmonic", "Telea"],
        epochs=1,
        batches=1875,
        figures=(
            tables.Figure("hole_l1", "L1 of the hole", 3, best=min),
            tables.Figure("hole/mean", "PSNR of it, dB"),
            tables.Figure("frechet_distance", "Fréchet distance", 2, best=min),
            tables.Figure("same_class", "same class", 3),
            APART,
        ),
        targets=[
            Target(
                "Fréchet distance, beside the network alone's", ratio("frechet_distance"), high=0.67
            ),
            Target("same class, less the network alone's", gain("same_class"), low=0.0, digits=3),
            Target("PSNR of the hole, less the network alone's", gain("hole/mean"), low=-0.7),
            Target(
                "L1 of the hole, beside biharmonic's", ratio("hole_l1", "biharmonic"), high=0.55
            ),
        ],
        flags=("--dataset=mnist",),
    ),
    table(
        "denoising",
        ["source", "Gaussian filter", "median filter"],
        epochs=12,
        batches=173,
        figures=(L1, PSNR, SSIM, APART, CONTRAST),
        targets=[SHARPER],
    ),
)


if __name__ == "__main__":
    runs.command(*TABLES)
