"""Glyphs: pairs recomputed with Pillow and matplotlib alone, and a split without lookalikes."""

import pathlib
import unicodedata

import matplotlib
import numpy as np
import pytest
from matplotlib.font_manager import FontProperties, get_font
from PIL import Image, ImageDraw, ImageFont

from keras_gan.datasets import glyphs, load_glyphs, load_typefaces

FONTS = pathlib.Path(matplotlib.get_data_path()) / "fonts" / "ttf"
PAIR = "sans", "serif bold italic"


@pytest.fixture(scope="module")
def splits():
    return {split: load_glyphs(*PAIR, split) for split in ("train", "test", "all")}


def keys(images):
    return [image.tobytes() for image in images]


def picture(file, character):
    """Return a character as Pillow draws it: a literal second writing of what is documented."""
    image = Image.new("L", (32, 32))
    font = ImageFont.truetype(str(FONTS / file), 24, layout_engine=ImageFont.Layout.BASIC)
    ImageDraw.Draw(image).text((16, 16), character, 255, font, anchor="mm")
    return (np.asarray(image, "float64") / 127.5 - 1).astype("float32")[..., None]


def test_counts_shapes_and_range(splits):
    (y, x), (test_y, test_x) = splits["train"], splits["test"]
    assert len(x) == 2356 and len(test_x) == 230 and len(splits["all"][0]) == 2586
    assert y.shape == x.shape == (2356, 32, 32, 1) and x.dtype == y.dtype == np.float32
    assert (x.min(), x.max(), y.min(), y.max()) == (-1, 1, -1, 1)
    # Of the source taken for its translation: the pairs are aligned, and differ.
    assert np.abs(test_x - test_y).mean() == pytest.approx(0.1829, abs=2e-3)


def test_pairs_are_one_character_in_both(splits):
    for split, character in (("train", "R"), ("train", "½"), ("test", "Ж"), ("test", "Ֆ")):
        targets, sources = splits[split]
        source = picture("DejaVuSans.ttf", character)
        (row,) = np.flatnonzero(np.all(sources == source, axis=(1, 2, 3)))
        np.testing.assert_array_equal(
            targets[row], picture("DejaVuSerif-BoldItalic.ttf", character)
        )


def test_nothing_is_blank_twice_or_the_same(splits):
    targets, sources = splits["all"]
    for images in (targets, sources):
        assert images.max(axis=(1, 2, 3)).min() > -1
        assert len(set(keys(images))) == len(images)
    assert np.abs(targets - sources).max(axis=(1, 2, 3)).min() > 0


def test_the_test_is_of_other_scripts_and_in_no_training_picture(splits):
    (y, x), (test_y, test_x) = splits["train"], splits["test"]
    assert not set(keys(x)) & set(keys(test_x)) and not set(keys(y)) & set(keys(test_y))
    held_out = {chr(code) for code in range(0x400, 0x590) if unicodedata.name(chr(code), "")}
    known = set(keys([picture("DejaVuSans.ttf", character) for character in sorted(held_out)]))
    assert np.mean([key in known for key in keys(test_x)]) > 0.85  # The rest lie in other blocks.
    assert not {key for key in keys(x)} & set(keys(picture("DejaVuSans.ttf", c) for c in "ЖԱЯՖ"))


def test_characters_are_those_that_matplotlib_finds_in_both_fonts():
    names = [("DejaVu Sans", "normal"), ("DejaVu Serif", "italic")]
    maps = [
        get_font(FONTS / file).get_charmap()
        for file in ("DejaVuSans.ttf", "DejaVuSerif-BoldItalic.ttf")
    ]
    assert [FontProperties(name).get_name() for name, _ in names]
    common = [c for c in set(maps[0]) & set(maps[1]) if unicodedata.name(chr(c), "")]
    assert 2586 < len(common) == 3130


def test_typefaces_of_one_set_of_characters():
    names = ["sans", "sans bold", "serif"]
    images, labels = load_typefaces(names, "test", image_size=16)
    count = len(images) // 3
    np.testing.assert_array_equal(labels, np.repeat([0, 1, 2], count))
    assert images.shape == (3 * count, 16, 16, 1) and labels.dtype == np.int32
    bolder = images[labels == 1].mean() - images[labels == 0].mean()
    assert bolder > 0.05
    # Row by row the same character: its own bold is nearer than any other.
    sans, bold = images[:count].reshape(count, -1), images[count : 2 * count].reshape(count, -1)
    nearest = ((sans[:, None] - bold[None]) ** 2).sum(-1).argmin(1)
    assert np.mean(nearest == np.arange(count)) > 0.6


def test_a_dataset_of_target_and_source():
    dataset = glyphs("mono", "mono bold", "test", 16, batch_size=16, seed=3)
    y, x = load_glyphs("mono", "mono bold", "test", 16)
    partner = dict(zip(keys(x), keys(y), strict=True))
    assert int(dataset.cardinality()) == len(x) // 16
    dataset.seek(2)
    target, source = next(iter(dataset))
    assert target.shape == (16, 16, 16, 1)
    assert all(
        partner[s] == t for t, s in zip(keys(target.numpy()), keys(source.numpy()), strict=True)
    )


def test_arrays_are_the_callers_own():
    first = load_glyphs("mono", "mono bold", "test", 16)[0]
    first[:] = 0
    assert load_glyphs("mono", "mono bold", "test", 16)[0].std() > 0.1


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: load_glyphs("sans", "gothic"), r"`typeface` to be one of.*'serif bold'.*gothic"),
        (lambda: load_glyphs("sans", "sans"), "at least two different typefaces. Received: .*sans"),
        (lambda: load_glyphs(*PAIR, "validation"), "`split` to be one of.*Received: split='valid"),
        (
            lambda: load_glyphs(*PAIR, image_size=4),
            "`image_size`.*at least 8.*Received: image_size=4",
        ),
        (lambda: load_typefaces(["sans"]), "at least two different typefaces"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
