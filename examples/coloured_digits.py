"""Pictures of coloured digits, sentences that say what they show, and what can be read off them.

A picture has four attributes: the digit, its ink, the ground and the size. Colours and size are
read by arithmetic alone; the digit by a classifier of the strokes.
"""

import dataclasses
import itertools

import numpy as np
import tensorflow as tf
from sklearn import svm

SIDE = 32
# The words for each value of each attribute; the first is the one that captions are plain in.
WORDS = {
    "digit": (
        ("zero", "0", "nought"),
        ("one", "1"),
        ("two", "2"),
        ("three", "3"),
        ("four", "4"),
        ("five", "5"),
        ("six", "6"),
        ("seven", "7"),
        ("eight", "8"),
        ("nine", "9"),
    ),
    "ink": (
        ("red", "crimson"),
        ("green", "emerald"),
        ("blue", "azure"),
        ("orange", "amber"),
        ("purple", "violet"),
        ("black", "ebony"),
    ),
    "ground": (("white", "snowy"), ("grey", "gray"), ("yellow", "golden")),
    "size": (("small", "tiny", "little"), ("medium", "middling"), ("large", "big", "huge")),
}
TEMPLATES = (
    "a {size} {ink} {digit} on a {ground} ground",
    "{digit}, {size} and {ink}, on {ground}",
    "on {ground} paper: a {size} {digit} in {ink}",
    "the number {digit} in {ink}, {size}, {ground} background",
)
COLOURS = {
    "ink": ((0.8, 0, 0), (0, 0.5, 0), (0, 0, 0.9), (1, 0.5, 0), (0.55, 0, 0.6), (0, 0, 0)),
    "ground": ((1, 1, 1), (0.7, 0.7, 0.7), (1, 1, 0.4)),
}
SIDES = (14, 20, 28)  # Of the square that a digit is drawn in.
SHIFT = 2  # Pixels that it may lie off the middle.
STROKES = 16  # Side of the maps that digits are told by.
# All that can be asked for, a row each: columns are the attributes in the order of `WORDS`.
COMBINATIONS = np.array(list(itertools.product(*(range(len(each)) for each in WORDS.values()))))


def split(share, seed):
    """Return which combinations are seen and which are held out, at random.

    Raises:
        ValueError: when some word would be in no seen caption.
    """
    order = np.random.default_rng(seed).permutation(len(COMBINATIONS))
    held_out, seen = np.split(COMBINATIONS[order], [round(share * len(order))])
    if any(len(set(seen[:, column])) < len(words) for column, words in enumerate(WORDS.values())):
        raise ValueError(f"Too few combinations are seen for every word to be. Received: {share}")
    return seen, held_out


def vocabulary():
    """Return all words of all captions, in alphabetical order."""
    fillers = " ".join(TEMPLATES).translate(str.maketrans("", "", ",:"))
    known = {word for values in WORDS.values() for words in values for word in words}
    return sorted(known | {word for word in fillers.split() if "{" not in word})


def captions(attributes, rng, varied=True):
    """Return a sentence for each row of attributes: in any of the forms, or all in the first."""
    found = []
    for row in attributes:
        words = {
            name: values[value][rng.integers(len(values[value])) if varied else 0]
            for (name, values), value in zip(WORDS.items(), row, strict=True)
        }
        template = TEMPLATES[rng.integers(len(TEMPLATES)) if varied else 0]
        found.append(template.format(**words))
    return np.array(found)


