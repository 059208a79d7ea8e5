"""SpectralNormalization by itself: its formula, its gradients, its state."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from spectral_literal import (
    KINDS,
    disturb,
    inputs,
    kernel_of,
    power_steps,
    sigma_of,
    spectral_norm,
    weight_matrix,
    wrapped,
)

from keras_gan.layers import SpectralNormalization
from keras_gan.utils.copying import copy_of
from keras_gan.utils.kernels import kernel_of as found_kernel
from tests.integration.seeding import seeded

every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
def test_forward_is_that_of_the_kernel_divided_by_sigma(kind):
    layer = wrapped(kind)
    twin = KINDS[kind][0]()
    twin(inputs(kind))
    kernel, *bias = layer.layer.get_weights()
    bias = [np.linspace(-1, 1, b.size).astype("float32") for b in bias]
    layer.layer.set_weights([kernel, *bias])
    twin.set_weights([kernel / sigma_of(layer), *bias])
    for call in (layer, tf.function(layer)):
        np.testing.assert_allclose(call(inputs(kind)), twin(inputs(kind)), rtol=1e-4, atol=1e-5)
    normalized = kernel / sigma_of(layer)
    np.testing.assert_allclose(layer.normalized_kernel(), normalized, rtol=1e-4, atol=1e-6)


@every_kind
def test_the_first_forward_is_near_a_norm_of_one(kind):
    layer = SpectralNormalization(KINDS[kind][0]())
    layer(inputs(kind))
    assert spectral_norm(layer) == pytest.approx(1, abs=0.02)


@every_kind
def test_a_power_step_is_that_of_the_paper(kind):
    layer = wrapped(kind)
    start = layer.u.numpy()
    for count in (1, 2):
        layer.before_update()
        u, v = power_steps(weight_matrix(layer), start, count)
        np.testing.assert_allclose(layer.u, u, atol=1e-6)
        np.testing.assert_allclose(layer.v, v, atol=1e-6)


def loss_and_gradient(layer, x, variable, kernel=None):
    """Return a loss of a layer's output and its gradient, optionally at another kernel."""
    if kernel is not None:
        kernel_of(layer).assign(kernel)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.tanh(layer(x)) ** 3)
    return float(loss), tape.gradient(loss, variable)


@every_kind
def test_the_gradient_is_orthogonal_to_the_kernel(kind):
    layer = wrapped(kind)
    kernel = kernel_of(layer)
    _, gradient = loss_and_gradient(layer, inputs(kind), kernel.value)
    gradient, kernel = np.ravel(tf.convert_to_tensor(gradient)), np.ravel(kernel)
    cosine = gradient @ kernel / np.linalg.norm(gradient) / np.linalg.norm(kernel)
    assert np.linalg.norm(gradient) > 1e-3
    assert abs(cosine) < 1e-5


@every_kind
def test_the_gradient_agrees_with_finite_differences(kind):
    layer, x = wrapped(kind, "float64"), inputs(kind, dtype="float64")
    start = kernel_of(layer).numpy()
    _, gradient = loss_and_gradient(layer, x, kernel_of(layer).value)
    directions = np.random.default_rng(1).normal(size=(3, *start.shape))
    for direction in directions:
        ahead, _ = loss_and_gradient(layer, x, [], start + 1e-6 * direction)
        behind, _ = loss_and_gradient(layer, x, [], start - 1e-6 * direction)
        expected = np.sum(tf.convert_to_tensor(gradient) * direction)
        assert (ahead - behind) / 2e-6 == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_u_and_v_get_no_gradient_and_are_no_trainable_weights():
    layer = wrapped("Dense")
    vectors = [layer.u.value, layer.v.value]
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        outputs = layer(inputs("Dense"))
    assert tape.gradient(outputs, vectors) == [None, None]
    assert [w.name for w in layer.trainable_weights] == ["kernel", "bias"]
    assert [w.name for w in layer.non_trainable_weights] == ["u", "v"]


def critic(dtype="float64"):
    """Return a smooth critic of normalized layers, not yet converged."""
    seeded(1)
    critic = keras.Sequential(
        [
            keras.Input((5, 5, 1), dtype=dtype),
            SpectralNormalization(layers.Conv2D(3, 3, activation="tanh", dtype=dtype)),
            layers.Flatten(dtype=dtype),
            SpectralNormalization(layers.Dense(4, activation="tanh", dtype=dtype)),
            SpectralNormalization(layers.Dense(1, dtype=dtype)),
        ]
    )
    for layer in (critic.layers[0], critic.layers[2], critic.layers[3]):
        disturb(layer)
    return critic


