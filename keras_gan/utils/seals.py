"""Seals: the SHA-256 of an HDF5 file in front of it, as HDF5 has checksums of almost nothing.

It is read before HDF5 opens the file, which damage can bring to run for ever. HDF5 leaves what
precedes its own beginning alone (a "user block"), and any reader of the format passes over it.
"""

import hashlib
import io

# HDF5 looks for its beginning at 0, and next here.
_SIZE = 512
_MARK = b"keras_gan sha256 "
_HDF5 = b"\x89HDF"


def of(content):
    """Return the bytes to write before those of an HDF5 file."""
    return _block(hashlib.sha256(content).hexdigest())


def is_broken(file):
    """Tell whether a file is neither as it was sealed nor HDF5 without a seal.

    Args:
        file: a binary file, open for reading, at any position.
    """
    file.seek(0)
    block = file.read(_SIZE)
    if block.startswith(_HDF5):
        return False  # Keras has written it.
    digest = hashlib.sha256()
    while piece := file.read(io.DEFAULT_BUFFER_SIZE * 16):
        digest.update(piece)
    return block != _block(digest.hexdigest())


def _block(digest):
    return (_MARK + digest.encode() + b"\n").ljust(_SIZE, b"\0")
