"""The picture of docs/augmentation.md: the same digits at three probabilities of augmentation."""

import os

import keras
import numpy as np

import keras_gan
from keras_gan.augmentation import Adaptive

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


def show(table, images):
    """Draw augmentation.png.

    Args:
        table: prints a table, of which there is none.
        images: directory to draw into, or `None` for no picture.
    """
    if images is None:
        return
    keras.utils.set_random_seed(0)
    digits, _ = next(iter(keras_gan.datasets.load("digits", batch_size=SIDE * SIDE, shuffle=False)))
    draw(digits, os.path.join(images, "augmentation.png"))
