"""Checks of files of weights, of models and of arrays, before anything in them is used."""

import contextlib
import io
import json
import math
import pathlib
import stat
import zipfile

import h5py
import keras
import tensorflow as tf

from keras_gan.utils import array_files, files, seals

_WEIGHTS = "model.weights.h5"
# Members are stored as they are; those of an archive that was packed again may be smaller.
_EXPANSION = 10
# Bytes that need no reason: what is expected of a small file may be a multiple of it.
_SLACK = 64 * 2**20
_LINKS = h5py.ExternalLink, h5py.SoftLink
_NUMBERS = "biufcV"  # V: bfloat16, which HDF5 does not know.


class FileError(ValueError):
    """A file is damaged, or holds what no file of ours does; the message says what."""


def check(path):
    """Read all of a file of weights, or of a model, and raise unless it is whole.

    Args:
        path: of a local file: a `.keras` archive, the `.json` of several shards, or HDF5.

    Returns:
        The bytes of its arrays.

    Raises:
        FileError: when it can't be read, is not what was written, leads out of itself, or says
            that it has more than it holds.
    """
    with _readable(path):
        if str(path).endswith(".keras"):
            return _check_model(path)
        return sum(_check_shard(shard) for shard in _shards(path))


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
        with files.whole_file(shard) as partial:
            partial.write_bytes(seals.of(content) + content)


@contextlib.contextmanager
def variables_within(limit):
    """Refuse variables of more bytes, together, than the file that they are made for holds.

    A config of a few bytes may name layers of any size, which are made before they are loaded.

    Args:
        limit: bytes of the file's arrays.

    Raises:
        FileError: before the variable is made that is too much.
    """
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
    with zipfile.ZipFile(path) as archive:
        _check_zip(archive, path)
        missing = {"config.json", _WEIGHTS} - set(archive.namelist())
        if missing:
            raise FileError(f"it has no {' and no '.join(sorted(missing))}")
        return _check_hdf5(io.BytesIO(archive.read(_WEIGHTS)))


def _check_zip(archive, path):
    members = archive.infolist()
    # As they stand in the archive: `filename` ends at a null character.
    escaping = [info.orig_filename for info in members if _leads_outside(info)]
    if escaping:
        raise FileError(
            "it is an archive whose members don't stay inside it, which Keras has not made: "
            f"{escaping}"
        )
    if len(set(archive.namelist())) < len(members):
        raise FileError("it is an archive with several members of one name")
    declared = sum(info.file_size for info in members)
    _check_size("members", declared, pathlib.Path(path).stat().st_size)
    damaged = archive.testzip()
    if damaged is not None:
        raise FileError(f"its {damaged!r} is not what was written: the checksum differs")


def _leads_outside(info):
    # Windows' rules are the stricter ones: backslashes and drives count as well.
    path = pathlib.PureWindowsPath(info.orig_filename)
    link = stat.S_ISLNK(info.external_attr >> 16)
    return link or bool(path.anchor) or ".." in path.parts


def _check_size(what, declared, held):
    if declared > _EXPANSION * held + _SLACK:
        raise FileError(f"its {what} are said to have {declared:,} bytes, in a file of {held:,}")


def _shards(path):
    """Return the paths of the HDF5 files of which a file of weights is made: often itself alone."""
    path = pathlib.Path(path)
    if path.suffix != ".json":
        return [path]
    names = keras.tree.flatten(list(json.loads(path.read_text())["weight_map"].values()))
    return sorted({path.with_name(name) for name in names})


def _check_shard(path):
    with open(path, "rb") as file:
        if seals.is_broken(file):
            raise FileError("it is not what was written: the checksum differs")
    return _check_hdf5(path)


def _check_hdf5(source):
    """Return the bytes of the arrays of an HDF5 file, of a path or in memory."""
    with h5py.File(source, "r") as file:
        sizes = [_bytes_of_dataset(name, data) for name, data in _datasets(file)]
        _check_size("arrays", sum(sizes), file.id.get_filesize())
        return sum(sizes)


def _datasets(file):
    """Return `(name, dataset)` of all that is in an HDF5 file."""
    found, seen = [], set()

    def walk(group, prefix):
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:
            raise FileError(f"its group {prefix!r} has two names")
        seen.add(address)
        for name in group:
            path = f"{prefix}/{name}"
            if isinstance(group.get(name, getlink=True), _LINKS):
                raise FileError(f"its {path!r} is a link")
            if isinstance(group[name], h5py.Group):
                walk(group[name], path)
            else:
                found.append((path, group[name]))

    walk(file, "")
    return found


def _bytes_of_dataset(name, data):
    if not isinstance(data, h5py.Dataset) or data.dtype.kind not in _NUMBERS:
        raise FileError(f"its {name!r} is no array of numbers")
    if data.external or data.is_virtual:
        raise FileError(f"its {name!r} lies in another file")
    return math.prod(data.shape) * data.dtype.itemsize
