"""Multi-scale SSIM against loops, TensorFlow's own and images whose similarity is known."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from keras_gan.metrics import MultiScaleSSIM, multi_scale_ssim

WEIGHTS = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
SHAPES = [(8, 8, 1), (8, 8, 3), (28, 28, 1), (28, 28, 3), (64, 64, 1), (64, 64, 3)]
# One number for most tests: TensorFlow traces anew for every shape of a batch.
PAIRS = 20


def images(n, shape, seed=0):
    """Smooth images with some noise, so that similarities lie between 0 and 1."""
    generator = np.random.default_rng(seed)
    rows = np.linspace(0, 3, shape[0])[:, None, None]
    columns = np.linspace(0, 3, shape[1])[None, :, None]
    phases = generator.uniform(0, 1.5, (n, 1, 1, shape[2]))
    smooth = 0.6 * np.sin(rows + columns + phases) + 0.1
    noise = generator.uniform(-0.3, 0.3, (n, *shape))
    return (smooth + noise).astype("float32")


def window(size):
    gauss = [math.exp(-((i - (size - 1) / 2) ** 2) / (2 * 1.5**2)) for i in range(size)]
    plane = np.outer(gauss, gauss)
    return plane / plane.sum()


def literal_ssim(first, second, size):
    """Wang et al. (2004) over all windows that fit, of intensities from 0 to 1."""
    first, second = ((x.astype("float64") + 1) / 2 for x in (first, second))
    w, c1, c2 = window(size), 0.01**2, 0.03**2
    values = []
    for row, column, channel in itertools.product(
        range(first.shape[0] - size + 1), range(first.shape[1] - size + 1), range(first.shape[2])
    ):
        x, y = (z[row : row + size, column : column + size, channel] for z in (first, second))
        mx, my = (w * x).sum(), (w * y).sum()
        vx, vy = (w * (x - mx) ** 2).sum(), (w * (y - my) ** 2).sum()
        covariance = (w * (x - mx) * (y - my)).sum()
        luminance = (2 * mx * my + c1) / (mx**2 + my**2 + c1)
        values.append(luminance * (2 * covariance + c2) / (vx + vy + c2))
    return np.mean(values)


def tensorflow_ssim(first, second, scales):
    weights = np.array(WEIGHTS[:scales]) / sum(WEIGHTS[:scales])
    first, second = (tf.constant((x + 1) / 2) for x in (first, second))
    return float(tf.image.ssim_multiscale(first, second, 1.0, power_factors=list(weights)))


def seen(metric, **sides):
    metric.update_state(**sides)
    return metric.result()


@pytest.mark.parametrize("shape", [(11, 11, 1), (16, 13, 1), (21, 21, 3)])
def test_one_scale_against_loops(shape):
    """With one image of each pair's kind, every pair is the same two."""
    pair = images(2, shape)
    expected = literal_ssim(pair[0], pair[1], 11)
    assert 0.05 < expected < 0.95
    assert multi_scale_ssim(pair, pairs=PAIRS) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("side", "channels", "size"), [(7, 1, 7), (8, 3, 7), (10, 1, 9)])
def test_largest_odd_filter_that_fits_a_small_image(side, channels, size):
    pair = images(2, (side, side, channels))
    expected = literal_ssim(pair[0], pair[1], size)
    assert multi_scale_ssim(pair, pairs=PAIRS) == pytest.approx(expected, rel=1e-4)


@pytest.mark.representatives("shape0-2", "shape4-3", "shape7-4")
@pytest.mark.parametrize(
    ("shape", "scales"),
    [
        ((22, 22, 1), 2),
        ((28, 28, 1), 2),
        ((28, 28, 3), 2),
        ((43, 43, 1), 2),
        ((44, 44, 1), 3),
        ((64, 64, 3), 3),
        ((64, 30, 1), 2),
        ((88, 88, 1), 4),
        ((176, 176, 3), 5),
    ],
)
def test_many_scales_against_tensorflow(shape, scales):
    pair = images(2, shape)
    expected = tensorflow_ssim(pair[0], pair[1], scales)
    assert 0.05 < expected < 0.95
    assert multi_scale_ssim(pair, pairs=PAIRS) == pytest.approx(expected, rel=1e-4)


