"""hifigan: published weights, both networks in literal NumPy, any length, and training."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import training
from network_calls import call, disturbed, normal

from keras_gan import terms
from keras_gan.layers import LogMelSpectrogram, SpectralNormalization, WeightNormalization
from keras_gan.networks import hifigan
from keras_gan.networks.hifigan import Copies, Folded

V3 = {
    "rates": (8, 8, 4),
    "width": 256,
    "stacks": ((3, (1, 2)), (5, (2, 6)), (7, (3, 12))),
    "convolutions": 1,
}
TINY = {
    "num_mel_bins": 6,
    "rates": (4, 2),
    "width": 8,
    "stacks": ((3, (1, 3)), (5, (2,))),
    "periods": (2, 3),
    "scales": 2,
    "discriminator_width": 128,
}


def counted(network):
    """Return the number of kernels and biases, without the lengths of normalized kernels."""
    lengths = {id(layer.g) for layer in network.layers if isinstance(layer, WeightNormalization)}
    return sum(int(np.prod(w.shape)) for w in network.trainable_weights if id(w) not in lengths)


@pytest.mark.parametrize(
    ("form", "weights"), [({}, 13_926_017), ({"width": 128}, 925_985), (V3, 1_462_273)], ids=str
)
def test_counts_of_generators(form, weights):
    generator, _ = hifigan(**form, discriminator_width=128, periods=(2,), scales=0)
    assert counted(generator) == weights


def test_count_of_the_discriminator():
    _, discriminator = hifigan(width=16)
    assert counted(discriminator) == 70_702_792
    assert len(discriminator.outputs) == 8


def kernel_and_bias(layer):
    """Return what a normalized layer multiplies by, and its bias."""
    kernel, bias = (np.asarray(weight, "float64") for weight in layer.layer.weights)
    if isinstance(layer, SpectralNormalization):
        return np.asarray(layer.normalized_kernel(), "float64"), bias
    transposed = isinstance(layer.layer, keras.layers.Conv1DTranspose)
    axes = tuple(axis for axis in range(kernel.ndim) if axis != kernel.ndim - 1 - transposed)
    kernel = kernel / np.sqrt((kernel**2).sum(axis=axes, keepdims=True))
    g = np.asarray(layer.g, "float64")
    return kernel * (g[:, None] if transposed else g), bias


def convolved(x, layer, stride=1, dilation=1, groups=1):
    """Return a convolution along the first axis behind the batch, with zeros around."""
    kernel, bias = kernel_and_bias(layer)
    kernel = kernel.reshape(len(kernel), *kernel.shape[-2:])
    around = (len(kernel) - 1) * dilation // 2
    x = np.pad(x, [(0, 0), (around, around)] + [(0, 0)] * (x.ndim - 2))
    steps = (x.shape[1] - (len(kernel) - 1) * dilation - 1) // stride + 1
    parts = []
    for part, filters in zip(np.split(x, groups, -1), np.split(kernel, groups, -1), strict=True):
        taps = (
            part[:, tap * dilation : tap * dilation + stride * steps : stride] @ filters[tap]
            for tap in range(len(kernel))
        )
        parts.append(sum(taps))
    return np.concatenate(parts, -1) + bias


def spread(x, layer):
    """Return a transposed convolution, `rate` times as long as its input."""
    kernel, bias = kernel_and_bias(layer)
    rate = len(kernel) // 2
    steps = x.shape[1] * rate
    full = np.zeros((len(x), steps + rate, kernel.shape[1]))
    for step in range(x.shape[1]):
        for tap in range(len(kernel)):
            full[:, step * rate + tap] += x[:, step] @ kernel[tap].T
    return full[:, rate // 2 :][:, :steps] + bias


def leaky(x, slope=0.1):
    return np.where(x > 0, x, slope * x)


def in_order(network, kind=WeightNormalization):
    """Return an iterator of a network's normalized layers in the order they were made in."""
    found = [layer for layer in network.layers if isinstance(layer, kind)]
    return iter(sorted(found, key=lambda layer: int(f"0{layer.name}".rpartition("_")[2] or 0)))


def test_the_generator_is_that_of_the_paper():
    generator, _ = hifigan(**TINY)
    disturbed(generator)
    frames = normal(2, 5, 6)
    of = in_order(generator)
    x = convolved(frames.astype("float64"), next(of))
    for _ in TINY["rates"]:
        x = spread(leaky(x), next(of))
        sides = []
        for _, dilations in TINY["stacks"]:
            side = x
            for dilation in dilations:
                y = convolved(leaky(side), next(of), dilation=dilation)
                side = side + convolved(leaky(y), next(of))
            sides.append(side)
        x = sum(sides) / len(sides)
    x = np.tanh(convolved(leaky(x, 0.01), next(of)))
    found = call(generator, frames)
    assert found.shape == (2, 40, 1) and next(of, None) is None
    np.testing.assert_allclose(found, x, atol=1e-5)


