"""PixelShuffle, its inverse and ICNR, against the index formula."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_calls import called_everywhere, normal, reloaded

from keras_gan.layers import ICNR, PixelShuffle, PixelUnshuffle


def literal(x, scale):
    """Return y[i r + dy, j r + dx, c] = x[i, j, (dy r + dx) C + c], one number after another."""
    batch, height, width, channels = x.shape
    size = channels // scale**2
    y = np.full((batch, scale * height, scale * width, size), np.nan, x.dtype)
    for i, j, dy, dx, c in np.ndindex(height, width, scale, scale, size):
        y[:, i * scale + dy, j * scale + dx, c] = x[:, i, j, (dy * scale + dx) * size + c]
    return y


@pytest.mark.parametrize("scale", [2, 3])
def test_it_is_the_index_formula_and_is_undone(scale):
    x = normal(2, 4, 3, 2 * scale**2)
    image = called_everywhere(PixelShuffle(scale), x)
    np.testing.assert_array_equal(image, literal(x, scale))
    np.testing.assert_array_equal(called_everywhere(PixelUnshuffle(scale), image), x)


def test_one_number_lights_one_pixel():
    for channel in range(8):
        image = PixelShuffle(2)(np.eye(8, dtype="float32")[channel].reshape(1, 1, 1, 8)).numpy()
        assert np.argwhere(image[0]).tolist() == [[channel // 4, channel // 2 % 2, channel % 2]]


def test_the_order_of_pytorch_is_turned_as_the_docstring_says():
    """The first block of PyTorch's is [[0, 1], [2, 3]], of the order here [[0, 2], [4, 6]]."""
    x = np.arange(8.0).reshape(1, 1, 1, 8)
    assert PixelShuffle(2)(x).numpy()[0, ..., 0].tolist() == [[0, 2], [4, 6]]
    turned = x.reshape(1, 1, 1, 2, 2, 2).transpose(0, 1, 2, 4, 5, 3).reshape(1, 1, 1, 8)
    assert PixelShuffle(2)(turned).numpy()[0, ..., 0].tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize(("scale", "channels"), [(2, 1), (2, 3), (3, 5), (4, 3)])
def test_icnr_starts_as_nearest_upsampling_to_the_bit(scale, channels):
    """To the bit where sums are exact: how they round depends on how wide a convolution is."""
    rng = np.random.default_rng(0)
    base = keras.layers.Conv2D(channels, 3, padding="same")
    base.build((None, None, None, 7))
    kernel = rng.integers(-8, 9, base.kernel.shape).astype("float32")
    base.kernel.assign(kernel)
    icnr = ICNR(scale, lambda shape, dtype=None: tf.constant(kernel.reshape(shape)))
    wide = keras.layers.Conv2D(channels * scale**2, 3, padding="same", kernel_initializer=icnr)
    for x, exact in (rng.integers(-8, 9, (2, 6, 5, 7)), True), (normal(2, 6, 5, 7), False):
        x = tf.constant(x, tf.float32)
        image = PixelShuffle(scale)(wide(x)).numpy()
        nearest = np.repeat(np.repeat(base(x), scale, axis=1), scale, axis=2)
        np.testing.assert_allclose(image, nearest, rtol=0, atol=0 if exact else 1e-4)
        blocks = image[:, ::scale, ::scale].repeat(scale, axis=1).repeat(scale, axis=2)
        np.testing.assert_array_equal(image, blocks)
    assert np.abs(nearest).max() > 1


def test_low_precision_is_only_moved():
    x = normal(1, 2, 2, 4)
    image = PixelShuffle(2, dtype="mixed_bfloat16")(x)
    assert image.dtype == tf.bfloat16
    np.testing.assert_array_equal(image, tf.cast(literal(x, 2), "bfloat16"))


def test_round_trips(tmp_path):
    x = normal(1, 4, 4, 8)
    assert reloaded(PixelShuffle(2), tmp_path, x).scale == 2
    assert reloaded(PixelUnshuffle(4), tmp_path, x).scale == 4
    layer = keras.layers.Conv2D(8, 3, kernel_initializer=ICNR(2, "he_normal"))
    kept = reloaded(layer, tmp_path, x).kernel_initializer
    assert isinstance(kept, ICNR) and kept.scale == 2
    assert type(kept.initializer).__name__ == "HeNormal"


def test_what_does_not_divide_is_refused():
    with pytest.raises(ValueError, match=r"2² = 4 divides.*shape \(1, 2, 2, 6\)"):
        PixelShuffle(2)(np.zeros((1, 2, 2, 6)))
    with pytest.raises(ValueError, match=r"sides that 2 divides.*\(None, 3, 4, 1\)"):
        PixelUnshuffle(2)(keras.Input((3, 4, 1)))
    with pytest.raises(ValueError, match=r"output channels that 3² = 9.*\(3, 3, 4, 8\)"):
        ICNR(3)((3, 3, 4, 8))
    with pytest.raises(ValueError, match=r"\(batch, height, width, channels\).*\(None, 4\)"):
        PixelShuffle(2)(keras.Input((4,)))
    for kind in (PixelShuffle, PixelUnshuffle, ICNR):
        with pytest.raises(ValueError, match=r"at least 2.*Received: scale=1"):
            kind(1)
