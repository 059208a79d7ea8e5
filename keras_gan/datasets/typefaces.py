"""Glyphs of matplotlib's fonts: pairs of pictures of one character in two typefaces."""

import functools
import os
import unicodedata

import numpy as np

from keras_gan.datasets.arrays import from_arrays
from keras_gan.utils.arguments import choice, shown, whole

TYPEFACES = {
    "sans": "DejaVuSans",
    "sans bold": "DejaVuSans-Bold",
    "sans oblique": "DejaVuSans-Oblique",
    "sans bold oblique": "DejaVuSans-BoldOblique",
    "serif": "DejaVuSerif",
    "serif bold": "DejaVuSerif-Bold",
    "serif italic": "DejaVuSerif-Italic",
    "serif bold italic": "DejaVuSerif-BoldItalic",
    "mono": "DejaVuSansMono",
    "mono bold": "DejaVuSansMono-Bold",
    "mono oblique": "DejaVuSansMono-Oblique",
    "mono bold oblique": "DejaVuSansMono-BoldOblique",
    "stix": "STIXGeneral",
    "stix bold": "STIXGeneralBol",
    "stix italic": "STIXGeneralItalic",
    "stix bold italic": "STIXGeneralBolIta",
}
SPLITS = ("train", "test", "all")
# Not any letters: those of one script look like those of another, such as A in three of them.
HELD_OUT = ("CYRILLIC", "ARMENIAN")


def load_glyphs(source, target, split="train", image_size=32):
    """Return pictures of characters in two typefaces: pairs with a known truth, in arrays.

    The fonts are those that ship with matplotlib. A pair is one character in both. Left out are
    characters that are blank or the same in both, and whose picture, in either typeface, another
    has already. The split is by script: Cyrillic and Armenian letters are the test, but for those
    that look like one of the others. From "sans" to "serif bold italic" there are 2,586 pairs,
    2,356 to train on and 230 to test.

    Args:
        source: Name of the typeface to translate: one of "sans", "serif" and "mono" (DejaVu), or
            "stix", each also "bold", "italic" ("oblique" of "sans" and "mono") and
            "bold italic": "serif bold italic".
        target: Name of the typeface that it is to become.
        split: "train", "test" (scripts that are in no training picture) or "all".
        image_size: Side of the pictures in pixels, at least 8. The type size is 3/4 of it.

    Returns:
        `(targets, sources)`: float32 of shape `(n, image_size, image_size, 1)` in [-1, 1], white
        on black. They are rendered once in a process, in seconds.

    Raises:
        ValueError: If there is no such typeface or split, or both typefaces are the same.

    Example:
    >>> targets, sources = keras_gan.datasets.load_glyphs("mono", "mono bold", "test", 16)
    >>> targets.shape == sources.shape, targets.shape[1:]
    (True, (16, 16, 1))
    """
    pictures = _split((source, target), split, image_size)
    return pictures[:, 1], pictures[:, 0]


def glyphs(source, target, split="train", image_size=32, batch_size=32, seed=0, shuffle=True):
    """Make a dataset of characters in two typefaces, as `load_glyphs` pairs them.

    Args:
        source: Name of the typeface to translate, see `load_glyphs`.
        target: Name of the typeface that it is to become.
        split: "train", "test" or "all".
        image_size: Side of the pictures in pixels, at least 8.
        batch_size: Pairs in a batch. Where there are fewer, they make one batch.
        seed: Integer from 0 to 2**32 - 1.
        shuffle: Whether to shuffle each epoch and drop its incomplete last batch.

    Returns:
        A `tf.data.Dataset` of `(target, source)` with a `seek(epoch)` method.

    Raises:
        ValueError: If an argument is not one of those above.

    Example:
    >>> dataset = keras_gan.datasets.glyphs("mono", "mono bold", "test", 16, batch_size=8)
    >>> target, source = next(iter(dataset))
    >>> target.shape
    TensorShape([8, 16, 16, 1])
    """
    pair = load_glyphs(source, target, split, image_size)
    return from_arrays(*pair, batch_size=batch_size, seed=seed, shuffle=shuffle)


