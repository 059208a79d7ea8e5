"""ConditionalBatchNormalization, against NumPy and Keras's own batch normalization."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_calls import called_everywhere, normal, reloaded

import keras_gan
from keras_gan.layers import ConditionalBatchNormalization, SpectralNormalization
from keras_gan.utils.keras_internals import layers_within

LABELS = np.array([2, 0, 2, 1, 0, 2])


def literal(x, gamma, beta, mean, variance, epsilon):
    """Return the paper's formula, one sample after the other."""
    return np.stack(
        [
            g * (sample - mean) / np.sqrt(variance + epsilon) + b
            for sample, g, b in zip(x, gamma, beta, strict=True)
        ]
    )


def with_tables(shape, **options):
    """Return a layer for three classes, and the gamma and beta of each."""
    layer = ConditionalBatchNormalization(num_classes=3, **options)
    layer.build([shape, (None,)])
    tables = normal(3, shape[-1], seed=1), normal(3, shape[-1], seed=2)
    layer.scale.embeddings.assign(tables[0] - 1)
    layer.offset.embeddings.assign(tables[1])
    return layer, *tables


def trained(layer, *inputs):
    return keras.ops.convert_to_numpy(layer(list(inputs), training=True))


@pytest.mark.parametrize("shape", [(6, 4), (6, 3, 2, 4)], ids=str)
def test_each_sample_has_the_scale_and_offset_of_its_class(shape):
    layer, gamma, beta = with_tables(shape, momentum=0.8, epsilon=0.01)
    x, axes = 3 * normal(*shape) + 1, tuple(range(len(shape) - 1))
    mean, variance = x.mean(axes), x.var(axes)  # Of the whole batch, not of a class.
    expected = literal(x, gamma[LABELS], beta[LABELS], mean, variance, 0.01)
    np.testing.assert_allclose(trained(layer, x, LABELS), expected, rtol=1e-4, atol=1e-5)
    kept = literal(x, gamma[LABELS], beta[LABELS], 0.2 * mean, 0.8 + 0.2 * variance, 0.01)
    outputs = called_everywhere(layer, x, LABELS.astype("float32")[:, None])
    np.testing.assert_allclose(outputs, kept, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer([x[2:3], LABELS[2:3]])[0], kept[2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_of_a_vector_scale_and_offset_are_linear(spectral_norm):
    layer = ConditionalBatchNormalization(spectral_norm=spectral_norm)
    x, c = normal(6, 2, 2, 4), normal(6, 5, seed=1)
    outputs = trained(layer, x, c)
    kernels = [
        np.asarray(part.normalized_kernel() if spectral_norm else part.kernel)
        for part in (layer.scale, layer.offset)
    ]
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    expected = literal(x, *(1 + c @ kernels[0], c @ kernels[1]), mean, variance, 1e-5)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    assert np.abs(kernels[0] - kernels[1]).max() > 0.1
    for kernel in kernels:  # Orthogonal: all singular values are 1.
        np.testing.assert_allclose(np.linalg.svd(kernel)[1], 1, rtol=1e-5)
    assert len(layer.trainable_variables) == 2
    normalized = [each for each in layers_within(layer) if isinstance(each, SpectralNormalization)]
    assert len(normalized) == (2 if spectral_norm else 0)


def test_it_starts_as_a_batch_normalization():
    x = normal(6, 3, 3, 4)
    plain = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
    layer = ConditionalBatchNormalization(num_classes=3)
    np.testing.assert_array_equal(trained(layer, x, LABELS), plain(x, training=True))
    np.testing.assert_array_equal(layer([x, LABELS]), plain(x))
    own = layer.normalization
    np.testing.assert_array_equal(own.moving_variance, plain.moving_variance)


def test_a_class_learns_of_its_own_samples_alone():
    layer, *_ = with_tables((None, 4))
    x, labels = tf.constant(normal(6, 4)), np.array([2, 0, 2, 2, 0, 2])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer([x, labels], training=True) ** 2)
    for gradient in tape.gradient(loss, layer.trainable_variables):
        rows = np.abs(tf.convert_to_tensor(gradient)).max(1)
        assert rows[0] > 0 and rows[1] == 0 and rows[2] > 0


def test_classes_may_be_numbered_otherwise():
    layer, gamma, beta = with_tables((None, 4))
    order = np.array([1, 2, 0])
    x, before = normal(6, 4), trained(layer, normal(6, 4), LABELS)
    for table, values in ((layer.scale, gamma - 1), (layer.offset, beta)):
        table.embeddings.assign(values[order])
    np.testing.assert_array_equal(trained(layer, x, np.argsort(order)[LABELS]), before)


def test_low_precision_and_round_trip(tmp_path):
    x, c = normal(4, 2, 2, 8), normal(4, 3, seed=1)
    low = ConditionalBatchNormalization(spectral_norm=True, dtype="mixed_bfloat16")
    outputs = low([x, c], training=True)
    assert outputs.dtype == tf.bfloat16
    assert all(weight.dtype == "float32" for weight in low.weights)
    normal_init = keras.initializers.RandomNormal(stddev=0.02, seed=1)
    layer = ConditionalBatchNormalization(None, 0.5, 0.1, normal_init, True)
    kept = reloaded(layer, tmp_path, x, c)
    assert kept.get_config() == layer.get_config()
    layer = ConditionalBatchNormalization(num_classes=3)
    assert reloaded(layer, tmp_path, x, np.float32([[0], [2], [1], [2]])).num_classes == 3


@pytest.mark.parametrize("alone", [True, False])
def test_its_classes_are_counted_where_the_discriminator_takes_no_labels(alone):
    z, label, x = keras.Input((4,)), keras.Input((), dtype="int32"), keras.Input((4,))
    h = keras.layers.Dense(4)(z)
    passed = label if alone else keras.layers.Reshape((1,))(label)
    h = ConditionalBatchNormalization(num_classes=7)([h, passed])
    generator = keras.Model([z, label], keras.layers.Dense(4)(h))
    discriminator = keras.Model(x, keras.layers.Dense(1)(x))
    assert keras_gan.GAN(generator, discriminator).num_classes == 7


def test_labels_that_are_looked_up_before_are_not_counted():
    z, label, x = keras.Input((4,)), keras.Input((), dtype="int32"), keras.Input((4,))
    h = keras.layers.Dense(4)(z)
    found = keras.layers.IntegerLookup(vocabulary=[3, 5], num_oov_indices=0)(label)
    h = ConditionalBatchNormalization(num_classes=2)([h, found])
    generator = keras.Model([z, label], keras.layers.Dense(4)(h))
    discriminator = keras.Model(x, keras.layers.Dense(1)(x))
    assert keras_gan.GAN(generator, discriminator).num_classes is None


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_classes": 1}, ValueError, "at least 2.*num_classes=1"),
        ({"momentum": 1.5}, ValueError, "from 0 to 1.*momentum=1.5"),
        ({"epsilon": 0}, ValueError, "above 0.*epsilon=0"),
        ({"spectral_norm": 1}, TypeError, "True or False.*spectral_norm=1"),
        (
            {"spectral_norm": True, "num_classes": 3},
            ValueError,
            "spectral_norm=True, num_classes=3",
        ),
    ],
    ids=str,
)
def test_bad_arguments_are_named(options, error, message):
    with pytest.raises(error, match=message):
        ConditionalBatchNormalization(**options)


def test_inputs_that_are_no_such_pair_are_refused():
    labels = ConditionalBatchNormalization(num_classes=3)
    with pytest.raises(ValueError, match=r"labels of shape \(batch,\).*num_classes=3"):
        labels([normal(4, 2), normal(4, 5)])
    with pytest.raises(ValueError, match=r"vectors \(batch, numbers\).*num_classes=None"):
        ConditionalBatchNormalization()([normal(4, 2), normal(4)])
    with pytest.raises(ValueError, match=r"Expected `\[x, condition\]`"):
        ConditionalBatchNormalization()(normal(4, 2))
