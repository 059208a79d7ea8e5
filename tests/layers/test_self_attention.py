"""SelfAttention, against loops over places in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_calls import called_everywhere, normal, reloaded

from keras_gan.layers import SelfAttention, SpectralNormalization
from keras_gan.utils.keras_internals import layers_within


def literal(x, kernels, gamma):
    """Return the formula of the paper's code, place by place."""
    theta, phi, g, o = (kernel[0, 0] for kernel in kernels)
    outputs = np.empty_like(x)
    for n, image in enumerate(x):
        rows, columns, _ = image.shape
        keys, values = [], []
        for i in range(0, rows, 2):
            for j in range(0, columns, 2):
                block = image[i : i + 2, j : j + 2].reshape(4, -1)
                keys.append((block @ phi).max(0))
                values.append((block @ g).max(0))
        for i in range(rows):
            for j in range(columns):
                scores = np.exp([image[i, j] @ theta @ key for key in keys])
                mean = (scores / scores.sum()) @ np.array(values)
                outputs[n, i, j] = image[i, j] + gamma * (mean @ o)
    return outputs


def attending(shape, gamma=0.7, **options):
    layer = SelfAttention(**options)
    layer.build(shape)
    layer.gamma.assign(gamma)
    return layer


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_places_attend_to_places(spectral_norm):
    x = normal(2, 4, 6, 16)
    layer = attending(x.shape, spectral_norm=spectral_norm)
    convolutions = layer.theta, layer.phi, layer.g, layer.o
    kernels = [
        np.asarray(each.normalized_kernel() if spectral_norm else each.kernel)
        for each in convolutions
    ]
    outputs = called_everywhere(layer, x)
    np.testing.assert_allclose(outputs, literal(x, kernels, 0.7), rtol=1e-4, atol=1e-5)
    largest = [np.linalg.svd(kernel[0, 0])[1][0] for kernel in kernels]
    assert spectral_norm == np.allclose(largest, 1, atol=0.1)  # As near as 15 power steps come.
    normalized = [each for each in layers_within(layer) if isinstance(each, SpectralNormalization)]
    assert len(normalized) == (4 if spectral_norm else 0)


def test_it_starts_as_the_identity_and_gamma_learns_first():
    x = tf.constant(normal(2, 4, 4, 16))
    layer = SelfAttention()
    with tf.GradientTape() as tape:
        outputs = layer(x)
        loss = tf.reduce_sum(outputs * tf.constant(normal(2, 4, 4, 16, seed=1)))
    np.testing.assert_array_equal(outputs, x)
    gradients = tape.gradient(loss, layer.trainable_variables)
    sizes = {
        weight.path.split("/")[-2]: float(tf.reduce_max(tf.abs(gradient)))
        for weight, gradient in zip(layer.trainable_variables, gradients, strict=True)
    }
    gamma = sizes.pop(layer.name)
    assert gamma > 0 and sizes.keys() == {"theta", "phi", "g", "o"}
    assert not any(sizes.values())


def test_a_map_that_is_shifted_by_two_attends_alike():
    x = normal(1, 6, 8, 8)
    layer = attending(x.shape)
    shifted = np.roll(x, (2, 4), axis=(1, 2))
    expected = np.roll(layer(x), (2, 4), axis=(1, 2))
    np.testing.assert_allclose(layer(shifted), expected, rtol=1e-5, atol=1e-5)
    assert np.abs(layer(np.roll(x, 1, axis=1)) - np.roll(layer(x), 1, axis=1)).max() > 1e-3


@pytest.mark.parametrize("channels", [8, 64])
def test_it_has_as_many_weights_as_published(channels):
    layer = SelfAttention()
    layer.build((None, 4, 4, channels))
    count = sum(int(np.prod(weight.shape)) for weight in layer.trainable_variables)
    assert count == 5 * channels**2 // 4 + 1


def test_the_softmax_is_in_float32():
    x = 30 * normal(2, 8, 8, 16)
    layer = attending(x.shape, dtype="mixed_bfloat16")
    assert layer(x).dtype == tf.bfloat16
    weights = layer.weights_of(tf.cast(x, tf.bfloat16))
    assert weights.dtype == tf.float32 and weights.shape == (2, 64, 16)
    np.testing.assert_allclose(np.sum(weights, -1), 1, rtol=1e-6)
    # In bfloat16 there are 256 numbers between 0.5 and 1 alone.
    assert np.any(weights != tf.cast(tf.cast(weights, tf.bfloat16), tf.float32))


def test_gradients_of_gradients_are_those_of_finite_differences(double_precision):
    x = normal(1, 4, 4, 8).astype("float64")
    layer = attending(x.shape, spectral_norm=False)
    weights = layer.trainable_variables

    def penalty():
        inputs = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = tf.reduce_sum(tf.sin(layer(inputs)))
        return tf.reduce_sum(tape.gradient(outputs, inputs) ** 2)

    with tf.GradientTape() as tape:
        value = penalty()
    gradients = tape.gradient(value, weights)
    for weight, gradient in zip(weights, gradients, strict=True):
        start = weight.numpy()
        direction = np.asarray(normal(*weight.shape, seed=3), "float64")
        ends = []
        for step in (1e-6, -1e-6):
            weight.assign(start + step * direction)
            ends.append(float(penalty()))
        weight.assign(start)
        slope = float(np.sum(gradient * direction))
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(slope, rel=1e-5)


@pytest.mark.representatives(1)
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_gradient_penalty_reaches_every_weight(dtype, jit_compile):
    x = tf.constant(normal(2, 4, 4, 8))
    layer = attending(x.shape, dtype=dtype)

    @tf.function(jit_compile=jit_compile)
    def gradients():
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(x)
                outputs = tf.reduce_sum(tf.sin(tf.cast(layer(x), tf.float32)))
            penalty = tf.reduce_sum(inner.gradient(outputs, x) ** 2)
        return outer.gradient(penalty, layer.trainable_variables)

    for gradient in gradients():
        assert np.isfinite(gradient).all() and np.any(gradient)


def test_round_trip(tmp_path):
    x = normal(1, 4, 4, 8)
    orthogonal = keras.initializers.Orthogonal(seed=3)
    layer = SelfAttention(spectral_norm=False, kernel_initializer=orthogonal)
    kept = reloaded(layer, tmp_path, x)
    assert kept.get_config() == layer.get_config()


def test_odd_sides_and_few_channels_are_refused():
    for shape in ((1, 5, 4, 8), (None, None, 7, 8)):
        with pytest.raises(ValueError, match=r"even sides, which are pooled by 2.*shape"):
            SelfAttention()(keras.Input(shape[1:]) if shape[0] is None else normal(*shape))
    with pytest.raises(ValueError, match=r"at least 8 channels.*\(1, 4, 4, 7\)"):
        SelfAttention()(normal(1, 4, 4, 7))
    layer = attending((None, 4, 4, 8))
    free = tf.function(layer, input_signature=[tf.TensorSpec((None, None, None, 8))])
    with pytest.raises(tf.errors.InvalidArgumentError, match="even sides"):
        free(normal(1, 4, 5, 8))
    with pytest.raises(TypeError, match=r"True or False.*spectral_norm='no'"):
        SelfAttention(spectral_norm="no")