@pytest.mark.parametrize("name", ["r1", "gradient_penalty"])
def test_gradient_penalties_agree_with_finite_differences(name):
    network = critic()
    x = tf.constant(np.random.default_rng(0).normal(size=(4, 5, 5, 1)))
    kernels = [kernel_of(layer).value for layer in network.layers if hasattr(layer, "u")]

    def penalty():
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits = tf.reduce_sum(network(x))
        squared = tf.reduce_sum(tape.gradient(logits, x) ** 2, axis=(1, 2, 3))
        return tf.reduce_mean(squared if name == "r1" else (tf.sqrt(squared) - 1) ** 2)

    with tf.GradientTape() as tape:
        value = penalty()
    gradients = tape.gradient(value, kernels)
    for kernel, gradient in zip(kernels, gradients, strict=True):
        start = kernel.numpy()
        direction = np.random.default_rng(1).normal(size=start.shape)
        sides = []
        for sign in (1, -1):
            kernel.assign(start + sign * 1e-5 * direction)
            sides.append(float(penalty()))
        kernel.assign(start)
        expected = np.sum(gradient * direction)
        assert abs(expected) > 1e-6
        assert (sides[0] - sides[1]) / 2e-5 == pytest.approx(expected, rel=1e-5)
        # The penalty's gradient too knows no length.
        assert abs(np.sum(gradient * start)) < 1e-9


def test_calls_change_nothing():
    network = critic("float32")
    before = network.get_weights()
    for training in (True, False):
        network(np.ones((2, 5, 5, 1)), training=training)
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_regularizer_counts_once_and_on_the_kernel_itself():
    layer = wrapped("Dense", kernel_regularizer=keras.regularizers.L2(0.1))
    network = keras.Sequential([keras.Input((4,)), layer])
    network(inputs("Dense"))
    expected = 0.1 * np.sum(weight_matrix(layer) ** 2)
    assert [float(loss) for loss in network.losses] == pytest.approx([expected])


def test_an_activity_regularizer_counts_once_at_every_call():
    layer = wrapped("Dense", activity_regularizer=keras.regularizers.L2(0.1))
    network = keras.Sequential([keras.Input((4,)), layer])
    for _ in range(2):
        outputs = network(inputs("Dense"))
        expected = 0.1 * np.mean(np.sum(outputs.numpy() ** 2, axis=1))
        assert [float(loss) for loss in network.losses] == pytest.approx([expected])


def test_other_values_from_an_outer_scope_count():
    """As when an unrolled discriminator plays with other weights."""
    layer = wrapped("Dense")
    kernel, bias = layer.layer.kernel.numpy(), np.arange(5.0)
    kernel = kernel + np.random.default_rng(3).normal(size=(4, 5), scale=0.3)
    mapping = zip(layer.layer.weights, (kernel.astype("float32"), bias), strict=True)
    with keras.StatelessScope(mapping):
        outputs = layer(inputs("Dense"))
    sigma = sigma_of(layer, kernel)
    np.testing.assert_allclose(outputs, inputs("Dense") @ kernel / sigma + bias, rtol=1e-4)


def test_a_kernel_of_zeros_has_a_sigma_of_one_until_it_moves():
    layer = SpectralNormalization(layers.Dense(3, kernel_initializer="zeros"))
    x = inputs("Dense")
    np.testing.assert_array_equal(layer(x), np.zeros((3, 3)))
    layer.before_update()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x))
    gradient = tape.gradient(loss, layer.layer.kernel.value)
    np.testing.assert_allclose(gradient, np.repeat(x.sum(axis=0)[:, None], 3, axis=1), rtol=1e-5)
    layer.layer.kernel.assign(np.random.default_rng(2).normal(size=(4, 3)))
    for _ in range(20):
        layer.before_update()
    assert spectral_norm(layer) == pytest.approx(1, abs=1e-3)


def test_lengths_of_u_and_v_do_not_count():
    layer = wrapped("Conv2D")
    before = layer.normalized_kernel()
    layer.u.assign(1e-3 * layer.u)
    layer.v.assign(7.0 * layer.v)
    np.testing.assert_allclose(layer.normalized_kernel(), before, rtol=1e-5)


@pytest.fixture
def mixed_bfloat16():
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


def test_mixed_precision_normalizes_in_float32_and_rounds_once(mixed_bfloat16):
    layer = SpectralNormalization(layers.Dense(5))
    x = inputs("Dense")
    outputs = layer(x)
    assert (layer.u.dtype, layer.v.dtype, outputs.dtype) == ("float32", "float32", tf.bfloat16)
    rounded = tf.cast(layer.layer.kernel.numpy() / np.float32(sigma_of(layer)), tf.bfloat16)
    np.testing.assert_array_equal(outputs, tf.matmul(tf.cast(x, tf.bfloat16), rounded))
    # Within a network too, which would show us rounded variables.
    np.testing.assert_array_equal(keras.Sequential([layer])(x), outputs)


