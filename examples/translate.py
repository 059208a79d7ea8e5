r"""Train an image-to-image GAN, show what it makes, score it beside simpler ways, export it.

    python examples/translate.py --task=glyphs --export_dir=saved_models/glyphs
    python examples/translate.py --task=super_resolution --scale=4
    python examples/translate.py --task=folder --source=maps/photos --target=maps/drawings

Tasks: `glyphs`, from one typeface to another (pix2pix: pairs); `unpaired`, the same both ways
without pairs (CycleGAN); `super_resolution`, `inpainting`, `denoising`; and `folder`, pairs of
your own images: two folders with equal names of files, or files with both images side by side
(--source alone). All but the last run on data that is installed already.

Under the run directory: `samples/` (source, output and target, each epoch, and an animation),
`outputs.png` (held-out images beside what simpler ways make of them), `scores.json`,
`history.csv`, `losses.png`, `tensorboard/`, `checkpoint.keras`, `backup/`. The same command
resumes an interrupted run exactly from its last backup; --noresume starts a new one.
--adversarial_weight=0 trains the same network without the adversary, for comparison.
"""

import csv
import json
import pathlib
import shutil
import sys

import keras
import matplotlib.figure
import numpy as np
import tensorflow as tf
import translation_tasks as tasks
from absl import app, flags

import keras_gan
from keras_gan import metrics
from keras_gan.utils.files import whole_file

SHOWN = 8  # Images in outputs.png.

# As if they were defined here: --helpshort shows those too.
flags.adopt_module_key_flags(tasks)
_DETERMINISTIC = flags.DEFINE_bool(
    "deterministic", False, "Make the same seed give the same bits, at some cost in speed."
)
_BF16 = flags.DEFINE_bool("bf16", False, "Compute in mixed_bfloat16.")
_RUN_DIR = flags.DEFINE_string("run_dir", None, "Where to write; runs/<task> by default.")
_EXPORT_DIR = flags.DEFINE_string(
    "export_dir", None, "Base directory of the generator's exports; none by default."
)
_RESUME = flags.DEFINE_bool("resume", True, "Go on from the run directory's newest backup.")
_BACKUP_STEPS = flags.DEFINE_integer(
    "backup_steps", None, "Training steps from one backup to the next; one an epoch by default."
)
_VERBOSE = flags.DEFINE_enum("verbose", "1", ["0", "1", "2"], "Progress bar, as in Keras.")


# Training.


class TensorBoard(keras.callbacks.TensorBoard):
    """TensorBoard of the epochs' logs.

    Keras's own makes tensors of every step's logs too, which TensorFlow never frees.
    """

    def on_train_batch_end(self, batch, logs=None):
        """Do nothing."""


def callbacks(task, run_dir):
    """Return what accompanies the training: grids, logs, checkpoints and backups."""
    writer = tf.summary.create_file_writer(str(run_dir / "tensorboard" / "samples"))
    return [
        keras_gan.callbacks.SampleGrid(run_dir / "samples", data=task.held_out, writer=writer),
        keras.callbacks.CSVLogger(run_dir / "history.csv"),
        TensorBoard(run_dir / "tensorboard", write_graph=False),
        keras.callbacks.ModelCheckpoint(run_dir / "checkpoint.keras"),
        keras_gan.callbacks.Backup(run_dir / "backup", every_steps=_BACKUP_STEPS.value),
    ]


def train(task, run_dir):
    """Train, from the start or from the last backup, and return the model."""
    if not _RESUME.value:
        shutil.rmtree(run_dir / "backup", ignore_errors=True)
    model = task.make()
    model.compile(
        **{"ema": 0.99, "adversarial_weight": tasks.ADVERSARIAL_WEIGHT.value, **task.options}
    )
    try:
        model.fit(
            task.train,
            epochs=tasks.choice(tasks.EPOCHS),
            callbacks=callbacks(task, run_dir),
            verbose=int(_VERBOSE.value),
        )
    except KeyboardInterrupt:
        sys.exit(130)  # As shells report it; the backup's callback has said how to go on.
    return model


# What it reached.


def directions(task):
    """Return the held-out `(targets, sources)` by the domain that is made, "" of one way."""
    if isinstance(task.held_out, tuple):
        return {"": task.held_out}
    (a, of_a), (b, of_b) = task.held_out.items()
    return {b: (of_b, of_a), a: (of_a, of_b)}