def test_all_pairs_of_different_images_are_equally_likely():
    three = images(3, (11, 11, 1)) * np.array([1.0, 0.5, -1.0])[:, None, None, None]
    values = [
        max(literal_ssim(a, b, 11), 0) for a, b in itertools.combinations(three.astype("f4"), 2)
    ]
    error = np.std(values) / math.sqrt(5000)
    assert error > 0.002
    result = multi_scale_ssim(three.astype("f4"), pairs=5000)
    assert result == pytest.approx(np.mean(values), abs=4 * error)


@pytest.mark.parametrize("shape", SHAPES)
def test_one_for_equal_images(shape):
    same = np.repeat(images(1, shape), 6, axis=0)
    assert multi_scale_ssim(same, pairs=PAIRS) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("value", [-1.0, 0.0, 1.0])
def test_one_for_equal_flat_images(value):
    assert multi_scale_ssim(np.full((4, 28, 28, 1), value), pairs=PAIRS) == pytest.approx(
        1.0, abs=1e-6
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_near_zero_for_noise(shape):
    noise = np.random.default_rng(0).uniform(-1, 1, (20, *shape)).astype("float32")
    assert 0 <= multi_scale_ssim(noise, pairs=PAIRS) < 0.1


def test_figure_is_that_of_eight_bit_images():
    """The luminance term asks for intensities from 0: grey is one, not the absence of light."""
    pair = tf.cast(tf.round((images(2, (28, 28, 3)) + 1) * 127.5), "uint8")
    weights = np.array(WEIGHTS[:2]) / sum(WEIGHTS[:2])
    expected = tf.image.ssim_multiscale(pair[0], pair[1], 255, power_factors=list(weights))
    result = multi_scale_ssim(pair.numpy() / 127.5 - 1, pairs=PAIRS)
    assert result == pytest.approx(float(expected), rel=1e-4)


def test_black_against_white():
    flat = np.stack([np.full((16, 16, 1), -1.0), np.full((16, 16, 1), 1.0)])
    assert multi_scale_ssim(flat, pairs=PAIRS) == pytest.approx(1e-4 / (1 + 1e-4), abs=1e-6)


def test_less_variety_is_a_higher_figure():
    varied = images(30, (28, 28, 1))
    base = varied[:1]
    values = [multi_scale_ssim(base + s * (varied - base), pairs=200) for s in (1, 0.5, 0.2, 0)]
    assert values == sorted(values)
    assert values[0] < 0.9 < values[-1]


def test_seed_fixes_the_pairs():
    batch = images(20, (11, 11, 1))
    values = [multi_scale_ssim(batch, pairs=5, seed=s) for s in (0, 0, 1)]
    assert values[0] == values[1] != values[2]
    assert multi_scale_ssim(batch, pairs=5) == values[0]


def test_class_has_the_sides_that_it_saw():
    real, fake = images(10, (16, 16, 1)), images(12, (16, 16, 1), seed=1) / 2
    expected = {"real": multi_scale_ssim(real, pairs=50), "fake": multi_scale_ssim(fake, pairs=50)}
    assert seen(MultiScaleSSIM(pairs=50), real=real, fake=fake) == pytest.approx(expected, rel=1e-6)
    alone = seen(MultiScaleSSIM(pairs=50), fake=fake)
    assert alone == pytest.approx({"fake": expected["fake"]}, rel=1e-6)
    assert set(seen(MultiScaleSSIM(pairs=50), real=real)) == {"real"}


def test_images_of_several_sizes_in_one_process():
    values = [multi_scale_ssim(images(4, (side, side, 1)), pairs=PAIRS) for side in (64, 28, 8, 64)]
    assert values[0] == values[-1]
    assert all(0 < value < 1 for value in values)


def test_more_pairs_than_there_are():
    assert 0 < multi_scale_ssim(images(3, (8, 8, 1)), pairs=2000) < 1
