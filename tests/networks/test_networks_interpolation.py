"""Interpolated networks: the ends to the bit, the middle by arithmetic, what is refused."""

import keras
import numpy as np
import pytest
from integration import small
from keras import layers
from networks import network_calls

import keras_gan


def network(width=4, activation="relu", dtype=None):
    """Return a small network with batch normalization, its statistics and weights not the first."""
    stack = [
        keras.Input((6, 6, 1)),
        layers.Conv2D(width, 3, padding="same", activation=activation, dtype=dtype),
        layers.BatchNormalization(dtype=dtype),
        layers.Conv2D(1, 3, padding="same", dtype=dtype),
    ]
    made = keras.Sequential(stack)
    rng = np.random.default_rng(len(made.get_weights()) + width)
    made.set_weights([w + rng.uniform(0.1, 1, w.shape).astype(w.dtype) for w in made.get_weights()])
    return made


def trained_on(made):
    """Return a network of the same architecture and other weights."""
    other = keras.models.clone_model(made)
    other.set_weights([-3 * w + np.asarray(1, w.dtype) for w in made.get_weights()])
    return other


def assert_weights(made, expected):
    for one, other in zip(made.get_weights(), expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.representatives("mixed_bfloat16")
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "bfloat16"])
def test_the_ends_to_the_bit_and_the_line_between(dtype):
    first = network(dtype=dtype)
    second = trained_on(first)
    # The sign of 0 is lost in a sum with 0 times a positive number.
    first.layers[0].bias.assign([-0.0, -0.0, 1.0, 1.0])
    second.layers[0].bias.assign([1.0, 1.0, -0.0, -0.0])
    ends = first.get_weights(), second.get_weights()
    for alpha, end in zip((0, 1), ends, strict=True):
        made = keras_gan.networks.interpolate(first, second, alpha)
        assert_weights(made, end)
        signs = np.signbit(made.get_weights()[1].astype("f4"))
        assert list(signs) == [alpha == 0] * 2 + [alpha == 1] * 2
        x = network_calls.normal(2, 6, 6, 1)
        given = (first, second)[alpha]
        np.testing.assert_array_equal(
            network_calls.call(made, x).astype("f4"), network_calls.call(given, x).astype("f4")
        )
    made = keras_gan.networks.interpolate(first, second, 0.25)
    assert made is not first
    between = [
        (0.75 * a.astype("f8") + 0.25 * b.astype("f8")).astype(a.dtype)
        for a, b in zip(*ends, strict=True)
    ]
    assert_weights(made, between)
    assert_weights(first, ends[0])
    assert made.trainable_variables


def test_gans_and_files(tmp_path):
    """A GAN stands for what it samples from, and so does its file."""
    model = small.gan(norm=True)
    model.compile(ema=0.5, run_eagerly=True, **small.adams(0.1))
    before = keras.models.clone_model(model.generator)
    before.set_weights(model.generator.get_weights())
    before.save(tmp_path / "before.keras")
    model.fit(small.points(), batch_size=32, verbose=0)
    model.save(tmp_path / "gan.keras")
    averaged = model.sampling_network.get_weights()
    halves = [
        keras_gan.networks.interpolate(before, model, 0.5).get_weights(),
        keras_gan.networks.interpolate(
            tmp_path / "before.keras", str(tmp_path / "gan.keras"), 0.5
        ).get_weights(),
    ]
    for half in halves:
        for one, a, b in zip(half, before.get_weights(), averaged, strict=True):
            np.testing.assert_allclose(one, (a.astype("f8") + b) / 2, rtol=1e-6)
            assert not np.array_equal(a, b)
    assert keras_gan.networks.interpolate(model, before, 0.0).trainable_variables


@pytest.mark.parametrize(
    ("other", "text"),
    [
        (lambda: network(width=5), r"Conv2D with .*\(3, 3, 1, 4\).* and Conv2D .*5"),
        (lambda: network(activation="tanh"), r"settings or shapes: Conv2D with .*\(4,\)"),
        (
            lambda: keras.Sequential([keras.Input((6, 6, 1)), layers.Conv2D(1, 3)]),
            r"Conv2D with .* and Conv2D with .*\(3, 3, 1, 1\)",
        ),
        (
            lambda: keras.Sequential([layers.Conv2D(1, 3)]),
            r"`second` to be built.*Received: second",
        ),
        (lambda: "nowhere.keras", r"nowhere.keras' can't be loaded"),
    ],
)
def test_other_architectures(other, text):
    with pytest.raises(ValueError, match=f"(?s){text}"):
        keras_gan.networks.interpolate(network(), other(), 0.5)


def test_other_wiring_of_the_same_layers():
    def wired(swapped):
        x = keras.Input((4,))
        made = layers.Dense(4)(x)
        return keras.Model(x, layers.Subtract()([made, x] if swapped else [x, made]))

    keras_gan.networks.interpolate(wired(False), wired(False), 0.5)
    with pytest.raises(ValueError, match="one architecture"):
        keras_gan.networks.interpolate(wired(False), wired(True), 0.5)


def test_a_layer_named_as_an_activation_is_no_other_architecture():
    def named(name):
        stack = [keras.Input((4,)), layers.Dense(4, "relu"), layers.Dense(1, name=name)]
        return keras.Sequential(stack)

    keras_gan.networks.interpolate(named("relu"), named("last"), 0.5)


def test_wrong_arguments():
    first = network()
    with pytest.raises(ValueError, match=r"`alpha`.* from 0 to 1.*alpha=1.5"):
        keras_gan.networks.interpolate(first, first, 1.5)
    with pytest.raises(TypeError, match=r"`first` to be a Keras model.*first=3"):
        keras_gan.networks.interpolate(3, first, 0.5)
