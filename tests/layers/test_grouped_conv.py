"""GroupedConv2D, against Keras's own and against one convolution for each group."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_calls import called_everywhere, normal, reloaded

import keras_gan
from keras_gan.layers import GroupedConv2D, grouped_conv

# Channels, filters, groups, options: grouped, depthwise, with a multiplier, not grouped.
CASES = [
    (12, 8, 4, {"padding": "same"}),
    (6, 6, 6, {"strides": 2, "activation": "relu"}),
    (4, 12, 4, {"use_bias": False, "padding": "same", "strides": 2}),
    (3, 5, 1, {}),
]
IDS = ["grouped", "depthwise", "multiplied", "whole"]


@pytest.fixture(params=[True, False], ids=["at once", "by group"])
def has_gradients(request, monkeypatch):
    """Have TensorFlow's gradients of grouped convolutions, or do without."""
    if not request.param:
        monkeypatch.setattr(grouped_conv, "_has_gradients", lambda dtype: False)
    return request.param


def built(channels, filters, groups, options):
    layer = GroupedConv2D(filters, 3, groups=groups, **options)
    layer.build((None, 7, 6, channels))
    if layer.use_bias:
        layer.bias.assign(normal(filters, seed=1))
    return layer


@pytest.mark.representatives("at once-grouped")
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_it_is_keras_grouped_convolution(case, has_gradients):
    x = normal(2, 7, 6, case[0])
    layer = built(*case)
    theirs = keras.layers.Conv2D.from_config(layer.get_config())
    theirs.build(x.shape)
    assert [w.shape for w in theirs.weights] == [w.shape for w in layer.weights]
    theirs.set_weights(layer.get_weights())
    np.testing.assert_allclose(called_everywhere(layer, x), theirs(x), atol=2e-6)


def by_group(layer, x):
    """Return a grouped convolution as one convolution for each group."""
    parts = tf.split(x, layer.groups, -1), tf.split(layer.kernel.value, layer.groups, -1)
    padding = layer.padding.upper()
    outputs = [tf.nn.conv2d(*pair, layer.strides, padding) for pair in zip(*parts, strict=True)]
    y = tf.concat(outputs, -1)
    y = y if layer.bias is None else y + layer.bias.value
    return layer.activation(y)


def gradients(function, x, weights):
    """Return the gradients of a value, and those of the length of its gradient by x."""
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(x)
        with tf.GradientTape(persistent=True) as inner:
            inner.watch(x)
            value = tf.reduce_sum(tf.sin(function(x)))
        slope = inner.gradient(value, x)
        length = tf.reduce_sum(tf.square(slope))
    first = [slope, *inner.gradient(value, weights)]
    unconnected = tf.UnconnectedGradients.ZERO
    return first + outer.gradient(length, [x, *weights], unconnected_gradients=unconnected)


@pytest.mark.representatives("at once-grouped", "at once-depthwise")
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_first_and_second_order_gradients(case, has_gradients):
    x = tf.constant(normal(2, 7, 6, case[0]))
    layer = built(*case)
    weights = [weight.value for weight in layer.trainable_weights]
    ours = tf.function(lambda x: gradients(layer, x, weights))(x)
    expected = gradients(lambda x: by_group(layer, x), x, weights)
    assert len(ours) == 2 + 2 * len(weights)
    for one, other in zip(ours, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * np.abs(other).max())


@pytest.mark.representatives("float64")
@pytest.mark.parametrize("dtype", ["float64", "float16", "mixed_bfloat16"])
def test_gradients_in_other_dtypes(dtype):
    """On CPUs TensorFlow's own are those of float32 and bfloat16."""
    layer = GroupedConv2D(8, 3, groups=4, dtype=dtype)
    x = normal(2, 5, 5, 12)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(tf.square(tf.cast(layer(x), "float32")))
    found = tape.gradient(value, layer.trainable_weights)
    exact = GroupedConv2D(8, 3, groups=4)
    exact.build(x.shape)
    exact.set_weights(layer.get_weights())
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(tf.square(by_group(exact, tf.constant(x))))
    expected = tape.gradient(value, exact.trainable_weights)
    tolerance = 1e-5 if dtype == "float64" else 0.03
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == layer.variable_dtype
        error = np.abs(np.asarray(tf.cast(one, "float32")) - other).max()
        assert error < tolerance * np.abs(other).max()


def test_saved_and_loaded(tmp_path):
    layer = GroupedConv2D(4, (3, 2), (2, 2), "same", 2, kernel_initializer="he_normal")
    kept = reloaded(layer, tmp_path, normal(1, 6, 6, 6))
    assert type(kept) is GroupedConv2D
    assert kept.get_config() == layer.get_config()


def test_no_model_compiles_it_with_xla_on_a_cpu():
    z, x = keras.Input((2,)), keras.Input((4, 4, 4))
    generator = keras.Model(z, keras.layers.Reshape((4, 4, 4))(keras.layers.Dense(64)(z)))
    features = keras.layers.Flatten()(GroupedConv2D(4, 3, groups=2)(x))
    model = keras_gan.GAN(generator, keras.Model(x, keras.layers.Dense(1)(features)))
    with pytest.warns(UserWarning, match="doesn't support `jit_compile=True`"):
        model.compile(jit_compile=True)
    assert model.jit_compile is False


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: GroupedConv2D(8, 3, groups=3), "divide filters. Received: groups=3, filters=8"),
        (lambda: GroupedConv2D(8, 3, groups=0), "at least 1. Received: groups=0"),
        (lambda: GroupedConv2D(0, 3), "at least 1. Received: filters=0"),
        (
            lambda: GroupedConv2D(8, 3, groups=4)(keras.Input((4, 4, 6))),
            "divide the channels of the input. Received: groups=4, the channels of the input=6",
        ),
        (lambda: GroupedConv2D(8, 3, data_format="channels_first"), "channels to be last"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
