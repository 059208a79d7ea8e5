r"""Train a generator of a molecule's conformers by an adversary and an energy on their geometry.

    python examples/molecules.py
    python examples/molecules.py --smiles=CCCCO --run_dir=runs/butanol

No published definition of a "geometry-optimizing GAN" was found; this is ours. The data are
conformers at 300 K, sampled exactly by RDKit's force field. The generator makes bond lengths,
angles and dihedrals, from which a layer places atoms: bonds can't break. The discriminator sees
these numbers and the distances of atoms that are three bonds apart or more, neither of which
depends on where the molecule lies or how it is turned. The energy is one of geometry alone: how far
distances are outside of the range that they have in the data, above what the data themselves have.

Under the run directory: `conformers.npz` (the data, made once), `samples.sdf` (conformers that
other programs open), `scores.json`, `distributions.png`, `history.csv`, `checkpoint.keras` and
`backup/`. The same command resumes an interrupted run exactly from its last backup; --noresume
starts a new one.
"""

import json
import pathlib
import shutil
import sys

import conformers
import keras
import matplotlib.figure
import numpy as np
import tensorflow as tf
import z_matrix
from absl import app, flags
from rdkit import Chem
from scipy import stats

import keras_gan
from keras_gan.utils.files import whole_file

_SMILES = flags.DEFINE_string("smiles", "CCCC", "The molecule; butane by default.")
_COUNT = flags.DEFINE_integer("count", 6000, "Conformers of the data.", lower_bound=100)
_HELD_OUT = flags.DEFINE_integer("held_out", 1000, "Of them, held out.", lower_bound=10)
_EPOCHS = flags.DEFINE_integer(
    "epochs", 200, "Epochs in all, those before an interruption included."
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 100, "Conformers in a batch.")
_LATENT_DIM = flags.DEFINE_integer("latent_dim", 32, "Dimensions of the latents.")
_WIDTH = flags.DEFINE_integer("width", 256, "Units of the networks' layers.")
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 3e-4, "Of both players.")
_GAMMA = flags.DEFINE_float("gamma", 0.5, "Weight of R1 and of R2.")
_ENERGY = flags.DEFINE_float("energy", 0.1, "Weight of the energy; 0 for none.", lower_bound=0)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of data, networks and every random draw.")
_SCORED = flags.DEFINE_integer("scored", 10_000, "Generated conformers that are scored.")
_RUN_DIR = flags.DEFINE_string("run_dir", None, "Where to write; runs/molecules by default.")
_EXPORT_DIR = flags.DEFINE_string("export_dir", None, "Base directory of exports; none by default.")
_RESUME = flags.DEFINE_bool("resume", True, "Go on from the run directory's newest backup.")
_BACKUP_STEPS = flags.DEFINE_integer(
    "backup_steps", None, "Training steps from one backup to the next; one an epoch by default."
)
_VERBOSE = flags.DEFINE_enum("verbose", "1", ["0", "1", "2"], "Progress bar, as in Keras.")

# Quantiles of the data's distances, between which there is no energy.
RANGE = 0.005, 0.995
# Standard deviations of the data by which a bond counts as broken.
BROKEN = 10


@keras.saving.register_keras_serializable("molecules")
class OutOfRange(keras_gan.terms.Term):
    """An energy on distances of atoms that are outside of the data's range.

    Formula, with d standardized distances, from `low` to `high` in the data:

    ```
    L_G += weight E max(0, U - allowed),    U = sum max(0, low - d)^2 + max(0, d - high)^2
    ```

    `allowed` is what the data have: a plain mean of energies would be least where all samples are
    one.

    Args:
        distances: the layer, or its config.
        low: of each distance.
        high: of each distance.
        allowed: energy that costs nothing.
        weight: of the term.
        name: key in the logs.
    """

    player = "generator"

    def __init__(self, distances, low, high, allowed, weight=1.0, name="energy", **kwargs):
        super().__init__(weight=weight, name=name, **kwargs)
        if isinstance(distances, dict):
            distances = keras.saving.deserialize_keras_object(distances)
        self.distances = distances
        self.low, self.high, self.allowed = np.float32(low), np.float32(high), float(allowed)

    def energy(self, coordinates):
        """Return the energies of coordinates, of shape `(batch,)`."""
        d = self.distances(coordinates)
        outside = tf.maximum(0.0, self.low - d) + tf.maximum(0.0, d - self.high)
        return tf.reduce_sum(tf.square(outside), axis=-1)

    def generator_term(self, step):
        """Return the energies above what is allowed, for each sample."""
        return tf.maximum(0.0, self.energy(step.fake["coordinates"]) - self.allowed)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "distances": keras.saving.serialize_keras_object(self.distances),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "allowed": self.allowed,
        }