def made(task, model):
    """Return what each way makes of the held-out sources, by direction and way."""
    found = {}
    for direction, (targets, sources) in directions(task).items():
        found[direction] = {name: way(sources) for name, way in task.ways.items()}
        if direction:
            translated = model.translate(sources, to=direction)
        else:
            translated = model.generate(len(targets), seed=0, condition=sources)
        found[direction]["this model"] = translated
    return found


def report(task, images, run_dir):
    """Score all ways, print the scores as tables, write them beside the run and return them."""
    scores = {}
    judges = metrics.L1(), metrics.PSNR(), metrics.SSIM(), metrics.PatchSlicedWasserstein()
    for direction, ways in images.items():
        pairs = directions(task)[direction]
        rows = {
            name: metrics.evaluate([*judges, *task.judges], pairs, np.clip(made, -1, 1), verbose=0)
            for name, made in ways.items()
        }
        scores[direction or "scores"] = rows
        keys = list(rows["this model"])
        print(f"\n{f'to {direction}' if direction else '':>24}", *(f"{k:>18}" for k in keys))
        for name, row in rows.items():
            print(f"{name:>24}", *(f"{row[key]:18.4f}" for key in keys))
    text = json.dumps(scores, indent=2) + "\n"
    with whole_file(run_dir / "scores.json") as partial:
        partial.write_text(text)
    return scores


def draw(task, images, run_dir):
    """Draw held-out sources, what each way makes of them, and their targets."""
    rows = {}
    for direction, ways in images.items():
        targets, sources = directions(task)[direction]
        prefix = f"to {direction}: " if direction else ""
        source = sources["image"] if isinstance(sources, dict) else sources
        # From all of them: neighbours are of one photograph, or of one alphabet.
        chosen = np.linspace(0, len(targets) - 1, min(SHOWN, len(targets))).astype(int)
        columns = {"source": source, **ways, "target": targets}
        rows |= {prefix + name: pictures[chosen] for name, pictures in columns.items()}
    figure = matplotlib.figure.Figure(figsize=(SHOWN, 1.1 * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), SHOWN, squeeze=False)
    for axes, (name, pictures) in zip(grid, rows.items(), strict=True):
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center")
        for ax, picture in zip(axes, pictures, strict=False):
            ax.imshow(np.clip(picture / 2 + 0.5, 0, 1), cmap="gray", vmin=0, vmax=1)
        for ax in axes:
            ax.set(xticks=[], yticks=[])
    with whole_file(run_dir / "outputs.png") as partial:
        figure.savefig(partial, dpi=120)


def plot_losses(run_dir):
    """Draw the losses and terms over the epochs of `history.csv`."""
    with open(run_dir / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    figure = matplotlib.figure.Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot(xlabel="epoch", ylabel="mean over the epoch")
    epochs = [int(row["epoch"]) + 1 for row in rows]
    for key in ("d_loss", "g_loss", "reconstruction", "cycle", "identity"):
        if rows and key in rows[0]:
            axes.plot(epochs, [float(row[key]) for row in rows], label=key)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside upper right", ncols=5, frameon=False)
    with whole_file(run_dir / "losses.png") as partial:
        figure.savefig(partial, dpi=120)


def export(task, model, scores):
    """Export the generator, its scores on the card."""
    numbers = {
        f"{direction} {name}".removeprefix("scores "): value
        for direction, rows in scores.items()
        for name, value in rows["this model"].items()
    }
    card = {
        "data": task.data,
        "intended_use": "To show how a translation of images is trained, judged and served.",
        "metrics": numbers,
        "protocol": "examples/translate.py: images, pixel by pixel beside their targets, and "
        "patches of 7x7 pixels beside those of the targets.",
    }
    path = model.export(_EXPORT_DIR.value, card=card)
    print(f"Exported to {path}")


def main(_):
    if _DETERMINISTIC.value:
        tf.config.experimental.enable_op_determinism()
    if _BF16.value:
        keras.config.set_dtype_policy("mixed_bfloat16")
    keras.utils.set_random_seed(tasks.SEED.value)
    run_dir = pathlib.Path(_RUN_DIR.value or f"runs/{tasks.TASK.value}")
    run_dir.mkdir(parents=True, exist_ok=True)
    task = tasks.TASKS[tasks.TASK.value]()
    model = train(task, run_dir)
    plot_losses(run_dir)
    images = made(task, model)
    draw(task, images, run_dir)
    scores = report(task, images, run_dir)
    print(f"\nIn {run_dir}: samples/, outputs.png, scores.json, losses.png")
    if _EXPORT_DIR.value:
        export(task, model, scores)


if __name__ == "__main__":
    app.run(main)