def test_the_float32_layer_of_a_mixed_network_stays_float32(mixed_bfloat16):
    layer = SpectralNormalization(layers.Dense(1, dtype="float32"))
    x = np.round(4 * inputs("Dense")) / 4  # which bfloat16 can hold: the network rounds it
    layer(x)
    expected = x @ layer.layer.kernel.numpy() / sigma_of(layer)
    copy = SpectralNormalization.from_config(layer.get_config())
    copy.build((None, 4))
    copy.set_weights(layer.get_weights())
    for outputs in (layer(x), copy(x), keras.Sequential([layer])(x)):
        assert outputs.dtype == "float32"
        np.testing.assert_allclose(outputs, expected, rtol=1e-5)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.convolution = SpectralNormalization(layers.Conv2D(2, 3))
        self.flatten = layers.Flatten()
        self.score = SpectralNormalization(layers.Dense(3))

    def call(self, x):
        return self.score(self.flatten(self.convolution(x)))


@pytest.mark.slow
def test_built_within_another_layers_call_it_starts_near_a_norm_of_one():
    """There Keras creates variables without values, which they get later."""
    seeded(1)
    symbolic, called, traced = Subclassed(), Subclassed(), Subclassed()
    symbolic(keras.Input((5, 5, 1)))
    called(np.ones((1, 5, 5, 1)))
    tf.function(traced)(tf.ones((1, 5, 5, 1)))
    for network in (symbolic, called, traced):
        assert spectral_norm(network.convolution) == pytest.approx(1, abs=0.02)
        assert spectral_norm(network.score) == pytest.approx(1, abs=0.02)


def test_a_seed_fixes_the_first_u_and_v():
    values = []
    for _ in range(2):
        seeded(5)
        layer = SpectralNormalization(layers.Conv2D(3, 3))
        layer.build((None, 5, 5, 2))
        values.append(layer.get_weights())
    for first, second in zip(*values, strict=True):
        np.testing.assert_array_equal(first, second)


def test_copies_and_files_hold_u_and_v(tmp_path):
    network = critic("float32")
    x = np.random.default_rng(0).normal(size=(2, 5, 5, 1)).astype("float32")
    network.save(tmp_path / "critic.keras")
    loaded = keras.saving.load_model(tmp_path / "critic.keras", safe_mode=True)
    copies = [loaded, copy_of(network), keras.models.clone_model(network)]
    for copy in copies[1:]:
        copy.set_weights(network.get_weights())
    for copy in copies:
        assert len(copy.get_weights()) == 12
        np.testing.assert_array_equal(copy(x), network(x))


def test_a_wrapper_shows_no_kernel_of_its_own():
    """What goes through a network's kernels, a penalty on them say, finds each once."""
    layer = wrapped("Dense")
    assert found_kernel(layer) is None
    assert found_kernel(layer.layer) is layer.layer.kernel


def test_shapes_and_masks_are_those_of_the_layer():
    layer = SpectralNormalization(layers.Conv2DTranspose(3, 3, 2))
    assert layer(keras.Input((4, 5, 1))).shape == (None, 9, 11, 3)
    assert tuple(layer.compute_output_shape((7, 4, 5, 1))) == (7, 9, 11, 3)
    words = SpectralNormalization(layers.Embedding(5, 2, mask_zero=True))(np.array([[0, 3]]))
    assert words._keras_mask.numpy().tolist() == [[False, True]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a mask that is lost
        dense = SpectralNormalization(layers.Dense(1))(words)
    assert dense._keras_mask.numpy().tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("layer", "kind"),
    [
        (layers.Flatten(), "Flatten"),
        (layers.BatchNormalization(), "BatchNormalization"),
        (SpectralNormalization(layers.Dense(1)), "SpectralNormalization"),
        (keras.Sequential([layers.Dense(1)]), "Sequential"),
        (layers.EinsumDense("ab,bc->ac", 2), "EinsumDense"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_layers_without_a_kernel_are_refused(layer, kind):
    with pytest.raises(ValueError, match=r"Dense, Conv1D to Conv3D.*or Embedding.*Received") as e:
        SpectralNormalization(layer)(np.ones((2, 3), "float32"))
    assert kind in str(e.value)


def test_what_is_no_layer_is_refused():
    with pytest.raises(TypeError, match=r"Keras layer.*Received: layer=<class.*Dense"):
        SpectralNormalization(layers.Dense)


def test_an_unbuilt_layer_has_nothing_to_update():
    SpectralNormalization(layers.Dense(1)).before_update()
