"""Equalized layers against Keras's own with scaled kernels, and what one step of Adam moves."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_calls import called_everywhere, normal, reloaded

from keras_gan.layers import EqualizedConv2D, EqualizedDense, ScaledLeakyReLU


@pytest.mark.parametrize("m", [1.0, 0.01])
def test_dense_uses_scaled_weights(m):
    x = normal(4, 3, 5)
    layer = EqualizedDense(7, lr_multiplier=m, bias_initializer="ones")
    layer.build(x.shape)
    y = called_everywhere(layer, x)
    kernel = layer.kernel.numpy().astype("float64")
    np.testing.assert_allclose(y, x @ kernel * m / 5**0.5 + m, rtol=1e-5, atol=1e-6)
    assert EqualizedDense(7, use_bias=False)(x).shape == (4, 3, 7)


@pytest.mark.representatives(2)
@pytest.mark.parametrize(
    "options", [{"strides": 2}, {"padding": "valid", "strides": 2}, {"use_bias": False}], ids=str
)
def test_convolution_uses_scaled_weights(options):
    x, m = normal(2, 7, 6, 3), 0.1
    layer = EqualizedConv2D(4, 3, bias_initializer="ones", lr_multiplier=m, **options)
    y = called_everywhere(layer, x)
    plain = keras.layers.Conv2D(4, 3, **{"padding": "same", **options})
    plain.build(x.shape)
    kernel, *bias = layer.get_weights()
    plain.set_weights([kernel * m / 27**0.5, *(m * b for b in bias)])
    np.testing.assert_allclose(y, plain(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("m", [1.0, 0.01])
def test_effective_weights_have_one_scale_for_any_multiplier(m):
    dense, convolution = EqualizedDense(400, lr_multiplier=m), EqualizedConv2D(64, 3)
    dense.build((None, 250))
    convolution.build((None, 8, 8, 64))
    assert np.std(dense.kernel) == pytest.approx(1 / m, rel=0.01)
    assert np.std(dense.scaled_kernel()) == pytest.approx(250**-0.5, rel=0.01)
    assert np.std(convolution.scaled_kernel()) == pytest.approx(576**-0.5, rel=0.01)


def test_second_moment_behind_an_activated_layer():
    """Of N(0, 1) inputs it is 1 + 0.2² after the layer: unit scale stays."""
    y = ScaledLeakyReLU()(EqualizedDense(512)(normal(1024, 512)))
    assert np.mean(np.square(y)) == pytest.approx(1.04, rel=0.01)


@pytest.mark.parametrize("m", [1.0, 0.01])
def test_one_step_of_adam_moves_the_effective_weights_by_the_same(m):
    """By the learning rate times m / sqrt(fan in), whatever the gradient."""
    x, layer, rate = normal(8, 16), EqualizedDense(4, lr_multiplier=m), 0.01
    optimizer = keras.optimizers.Adam(rate, beta_1=0.0)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x) ** 2)
    before = layer.scaled_kernel().numpy()
    optimizer.apply([tape.gradient(loss, layer.kernel.value)], [layer.kernel])
    moved = np.abs(layer.scaled_kernel().numpy() - before)
    np.testing.assert_allclose(moved, rate * m / 4, rtol=1e-2)


def test_scaled_leaky_relu():
    x = normal(5, 6)
    expected = np.where(x > 0, x, 0.3 * x) * 2**0.5
    np.testing.assert_allclose(called_everywhere(ScaledLeakyReLU(0.3), x), expected, rtol=1e-6)


def test_low_precision_and_round_trip(tmp_path):
    x = normal(2, 6, 6, 2)
    low = EqualizedConv2D(3, 3, dtype="mixed_bfloat16")
    assert low(x).dtype == tf.bfloat16
    assert low.kernel.dtype == "float32"
    for layer in (
        EqualizedConv2D(3, 3, 2, "valid", use_bias=False, lr_multiplier=0.5),
        EqualizedDense(3, bias_initializer="ones", lr_multiplier=0.5),
        ScaledLeakyReLU(0.1),
    ):
        assert reloaded(layer, tmp_path, x).get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: EqualizedDense(0), r"at least 1.*Received: units=0"),
        (lambda: EqualizedDense(2, lr_multiplier=0), r"above 0.*lr_multiplier=0"),
        (lambda: EqualizedConv2D(2, 3, padding="full"), r"'same', 'valid'.*padding='full'"),
    ],
)
def test_what_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