def pictures(digits, labels, attributes, rng):
    """Return pictures of shape `(n, 32, 32, 3)`, in [-1, 1].

    Args:
        digits: grey images of shape `(m, side, side, 1)`, in [-1, 1], strokes being bright.
        labels: their digits.
        attributes: `(n, 4)` whole numbers, columns in the order of `WORDS`.
        rng: what chooses among the images of a digit, and where it lies.
    """
    of_digit = [np.flatnonzero(labels == digit) for digit in range(10)]
    chosen = [rng.choice(of_digit[digit]) for digit in attributes[:, 0]]
    made = np.empty((len(attributes), SIDE, SIDE, 3), "float32")
    offsets = rng.integers(-SHIFT, SHIFT + 1, (len(attributes), 2))
    for size, side in enumerate(SIDES):
        rows = np.flatnonzero(attributes[:, 3] == size)
        strokes = tf.image.resize(digits[np.array(chosen)[rows]], (side, side), antialias=True)
        strokes = np.clip((strokes.numpy() + 1) / 2, 0, 1)
        ink, ground = (
            np.array(COLOURS[name], "float32")[attributes[rows, column]][:, None, None]
            for name, column in (("ink", 1), ("ground", 2))
        )
        made[rows] = ground
        for row, stroke, of_ink, of_ground in zip(rows, strokes, ink, ground, strict=True):
            top, left = np.clip((SIDE - side) // 2 + offsets[row], 0, SIDE - side)
            made[row, top : top + side, left : left + side] = (
                stroke * of_ink + (1 - stroke) * of_ground
            )
    return 2 * made - 1


@dataclasses.dataclass(frozen=True)
class Reader:
    """What tells the attributes of pictures.

    Attributes:
        extents: how far digits of each size reach, in pixels.
        told: classifier of the strokes.
    """

    extents: np.ndarray
    told: svm.SVC

    @classmethod
    def of(cls, images, attributes):
        """Return a reader that has learned sizes and digits from these pictures."""
        extent, strokes = _measured(images)[2:]
        extents = [np.median(extent[attributes[:, 3] == size]) for size in range(len(SIDES))]
        told = svm.SVC(C=10).fit(strokes, attributes[:, 0])
        return cls(np.array(extents), told)

    def read(self, images):
        """Return the attributes of pictures, a row each."""
        ink, ground, extent, strokes = _measured(images)
        size = np.abs(extent[:, None] - self.extents).argmin(axis=1)
        return np.stack([self.told.predict(strokes), ink, ground, size], axis=1)


def _measured(images):
    """Return ink, ground, extent in pixels, and the strokes as rows of numbers."""
    images = (np.asarray(images, "float32") + 1) / 2
    frame = np.ones((SIDE, SIDE), bool)
    frame[2:-2, 2:-2] = False
    ground = _nearest(np.median(images[:, frame], axis=1), "ground")
    grounds = np.array(COLOURS["ground"], "float32")[ground][:, None]
    pixels = images.reshape(len(images), -1, 3)
    ink, strokes = _inked(pixels, grounds)
    strokes = strokes.reshape(-1, SIDE, SIDE)
    boxes = np.array([_box(each > 0.5) for each in strokes])
    extent = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    # A square around the middle, so that strokes keep their proportions.
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    corners = [middle - extent[:, None] / 2, middle + extent[:, None] / 2 - 1]
    squares = np.concatenate(corners, axis=1) / (SIDE - 1)
    cut = tf.image.crop_and_resize(
        strokes[..., None], squares, tf.range(len(images)), (STROKES, STROKES)
    )
    return ink, ground, extent, cut.numpy().reshape(len(images), -1)


def _inked(pixels, grounds, marked=24):
    """Return the ink, and how much of it lies on each pixel, from 0 to 1.

    Thin strokes have no pixel of the ink's own colour, but mixtures of it and the ground: the ink
    is that whose mixtures are the nearest to the pixels that differ the most from the ground.
    """
    apart = pixels - grounds
    rows = np.arange(len(pixels))[:, None]
    most = np.argsort(-np.linalg.norm(apart, axis=-1), axis=1)[:, :marked]
    errors, shares = [], []
    for colour in np.array(COLOURS["ink"], "float32"):
        line = colour - grounds
        share = np.clip((apart * line).sum(axis=-1) / (line**2).sum(axis=-1), 0, 1)
        error = np.linalg.norm(apart - share[..., None] * line, axis=-1)
        errors.append(error[rows, most].mean(axis=1))
        shares.append(share)
    ink = np.argmin(errors, axis=0)
    return ink, np.array(shares)[ink, np.arange(len(pixels))]


def _nearest(colours, name):
    known = np.array(COLOURS[name])
    return np.linalg.norm(colours[:, None] - known, axis=-1).argmin(axis=1)


def _box(inside):
    """Return top, left, bottom and right of what is true; of nothing, those of the whole."""
    if not inside.any():
        return 0, 0, SIDE, SIDE
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    return rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
