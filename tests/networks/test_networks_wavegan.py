"""wavegan: the paper's weights, both networks in literal NumPy, phase shuffle, and training."""

import keras
import numpy as np
import pytest
import training
from network_calls import call, disturbed, normal
from test_networks_counts import counted

from keras_gan import GAN, latents, terms
from keras_gan.layers import PhaseShuffle
from keras_gan.networks import wavegan

SHAPE, CLASSES = (128, 2), 3
SMALL = {"latent_dim": 5, "width": 3}


@pytest.mark.parametrize(
    ("shape", "width", "weights"),
    [
        ((16384, 1), 64, [19_065_345, 17_427_969]),
        # One layer more, of stride 2 and 4.
        ((32768, 1), 64, [73_149_953, 69_875_201]),
        ((65536, 1), 64, [73_149_953, 69_875_201]),
        ((4096, 1), 16, [476_161, 271_489]),
    ],
    ids=str,
)
def test_counts(shape, width, weights):
    assert counted(wavegan, shape, width=width) == weights


def around(steps, kernel, stride):
    """Return how many steps are filled up on the left, for ceil(steps / stride) outputs."""
    missing = max((-(-steps // stride) - 1) * stride + kernel - steps, 0)
    return missing // 2


def convolved(x, layer):
    """Return a convolution of a layer in literal NumPy."""
    (kernel, bias), stride = layer.get_weights(), layer.strides[0]
    left = around(x.shape[1], len(kernel), stride)
    y = np.tile(bias, (len(x), -(-x.shape[1] // stride), 1)).astype("float64")
    for out in range(y.shape[1]):
        for tap, weights in enumerate(kernel):
            step = out * stride + tap - left
            if 0 <= step < x.shape[1]:
                y[:, out] += x[:, step] @ weights
    return y


def spread(x, layer):
    """Return a transposed convolution of a layer in literal NumPy."""
    (kernel, bias), stride = layer.get_weights(), layer.strides[0]
    steps = x.shape[1] * stride
    left = around(steps, len(kernel), stride)
    y = np.tile(bias, (len(x), steps, 1)).astype("float64")
    for step in range(x.shape[1]):
        for tap, weights in enumerate(kernel):
            out = step * stride + tap - left
            if 0 <= out < steps:
                y[:, out] += x[:, step] @ weights.T
    return y


def of_kind(network, kind):
    return [layer for layer in network.layers if type(layer) is kind]


@pytest.mark.parametrize("steps", [64, 128])
def test_both_networks_are_those_of_the_paper(steps):
    generator, discriminator = wavegan((steps, 2), **SMALL)
    for network in (generator, discriminator):
        disturbed(network)
    z, x = normal(3, 5), normal(3, steps, 2)
    (dense,) = of_kind(generator, keras.layers.Dense)
    y = np.maximum(z.astype("float64") @ dense.get_weights()[0] + dense.get_weights()[1], 0)
    y = y.reshape(3, 16, -1)
    *inner, last = of_kind(generator, keras.layers.Conv1DTranspose)
    for layer in inner:
        y = np.maximum(spread(y, layer), 0)
    np.testing.assert_allclose(call(generator, z), np.tanh(spread(y, last)), atol=1e-4)
    y = x.astype("float64")
    for layer in of_kind(discriminator, keras.layers.Conv1D):
        y = convolved(y, layer)
        y = np.where(y > 0, y, 0.2 * y)
    kernel, bias = discriminator.get_layer("logits").get_weights()
    expected = y.reshape(3, -1) @ kernel + bias
    np.testing.assert_allclose(call(discriminator, x), expected, rtol=1e-3, atol=1e-3)
    strides = [layer.strides[0] for layer in (*inner, last)]
    assert strides == {64: [4], 128: [4, 2]}[steps]


def test_features_are_shuffled_but_for_the_last():
    _, discriminator = wavegan((1024, 1), width=2, phase_shuffle=3)
    kinds = [type(layer) for layer in discriminator.layers if "leaky" not in layer.name]
    convolution = keras.layers.Conv1D
    assert kinds[1:6] == [convolution, PhaseShuffle, convolution, PhaseShuffle, convolution]
    assert [layer.radius for layer in of_kind(discriminator, PhaseShuffle)] == [3, 3]
    x = normal(2, 1024, 1)
    scores = [call(discriminator, x, training=True) for _ in range(6)]
    assert np.ptp(scores, axis=0).min() > 0
    np.testing.assert_array_equal(call(discriminator, x), call(discriminator, x))
    _, without = wavegan((1024, 1), width=2, phase_shuffle=0)
    assert not of_kind(without, PhaseShuffle)


# The bias of a critic's value moves real and generated ones alike.
IDLE = "logits/bias", "score/bias"


def game(policy="float32", strategy=None, **told):
    def build():
        return wavegan(SHAPE, **SMALL, **told)

    penalty = terms.GradientPenalty(10.0)
    return training.game(build, policy, strategy, loss="wasserstein", terms=[penalty])


@pytest.mark.parametrize("told", [{}, {"num_classes": CLASSES}], ids=str)
@pytest.mark.parametrize(
    "policy", ["float32", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)]
)
def test_training(policy, told, tmp_path):
    data = training.examples(SHAPE, **told)
    model = training.trained(game(policy, **told), data, IDLE)
    training.assert_saved_and_resumed(model, data, tmp_path)


@pytest.mark.slow
def test_replicas_stay_equal(two_replicas):
    model = game(strategy=two_replicas, num_classes=CLASSES)
    training.trained(model, training.examples(SHAPE, CLASSES), IDLE)
    training.assert_equal_replicas(model)


def test_with_the_papers_latents():
    networks = wavegan((64, 1), width=2)
    model = GAN(*networks, latents=latents.Uniform(100))
    sounds = model.generate(3, seed=4)
    assert sounds.shape == (3, 64, 1) and np.abs(sounds).max() <= 1
    np.testing.assert_allclose(model.generate(1, seed=6), sounds[2:], atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"shape": (100, 1)}, ValueError, r"16 times a power of 2.*shape=\(100, 1\)"),
        ({"shape": (32, 1)}, ValueError, r"from 64 on.*shape=\(32, 1\)"),
        ({"shape": (64, 8, 1)}, ValueError, r"\(steps, channels\).*shape=\(64, 8, 1\)"),
        ({"shape": "64"}, TypeError, "shape='64'"),
        ({"width": 0}, ValueError, "at least 1.*width=0"),
        ({"phase_shuffle": -1}, ValueError, "phase_shuffle=-1"),
        ({"head": "classifier"}, ValueError, "Expected `num_classes`"),
        ({"num_classes": 1}, ValueError, "at least 2.*num_classes=1"),
    ],
    ids=str,
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        wavegan(**{"shape": (64, 1), **arguments})
