r"""Find the styles of images: project them into a style generator, mix them, draw lines between.

    python examples/project.py --model=runs/mnist/checkpoint.keras --dataset=mnist
    python examples/project.py --model=faces.keras --images=me.png,you.png

--model is a `.keras` file of a `keras_gan.GAN` of a style generator, such as `networks.stylegan2`
makes. Real images are those of --images, or the first of --dataset's --split, resized to those of
the generator. As many images of the generator itself are projected beside them: it must find those
again, and finds real ones less exactly. A large gap is usual.

Under the run directory: `projection.png` (targets, what is found after more and more steps, and the
difference), `mixing_coarse.png`, `mixing_middle.png` and `mixing_fine.png` (each row's image with
those layers of each column's), `interpolation.png` (on lines between styles), `projected.npz`
(styles and noise), `scores.json`. The same command resumes an interrupted run exactly; --noresume
starts a new one.
"""

import json
import os
import pathlib
import sys

import matplotlib.figure
import numpy as np
import PIL.Image
from absl import app, flags

import keras_gan
from keras_gan import callbacks, networks
from keras_gan.utils.files import whole_file

MIXED = 4  # Rows and columns of a sheet, at most.
LINE = 8  # Images on a line.

_MODEL = flags.DEFINE_string("model", None, "A .keras file.", required=True)
_IMAGES = flags.DEFINE_list("images", None, "Image files; by default those of --dataset.")
_LABELS = flags.DEFINE_list("labels", None, "Their classes, for a generator with classes.")
_DATASET = flags.DEFINE_string("dataset", "digits", "A dataset's name, or a folder.")
_SPLIT = flags.DEFINE_string("split", None, "Its split; 'test', of a folder 'train': all of it.")
_COUNT = flags.DEFINE_integer("count", 8, "Images of the dataset.", lower_bound=1)
_GENERATED = flags.DEFINE_integer(
    "generated", None, "Generated images; by default as many as real ones.", lower_bound=0
)
_GENERATED_SEED = flags.DEFINE_integer("generated_seed", 1_000_000, "Of the first of those.")
_STEPS = flags.DEFINE_integer("steps", 300, "Steps of the projection.", lower_bound=4)
_SPACE = flags.DEFINE_enum(
    "space", "w+", ["w+", "w"], "A style for each layer, which fits better, or one for all."
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of every random draw.")
_RUN_DIR = flags.DEFINE_string("run_dir", "runs/projection", "Where to write.")
_RESUME = flags.DEFINE_bool("resume", True, "Go on from the run directory's checkpoint.")
_CHECKPOINT_STEPS = flags.DEFINE_integer("checkpoint_steps", 50, "Steps from one to the next.")
_VERBOSE = flags.DEFINE_enum("verbose", "1", ["0", "1"], "Progress bar.")


def read(paths, shape):
    """Return images of files, in [-1, 1], of the shape that a generator makes."""
    height, width, channels = shape
    if channels not in (1, 3):
        raise app.UsageError(f"--images needs a generator of 1 or 3 channels, not {channels}.")
    arrays = []
    for path in paths:
        with PIL.Image.open(path) as image:
            image = image.convert("L" if channels == 1 else "RGB")
            pixels = np.asarray(image.resize((width, height), PIL.Image.Resampling.LANCZOS))
        arrays.append(pixels.reshape(shape) / np.float32(127.5) - 1)
    return np.stack(arrays)


def real_images(model, shape):
    """Return real images, and their labels if the generator has classes."""
    if _IMAGES.value:
        labels = None if _LABELS.value is None else np.array(_LABELS.value, int)
        if model.num_classes and labels is None:
            raise app.UsageError("The generator has classes: give --labels, one for each image.")
        return read(_IMAGES.value, shape), labels if model.num_classes else None
    split = _SPLIT.value or ("train" if os.path.isdir(_DATASET.value) else "test")
    dataset = keras_gan.datasets.load(
        _DATASET.value, split, batch_size=_COUNT.value, shuffle=False, image_size=shape[:2]
    )
    batch = next(dataset.as_numpy_iterator())
    images, labels = batch if isinstance(batch, tuple) else (batch, None)
    if model.num_classes and labels is None:
        raise app.UsageError(f"The generator has classes; {_DATASET.value} has no labels.")
    return images, labels if model.num_classes else None


def generated_images(model, count):
    """Return images of the generator, and their labels if it has classes."""
    labels = np.arange(count) % model.num_classes if model.num_classes else None
    return model.generate(count, seed=_GENERATED_SEED.value, condition=labels), labels


def project(model, run_dir, images, labels):
    """Project images, from the start or from the last checkpoint."""
    checkpoint = run_dir / "checkpoint.npz"
    if not _RESUME.value:
        checkpoint.unlink(missing_ok=True)
    steps = _STEPS.value
    try:
        return networks.project(
            model,
            images,
            labels,
            steps=steps,
            seed=_SEED.value,
            space=_SPACE.value,
            record=(0, steps // 10, steps // 3),
            checkpoint=checkpoint,
            checkpoint_steps=_CHECKPOINT_STEPS.value,
            verbose=int(_VERBOSE.value),
        )
    except KeyboardInterrupt:
        print(f"\nInterrupted. The same command goes on from {checkpoint}", flush=True)
        sys.exit(130)  # As shells report it.


def draw(path, rows):
    """Draw rows of images, each with its name."""
    columns = max(map(len, rows.values()))
    size = columns + 1.5, 1.1 * len(rows)
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes, (name, images) in zip(grid, rows.items(), strict=True):
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center")
        for ax, image in zip(axes, images, strict=False):
            ax.imshow(np.clip(image / 2 + 0.5, 0, 1), cmap="gray", vmin=0, vmax=1)
        for ax in axes:
            ax.set(xticks=[], yticks=[])
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=120)


def draw_projection(run_dir, targets, found):
    """Draw targets, what is found after more and more steps, and the difference."""
    rows = {"target": targets}
    rows |= {f"after {step}": images for step, images in sorted(found.recorded.items())}
    rows[f"after {_STEPS.value}"] = found.images
    rows["difference"] = np.clip(found.images, -1, 1) - np.clip(targets, -1, 1)
    draw(run_dir / "projection.png", rows)


def rows_of(noise, indices):
    """Return some rows of the noise, if there is any."""
    return None if noise is None else noise[indices]


def draw_mixtures(model, run_dir, found, rows, columns):
    """Draw three sheets: rows with the coarse, middle or fine layers of columns."""
    for layers in ("coarse", "middle", "fine"):
        mixed = networks.mix_styles(found.styles[rows], found.styles[columns], layers)
        noise = rows_of(found.noise, np.repeat(rows, len(columns)))
        made = networks.synthesize(model, mixed.reshape(-1, *mixed.shape[2:]), noise)
        made = made.reshape(len(rows), len(columns), *made.shape[1:])
        sheet = callbacks.crossed(found.images[rows], found.images[columns], made)
        picture = callbacks.image_grid(sheet, columns=len(columns) + 1)
        path = run_dir / f"mixing_{layers}.png"
        image = PIL.Image.fromarray(picture.squeeze())
        with whole_file(path) as partial:
            image.save(partial)


def draw_lines(model, run_dir, found, pairs):
    """Draw the images on the lines between the styles and the noise of pairs."""
    rows = {}
    for start, end in pairs:
        styles = networks.interpolate_styles(found.styles[start], found.styles[end], LINE)
        noise = found.noise
        if noise is not None:
            noise = networks.interpolate_styles(noise[start], noise[end], LINE)
        rows[f"{start} to {end}"] = networks.synthesize(model, styles, noise)
    draw(run_dir / "interpolation.png", rows)


def report(run_dir, found, groups):
    """Print the ratios of each group, and write them and what was found."""
    scores = {}
    for name, indices in groups.items():
        ratios = found.psnr[indices]
        scores[name] = {"psnr": ratios.tolist(), "mean": ratios.mean(), "lowest": ratios.min()}
        print(
            f"{name:>10}: PSNR {ratios.mean():.1f} dB in the mean of {len(ratios)} images, "
            f"{ratios.min():.1f} dB at least"
        )
    text = json.dumps(scores, indent=2, default=float) + "\n"
    with whole_file(run_dir / "scores.json") as partial:
        partial.write_text(text)
    arrays = {"styles": found.styles, "images": found.images, "psnr": found.psnr}
    if found.noise is not None:
        arrays["noise"] = found.noise
    with whole_file(run_dir / "projected.npz") as partial:
        np.savez(partial, **arrays)


def main(_):
    run_dir = pathlib.Path(_RUN_DIR.value)
    run_dir.mkdir(parents=True, exist_ok=True)
    model = keras_gan.load_model(_MODEL.value, compile=False)
    real, labels = real_images(model, model.generator.output["samples"].shape[1:])
    count = len(real) if _GENERATED.value is None else _GENERATED.value
    groups, targets = {"real": np.arange(len(real))}, real
    if count:
        generated, of_generated = generated_images(model, count)
        groups["generated"] = len(real) + np.arange(count)
        targets = np.concatenate([real, generated])
        labels = None if labels is None else np.concatenate([labels, of_generated])
    found = project(model, run_dir, targets, labels)
    report(run_dir, found, groups)
    draw_projection(run_dir, targets, found)
    rows, columns = groups["real"][:MIXED], groups.get("generated", groups["real"])[:MIXED]
    draw_mixtures(model, run_dir, found, rows, columns)
    draw_lines(model, run_dir, found, list(zip(rows, columns, strict=False)))
    print(f"In {run_dir}: projection.png, mixing_*.png, interpolation.png, projected.npz")


if __name__ == "__main__":
    app.run(main)
