"""Conformers of molecules: what is generated, beside the data and two Gaussian baselines.

    python benchmarks/proofs/geometry.py

Each run is one of `examples/molecules.py`, its data sampled anew by the run's seed; with 10,000
generated conformers, or as many of a baseline. About 25 minutes on 2 cores.
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
import molecules  # What users run is what is judged.

_IMAGES = flags.DEFINE_string("images", None, "Directory of a picture of each run's energies.")

FIGURES = (
    tables.Figure("median", "median energy, kcal/mol", 1),
    tables.Figure("mean", "mean energy", 1),
    tables.Figure("distance", "Wasserstein distance of pairs, Å", 3, best=min),
    tables.Figure("off", "largest error of a dihedral's shares", 3, best=min),
    tables.Figure("plus", "gauche+", 3),
    tables.Figure("minus", "gauche-", 3),
    tables.Figure("broken", "broken, of 10,000", 0, best=min),
)
# Of the figures, as the example calls them.
NAMES = {
    "median": "median energy, kcal/mol",
    "mean": "mean energy, kcal/mol",
    "distance": "mean Wasserstein distance of all pairs, Å",
    "off": "largest error of a dihedral's shares",
    "broken": "samples with a broken bond",
}
SAMPLES = 10_000


@dataclasses.dataclass(frozen=True)
class Molecule(runs.Arm):
    """One way to make conformers of one molecule.

    Attributes:
        smiles: the molecule.
        kind: `"generated"`, or what it is compared with.
        energy: weight of the energy.
    """

    smiles: str = "CCCC"
    kind: str = "generated"
    energy: float = 0.1


def _arms():
    for name, smiles, seeds in (("butane", "CCCC", (0, 1, 2)), ("hexane", "CCCCCC", (0, 1, 2))):
        options = {"smiles": smiles}
        yield Molecule(name, f"{name}, generated", 10_000, seeds, **options)
        if name == "butane":
            options["energy"] = 0.0
            yield Molecule(f"{name}-free", f"{name}, without the energy", 10_000, seeds, **options)
            del options["energy"]
        for kind in ("Gaussian", "independent", "held out"):
            arm = f"{name}-{kind.replace(' ', '-')}"
            yield Molecule(arm, f"{name}, {kind}", 0, seeds, kind=kind, **options)


ARMS = tuple(_arms())
CLAIMS = (
    tables.Claim("butane", "median", high=40),
    tables.Claim("butane", "distance", high=0.05),
    tables.Claim("butane", "off", high=0.05),
    tables.Claim("butane", "broken", high=0),
)


def play(arm, seed):
    """Make conformers and return their figures."""
    asked = {"smiles": arm.smiles, "seed": seed, "energy": arm.energy, "verbose": "0"}
    with flagsaver.flagsaver(**asked), tempfile.TemporaryDirectory() as directory:
        run_dir = pathlib.Path(directory)
        made = molecules.conformers.molecule(arm.smiles)
        x, real = molecules.load(made, run_dir)
        fake = made_by(arm, made, x, real, run_dir)
        if _IMAGES.value and arm.kind == "generated":
            path = pathlib.Path(_IMAGES.value) / f"{arm.name}-{seed}.png"
            molecules.draw(made, real, fake, path)
        scores = molecules.score(made, x, real, fake)
    figures = {name: scores[said] for name, said in NAMES.items()}
    for name, said in (("plus", "gauche+"), ("minus", "gauche-")):
        found = [share for key, share in scores.items() if key.startswith(f"{said}, ")]
        figures[name] = sum(found) / len(found)
    return figures


def made_by(arm, made, x, real, run_dir):
    """Return the conformers of an arm."""
    if arm.kind == "held out":
        return real
    if arm.kind != "generated":
        rows = molecules.z_matrix.Rows.of(x, molecules.z_matrix.Tree.of(made))
        return molecules.baselines(rows, x, SAMPLES)[arm.kind]
    model, _ = molecules.train(run_dir, made, x)
    return model.generate(SAMPLES, seed=1_000_000, batch_size=1000)["coordinates"]


def finish(arms, rows):
    """Return on how many runs what was asked for was reached."""
    return "What every run was to reach:\n\n" + tables.kept(CLAIMS, arms, rows, FIGURES)


if __name__ == "__main__":
    runs.command(runs.Table("geometry", ARMS, play, FIGURES, finish=finish, page=page.MOLECULES))
