"""ModulatedConv2D against one kernel for each sample, literally as in the paper."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_calls import called_everywhere, normal, reloaded

from keras_gan.layers import ModulatedConv2D
from tests.precision import precision

FORMS = [
    {"kernel_size": 3},
    {"kernel_size": 3, "upsampling": True},
    {"kernel_size": 1, "demodulate": False},
]


def convolved(x, kernel):
    """Return one image convolved by a kernel of odd sides, zeros around."""
    side, (height, width) = len(kernel), x.shape[:2]
    padded = np.pad(x, [[side // 2] * 2, [side // 2] * 2, [0, 0]])
    places = itertools.product(range(side), repeat=2)
    return sum(padded[a : a + height, b : b + width] @ kernel[a, b] for a, b in places)


def upsampled(x, kernel):
    """Return one image, spread by a kernel from every second pixel on, and filtered."""
    height, width = x.shape[:2]
    y = np.zeros((2 * height + 3, 2 * width + 3, kernel.shape[-1]))
    for (i, j), (a, b) in itertools.product(np.ndindex(height, width), np.ndindex(3, 3)):
        y[1 + 2 * i + a, 1 + 2 * j + b] += x[i, j] @ kernel[a, b]
    taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16
    places = np.ndindex(4, 4)
    return sum(taps[a, b] * y[a : a + 2 * height, b : b + 2 * width] for a, b in places)


def literal(layer, x, styles):
    """Return what each sample's own kernel makes of it."""
    kernel, bias = layer.kernel.numpy(), layer.bias.numpy()
    weights, ones = (weight.numpy() for weight in layer.affine.weights)
    outputs = []
    for image, style in zip(x, styles, strict=True):
        scales = style @ weights / len(style) ** 0.5 + ones
        own = scales[:, None] * kernel
        if layer.demodulate:
            own /= np.sqrt(np.sum(own**2, axis=(0, 1, 2)) + 1e-8)
        else:
            own /= np.prod(kernel.shape[:3]) ** 0.5
        outputs.append((upsampled if layer.upsampling else convolved)(image, own) + bias)
    return np.stack(outputs)


def built(filters, channels, style_dim, **options):
    layer = ModulatedConv2D(filters, **options)
    layer.build([(None, 4, 4, channels), (None, style_dim)])
    layer.bias.assign(normal(filters))
    return layer


@pytest.mark.parametrize("options", FORMS, ids=str)
def test_each_sample_has_its_kernel(options, double_precision):
    layer = built(6, 5, 4, **options)
    x, styles = normal(3, 7, 5, 5).astype("float64"), normal(3, 4, seed=1).astype("float64")
    np.testing.assert_allclose(layer([x, styles]), literal(layer, x, styles), rtol=0, atol=1e-13)


@pytest.mark.parametrize("options", FORMS[1:], ids=str)
def test_it_is_the_same_everywhere(options):
    layer = built(3, 2, 4, **options)
    x, styles = normal(2, 4, 6, 2), normal(2, 4)
    y = called_everywhere(layer, x, styles)
    np.testing.assert_allclose(y, literal(layer, x, styles), rtol=1e-4, atol=1e-5)


def test_demodulated_kernels_have_norm_1(double_precision):
    """Read off as the answers to an impulse in each input channel."""
    layer = built(6, 5, 4, kernel_size=3)
    layer.bias.assign(np.zeros(6))
    impulses = np.zeros((5, 3, 3, 5))
    impulses[range(5), 1, 1, range(5)] = 1
    styles = np.tile(normal(1, 4), (5, 1))
    norms = np.sqrt(np.sum(np.square(layer([impulses, styles])), axis=(0, 1, 2)))
    np.testing.assert_allclose(norms, 1, rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("options", "factor", "tolerance"), [(FORMS[0], 1, 1e-8), (FORMS[2], 7, 1e-12)], ids=str
)
def test_the_length_of_a_style(options, factor, tolerance, double_precision):
    """It has no effect but where there is no demodulation."""
    layer = built(6, 5, 4, **options)
    layer.bias.assign(np.zeros(6))
    x, styles = normal(2, 4, 4, 5), normal(2, 4)
    before = np.array(layer([x, styles]))
    for weight in layer.affine.weights:
        weight.assign(7 * weight)
    np.testing.assert_allclose(layer([x, styles]), factor * before, rtol=0, atol=tolerance)


def test_unit_scale_stays():
    layer = ModulatedConv2D(16, **FORMS[0])
    y = layer([normal(4, 64, 64, 8), normal(4, 32)]).numpy()[:, 4:-4, 4:-4]
    assert np.var(y) == pytest.approx(1, abs=0.02)


def test_gradients_of_gradients():
    """Of a sum of squared gradients with respect to styles, by finite differences."""
    layer = built(3, 2, 4, **FORMS[1])
    x, styles = normal(2, 3, 3, 2), tf.constant(normal(2, 4))
    direction = normal(2, 6, 6, 3)

    def penalty():
        with tf.GradientTape() as tape:
            tape.watch(styles)
            product = tf.reduce_sum(layer([x, styles]) * direction)
        return tf.reduce_sum(tf.square(tape.gradient(product, styles)))

    with tf.GradientTape() as tape:
        value = penalty()
    gradient = tape.gradient(value, layer.kernel.value).numpy()
    kernel, step = layer.kernel.numpy(), normal(*layer.kernel.shape, seed=2)
    ends = []
    for sign in (1, -1):
        layer.kernel.assign(kernel + sign * 1e-2 * step)
        ends.append(float(penalty()))
    slope = (ends[0] - ends[1]) / 2e-2
    assert slope == pytest.approx(np.sum(gradient * step), rel=0.01)


def test_low_precision_and_round_trip(tmp_path):
    x, styles = normal(2, 4, 4, 2), normal(2, 4)
    for policy in ("mixed_bfloat16", "mixed_float16"):
        low = built(3, 2, 4, dtype=policy, **FORMS[1])
        assert low([x, styles]).dtype == policy.removeprefix("mixed_")
        assert low.kernel.dtype == low.affine.kernel.dtype == "float32"
        y = tf.cast(low([x, styles]), "float32")
        np.testing.assert_allclose(y, literal(low, x, styles), rtol=0.05, atol=0.05)
    layer = ModulatedConv2D(3, 1, demodulate=False)
    assert reloaded(layer, tmp_path, x, styles).get_config() == layer.get_config()


def test_alone_and_in_a_network_of_low_precision_it_is_the_same():
    """Sums of squares are of the weights in float32 in both."""
    x, styles = normal(2, 4, 4, 32), normal(2, 4)
    with precision("mixed_bfloat16"):
        layer, symbols = ModulatedConv2D(64, 3), [keras.Input(y.shape[1:]) for y in (x, styles)]
        network = keras.Model(symbols, layer(symbols))
    np.testing.assert_array_equal(network([x, styles]), layer([x, styles]))


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"kernel_size=3.*Received: kernel_size=1"):
        ModulatedConv2D(4, 1, upsampling=True)
    with pytest.raises(ValueError, match=r"\[x, styles\].*Received: inputs of shape"):
        ModulatedConv2D(4, 3)([normal(2, 4, 4, 3), normal(2, 1, 5)])
