"""SampleSound: its files by other readers, the order of sounds, classes, pairs, refusals."""

import wave

import keras
import numpy as np
import pytest
from drawn import FakeGAN, begin, names, read, train
from PIL import Image

import keras_gan
from keras_gan.callbacks import SampleGrid, SampleSound, spectrogram_plot

RATE = 800
GAP = RATE // 4


def heard(path, channels=1):
    """Return the sounds of a WAV file of 40 steps each, by the standard library."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getsampwidth()) == (RATE, 2)
        assert file.getnchannels() == channels
        steps = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, channels)
    padded = np.pad(steps, ((0, GAP), (0, 0))).reshape(-1, 40 + GAP, channels)
    assert not padded[:, 40:].any(), "no silence between sounds"
    return padded[:, :40]


@pytest.mark.parametrize("channels", [1, 2])
def test_each_epoch_writes_the_sounds_of_the_same_seeds(channels, tmp_path):
    sounds = SampleSound(tmp_path / "a", RATE, samples=3, seed=5)
    model = train(sounds, FakeGAN(shape=(40, channels)), epochs=2)
    written = [f"epoch_000{i}.{kind}" for i in (1, 2) for kind in ("png", "wav")]
    assert names(tmp_path / "a") == [*written, "training.gif"]
    assert set(model.calls) == {(3, 5, None)}
    for epoch in (0, 1):
        model.epoch = epoch
        expected = model.generate(3, 5) * 32767
        found = heard(tmp_path / "a" / f"epoch_000{epoch + 1}.wav", channels)
        assert np.abs(found - expected).max() <= 0.5
        picture = read(tmp_path / "a" / f"epoch_000{epoch + 1}.png")
        drawn = spectrogram_plot(model.generate(3, 5), RATE, f"epoch {epoch + 1}")
        np.testing.assert_array_equal(picture, drawn)


def test_classes_take_turns_and_are_equally_many(tmp_path):
    model = FakeGAN(shape=(40, 1), conditional=True, num_classes=5)
    train(SampleSound(tmp_path, RATE), model, epochs=1)
    count, _, condition = model.calls[-1]
    assert count == 15
    np.testing.assert_array_equal(condition, np.arange(15) % 5)


def test_a_sound_is_followed_by_what_is_made_of_its_spectrogram(tmp_path):
    frames, waveforms = keras.Input((10, 4)), keras.Input((40, 1))
    made = keras.layers.Conv1DTranspose(1, 4, 4, activation="tanh")(frames)
    judged = keras.layers.Conv1D(1, 8)(waveforms)
    model = keras_gan.GAN(keras.Model(frames, made), keras.Model(waveforms, judged), latents=None)
    rng = np.random.default_rng(0)
    x = rng.uniform(-0.9, 0.9, (6, 40, 1)).astype("float32")
    y = rng.normal(size=(6, 10, 4)).astype("float32")
    model.compile("least_squares")
    sounds = SampleSound(tmp_path, RATE, data=(x, y), samples=4)
    model.fit(x, y, batch_size=6, callbacks=[sounds], verbose=0)
    found = heard(tmp_path / "epoch_0001.wav") / 32767
    np.testing.assert_allclose(found[::2], x[:4], atol=1e-4)
    np.testing.assert_allclose(found[1::2], model.generate(4, condition=y[:4]), atol=1e-4)


def test_sounds_outside_of_the_range_are_clipped_and_no_numbers_silent(tmp_path):
    class Loud(FakeGAN):
        value_range = (0.0, 1.0)

        def generate(self, n, seed=None, condition=None):
            return np.broadcast_to(np.array([3.0, -3.0, np.nan, 0.5])[:, None, None], (4, 40, 1))

    train(SampleSound(tmp_path, RATE), Loud(shape=(40, 1)), epochs=1)
    levels = heard(tmp_path / "epoch_0001.wav")[:, 0, 0]
    np.testing.assert_array_equal(levels, [32767, -32767, 0, 0])


def test_a_tone_is_drawn_at_its_height():
    time = np.arange(8000) / 8000
    tones = np.stack([np.sin(2 * np.pi * f * time)[:, None] for f in (1000, 3000)])
    # Within the axes, away from the white around them.
    bright = spectrogram_plot(tones, 8000)[15:420].min(axis=2) > 150
    left, right = (bright[:, column].argmax() / 405 for column in (150, 400))
    assert left == pytest.approx(3 / 4, abs=0.05) and right == pytest.approx(1 / 4, abs=0.05)


def test_the_animation_shows_the_spectrograms(tmp_path):
    train(SampleSound(tmp_path, RATE), FakeGAN(shape=(40, 1)), epochs=3)
    with Image.open(tmp_path / "training.gif") as gif:
        assert gif.n_frames == 3


@pytest.mark.parametrize("shape", [(8, 8, 1), (40, 3), (2,)], ids=str)
def test_what_is_no_sound_is_refused(shape, tmp_path):
    with pytest.raises(ValueError, match=r"\(steps, 1\) or \(steps, 2\).*samples of shape"):
        begin(SampleSound(tmp_path, RATE), FakeGAN(shape=shape))


def test_bad_arguments_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"sampling_rate=0\.5"):
        SampleSound(tmp_path, 0.5)
    with pytest.raises(ValueError, match="samples=0"):
        SampleSound(tmp_path, RATE, samples=0)
    # What it is a kind of draws series of up to eight channels.
    begin(SampleGrid(tmp_path), FakeGAN(shape=(40, 3)))