def load(made, run_dir):
    """Return the training conformers and the held-out ones, made once for a run directory."""
    path = run_dir / "conformers.npz"
    told = f"{_SMILES.value} {_COUNT.value} {_SEED.value}"
    if path.exists():
        with np.load(path) as kept:
            if str(kept["told"]) == told:
                return np.split(kept["x"], [len(kept["x"]) - _HELD_OUT.value])
    x = conformers.sample(made, _COUNT.value, _SEED.value, verbose=_VERBOSE.value != "0")
    # Chains lie one after the other: held out are whole conformers of all of them.
    x = np.random.default_rng(_SEED.value).permutation(x).astype("float32")
    with whole_file(path) as partial:
        np.savez(partial, x=x, told=told)
    return np.split(x, [len(x) - _HELD_OUT.value])


def build(made, x):
    """Return the compiled GAN of a molecule, and the rows that stand for its conformers."""
    rows = z_matrix.Rows.of(x, z_matrix.Tree.of(made))
    pairs = z_matrix.far_pairs(made)
    found = z_matrix.pair_distances(x, pairs)
    distances = z_matrix.Distances(pairs, found.mean(axis=0), found.std(axis=0))
    model = keras_gan.GAN(
        generator(rows), discriminator(rows, distances, len(x[0])), seed=_SEED.value
    )
    gamma, rate = _GAMMA.value, _LEARNING_RATE.value
    added = [keras_gan.terms.R1(gamma), keras_gan.terms.R2(gamma)]
    if _ENERGY.value:
        added.append(energy(distances, x))
    model.compile(
        "relativistic_pairing",
        keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.9),
        keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.9),
        terms=added,
        ema=0.999,
    )
    return model, rows


def generator(rows):
    """Return a generator of rows, and of the coordinates that they stand for."""
    z = x = keras.Input((_LATENT_DIM.value,), name="latents")
    for _ in range(3):
        x = keras.layers.LeakyReLU(0.2)(keras.layers.Dense(_WIDTH.value)(x))
    x = z_matrix.OnCircles(int(rows.wide.sum()))(keras.layers.Dense(rows.size)(x))
    return keras.Model(z, {"rows": x, "coordinates": z_matrix.Placement(rows)(x)})


def discriminator(rows, distances, atoms):
    """Return a discriminator of rows, and of the distances between atoms."""
    shapes = {"rows": (rows.size,), "coordinates": (atoms, 3)}
    inputs = {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
    x = keras.layers.Concatenate()([inputs["rows"], distances(inputs["coordinates"])])
    for _ in range(3):
        x = keras.layers.LeakyReLU(0.2)(keras.layers.Dense(_WIDTH.value)(x))
    return keras.Model(inputs, keras.layers.Dense(1)(x))


def energy(distances, x):
    """Return the term that keeps distances where the data have them."""
    found = np.asarray(distances(x))
    low, high = np.quantile(found, RANGE, axis=0)
    copy = z_matrix.Distances.from_config(distances.get_config())
    term = OutOfRange(copy, low, high, 0.0)
    allowed = float(np.mean(term.energy(x)))
    return OutOfRange(copy, low, high, allowed, weight=_ENERGY.value)


def train(run_dir, made, x):
    """Train, from the start or from the last backup, and return the model."""
    if not _RESUME.value:
        shutil.rmtree(run_dir / "backup", ignore_errors=True)
    model, rows = build(made, x)
    dataset = keras_gan.datasets.from_arrays(
        {"rows": rows.encode(x), "coordinates": x}, batch_size=_BATCH_SIZE.value, seed=_SEED.value
    )
    callbacks = [
        keras.callbacks.CSVLogger(run_dir / "history.csv"),
        keras.callbacks.ModelCheckpoint(run_dir / "checkpoint.keras"),
        keras_gan.callbacks.Backup(run_dir / "backup", every_steps=_BACKUP_STEPS.value),
    ]
    try:
        model.fit(dataset, epochs=_EPOCHS.value, callbacks=callbacks, verbose=int(_VERBOSE.value))
    except KeyboardInterrupt:
        sys.exit(130)  # As shells report it; the backup's callback has said how to go on.
    return model, rows


# Scores.


def torsions(made, coordinates):
    """Return the dihedrals of heavy atoms about each bond that turns, in degrees, by atoms."""
    heavy = {atom.GetIdx() for atom in made.GetAtoms() if atom.GetAtomicNum() > 1}
    found = {}
    for first, second, _ in conformers.rotatable(made):
        ends = [
            [o.GetIdx() for o in made.GetAtomWithIdx(at).GetNeighbors()] for at in (first, second)
        ]
        outer = [
            next((o for o in side if o in heavy and o != other), None)
            for side, other in zip(ends, (second, first), strict=True)
        ]
        if None not in outer:
            atoms = outer[0], first, second, outer[1]
            places = [coordinates[:, atom] for atom in atoms]
            found[atoms] = np.degrees(z_matrix.dihedral(*places))
    return found


def classes(degrees):
    """Return the shares of trans, gauche+ and gauche-."""
    trans = np.abs(degrees) > 120
    return {
        "trans": trans.mean(),
        "gauche+": (~trans & (degrees > 0)).mean(),
        "gauche-": (~trans & (degrees < 0)).mean(),
    }


def score(made, x, real, fake, count=1000):
    """Return what tells generated conformers from held-out ones.

    Args:
        made: the molecule.
        x: training conformers.
        real: held-out ones.
        fake: generated ones.
        count: of each whose energies are taken.
    """
    pairs = z_matrix.far_pairs(made, least=1)
    excess = conformers.energies(made, fake[:count])
    known, new, made_up = (z_matrix.pair_distances(each, pairs) for each in (x, real, fake))
    bonded = np.array(Chem.GetDistanceMatrix(made))[tuple(np.transpose(pairs))] == 1
    off = np.abs(made_up - known.mean(axis=0)) / known.std(axis=0)
    apart = [stats.wasserstein_distance(*columns) for columns in zip(new.T, made_up.T, strict=True)]
    scores = {
        "median energy, kcal/mol": np.median(excess),
        "mean energy, kcal/mol": np.mean(excess),
        "mean Wasserstein distance of all pairs, Å": np.mean(apart),
        "samples with a broken bond": (off[:, bonded] > BROKEN).any(axis=1).sum(),
        "of": len(fake),
        **score_torsions(made, real, fake),
    }
    return {name: float(value) for name, value in scores.items()}


def score_torsions(made, real, fake):
    """Return the shares of each dihedral's classes, and the largest error of one."""
    found, expected = (
        {
            f"{name}, dihedral {'-'.join(map(str, atoms))}": share
            for atoms, degrees in torsions(made, x).items()
            for name, share in classes(degrees).items()
        }
        for x in (fake, real)
    )
    errors = [abs(found[name] - expected[name]) for name in found]
    return {"largest error of a dihedral's shares": max(errors, default=0.0), **found}


def baselines(rows, x, count):
    """Return conformers of independent numbers, and of a Gaussian with all covariances."""
    known, rng = rows.encode(x), np.random.default_rng(0)
    apart = np.stack([rng.choice(column, count) for column in known.T], axis=1)
    gaussian = rng.multivariate_normal(known.mean(axis=0), np.cov(known, rowvar=False), count)
    return {
        "independent": rows.decode(tf.constant(apart)).numpy(),
        "Gaussian": rows.decode(tf.constant(gaussian, tf.float32)).numpy(),
    }


def draw(made, real, fake, path):
    """Draw the densities of energies and of the dihedrals."""
    compared = {"held out": real, "generated": fake[: len(real)]}
    degrees = {name: torsions(made, x) for name, x in compared.items()}
    panels = list(degrees["held out"])
    figure = matplotlib.figure.Figure(figsize=(4.5 * (1 + len(panels)), 3.5), layout="constrained")
    first, *others = figure.subplots(1, 1 + len(panels), squeeze=False)[0]
    for name, x in compared.items():
        excess = conformers.energies(made, x[:1000])
        first.hist(
            np.clip(excess, 0, 60), 60, range=(0, 60), density=True, histtype="step", label=name
        )
        for axes, atoms in zip(others, panels, strict=True):
            axes.hist(degrees[name][atoms], 72, range=(-180, 180), density=True, histtype="step")
    first.set(xlabel="energy above the minimum, kcal/mol", ylabel="density")
    for axes, atoms in zip(others, panels, strict=True):
        axes.set(xlabel=f"dihedral {'-'.join(map(str, atoms))}, degrees")
    figure.legend(loc="outside upper right", ncols=2, frameon=False)
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=120, format="png")


