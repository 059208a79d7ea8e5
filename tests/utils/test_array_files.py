"""Files of arrays from strangers: as they were written, or refused before memory is taken."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from keras_gan.utils import array_files

ARRAYS = {
    "matrix": np.arange(6, dtype=np.float32).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "scalar": np.array(3, np.int64),
    "empty": np.zeros((0, 5)),
    "text": np.array(["a", "bc"]),
    "no text": np.array(""),
    "flags": np.array([True, False]),
    "complex": np.ones(3, np.complex64),
    "fields": np.zeros(2, [("a", "<i4"), ("b", "<f8")]),
}


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez(path, **ARRAYS)
    read = array_files.read(path)
    assert read.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert read[name].dtype == array.dtype and read[name].flags.writeable
        np.testing.assert_array_equal(read[name], array, strict=True)


def member(shape, dtype="<f4", content=b"", order=False):
    """Return the bytes of an array that says to have a shape."""
    header = f"{{'descr': {dtype!r}, 'fortran_order': {order}, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + content


HUGE = 10**11
CRAFTED = {
    "more than there is": {"a.npy": member(f"({HUGE},)", content=b"1234")},
    "no end of nothing": {"a.npy": member(f"({HUGE},)", "<U0")},
    "less than there is": {"a.npy": member("(1,)", content=b"12345678")},
    "negative": {"a.npy": member("(-1,)", content=b"1234")},
    "negative twice": {"a.npy": member("(-1, -1)", content=b"1234")},
    "beyond all": {"a.npy": member(f"({HUGE}, {HUGE}, {HUGE})")},
    "objects": {"a.npy": member("(1,)", "|O", content=b"\x80\x04N.")},
    "objects within": {"a.npy": member("(1,)", [("x", "|O")], content=bytes(8))},
    "deep": {"a.npy": member("(" * 9000 + ")" * 9000)},
    "no array": {"a.npy": b"text"},
    "no name": {"a.txt": member("(1,)", content=b"1234")},
}


@pytest.mark.parametrize("crafted", CRAFTED)
def test_crafted_arrays_are_refused(tmp_path, crafted):
    path = tmp_path / "arrays.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in CRAFTED[crafted].items():
            archive.writestr(name, content)
    assert_refused(path)


def test_what_unpacks_to_more_is_refused(tmp_path):
    path = tmp_path / "arrays.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", member("(50_000_000,)", "|u1", bytes(50_000_000)))
    assert path.stat().st_size < 100_000
    assert_refused(path)


def test_members_that_overlap_are_refused(tmp_path):
    """A hundred names for the same megabyte."""
    path, content = tmp_path / "arrays.npz", member("(1_000_000,)", "|u1", bytes(1_000_000))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("0.npy", content)
        first = archive.infolist()[0]
        for number in range(1, 100):
            other = zipfile.ZipInfo(f"{number}.npy")
            for name in ("CRC", "compress_size", "file_size", "header_offset"):
                setattr(other, name, getattr(first, name))
            archive.filelist.append(other)
        archive._didModify = True
    assert path.stat().st_size < 1_100_000
    assert_refused(path)


def assert_refused(path):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="no file of arrays"):
            array_files.read(path)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x05\x06" + bytes(18)[:-1]])
def test_no_archive(tmp_path, content):
    (tmp_path / "arrays.npz").write_bytes(content)
    assert_refused(tmp_path / "arrays.npz")


def test_altered_bytes_are_refused(tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, a=np.arange(100.0))
    content = bytearray(buffer.getvalue())
    content[500] ^= 1
    (tmp_path / "arrays.npz").write_bytes(content)
    assert_refused(tmp_path / "arrays.npz")
