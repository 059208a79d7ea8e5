"""What says of an image that a model made it: text chunks of a PNG."""

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

# Bytes before the place for them: the signature of 8, and IHDR, always the first chunk, of 25.
IHDR_END = 33


def statement(name, version):
    """Return the sentence that every PNG of an export carries.

    Args:
        name: the model's name.
        version: its version, an integer.
    """
    return f"Synthetic image, made by a generative model: {name}, version {version} (keras_gan)"


def chunks(name, version):
    """Return the PNG chunks that say that an image is synthetic, and which model made it.

    The sentence is a text chunk of the keyword `Comment`; a second one, in XMP, is the IPTC's
    digital source type "trained algorithmic media".

    Args:
        name: the model's name.
        version: its version, an integer.

    Returns:
        Bytes, to be put in behind IHDR.

    Reference:
        - [PNG specification](https://www.w3.org/TR/png-3/), Sections 5.3, 11.3.3
        - [IPTC photo metadata](https://www.iptc.org/std/photometadata/specification/)
    """
    comment = b"Comment\0" + statement(name, version).encode("latin-1", "replace")
    # Not compressed, of no language: five zeros in all, the keyword's end among them.
    xmp = b"XML:com.adobe.xmp" + bytes(5) + _XMP.encode()
    return _chunk(b"tEXt", comment) + _chunk(b"iTXt", xmp)


def _chunk(kind, data):
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
