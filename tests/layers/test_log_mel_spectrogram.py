"""LogMelSpectrogram: literal NumPy, librosa's filters, a pure tone, gradients, files, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_calls import normal

from keras_gan.layers import LogMelSpectrogram
from keras_gan.layers.log_mel_spectrogram import mel_filters

SMALL = {"sampling_rate": 8000, "num_mel_bins": 10, "fft_length": 64, "sequence_stride": 16}


def literal(waveforms, filters, length, stride, floor=1e-5):
    margin = (length - stride) // 2
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    rows = []
    for wave in waveforms[..., 0].astype("float64"):
        wave = np.pad(wave, margin, mode="reflect")
        starts = range(0, len(wave) - length + 1, stride)
        frames = np.stack([wave[start : start + length] * window for start in starts])
        magnitudes = np.sqrt(np.abs(np.fft.rfft(frames)) ** 2 + 1e-9)
        rows.append(np.log(np.maximum(magnitudes @ filters, floor)))
    return np.stack(rows)


@pytest.mark.parametrize("steps", [64, 70, 256])
def test_values(steps):
    x, layer = 0.3 * normal(3, steps, 1), LogMelSpectrogram(**SMALL, min_freq=50, max_freq=3000)
    filters = mel_filters(8000, 10, 64, 50.0, 3000.0)
    y = layer(x)
    assert y.shape == (3, steps // 16, 10) == layer.compute_output_shape(x.shape)
    np.testing.assert_allclose(y, literal(x, filters, 64, 16), rtol=1e-4, atol=1e-4)


def test_filters_are_triangles_of_area_one_on_slaneys_scale():
    filters = mel_filters(22050, 80, 1024, 0.0, 8000.0)
    assert filters.shape == (513, 80) and filters.dtype == "float32"
    # Wide filters hold many frequencies: their sum is near an integral.
    np.testing.assert_allclose(filters[:, 60:].sum(axis=0) * 22050 / 1024, 1, rtol=0.02)
    centers = filters.argmax(axis=0) * 22050 / 1024
    assert (np.diff(centers) > 0).all()


def test_filters_are_librosas():
    """By the largest number of some filters of librosa 0.11's `filters.mel` (sr=22050, n_fft=1024).

    Made with n_mels=80, fmin=0, fmax=8000.
    """
    filters = mel_filters(22050, 80, 1024, 0.0, 8000.0)
    for row, column, largest in (
        (2, 0, 0.02265139),
        (28, 15, 0.02173189),
        (54, 30, 0.01725950),
        (117, 50, 0.00939577),
        (358, 79, 0.00326599),
    ):
        assert filters[:, column].argmax() == row
        assert filters[row, column] == pytest.approx(largest, rel=1e-5)


def test_a_tone_is_in_the_filter_of_its_frequency():
    layer = LogMelSpectrogram(8000, 40, fft_length=512, sequence_stride=128)
    centers = mel_filters(8000, 40, 512, 0.0, 4000.0).argmax(axis=0) * 8000 / 512
    for frequency in (300, 1000, 2500):
        tone = np.sin(2 * np.pi * frequency * np.arange(4096) / 8000)[None, :, None]
        loudest = np.asarray(layer(tone.astype("float32")))[0, 8:-8].mean(axis=0).argmax()
        assert loudest == np.abs(centers - frequency).argmin()


def test_silence_has_a_floor_and_finite_gradients():
    layer, silence = LogMelSpectrogram(**SMALL, floor=1e-2), tf.zeros((1, 128, 1))
    with tf.GradientTape() as tape:
        tape.watch(silence)
        y = layer(silence)
    np.testing.assert_allclose(y, np.log(1e-2), rtol=1e-6)
    assert np.isfinite(tape.gradient(y, silence)).all()


def test_the_gradient_is_that_of_differences():
    """Along itself, where its length is the slope."""
    layer, x = LogMelSpectrogram(**SMALL), tf.constant(normal(1, 96, 1))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(layer(x))
    gradient = np.asarray(tape.gradient(y, x), "float64")
    length = np.linalg.norm(gradient)
    filters = mel_filters(8000, 10, 64, 0.0, 4000.0)
    ahead, behind = (
        literal(np.asarray(x) + sign * 1e-6 * gradient / length, filters, 64, 16).sum()
        for sign in (1, -1)
    )
    assert (ahead - behind) / 2e-6 == pytest.approx(length, rel=1e-3)


def test_in_a_model_of_any_length_and_precision(tmp_path):
    waveforms = keras.Input((None, 1))
    spectrogram = LogMelSpectrogram(**SMALL)
    model = keras.Model(waveforms, spectrogram(waveforms))
    assert model.output_shape == (None, None, 10)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = normal(2, 80, 1)
    np.testing.assert_array_equal(loaded(x), model(x))
    low = LogMelSpectrogram(**SMALL, dtype="mixed_bfloat16")
    assert low(x).dtype == "float32"
    np.testing.assert_array_equal(low(x), model(x))
    assert not low.weights


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"sampling_rate": 0}, ValueError, "sampling_rate=0"),
        ({"num_mel_bins": "many"}, ValueError, "num_mel_bins='many'"),
        ({"num_mel_bins": 60}, ValueError, r"hold none.*num_mel_bins=60, fft_length=64"),
        ({"max_freq": 5000}, ValueError, r"<= 4000, half.*max_freq=5000"),
        ({"min_freq": 3000, "max_freq": 2000}, ValueError, "min_freq=3000, max_freq=2000"),
        ({"floor": 0}, ValueError, "above 0.*floor=0"),
        ({"sequence_stride": 15}, ValueError, "even number.*sequence_stride=15"),
        ({"sequence_stride": 66}, ValueError, "longer than.*sequence_stride=66"),
    ],
    ids=str,
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        LogMelSpectrogram(**{**SMALL, **arguments})


@pytest.mark.parametrize("shape", [(2, 128), (2, 128, 2), (2, 24, 1)], ids=str)
def test_other_inputs_are_refused(shape):
    with pytest.raises(ValueError, match=r"at least 25 steps.*\(2, "):
        LogMelSpectrogram(**SMALL)(np.zeros(shape, "float32"))
