"""The FIR layers, against SciPy's upfirdn and their definitions."""

import keras
import numpy as np
import pytest
import scipy.signal
import tensorflow as tf
from layer_calls import called_everywhere, normal, reloaded

from keras_gan.layers import FIRBlur2D, FIRDownsampling2D, FIRUpsampling2D
from tests.precision import precision

KERNELS = [(1, 3, 3, 1), (1, 2, 1), (1, 1), (-1, 3, 9, 5, 2)]


def upfirdn(images, kernel, margins, up=1, down=1, gain=1.0):
    """Return what SciPy makes of images, rows and columns alike: zeros are added or left out."""
    taps = np.array(kernel, "float64") / sum(kernel)
    before, behind = margins
    for axis in (1, 2):
        # All of it begins len(taps) - 1 places before the first whole window of no padding.
        whole = scipy.signal.upfirdn(taps * gain**0.5, images, up=up, axis=axis)
        whole = np.moveaxis(whole, axis, 0)
        end = (up - 1) + behind - (len(taps) - 1)
        whole = np.concatenate([whole, np.zeros((max(end, 0), *whole.shape[1:]))])
        whole = whole[len(taps) - 1 - before : len(whole) + min(end, 0)][::down]
        images = np.moveaxis(whole, 0, axis)
    return images


def literal(images, kernel, margins, up=1, down=1, gain=1.0):
    """Return the same by StyleGAN's definition: zeros between, padding, correlation, every n-th."""
    taps = np.array(kernel, "float64")[::-1] / sum(kernel) * gain**0.5
    batch, rows, columns, channels = images.shape
    spread = np.zeros((batch, rows * up, columns * up, channels))
    spread[:, ::up, ::up] = images
    padded = np.pad(spread, ((0, 0), margins, margins, (0, 0)))
    out = padded[:, len(taps) - 1 :, len(taps) - 1 :] * 0
    for i, first in enumerate(taps):
        for j, second in enumerate(taps):
            window = padded[:, i : i + out.shape[1], j : j + out.shape[2]]
            out += first * second * window
    return out[:, ::down, ::down]


