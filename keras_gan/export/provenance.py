"""Chunks of PNG and WAV files that mark images and sounds as made by a model."""

import struct
import zlib

# https://cv.iptc.org/newscodes/digitalsourcetype: what photo libraries and search engines read.
_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
    f' Iptc4xmpExt:DigitalSourceType="{_SOURCE_TYPE}"/></rdf:RDF></x:xmpmeta>'
)

# The chunks go after the signature (8 bytes) and IHDR (25 bytes), which is always first.
IHDR_END = 33


def statement(name, version, what="image"):
    """Return the sentence that every file of an export carries.

    Args:
        name: the model's name.
        version: its version, an integer.
        what: it makes, `"image"` or `"sound"`.
    """
    return f"Synthetic {what}, made by a generative model: {name}, version {version} (keras_gan)"


def marks(name, version):
    """Return what marks each kind of file: `{"png": chunks, "wav": chunks}`.

    Args:
        name: the model's name.
        version: its version, an integer.
    """
    return {"png": png_chunks(name, version), "wav": wav_chunks(name, version)}


def png_chunks(name, version):
    """Return the PNG chunks that mark an image as synthetic and name its model.

    The sentence is a text chunk of the keyword `Comment`; a second one, in XMP, is the IPTC's
    digital source type "trained algorithmic media".

    Args:
        name: the model's name.
        version: its version, an integer.

    Returns:
        Bytes, to be inserted after IHDR.

    Reference:
        - [PNG specification](https://www.w3.org/TR/png-3/), Sections 5.3, 11.3.3
        - [IPTC photo metadata](https://www.iptc.org/std/photometadata/specification/)
    """
    comment = b"Comment\0" + statement(name, version).encode("latin-1", "replace")
    # Not compressed, no language: five zeros in all, with the one that ends the keyword.
    xmp = b"XML:com.adobe.xmp" + bytes(5) + _XMP.encode()
    return _chunk(b"tEXt", comment) + _chunk(b"iTXt", xmp)


def wav_chunks(name, version):
    """Return the RIFF chunks that mark a WAV file as synthetic and name its model.

    The sentence is the comment among the file's information; IPTC's digital source type is XMP, as
    in `png_chunks`.

    Args:
        name: the model's name.
        version: its version, an integer.

    Returns:
        Bytes, to be added at the end.

    Reference:
        - [XMP Specification, Part 3](https://github.com/adobe/xmp-docs), Section 2.8 (WAV)
    """
    comment = statement(name, version, "sound").encode("latin-1", "replace") + b"\0"
    info = b"INFO" + _riff_chunk(b"ICMT", comment)
    return _riff_chunk(b"LIST", info) + _riff_chunk(b"_PMX", _XMP.encode())


def _riff_chunk(kind, data):
    # An odd length is followed by a zero, which it does not count.
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def _chunk(kind, data):
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
