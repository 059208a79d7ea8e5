"""Folders of sounds: lengths, rates, channels, classes, slices, order, and what is refused."""

import sys
import warnings

import numpy as np
import pytest

from keras_gan import datasets

soundfile = pytest.importorskip("soundfile")

RATE = 8000


def tone(hertz, seconds=0.1, rate=RATE, amplitude=0.5):
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def write(path, sound, rate=RATE, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, rate, **options)


def all_of(path, steps, **options):
    """Return the rows of a dataset in the order of the files."""
    data = datasets.from_sounds(path, steps, RATE, batch_size=100, shuffle=False, **options)
    return next(data.as_numpy_iterator())


def test_a_folder_of_sounds(tmp_path):
    sounds = [tone(200), tone(300)]
    for name, sound in zip("ab", sounds, strict=True):
        write(tmp_path / f"{name}.wav", sound)
    x = all_of(tmp_path, 600)
    assert x.shape == (2, 600, 1) and x.dtype == "float32"
    np.testing.assert_allclose(x[..., 0], [sound[:600] for sound in sounds], atol=2e-4)


def test_shorter_sounds_end_in_silence(tmp_path):
    write(tmp_path / "a.flac", tone(200))
    x = all_of(tmp_path, 1000)[0, :, 0]
    np.testing.assert_allclose(x[:800], tone(200), atol=2e-4)
    assert not x[800:].any()


def test_classes_are_folders(tmp_path):
    for name, hertz in (("tom", 100), ("kick", 50), ("snare", 700)):
        for take in range(2):
            write(tmp_path / name / f"{take}.wav", tone(hertz, amplitude=0.2 + 0.2 * take))
    x, labels = all_of(tmp_path, 800)
    np.testing.assert_array_equal(labels, [0, 0, 1, 1, 2, 2])
    assert labels.dtype == "int32"
    np.testing.assert_allclose(x[1, :, 0], tone(50, amplitude=0.4), atol=2e-4)


def test_all_slices(tmp_path):
    write(tmp_path / "a" / "long.wav", tone(200, seconds=0.25))
    write(tmp_path / "b" / "short.wav", tone(300, seconds=0.05))
    x, labels = all_of(tmp_path, 600, slices="all")
    np.testing.assert_array_equal(labels, [0, 0, 0, 1])
    np.testing.assert_allclose(x[:3].ravel(), tone(200, seconds=0.225), atol=2e-4)


def test_other_rates_and_channels(tmp_path):
    """A tone of 44.1 kHz is that tone at 8 kHz; the mean of two channels is heard."""
    left, right = (tone(hertz, 0.5, 44_100, 0.4) for hertz in (200, 900))
    write(tmp_path / "stereo.wav", np.stack([left, right], axis=1), 44_100)
    x = all_of(tmp_path, 4000)[0, :, 0]
    expected = (tone(200, 0.5, amplitude=0.4) + tone(900, 0.5, amplitude=0.4)) / 2
    np.testing.assert_allclose(x[200:-200], expected[200:-200], atol=2e-3)


def test_what_is_above_half_the_rate_is_filtered_out(tmp_path):
    """6 kHz would be heard as 2 kHz."""
    write(tmp_path / "high.wav", tone(6000, 0.5, 44_100) + tone(500, 0.5, 44_100, 0.1), 44_100)
    x = all_of(tmp_path, 4000)[0, :, 0]
    spectrum = np.abs(np.fft.rfft(x * np.hanning(4000)))
    assert spectrum.argmax() == 250 and spectrum[1000] < 0.01 * spectrum[250]


def test_the_order_is_that_of_seed_and_epoch(tmp_path):
    for take in range(7):
        write(tmp_path / f"{take}.wav", tone(100 + 50 * take))
    data = datasets.from_sounds(tmp_path, 64, RATE, batch_size=3, seed=4)
    epochs = [list(data.as_numpy_iterator()) for _ in range(3)]
    assert len(epochs[0]) == 2 and not np.array_equal(epochs[0], epochs[1])
    again = datasets.from_sounds(tmp_path, 64, RATE, batch_size=3, seed=4)
    again.seek(2)
    np.testing.assert_array_equal(list(again.as_numpy_iterator()), epochs[2])


def test_what_is_no_sound_is_counted(tmp_path):
    write(tmp_path / "a.wav", tone(200))
    (tmp_path / "notes.txt").write_text("kick")
    with pytest.warns(UserWarning, match=r"sounds read: 1, left out: 1, by kind: .txt \(1\)"):
        all_of(tmp_path, 64)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"RIFF no sound", r"bad.wav' cannot be read as a sound: .*Repair or remove"),
        (np.zeros(800), r"bad.wav' is silent throughout. Remove it"),
        (np.full(800, np.nan), r"bad.wav' is not all finite numbers"),
    ],
    ids=["damaged", "silent", "not finite"],
)
def test_bad_files_are_named(content, message, tmp_path):
    write(tmp_path / "a.wav", tone(200))
    if isinstance(content, bytes):
        (tmp_path / "bad.wav").write_bytes(content)
    else:
        write(tmp_path / "bad.wav", content, subtype="FLOAT")
    with warnings.catch_warnings(), pytest.raises(ValueError, match=message):
        warnings.simplefilter("error")
        all_of(tmp_path, 64)


def test_what_else_is_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no folder of sounds there"):
        all_of(tmp_path / "nothing", 64)
    with pytest.raises(ValueError, match=r"holds no sounds. Expected sound files, such as .wav"):
        all_of(tmp_path, 64)
    write(tmp_path / "a.wav", tone(200))
    write(tmp_path / "b" / "a.wav", tone(200))
    with pytest.raises(ValueError, match="both sounds and subfolders"):
        all_of(tmp_path, 64)
    for arguments, message in (((0, RATE), "steps=0"), ((64, -1), "sampling_rate=-1")):
        with pytest.raises(ValueError, match=message):
            datasets.from_sounds(tmp_path, *arguments)
    with pytest.raises(ValueError, match="slices='last'"):
        datasets.from_sounds(tmp_path, 64, RATE, slices="last")
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(ImportError, match=r"pip install \"keras-gan\[sound\]\""):
        all_of(tmp_path, 64)