def write_sdf(made, coordinates, path):
    """Write conformers as a file that other programs open, each marked as synthetic."""
    with whole_file(path) as partial, Chem.SDWriter(str(partial)) as writer:
        for place in coordinates:
            copy = Chem.Mol(made)
            copy.GetConformer().SetPositions(place.astype("float64"))
            copy.SetProp("comment", "Synthetic: made by a generative model (keras_gan)")
            writer.write(copy)


def main(_):
    keras.utils.set_random_seed(_SEED.value)
    try:
        made = conformers.molecule(_SMILES.value)
    except ValueError as error:
        raise app.UsageError(str(error)) from error
    run_dir = pathlib.Path(_RUN_DIR.value or "runs/molecules")
    run_dir.mkdir(parents=True, exist_ok=True)
    x, real = load(made, run_dir)
    model, rows = train(run_dir, made, x)
    fake = model.generate(_SCORED.value, seed=1_000_000, batch_size=1000)["coordinates"]
    others = {"held out": real, **baselines(rows, x, 1000), "generated": fake}
    scores = {name: score(made, x, real, each) for name, each in others.items()}
    for key in scores["generated"]:
        print(f"{key:>48}: " + "  ".join(f"{name} {s[key]:.3f}" for name, s in scores.items()))
    text = json.dumps(scores, indent=2, ensure_ascii=False) + "\n"
    with whole_file(run_dir / "scores.json") as partial:
        partial.write_text(text, encoding="utf-8")
    draw(made, real, fake, run_dir / "distributions.png")
    write_sdf(made, fake[:100], run_dir / "samples.sdf")
    print(f"Conformers, scores, history and checkpoint are in {run_dir}")
    if _EXPORT_DIR.value:
        card = {"data": f"Conformers of {_SMILES.value} at 300 K by MMFF94.", "metrics": scores}
        print(f"Exported for TensorFlow Serving: {model.export(_EXPORT_DIR.value, card=card)}")


if __name__ == "__main__":
    app.run(main)
