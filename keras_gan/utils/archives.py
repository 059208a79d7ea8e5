"""Checks of files of weights, of models and of arrays, before anything in them is used."""

import contextlib
import io
import json
import math
import os
import pathlib
import stat
import zipfile

import h5py
import keras
import tensorflow as tf

from keras_gan.utils import array_files, files, seals

_WEIGHTS = "model.weights.h5"
# The record at the end of an archive: a signature, and 18 bytes where there is no comment.
_ZIP_END = b"PK\x05\x06".ljust(22)
# What Keras reads as text, of which Python makes objects of twenty times its size.
_TEXTS = "config.json", "metadata.json"
_LONGEST_TEXT = 8 * 2**20
# Members of an archive, arrays and groups in HDF5: large models have some thousands.
_MOST_ENTRIES = 20_000
# Bytes of variables that a small file may ask for beside its own: counters, seeds.
_SLACK = 64 * 2**20
_LINKS = h5py.ExternalLink, h5py.SoftLink


class FileError(ValueError):
    """A file is damaged, or holds what no file of ours does; the message says what."""


def check(path):
    """Read all of a file of weights, or of a model, and raise unless it is whole.

    Args:
        path: of a local file: a `.keras` archive, the `.json` of several shards, or HDF5.

    Returns:
        The bytes of its arrays, by name.

    Raises:
        FileError: when it can't be read, is not what was written, leads out of itself, or says
            that it has more than it holds.
    """
    with _readable(path):
        if str(path).endswith(".keras"):
            return _check_model(path)
        return {key: size for each in _shards(path) for key, size in _check_shard(each).items()}


def arrays_of(path):
    """Return the arrays in an `.npz` file, checked as `check` does.

    Args:
        path: of a local file.

    Returns:
        Dict of NumPy arrays of numbers or text.

    Raises:
        FileError: as `check`.
    """
    with _readable(path):
        return array_files.read(path)


def seal_shards(path):
    """Seal each file of weights in several shards, which Keras has written.

    Args:
        path: of their `.json`.
    """
    for shard in _shards(path):
        content = shard.read_bytes()
        with files.whole_file(shard) as partial, open(partial, "wb") as file:
            file.write(seals.of(content))
            file.write(content)


@contextlib.contextmanager
def variables_within(arrays):
    """Refuse variables of more bytes, together, than the file that they are made for holds.

    A config of a few bytes may name layers of any size, which are made before they are loaded.

    Args:
        arrays: the bytes of the file's arrays, by name.

    Raises:
        FileError: before the variable is made that is too much.
    """
    limit = sum(arrays.values())
    # A network may be made twice: as it is, and as its average begins.
    rest = 2 * limit + _SLACK

    def create(make, **arguments):
        nonlocal rest
        rest -= _bytes_of(arguments["initial_value"])
        if rest < 0:
            raise FileError(
                f"its config asks for variables of more than the {limit:,} bytes that it holds"
            )
        return make(**arguments)

    with tf.variable_creator_scope(create):
        yield


def _bytes_of(value):
    if callable(value):
        with tf.__internal__.FuncGraph("shape").as_default():  # Where nothing is computed.
            value = tf.convert_to_tensor(value())
    return math.prod(value.shape) * tf.as_dtype(value.dtype).size


@contextlib.contextmanager
def _readable(path):
    """Raise a `FileError` for whatever a library raises on a file that anyone may have made."""
    if not pathlib.Path(path).is_file():
        raise FileError("there is no such file")
    try:
        yield
    except FileError:
        raise
    except Exception as error:
        raise FileError(f"it can't be read ({type(error).__name__}: {error!s:.200})") from error


def _check_model(path):
    with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
        _check_members(archive.infolist(), file.seek(0, os.SEEK_END))
        file.seek(-len(_ZIP_END), os.SEEK_END)
        if not file.read().startswith(_ZIP_END[:4]):
            raise FileError("it goes on behind its end, as nothing that Keras writes does")
        damaged = archive.testzip()
        if damaged is not None:
            raise FileError(f"its {damaged!r} is not what was written: the checksum differs")
        missing = {"config.json", _WEIGHTS} - set(archive.namelist())
        if missing:
            raise FileError(f"it has no {' and no '.join(sorted(missing))}")
        return _check_hdf5(io.BytesIO(archive.read(_WEIGHTS)))


