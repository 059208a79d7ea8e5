"""NumPy's `.npz` files from strangers, read within memory that the file's own size bounds."""

import math
import os
import zipfile

import numpy as np


def read(path):
    """Return the arrays of a file as `numpy.savez` writes it.

    Nothing is unpacked or unpickled, and no more is allocated than there is in the file: a member
    that is compressed, an array of Python objects and a shape that needs more or fewer bytes than
    the member has are refused before any of the array is read.

    Args:
        path: the file.

    Returns:
        Dict of arrays by name.

    Raises:
        ValueError: naming what is wrong, whatever it is.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_members(members, os.path.getsize(path))
            return {each.filename.removesuffix(".npy"): _array(archive, each) for each in members}
    # Whatever `zipfile` and NumPy raise for bytes that neither has written: a dozen kinds.
    except Exception as error:
        raise ValueError(f"it is no file of arrays ({type(error).__name__}: {error})") from error


def _check_members(members, size):
    if len({each.filename for each in members}) < len(members):
        raise ValueError("two members have one name")
    for each in members:
        stored = each.compress_type == zipfile.ZIP_STORED and each.compress_size == each.file_size
        if not stored or not each.filename.endswith(".npy"):
            raise ValueError(f"the member {each.filename!r:.100} is no array as it is written")
    # Members may overlap: each then fits in, and all together do not.
    if sum(each.file_size for each in members) > size:
        raise ValueError("its members are larger than it is")


def _array(archive, member):
    with archive.open(member) as file:
        shape, in_columns, dtype = _header(file)
        if dtype.hasobject:
            raise ValueError("an array of Python objects is read by running what it holds")
        count = math.prod(shape)
        left = member.file_size - file.tell()
        # Of elements without bytes there may be any number.
        if min(shape, default=0) < 0 or count * dtype.itemsize != left or count > max(left, 1):
            raise ValueError(f"{left} bytes are not those of the shape {shape!r:.100}")
        flat = np.frombuffer(file.read(), dtype, count).copy()
    return flat.reshape(shape[::-1]).T if in_columns else flat.reshape(shape)


def _header(file):
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    return np.lib.format.read_array_header_2_0(file)
