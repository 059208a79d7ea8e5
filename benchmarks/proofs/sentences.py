"""Pictures of captions: how often seen and unseen ones show what they say, beside controls.

    TFDS_DATA_DIR=... python benchmarks/proofs/sentences.py

Each run is one of `examples/captions.py` on MNIST's strokes, with the run's seed choosing which
combinations are held out, too. About an hour on 2 cores.
"""

import dataclasses
import pathlib
import sys
import tempfile

import page
import runs
import tables
from absl import flags
from absl.testing import flagsaver

sys.path.append(str(pathlib.Path(__file__).parents[2] / "examples"))
import captions  # What users run is what is judged.

_IMAGES = flags.DEFINE_string("images", None, "Directory of a picture of each run's samples.")

ATTRIBUTES = (*captions.coloured_digits.WORDS, "all")
KINDS = "seen", "unseen"
FIGURES = tuple(
    tables.Figure(f"{attribute}_{kind}", f"{attribute}, {kind}, %", 1)
    for attribute in ATTRIBUTES
    for kind in KINDS
)


@dataclasses.dataclass(frozen=True)
class Captions(runs.Arm):
    """One way to tell the networks of captions.

    Attributes:
        control: of the example.
        real: whether real pictures are scored in place of generated ones.
    """

    control: str = "none"
    real: bool = False


SEEDS, EPOCHS, BATCH = (0, 1, 2), 16, 32
STEPS = EPOCHS * captions.PICTURES // BATCH
ARMS = (
    Captions("captions", "captions", STEPS, SEEDS),
    Captions("shuffled", "captions of other pictures", STEPS, SEEDS, control="shuffled"),
    Captions("whole", "each caption a word of its own", STEPS, SEEDS, control="whole"),
    Captions("real", "real pictures", 0, SEEDS, real=True),
)


def play(arm, seed):
    """Train a GAN of captions, or take real pictures; return its figures in percent."""
    asked = {"dataset": "mnist", "control": arm.control, "seed": seed, "verbose": "0"}
    asked |= {"epochs": EPOCHS, "batch_size": BATCH}
    with flagsaver.flagsaver(**asked), tempfile.TemporaryDirectory() as directory:
        splits = captions.coloured_digits.split(0.2, seed)
        run_dir = pathlib.Path(directory)
        model = None if arm.real else captions.train(run_dir, *splits)
        scores = captions.score(model, *splits)
        if _IMAGES.value and model:
            path = pathlib.Path(_IMAGES.value) / f"{arm.name}-{seed}.png"
            captions.draw(model, captions.said(splits[1][:8], 0), path)
    whose = ", real" if arm.real else ""
    return {
        f"{attribute}_{kind}": 100 * scores[f"{attribute} right, {kind}{whose}"]
        for attribute in ATTRIBUTES
        for kind in KINDS
    }


def finish(arms, rows):
    """Return by how many points captions never seen are worse than seen ones."""
    lines = ["Seen less unseen, in points, seed by seed:", ""]
    for arm in arms:
        found = [row.figures for row in rows[arm.name] if not row.failed]
        if found:
            parts = (_apart(attribute, found) for attribute in ATTRIBUTES)
            lines.append(f"- {arm.title}: {'; '.join(parts)}")
    return "\n".join(lines)


def _apart(attribute, found):
    points = (each[f"{attribute}_seen"] - each[f"{attribute}_unseen"] for each in found)
    return f"{attribute} {', '.join(f'{each:.1f}' for each in points)}"


if __name__ == "__main__":
    runs.command(runs.Table("sentences", ARMS, play, FIGURES, finish=finish, page=page.CAPTIONS))
