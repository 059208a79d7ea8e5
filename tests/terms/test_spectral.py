"""Spectral reconstruction: a closed form, gradients, what is refused, and files."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from term_steps import normal, step_of, values_of

import keras_gan
from keras_gan.layers import LogMelSpectrogram
from keras_gan.terms import SpectralReconstruction

SMALL = {"sampling_rate": 8000, "num_mel_bins": 6, "fft_length": 32, "sequence_stride": 8}


def vocoder(steps=64):
    """Return a generator of one transposed convolution, and a discriminator."""
    frames, waveforms = keras.Input((steps // 8, 6)), keras.Input((steps, 1))
    sound = keras.layers.Conv1DTranspose(1, 16, 8, "same")(frames)
    return keras.Model(frames, sound), keras.Model(waveforms, keras.layers.Conv1D(1, 9)(waveforms))


def model_of(term, networks=None, **options):
    model = keras_gan.GAN(*(networks or vocoder()), latents=None, seed=0)
    model.compile(terms=[term], run_eagerly=True, **options)
    return model


def test_values_are_mean_differences_of_spectrograms():
    spectrogram = LogMelSpectrogram(**SMALL)
    term = SpectralReconstruction(spectrogram=spectrogram)
    x, y = normal(3, 64, 1), normal(3, 8, 6, seed=1)
    step = step_of(model_of(term), x, condition=tf.constant(y), player="generator")
    apart = np.abs(np.asarray(spectrogram(step.fake)) - np.asarray(spectrogram(x)))
    np.testing.assert_allclose(
        values_of(term, step, "generator"), apart.mean(axis=(1, 2)), rtol=1e-5
    )


def test_louder_by_a_factor_is_its_logarithm():
    """Of sounds that are loud enough for floor and root: log mels differ by log 2 everywhere."""
    frames = keras.Input((64, 1))
    generator = keras.Model(frames, keras.layers.Rescaling(2.0)(frames))
    term = SpectralReconstruction(spectrogram=LogMelSpectrogram(**SMALL))
    model = model_of(term, (generator, vocoder()[1]))
    x = normal(4, 64, 1)
    step = step_of(model, x, condition=tf.constant(x), player="generator")
    np.testing.assert_allclose(values_of(term, step, "generator"), np.log(2), rtol=1e-4)


def test_the_generator_follows_it():
    networks = vocoder()
    term = SpectralReconstruction(100.0, LogMelSpectrogram(**SMALL))
    rates = {f"{player}_optimizer": keras.optimizers.Adam(1e-2) for player in ("generator",)}
    model = model_of(term, networks, **rates)
    x = 0.3 * normal(16, 64, 1)
    y = np.asarray(LogMelSpectrogram(**SMALL)(x))
    history = model.fit(x, y, batch_size=16, epochs=12, verbose=0).history
    assert history["spectral_reconstruction"][-1] < 0.7 * history["spectral_reconstruction"][0]


def test_saved_with_its_spectrogram(tmp_path):
    model = model_of(SpectralReconstruction(2.0, LogMelSpectrogram(**SMALL, floor=1e-3)))
    model.save(tmp_path / "model.keras")
    (term,) = keras.saving.load_model(tmp_path / "model.keras").game.terms
    assert term.weight == 2 and term.spectrogram.floor == 1e-3
    assert SpectralReconstruction().spectrogram.num_mel_bins == 80


def test_what_is_refused():
    with pytest.raises(TypeError, match=r"Keras layer.*spectrogram='mel'"):
        SpectralReconstruction(spectrogram="mel")
    with pytest.raises(ValueError, match=r"at least 385 steps.*64, 1"):
        model_of(SpectralReconstruction())
    learned = keras.layers.Conv1D(2, 3)
    with pytest.raises(ValueError, match=r"no weights.*2 weights of 'conv"):
        model_of(SpectralReconstruction(spectrogram=learned))
    latents = keras.Input((4,))
    sound = keras.layers.Reshape((64, 1))(keras.layers.Dense(64)(latents))
    model = keras_gan.GAN(keras.Model(latents, sound), vocoder()[1])
    with pytest.raises(ValueError, match="without a condition nothing makes them a pair"):
        model.compile(terms=[SpectralReconstruction(spectrogram=LogMelSpectrogram(**SMALL))])
