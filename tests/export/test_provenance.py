"""People must be able to tell: what the PNGs of an export say, read by others' code."""

import io
import struct
import xml.etree.ElementTree as ElementTree
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_gan.export import provenance

from . import models


def chunks_of(png):
    """Return (kind, data) of all chunks, their checksums checked."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = [], 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        body = png[at + 4 : at + 8 + length]
        (checksum,) = struct.unpack(">I", png[at + 8 + length : at + 12 + length])
        assert zlib.crc32(body) == checksum, body[:4]
        found.append((body[:4], body[4:]))
        at += 12 + length
    return found


@pytest.fixture(scope="module")
def png(tmp_path_factory):
    """Return a model, and four PNGs that its version 7 has made."""
    model = models.batch_norm()
    base = tmp_path_factory.mktemp("exports") / "digits"
    path = model.export(base, version=7, warmup=False)
    signature = tf.saved_model.load(path).signatures["sample_png"]
    made = signature(seed=tf.range(4, dtype=tf.int64), truncation=tf.constant([np.inf]))
    return model, made["image_bytes"].numpy()


@pytest.mark.slow
def test_a_png_is_the_image_of_its_seed(png):
    model, files = png
    expected = np.rint((model.generate(4, seed=0) + 1) * 127.5)
    for file, image in zip(files, expected, strict=True):
        # Two readers that share no code with the writer's.
        read = np.asarray(Image.open(io.BytesIO(file)), "float32")
        assert np.abs(read - image[..., 0]).max() <= 1
        # The third is the standard library's: rows of one filter byte and eight pixels.
        data = b"".join(data for kind, data in chunks_of(file) if kind == b"IDAT")
        assert len(zlib.decompress(data)) == 8 * 9


def test_every_png_says_that_it_is_synthetic_and_by_which_model(png):
    for file in png[1]:
        text = Image.open(io.BytesIO(file)).text
        assert text["Comment"] == (
            "Synthetic image, made by a generative model: digits, version 7 (keras_gan)"
        )
        description = ElementTree.fromstring(text["XML:com.adobe.xmp"])[0][0]
        assert description.attrib == {
            "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType": (
                "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
            )
        }


def test_the_text_stands_between_header_and_pixels(png):
    kinds = [kind for kind, _ in chunks_of(png[1][0])]
    assert kinds == [b"IHDR", b"tEXt", b"iTXt", b"IDAT", b"IEND"]


@pytest.mark.parametrize("mode, channels", [("L", 1), ("RGB", 3), ("RGBA", 4)])
def test_chunks_fit_any_png(mode, channels):
    shape = (3, 5) if channels == 1 else (3, 5, channels)
    pixels = np.random.default_rng(0).integers(256, size=shape, dtype="uint8")
    plain = io.BytesIO()
    Image.fromarray(pixels, mode).save(plain, "png")
    whole, end = plain.getvalue(), provenance.IHDR_END
    marked = whole[:end] + provenance.png_chunks("Zürich 人", 1) + whole[end:]
    chunks_of(marked)
    read = Image.open(io.BytesIO(marked))
    np.testing.assert_array_equal(read, pixels)
    # What Latin-1 has no letter for is replaced, and the sentence stays readable.
    assert read.text["Comment"].endswith("model: Zürich ?, version 1 (keras_gan)")
