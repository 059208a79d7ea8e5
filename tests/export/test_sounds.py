"""WAV files of an export: the sound of each seed, in 16 bits, marked, of any length."""

import io
import json
import pathlib
import struct
import wave
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from tests.integration.seeding import seeded
from tests.serving import c_api

RATE = 8000


def chunks_of(file):
    """Return `{kind: data}` of a RIFF file whose lengths are right to the last byte."""
    assert file[:4] == b"RIFF" and file[8:12] == b"WAVE"
    assert struct.unpack("<I", file[4:8])[0] == len(file) - 8
    found, at = {}, 12
    while at < len(file):
        (length,) = struct.unpack("<I", file[at + 4 : at + 8])
        found[file[at : at + 4]] = file[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    assert at == len(file)
    return found


def read(file):
    """Return the steps of a WAV file by the standard library, int16 `(steps, channels)`."""
    with wave.open(io.BytesIO(file)) as reader:
        assert (reader.getframerate(), reader.getsampwidth()) == (RATE, 2)
        steps = np.frombuffer(reader.readframes(reader.getnframes()), "<i2")
        return steps.reshape(-1, reader.getnchannels())


def levels(sounds):
    """Return waveforms in 16 bits, as floats that are not rounded yet."""
    return np.clip(np.asarray(sounds, "float64"), -1, 1) * 2**15


@pytest.fixture(scope="module", params=[1, 2], ids=["mono", "stereo"])
def exported(request, tmp_path_factory):
    """Return a model of sounds, its export's session, and where that is."""
    seeded(0)
    networks = keras_gan.networks.wavegan((64, request.param), width=2)
    *_, last = (layer for layer in networks[0].layers if layer.weights)
    last.bias.assign(0.5 + tf.zeros_like(last.bias))
    model = keras_gan.GAN(*networks, seed=0)
    base = tmp_path_factory.mktemp("exports") / "drums"
    path = model.export(base, version=3, sampling_rate=RATE, warmup=False)
    with c_api.Session(path, checked=False) as session:
        yield model, session, path


def test_a_file_is_the_sound_of_its_seed(exported):
    model, session, _ = exported
    files = session.run("sample_wav", {"seed": np.arange(4, 7), "truncation": np.float32([np.inf])})
    expected = levels(model.generate(3, seed=4))
    for file, sound in zip(files["sound_bytes"], expected, strict=True):
        steps = read(file)
        assert steps.shape == sound.shape
        assert np.abs(steps - sound).max() <= 1
    assert steps.std() > 100


def test_files_are_marked_and_name_their_model(exported):
    _, session, _ = exported
    (file,) = session.run("sample_wav", {"seed": [1], "truncation": np.float32([1])})["sound_bytes"]
    chunks = chunks_of(file)
    assert list(chunks) == [b"fmt ", b"data", b"LIST", b"_PMX"]
    sentence = b"Synthetic sound, made by a generative model: drums, version 3 (keras_gan)\0"
    assert chunks[b"LIST"] == b"INFOICMT" + struct.pack("<I", len(sentence)) + sentence
    description = ElementTree.fromstring(chunks[b"_PMX"])[0][0]
    assert list(description.attrib.values()) == [
        "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    ]


def test_the_card_says_what_is_made(exported):
    _, session, path = exported
    card = json.loads(pathlib.Path(path, "model_card.json").read_text())
    assert card["export"]["sampling_rate"] == RATE
    assert card["synthetic"].startswith("Synthetic sound, made by")
    made = card["export"]["signatures"]["sample_wav"]["outputs"]["sound_bytes"]
    assert made["meaning"] == "WAV files in 16 bits, marked as synthetic"
    assert "sample_png" not in session.signatures


def test_sounds_of_any_length_are_made_of_spectrograms(tmp_path):
    networks = keras_gan.networks.hifigan(
        6, (4, 2), 8, ((3, (1,)),), periods=(2,), scales=1, discriminator_width=128
    )
    model = keras_gan.GAN(*networks, latents=None)
    path = model.export(tmp_path / "vocoder", sampling_rate=RATE, warmup=False)
    frames = np.random.default_rng(0).normal(size=(2, 9, 6)).astype("float32")
    expected = levels(model.generate(2, condition=frames))
    with c_api.Session(path, checked=False) as session:
        files = session.run("sample_wav", {"condition": frames})["sound_bytes"]
        assert "sample_png" not in session.signatures
    for file, sound in zip(files, expected, strict=True):
        chunks_of(file)
        assert read(file).shape == (72, 1)
        assert np.abs(read(file) - sound).max() <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampling_rate": 0}, "at least 1.*sampling_rate=0"),
        ({"sampling_rate": RATE, "format": "onnx"}, "SavedModels alone.*format='onnx'"),
        ({"sampling_rate": RATE}, r"\(steps, 1\).*samples of shape \(8, 8, 1\)"),
    ],
    ids=str,
)
def test_what_is_no_sound_is_refused(options, message, tmp_path):
    networks = keras_gan.networks.dcgan((8, 8, 1), width=2)
    with pytest.raises(ValueError, match=message):
        keras_gan.GAN(*networks).export(tmp_path / "images", **options)
    assert not (tmp_path / "images").exists()