def _check_members(members, held):
    if len(members) > _MOST_ENTRIES:
        raise FileError(f"it is an archive of {len(members):,} members")
    # As they stand in the archive: `filename` ends at a null character.
    escaping = [info.orig_filename for info in members if _leads_outside(info)]
    if escaping:
        raise FileError(
            "it is an archive whose members don't stay inside it, which Keras has not made: "
            f"{escaping[:3]}"
        )
    if len({info.filename for info in members}) < len(members):
        raise FileError("it is an archive with several members of one name")
    if any(info.compress_type != zipfile.ZIP_STORED for info in members):
        raise FileError(
            "its members are compressed, which Keras does not do; pack them again without, as "
            "`zip -0` does"
        )
    if sum(info.file_size for info in members) > held:
        raise FileError("its members are said to be larger than it is")
    if any(info.filename in _TEXTS and info.file_size > _LONGEST_TEXT for info in members):
        raise FileError(f"its config is of more than {_LONGEST_TEXT:,} bytes")


def _leads_outside(info):
    # Windows' rules are the stricter ones: backslashes and drives count as well.
    path = pathlib.PureWindowsPath(info.orig_filename)
    link = stat.S_ISLNK(info.external_attr >> 16)
    return link or bool(path.anchor) or ".." in path.parts


def _shards(path):
    """Return the paths of the HDF5 files of which a file of weights is made: often itself alone."""
    path = pathlib.Path(path)
    if path.suffix != ".json":
        return [path]
    if path.stat().st_size > _LONGEST_TEXT:
        raise FileError(f"it is of more than {_LONGEST_TEXT:,} bytes")
    names = keras.tree.flatten(list(json.loads(path.read_text())["weight_map"].values()))
    # Keras opens the first one whether it is among them or not.
    first = f"{path.stem.replace('.weights', '')}_00000.weights.h5"
    return sorted({path.with_name(name) for name in (first, *names)})


def _check_shard(path):
    if not path.is_file():  # A device, or a pipe, which nothing ends.
        raise FileError(f"its {path.name!r} is no file")
    with open(path, "rb") as file:
        if seals.is_broken(file):
            raise FileError("it is not what was written: the checksum differs")
    return _check_hdf5(path)


def _check_hdf5(source):
    """Return the bytes of the arrays of an HDF5 file, of a path or in memory, by name."""
    with h5py.File(source, "r") as file:
        return {name: _bytes_of_dataset(name, data) for name, data in _datasets(file)}


def _datasets(file):
    """Return `(name, dataset)` of all that is in an HDF5 file."""
    found, seen = [], set()

    def walk(group, prefix):
        for name in group:
            path = f"{prefix}{name}"
            if isinstance(group.get(name, getlink=True), _LINKS):
                raise FileError(f"its {path!r} is a link")
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen or len(seen) > _MOST_ENTRIES:
                raise FileError(f"its {path!r} is one too many, or has two names")
            seen.add(address)
            if isinstance(item, h5py.Group):
                walk(item, f"{path}/")
            else:
                found.append((path, item))

    seen.add(h5py.h5o.get_info(file.id).addr)
    walk(file, "")
    return found


def _bytes_of_dataset(name, data):
    """Return the bytes of an array, which lie in the file as they are."""
    if not isinstance(data, h5py.Dataset) or not _is_of_numbers(data.dtype):
        raise FileError(f"its {name!r} is no array of numbers")
    if data.external or data.is_virtual:
        raise FileError(f"its {name!r} lies in another file")
    # In chunks, or through a filter, a few bytes may be those of any number.
    declared = math.prod(data.shape) * data.dtype.itemsize
    if data.chunks is not None or data.id.get_storage_size() != declared:
        raise FileError(f"its {name!r} is compressed, or says that it has more than it holds")
    return declared


def _is_of_numbers(dtype):
    # bfloat16, which HDF5 does not know, is two bytes of anything.
    return dtype.kind in "biuf" or (
        dtype.kind == "V" and dtype.names is None and dtype.itemsize == 2
    )
