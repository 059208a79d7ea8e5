"""Tiled images: equal to the whole where the receptive field allows it, and a warning elsewhere."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_gan
from tests.integration.seeding import seeded

RADIUS = 3  # Of convolutions of 5 and 3 pixels.


def convolutions(scale=1, channels=3):
    """Return a network that enlarges, whose receptive field has the radius `RADIUS`."""
    seeded(1)
    x = inputs = keras.Input((None, None, channels))
    x = layers.Conv2D(4, 5, padding="same", activation="relu")(x)
    x = layers.UpSampling2D(scale)(layers.Conv2D(4, 3, padding="same", activation="relu")(x))
    return keras.Model(inputs, layers.Conv2D(2, 1)(x))


def photos(*sides, channels=3, n=2):
    """Return n images in [-1, 1]."""
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (n, *sides, channels)).astype("float32")


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_tiles_are_the_whole(scale):
    network, images = convolutions(scale), photos(50, 61)
    whole = np.asarray(network(images))
    assert whole.shape == (2, 50 * scale, 61 * scale, 2)
    tiles = keras_gan.tiled(network, images, overlap=RADIUS + 1, tile=24, verbose=0)
    assert tiles.dtype == np.float32
    # At the borders too: a tile has its padding where the whole has it.
    np.testing.assert_allclose(tiles, whole, atol=1e-5)


def test_an_overlap_too_small_makes_seams_and_is_warned_of():
    network, images = convolutions(2), photos(50, 20)
    whole = np.asarray(network(images))
    with pytest.warns(UserWarning, match=r"Tiles disagree where they meet.*larger overlap"):
        tiles = keras_gan.tiled(network, images, overlap=1, tile=24, verbose=0)
    apart = np.abs(tiles - whole).max(axis=(0, 2, 3)).reshape(50, 2).max(axis=1)
    # Tiles go from 0 to 24, 22 to 46 and 26 to 50. Where they meet, at 23 and 27, the next one has
    # a row above instead of three; the first one has a row below, the second one enough.
    about = [21, 22, 23, 24, 27, 28]
    assert apart[about].min() > 1e-3
    assert np.delete(apart, about).max() < 1e-5


def test_what_depends_on_the_whole_image_is_warned_of():
    x = keras.Input((None, None, 3))
    network = keras.Model(x, layers.GroupNormalization(groups=-1)(x))
    images = photos(40, 40) * np.linspace(0, 1, 40)[:, None]
    with pytest.warns(UserWarning, match="instance normalization"):
        keras_gan.tiled(network, images, overlap=4, tile=16, verbose=0)


def test_sides_that_networks_halve():
    """Tiles begin where the whole network's strides do; other sides are mirrored and cut."""
    seeded(2)
    x = inputs = keras.Input((None, None, 1))
    down = [layers.Conv2D(3, 4, 2, "same", activation="relu")(x)]
    down.append(layers.Conv2D(3, 4, 2, "same", activation="relu")(down[0]))
    up = layers.Conv2DTranspose(3, 4, 2, "same")(down[1])
    up = layers.Conv2DTranspose(1, 4, 2, "same")(layers.Concatenate()([up, down[0]]))
    network = keras.Model(inputs, layers.Concatenate()([up, x]))
    images = photos(54, 41, channels=1)
    mirrored = np.pad(images, [(0, 0), (0, 2), (0, 3), (0, 0)], "symmetric")
    whole = np.asarray(network(mirrored))[:, :54, :41]
    tiles = keras_gan.tiled(network, images, overlap=12, tile=32, multiple=4, verbose=0)
    np.testing.assert_allclose(tiles, whole, atol=1e-5)


def test_masks_go_with_images_and_bytes_stay_bytes():
    image = np.random.default_rng(0).integers(0, 256, (1, 30, 40, 3), "uint8")
    mask = np.random.default_rng(1).integers(0, 2, (1, 30, 40, 1), "uint8")
    given = []

    def function(parts):
        given.append((parts["image"].shape, parts["mask"].shape))
        return np.where(parts["mask"] > 0, 255 - parts["image"], parts["image"])

    found = keras_gan.tiled(function, {"image": image, "mask": mask}, 4, 16, verbose=0)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, np.where(mask > 0, 255 - image, image))
    assert {*given} == {((1, 16, 16, 3), (1, 16, 16, 1))}
    assert len(given) == 3 * 4


@pytest.mark.parametrize("dtype", ["bool", "int8"])
def test_results_of_types_without_a_difference(dtype):
    """A share of the range of values is that of numbers: 127 less -128 is no int8."""
    values = np.where(photos(30, 40, channels=1) > 0, np.iinfo("int8").max, np.iinfo("int8").min)

    def function(part):
        return (part > 0) if dtype == "bool" else part.astype(dtype)

    found = keras_gan.tiled(function, values, overlap=2, tile=16, verbose=0)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, function(values))


def test_every_pixel_is_pasted_once_from_a_tile_that_may_be():
    """Whatever the sides, tiles and overlaps: no tile is larger, and each starts at a multiple."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        multiple = int(rng.integers(1, 5))
        overlap = int(rng.integers(0, 6))
        tile = (-(-2 * overlap // multiple) + int(rng.integers(1, 8))) * multiple
        sides = rng.integers(1, 60, 2)
        places = np.arange(sides.prod(), dtype="int64").reshape(1, *sides, 1)

        def function(part, tile=tile, multiple=multiple, width=sides[1]):
            start = divmod(int(part[0, 0, 0, 0]), width)
            assert start[0] % multiple == start[1] % multiple == 0
            assert max(part.shape[1:3]) <= max(tile, multiple)
            assert part.shape[1] % multiple == part.shape[2] % multiple == 0
            return part

        found = keras_gan.tiled(function, places, overlap, tile, multiple, verbose=0)
        np.testing.assert_array_equal(found, places)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"overlap": 8, "tile": 16}, "at least twice the overlap and 1 more.*overlap=8"),
        ({"tile": 30, "multiple": 4}, "a multiple of 4"),
        ({"overlap": -1}, "`overlap` to be a whole number of at least 0"),
        ({"images": np.zeros((40, 40, 3))}, r"add an axis, `image\[None\]`"),
        ({"images": [np.zeros((1, 8, 8, 1)), np.zeros((1, 8, 9, 1))]}, "one height and width"),
        ({"images": np.zeros((1, 0, 8, 1))}, "with pixels in them"),
        ({"function": lambda x: x[:, 1:-1, 1:-1]}, "a whole multiple of them.*30, 30, 3"),
        ({"function": lambda x: {"images": x}}, "a whole multiple of them"),
    ],
)
def test_what_is_wrong_is_refused(given, said):
    right = {"function": lambda x: x, "images": np.zeros((1, 40, 40, 3)), "overlap": 2, "tile": 32}
    with pytest.raises(ValueError, match=said):
        keras_gan.tiled(**{**right, **given}, verbose=0)


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="Expected `function` to be a function of images"):
        keras_gan.tiled("network", np.zeros((1, 8, 8, 1)), 2)