def margins_of(kernel, up):
    size = len(kernel)
    return (
        ((size + up - 1) // 2, (size - up) // 2) if up > 1 else ((size - 1) // 2, (size - 2) // 2)
    )


@pytest.mark.representatives(1)
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_upsampling(kernel):
    x = normal(2, 5, 4, 3)
    y = called_everywhere(FIRUpsampling2D(kernel), x)
    assert y.shape == (2, 10, 8, 3)
    for judge in (upfirdn, literal):
        expected = judge(x, kernel, margins_of(kernel, 2), up=2, gain=4.0)
        np.testing.assert_allclose(y, expected, atol=2e-6)


@pytest.mark.representatives(1)
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize("shape", [(2, 7, 6, 3), (1, 2, 3, 1)], ids=str)
def test_downsampling(kernel, shape):
    x = normal(*shape)
    y = called_everywhere(FIRDownsampling2D(kernel), x)
    assert y.shape == (shape[0], shape[1] // 2, shape[2] // 2, shape[3])
    for judge in (upfirdn, literal):
        expected = judge(x, kernel, margins_of(kernel, 1), down=2)
        np.testing.assert_allclose(y, expected, atol=2e-6)


@pytest.mark.representatives(1)
@pytest.mark.parametrize(("padding", "gain"), [(1, 4.0), (2, 1.0), ((0, 3), 0.5)], ids=str)
def test_blur(padding, gain):
    x = normal(2, 5, 6, 3)
    y = called_everywhere(FIRBlur2D(padding=padding, gain=gain), x)
    margins = padding if isinstance(padding, tuple) else (padding, padding)
    for judge in (upfirdn, literal):
        expected = judge(x, (1, 3, 3, 1), margins, gain=gain)
        np.testing.assert_allclose(y, expected, atol=2e-6)


def row(layer, values):
    """Return what a layer makes of an image whose rows all are these, within it."""
    x = np.tile(np.array(values, "float32")[None, None, :, None], (1, 8, 1, 1))
    y = keras.ops.convert_to_numpy(layer(x))
    return y[0, y.shape[1] // 2, :, 0].tolist()


def test_rows_of_known_values():
    up, down = FIRUpsampling2D(), FIRDownsampling2D()
    assert row(up, [1] * 4) == [0.75, 1, 1, 1, 1, 1, 1, 0.75]
    steps = [0.75 + i / 2 for i in range(11)]
    assert row(up, range(1, 7)) == [*steps, 4.5]
    assert row(up, [0, 1, 0]) == [0, 0.25, 0.75, 0.75, 0.25, 0]
    assert row(down, [1] * 8) == [0.875, 1, 1, 0.875]
    assert row(down, range(8)) == [0.625, 2.5, 4.5, 5.5]

    def both(x):
        return down(up(x))

    assert row(both, [0, 0, 1, 0, 0]) == [0, 0.1875, 0.625, 0.1875, 0]


def test_the_kernel_is_a_partition_of_unity_and_a_blur_of_nearest_upsampling():
    assert np.convolve([1, 2, 1], [1, 1]).tolist() == [1, 3, 3, 1]
    taps = 2 * FIRUpsampling2D()._normalized
    assert taps[::2].sum() == taps[1::2].sum() == 1


def test_down_is_the_transpose_of_up():
    x, y = tf.constant(normal(1, 6, 4, 2)), tf.constant(normal(1, 3, 2, 2, seed=1))
    up, down = FIRUpsampling2D()(y), FIRDownsampling2D()(x)
    assert float(tf.reduce_sum(x * up)) == pytest.approx(
        4 * float(tf.reduce_sum(down * y)), rel=1e-5
    )


def conv_pair(strides, transposed):
    kind = keras.layers.Conv2DTranspose if transposed else keras.layers.Conv2D
    layer = kind(1, 3, strides, padding="valid", use_bias=False, kernel_initializer="ones")
    return layer


def test_convolutions_with_strides_are_those_between_an_image_and_its_resampled_self():
    """Within the border: a convolution of all ones commutes with the filter."""
    x = normal(1, 8, 8, 1)
    kernel = np.ones((3, 3))
    larger = FIRBlur2D(padding=1, gain=4.0)(conv_pair(2, True)(x))
    assert larger.shape == (1, 16, 16, 1)
    spread = upfirdn(x, (1, 3, 3, 1), (2, 1), up=2, gain=4.0)[0, ..., 0]
    expected = scipy.signal.convolve2d(spread, kernel, "same")
    np.testing.assert_allclose(larger[0, 2:-2, 2:-2, 0], expected[2:-2, 2:-2], atol=1e-5)
    smaller = conv_pair(2, False)(FIRBlur2D(padding=2)(x))
    assert smaller.shape == (1, 4, 4, 1)
    blurred = scipy.signal.convolve2d(x[0, ..., 0], kernel, "same")[None, ..., None]
    expected = upfirdn(blurred, (1, 3, 3, 1), (1, 1), down=2)[0, ..., 0]
    np.testing.assert_allclose(smaller[0, 1:-1, 1:-1, 0], expected[1:-1, 1:-1], atol=1e-5)


def second_order(layer, x):
    """Return first and second-order gradients of a function of what a layer returns."""
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            value = tf.reduce_sum(tf.sin(layer(x)))
        gradient = inner.gradient(value, x)
        length = tf.reduce_sum(tf.square(gradient))
    return gradient, outer.gradient(length, x)


@pytest.mark.parametrize(
    "layer",
    [FIRUpsampling2D, FIRDownsampling2D, FIRBlur2D],
)
def test_gradients_are_those_of_the_matrix(layer, double_precision):
    layer = layer()
    x = tf.constant(normal(1, 4, 6, 2).astype("float64"))
    basis = tf.reshape(tf.eye(48, dtype="float64"), (48, 4, 6, 2))
    matrix = layer(basis).numpy().reshape(48, -1).T
    y = matrix @ x.numpy().ravel()
    gradient = matrix.T @ np.cos(y)
    second = 2 * matrix.T @ (-np.sin(y) * (matrix @ gradient))
    for one, other in zip(second_order(layer, x), (gradient, second), strict=True):
        np.testing.assert_allclose(one.numpy().ravel(), other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layer", [FIRUpsampling2D, FIRDownsampling2D, FIRBlur2D])
def test_low_precision_and_round_trip(layer, tmp_path):
    x = normal(1, 6, 4, 2)
    low = layer(dtype="mixed_bfloat16")(x)
    assert low.dtype == tf.bfloat16
    np.testing.assert_allclose(np.asarray(tf.cast(low, "float32")), layer()(x), atol=0.03)
    options = {"padding": (0, 2), "gain": 3.0} if layer is FIRBlur2D else {}
    made = layer((1, 2, 1), **options)
    kept = reloaded(made, tmp_path, x)
    assert kept.get_config() == made.get_config()
    assert kept.kernel == (1, 2, 1)


def test_a_network_built_in_low_precision_resamples_in_it():
    with precision("mixed_bfloat16"):
        assert FIRUpsampling2D()(keras.Input((4, 4, 1))).dtype == "bfloat16"


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: FIRUpsampling2D((1,)), ValueError, r"two numbers or more.*kernel=\(1,\)"),
        (lambda: FIRUpsampling2D((1, -1)), ValueError, r"not 0.*kernel=\(1, -1\)"),
        (lambda: FIRUpsampling2D("1331"), TypeError, "tuple of numbers.*kernel='1331'"),
        (lambda: FIRUpsampling2D((1, "3")), TypeError, "number.*kernel='3'"),
        (lambda: FIRBlur2D(padding=-1), ValueError, "at least 0.*padding=-1"),
        (lambda: FIRBlur2D(padding=(1, 2, 3)), ValueError, r"pair.*padding=\(1, 2, 3\)"),
        (lambda: FIRBlur2D(gain=0), ValueError, "above 0.*gain=0"),
        (lambda: FIRDownsampling2D()(np.ones((1, 1, 4, 2))), ValueError, r"\(1, 1, 4, 2\)"),
        (lambda: FIRBlur2D(padding=0)(np.ones((1, 3, 4, 2))), ValueError, "larger than"),
        (lambda: FIRUpsampling2D()(np.ones((3, 4, 2))), ValueError, "expected ndim=4"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()
