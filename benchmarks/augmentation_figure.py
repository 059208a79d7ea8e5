"""Draw docs/images/augmentation.png: the same digits at three probabilities of augmentation.

    python benchmarks/augmentation_figure.py --images=docs/images

Takes some seconds.
"""

import os

import keras
import numpy as np
from absl import app, flags

import keras_gan
from keras_gan.augmentation import Adaptive

flags.DEFINE_string("images", "docs/images", "Directory to draw augmentation.png into.")

PROBABILITIES = 0.0, 0.5, 1.0
SIDE = 6


def sheet(images):
    """Return SIDE x SIDE images of one channel as one, with a line between them."""
    padded = np.pad(images[..., 0], ((0, 0), (0, 1), (0, 1)), constant_values=np.nan)
    rows = padded.reshape(SIDE, SIDE, *padded.shape[1:])
    return rows.swapaxes(1, 2).reshape(SIDE * padded.shape[1], -1)[:-1, :-1]


def draw(images, filepath):
    """Draw one panel of augmented images for each probability."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 3.5), dpi=100, facecolor="white", layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)
    for axes, p in zip(figure.subplots(1, len(PROBABILITIES)), PROBABILITIES, strict=True):
        augmented = Adaptive(initial=p)(images)
        axes.imshow(sheet(np.asarray(augmented)), cmap="gray", vmin=-1, vmax=1)
        axes.set_title(f"p = {p:g}")
        axes.set_axis_off()
    figure.savefig(filepath)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}")
    keras.utils.set_random_seed(0)
    digits = keras_gan.datasets.load("digits", batch_size=SIDE * SIDE, shuffle=False)
    images = next(iter(digits))
    images = images[0] if isinstance(images, tuple) else images
    os.makedirs(flags.FLAGS.images, exist_ok=True)
    draw(images, os.path.join(flags.FLAGS.images, "augmentation.png"))


if __name__ == "__main__":
    app.run(main)