def test_the_discriminator_is_that_of_the_paper():
    _, discriminator = hifigan(**TINY)
    disturbed(discriminator)
    waveforms = normal(2, 101, 1)
    of, first = in_order(discriminator), in_order(discriminator, SpectralNormalization)
    expected = []
    for period in TINY["periods"]:
        missing = -101 % period
        x = np.pad(waveforms.astype("float64"), ((0, 0), (0, missing), (0, 0)), mode="reflect")
        x = x.reshape(2, -1, period, 1)
        for stride in (3, 3, 3, 3, 1):
            x = leaky(convolved(x, next(of), stride))
        expected.append(convolved(x, next(of)))
    x = waveforms.astype("float64")
    for layers_of_scale in (first, of):
        y = x
        for stride, groups in ((1, 1), (2, 4), (2, 16), (4, 16), (4, 16), (1, 16), (1, 1)):
            y = leaky(convolved(y, next(layers_of_scale), stride, groups=groups))
        expected.append(convolved(y, next(layers_of_scale))[:, :, None])
        x = np.pad(x, ((0, 0), (2, 2), (0, 0)))
        x = np.stack([x[:, at : at + 4].mean(axis=1) for at in range(0, x.shape[1] - 3, 2)], 1)
    found = [np.asarray(part) for part in discriminator(waveforms)]
    assert next(of, None) is None and next(first, None) is None
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3 * np.abs(other).max())


def test_copies_are_equal_and_their_gradients_added():
    x = tf.constant(normal(3, 5, 2))
    with tf.GradientTape() as tape:
        tape.watch(x)
        copies = Copies(4)(x)
        y = sum(weight * tf.reduce_sum(copy) for weight, copy in enumerate(copies, 1))
    for copy in copies:
        np.testing.assert_array_equal(copy, x)
    np.testing.assert_allclose(tape.gradient(y, x), 10)


def test_rows_of_a_fold_are_one_period_long():
    folded = Folded(3)(tf.range(8.0)[None, :, None])
    np.testing.assert_array_equal(folded[0, ..., 0], [[0, 1, 2], [3, 4, 5], [6, 7, 6]])


SPECTROGRAM = {"sampling_rate": 8000, "num_mel_bins": 6, "fft_length": 32, "sequence_stride": 8}
# Three stacks, whose gradients meet in one map.
FEWEST = {
    "num_mel_bins": 6,
    "rates": (8,),
    "width": 4,
    "stacks": ((3, (1,)), (3, (2,)), (5, (1,))),
    "convolutions": 1,
    "periods": (2,),
    "scales": 1,
    "discriminator_width": 128,
}


def game(form, policy="float32", strategy=None):
    spectrogram = LogMelSpectrogram(**SPECTROGRAM)
    added = [
        terms.SpectralReconstruction(2.8125, spectrogram),
        terms.PairedFeatureMatching(0.125),
    ]
    options = {"loss": "least_squares", "terms": added, "latents": None}
    return training.game(lambda: hifigan(**form), policy, strategy, **options)


def sounds(steps=64):
    """Return random waveforms and their spectrograms."""
    x = 0.3 * np.clip(normal(training.STEPS * training.BATCH, steps, 1), -3, 3)
    return x, np.asarray(LogMelSpectrogram(**SPECTROGRAM)(x))


slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("form", "policy"),
    [
        (FEWEST, "float32"),
        pytest.param(TINY, "float32", marks=slow),
        pytest.param(TINY, "mixed_bfloat16", marks=slow),
    ],
    ids=["fewest layers", "float32", "mixed_bfloat16"],
)
def test_training(form, policy, tmp_path):
    data = sounds()
    model = training.trained(game(form, policy), data)
    training.assert_saved_and_resumed(model, data, tmp_path, condition=data[1][:3])


@slow
def test_replicas_stay_equal(two_replicas):
    model = training.trained(game(FEWEST, strategy=two_replicas), sounds())
    training.assert_equal_replicas(model)


def test_any_length_is_generated():
    generator, discriminator = hifigan(**TINY)
    for frames in (7, 20):
        made = generator(np.zeros((2, frames, 6), "float32"))
        assert made.shape == (2, 8 * frames, 1) and len(discriminator(made)) == 4


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"width": 6}, ValueError, "halved 2 times.*multiple of 4.*width=6"),
        ({"rates": ()}, TypeError, r"positive integers.*rates=\(\)"),
        ({"rates": (4, 0)}, ValueError, r"rates\[1\]=0"),
        ({"stacks": (3, 5)}, TypeError, r"\(kernel size, dilations\).*stacks=\(3, 5\)"),
        ({"convolutions": 3}, ValueError, "convolutions=3"),
        ({"periods": 2}, TypeError, "periods=2"),
        ({"scales": -1}, ValueError, "scales=-1"),
        ({"discriminator_width": 100}, ValueError, "multiple of 128.*discriminator_width=100"),
    ],
    ids=str,
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        hifigan(**{**TINY, **arguments})
