"""WeightNormalization: the formula and its gradients by the paper's, its start, files, training."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from spectral_literal import KINDS, inputs, kernel_of, weight_matrix

import keras_gan
from keras_gan.layers import WeightNormalization
from keras_gan.utils.copying import copy_of

every_kind = pytest.mark.parametrize("kind", KINDS)


def wrapped(kind, dtype="float32"):
    """Return a layer whose lengths are no longer those of its kernel."""
    layer = WeightNormalization(KINDS[kind][0](dtype=dtype))
    layer(inputs(kind, dtype=dtype))
    layer.g.assign(np.linspace(-1, 2, layer.g.shape[0]))
    return layer


def effective(layer):
    """Return g v / ||v|| by NumPy, one row for each output channel."""
    rows = weight_matrix(layer)
    return np.asarray(layer.g, "float64")[:, None] * rows / np.linalg.norm(rows, axis=1)[:, None]


@every_kind
def test_it_starts_as_the_layer_is(kind):
    layer = WeightNormalization(KINDS[kind][0]())
    y = layer(inputs(kind))
    np.testing.assert_allclose(y, layer.layer(inputs(kind)), rtol=1e-4, atol=1e-6)
    lengths = np.linalg.norm(weight_matrix(layer), axis=1)
    np.testing.assert_allclose(layer.g, lengths, rtol=1e-5)


@every_kind
def test_the_kernel_is_that_of_the_formula(kind):
    layer = wrapped(kind)
    np.testing.assert_allclose(
        weight_matrix(layer, layer.normalized_kernel()), effective(layer), rtol=1e-4, atol=1e-6
    )
    twin = KINDS[kind][0]()
    twin(inputs(kind))
    _, *bias = layer.layer.get_weights()
    twin.set_weights([layer.normalized_kernel(), *bias])
    for call in (layer, tf.function(layer)):
        np.testing.assert_allclose(call(inputs(kind)), twin(inputs(kind)), rtol=1e-4, atol=1e-5)


@every_kind
def test_gradients_are_those_of_the_paper(kind):
    """Salimans and Kingma, Eq. (3), by the gradient with respect to the kernel w itself."""
    layer, twin = wrapped(kind, "float64"), KINDS[kind][0](dtype="float64")
    x = inputs(kind, dtype="float64")
    twin(x)
    twin.set_weights([layer.normalized_kernel(), *layer.layer.get_weights()[1:]])
    of_w = twin.embeddings if isinstance(twin, layers.Embedding) else twin.kernel
    weights = np.cos(np.arange(np.size(twin(x)))).reshape(np.shape(twin(x)))
    with tf.GradientTape(persistent=True) as tape:
        total, other = (tf.reduce_sum(each(x) * weights) for each in (layer, twin))
    slope = weight_matrix(layer, tf.convert_to_tensor(tape.gradient(other, of_w.value)))
    v, g = weight_matrix(layer), np.asarray(layer.g)[:, None]
    length = np.linalg.norm(v, axis=1)[:, None]
    of_g = np.sum(slope * v, axis=1)[:, None] / length
    of_v = g / length * slope - g * of_g / length**2 * v
    found = tape.gradient(total, [layer.g.value, kernel_of(layer).value])
    np.testing.assert_allclose(found[0], of_g[:, 0], rtol=1e-6, atol=1e-9)
    found = weight_matrix(layer, tf.convert_to_tensor(found[1]))
    np.testing.assert_allclose(found, of_v, rtol=1e-6, atol=1e-9)


def test_a_kernel_of_zeros_stays_one_and_has_finite_gradients():
    layer = WeightNormalization(layers.Dense(3, kernel_initializer="zeros"))
    x = np.ones((2, 4), "float32")
    with tf.GradientTape() as tape:
        y = layer(x)
    assert not np.any(y)
    assert all(np.isfinite(g).all() for g in tape.gradient(y, layer.trainable_weights))


def test_copies_and_files_hold_the_lengths(tmp_path):
    x = inputs("Conv2D")
    network = keras.Sequential([keras.Input(x.shape[1:]), WeightNormalization(layers.Conv2D(3, 2))])
    network.layers[0].g.assign([1.0, -2.0, 3.0])
    network.save(tmp_path / "network.keras")
    copy = copy_of(network)
    copy.set_weights(network.get_weights())
    for other in (copy, keras.saving.load_model(tmp_path / "network.keras")):
        np.testing.assert_array_equal(other(x), network(x))
        np.testing.assert_array_equal(other.layers[0].g, [1, -2, 3])


def test_mixed_precision_rounds_once():
    layer = WeightNormalization(layers.Dense(5, dtype="mixed_bfloat16"))
    assert layer(inputs("Dense")).dtype == "bfloat16"
    assert layer.g.dtype == layer.normalized_kernel().dtype.name == "float32"


def test_both_are_trained_in_a_game():
    def network(inputs, size):
        dense = WeightNormalization(layers.Dense(size))
        return keras.Sequential([keras.Input((inputs,)), dense])

    model = keras_gan.GAN(network(2, 3), network(3, 1), seed=0)
    model.compile("non_saturating", terms=["r1"])
    weights = model.generator.trainable_weights + model.discriminator.trainable_weights
    assert sorted(w.name for w in weights) == sorted(["kernel", "bias", "g"] * 2)
    before = [w.numpy() for w in weights]
    model.fit(np.ones((8, 3), "float32"), batch_size=4, verbose=0)
    assert all(np.any(w.numpy() != old) for w, old in zip(weights, before, strict=True))


@pytest.mark.parametrize(
    ("layer", "kind"), [(layers.ReLU(), "ReLU"), (layers.DepthwiseConv1D(2), "DepthwiseConv1D")]
)
def test_layers_without_a_kernel_are_refused(layer, kind):
    with pytest.raises(ValueError, match=f"a kernel.*of type {kind}"):
        WeightNormalization(layer).build((None, 8, 2))
    with pytest.raises(TypeError, match="Expected a Keras layer"):
        WeightNormalization(3)
