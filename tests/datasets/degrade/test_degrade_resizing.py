"""Resizing against a literal `imresize`, Pillow, and figures on real photographs."""

import math

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_sample_image

from keras_gan.datasets.degrade import bicubic, quantize, resize, upsample

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def photo(name="china", side=4):
    pixels = load_sample_image(f"{name}.jpg")
    height, width, _ = pixels.shape
    return pixels[: height // side * side, : width // side * side]


def scaled(pixels):
    return tf.constant(pixels[None] / 127.5 - 1, tf.float32)


def in_levels(images):
    return (np.asarray(images, "float64")[0] + 1) * 127.5


def keys_cubic(x):
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0


def literal(line, new):
    """Return a line resized as MATLAB's documentation and source describe it, sum by sum."""
    old, result = len(line), []
    shrink = min(new / old, 1.0)
    for i in range(1, new + 1):
        center = i * old / new + 0.5 * (1 - old / new)  # In MATLAB's coordinates, from 1.
        left = math.floor(center - 4 / shrink / 2)
        places = [left + k for k in range(math.ceil(4 / shrink) + 2)]
        weights = [shrink * keys_cubic(shrink * (center - place)) for place in places]
        mirror = [*range(old), *reversed(range(old))]
        values = [line[mirror[(place - 1) % (2 * old)]] for place in places]
        result.append(sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights))
    return np.array(result)


@pytest.mark.parametrize("old, new", [(16, 4), (12, 6), (9, 3), (7, 5), (5, 20), (6, 9), (3, 1)])
def test_bicubic_is_imresize(old, new):
    x = np.random.default_rng(0).uniform(-1, 1, (old, old))
    rows = np.stack([literal(column, new) for column in x.T], axis=1)
    expected = np.stack([literal(row, new) for row in rows])
    found = resize(tf.constant(x[None, ..., None], tf.float32), new)[0, ..., 0]
    np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.mark.parametrize("method", FILTERS)
def test_constants_stay_constants_and_ramps_are_ramps_inside(method):
    flat = tf.fill((1, 32, 24, 3), 0.25)
    for size in ((8, 6), (128, 96)):
        np.testing.assert_allclose(resize(flat, size, method), 0.25, atol=1e-6)
    ramp = np.linspace(-1, 1, 32)[:, None].repeat(8, axis=1)
    found = resize(tf.constant(ramp[None, ..., None], tf.float32), (128, 8), method)[0, :, 3, 0]
    inside = found[16:-16].numpy()
    if method == "nearest":
        np.testing.assert_array_equal(
            found,
            resize(ramp[None, ..., None].astype("float32"), (32, 8))[0, :, 3, 0].numpy().repeat(4),
        )
    else:
        steps = np.diff(inside)
        atol = 3e-3 if method == "lanczos" else 1e-6  # Lanczos keeps ramps only nearly.
        np.testing.assert_allclose(steps, 2 / 31 / 4, atol=atol)


def test_bicubic_of_a_ramp_is_a_ramp_inside():
    ramp = tf.linspace(-0.8, 0.8, 64)[None, :, None, None] * tf.ones((1, 64, 8, 1))
    found = resize(ramp, (16, 2))[0, 2:-2, 0, 0].numpy()
    np.testing.assert_allclose(np.diff(found), 4 * 1.6 / 63, atol=1e-6)


def test_smaller_is_as_pillow_makes_it_inside():
    pixels = photo()
    found = in_levels(bicubic(scaled(pixels), 4))
    size = (pixels.shape[1] // 4, pixels.shape[0] // 4)
    expected = np.asarray(Image.fromarray(pixels).resize(size, FILTERS["bicubic"]), "float64")
    apart = np.abs(found - expected)
    assert apart[2:-2, 2:-2].max() <= 1.3
    assert apart[2:-2, 2:-2].mean() < 0.2 and apart.mean() < 0.3
    other = tf.image.resize(scaled(pixels), size[::-1], "bicubic", antialias=True)
    apart = np.abs(found - np.clip(in_levels(other), 0, 255))
    assert apart[2:-2, 2:-2].max() <= 1.3


@pytest.mark.parametrize("method", FILTERS)
def test_larger_is_as_pillow_makes_it_inside(method):
    pixels = photo()[100:164, 200:264] // 2 + 60  # Pillow clips between its passes.
    found = in_levels(upsample(scaled(pixels), 3, method)).round()
    expected = np.asarray(Image.fromarray(pixels).resize((192, 192), FILTERS[method]), "float64")
    inside = np.abs(found - expected)[9:-9, 9:-9]
    assert inside.max() <= (0 if method == "nearest" else 1)


@pytest.mark.parametrize("name, figure", [("china", 22.42), ("flower", 30.72)])
def test_the_figures_of_the_benchmark_protocol(name, figure):
    """PSNR of luminance, from 16 to 235, without a border of 4 pixels."""
    pixels = photo(name)
    restored = in_levels(upsample(bicubic(scaled(pixels), 4), 4))

    def luminance(rgb):
        return 16 + (rgb.astype("float64") / 255) @ [65.481, 128.553, 24.966]

    error = (luminance(pixels) - luminance(restored))[4:-4, 4:-4]
    assert 10 * np.log10(255**2 / np.mean(error**2)) == pytest.approx(figure, abs=0.015)


def test_results_are_of_8_bits():
    x = tf.random.stateless_uniform((2, 8, 8, 1), [0, 0], -1, 1)
    for found in (bicubic(x, 2), upsample(x, 2)):
        levels = (found.numpy() + 1) * 127.5
        np.testing.assert_allclose(levels, levels.round(), atol=1e-4)
    x = tf.constant([0.0, 2.0, -2.0])  # The middle is half of a level: it goes up.
    np.testing.assert_allclose((quantize(x) + 1) * 127.5, [128, 255, 0], atol=1e-4)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: bicubic(tf.zeros((1, 10, 8, 1)), 4), r"multiples of 4. Crop them to 8 x 8.*10, 8"),
        (lambda: bicubic(tf.zeros((8, 8, 1)), 4), r"float32 images in \[-1, 1\].*\(8, 8, 1\)"),
        (lambda: bicubic(tf.zeros((1, 8, 8, 1), tf.uint8), 4), "float32 images.*uint8"),
        (lambda: bicubic(tf.zeros((1, 8, 8, 1)), 1.5), "`scale` to be a whole number"),
        (lambda: upsample(tf.zeros((1, 8, 8, 1)), 2, "area"), "`method` to be one of.*'area'"),
        (
            lambda: resize(tf.zeros((1, 8, 8, 1)), None),
            "Expected a size. Received: image_size=None",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_sides_have_to_be_known():
    spec = tf.TensorSpec((1, None, 8, 1), tf.float32)
    with pytest.raises(ValueError, match="known height and width: crop or resize"):
        tf.function(lambda x: bicubic(x, 2), input_signature=[spec]).get_concrete_function()