def load_typefaces(typefaces, split="train", image_size=32):
    """Return pictures of the same characters in several typefaces, with labels, in arrays.

    Domains for a translator of many, such as StarGAN. Characters are left out and split as by
    `load_glyphs`.

    Args:
        typefaces: Names of at least two typefaces, see `load_glyphs`.
        split: "train", "test" or "all".
        image_size: Side of the pictures in pixels, at least 8.

    Returns:
        `(images, labels)`: float32 of shape `(n, image_size, image_size, 1)` in [-1, 1], and
        int32 of shape `(n,)`: which of `typefaces`. The first rows are all characters of the
        first, the next ones the same characters of the second.

    Raises:
        ValueError: If an argument is not one of those above.

    Example:
    >>> images, labels = keras_gan.datasets.load_typefaces(["mono", "mono bold"], "test", 16)
    >>> len(images) == len(labels) == 2 * int(np.sum(labels == 0))
    True
    """
    pictures = _split(tuple(typefaces), split, image_size)
    labels = np.repeat(np.arange(len(typefaces), dtype="int32"), len(pictures))
    return np.concatenate(list(pictures.swapaxes(0, 1))), labels


def _split(typefaces, split, image_size):
    """Return the pictures of a split, `(characters, typefaces, side, side, 1)`."""
    for name in typefaces:
        choice("typeface", name, TYPEFACES)
    if len(set(typefaces)) != len(typefaces) or len(typefaces) < 2:
        raise ValueError(
            f"Expected at least two different typefaces. Received: {shown(list(typefaces))}"
        )
    choice("split", split, SPLITS)
    pictures, held_out = _distinct(typefaces, whole("image_size", image_size, least=8))
    chosen = pictures if split == "all" else pictures[held_out == (split == "test")]
    return (chosen[..., None] / 127.5 - 1).astype("float32")


@functools.lru_cache(maxsize=8)
def _distinct(typefaces, side):
    """Return uint8 pictures of different characters, and which of them are held out."""
    fonts = [_rendered(name, side) for name in typefaces]
    seen, chosen = [set() for _ in fonts], []
    for code in sorted(set(fonts[0]).intersection(*fonts[1:])):
        pictures = [font[code] for font in fonts]
        is_new = all(p not in known for p, known in zip(pictures, seen, strict=True))
        if is_new and len(set(pictures)) == len(pictures):
            chosen.append(code)
            for picture, known in zip(pictures, seen, strict=True):
                known.add(picture)
    flat = np.frombuffer(b"".join(font[code] for code in chosen for font in fonts), "uint8")
    pictures = flat.reshape(len(chosen), len(fonts), side, side)
    return pictures, np.array([_is_held_out(code) for code in chosen])


def _is_held_out(code):
    return any(script in unicodedata.name(chr(code)) for script in HELD_OUT)


@functools.lru_cache(maxsize=16)
def _rendered(typeface, side):
    """Return the pictures of a typeface, as bytes by code point, blank ones left out."""
    import matplotlib
    from matplotlib.ft2font import FT2Font
    from PIL import Image, ImageDraw, ImageFont

    path = os.path.join(matplotlib.get_data_path(), "fonts", "ttf", f"{TYPEFACES[typeface]}.ttf")
    font = ImageFont.truetype(path, side * 3 // 4, layout_engine=ImageFont.Layout.BASIC)
    pictures = {}
    for code in FT2Font(path).get_charmap():
        # Code points without a name are of private use: fonts need not agree on them.
        if unicodedata.name(chr(code), ""):
            image = Image.new("L", (side, side))
            draw = ImageDraw.Draw(image)
            draw.text((side / 2, side / 2), chr(code), fill=255, font=font, anchor="mm")
            pictures[code] = image.tobytes()
    return {code: picture for code, picture in pictures.items() if any(picture)}
