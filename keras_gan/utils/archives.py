"""Checks of files of weights and of models, before anything in them is used."""

import contextlib
import hashlib
import io
import json
import math
import pathlib
import stat
import zipfile

import h5py
import keras
import tensorflow as tf

_WEIGHTS = "model.weights.h5"
_DIGEST = "keras_gan_sha256"
# Keras stores members as they are; of a file that was packed again they may be smaller.
_EXPANSION = 10
# Bytes that need no reason: what is expected of a small file may be a multiple of it.
_SLACK = 64 * 2**20
_ELSEWHERE = h5py.ExternalLink, h5py.SoftLink
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
    if not pathlib.Path(path).is_file():
        raise FileError("there is no such file")
    try:
        if str(path).endswith(".keras"):
            return _check_archive(path)
        return sum(_check_hdf5(each) for each in shards(path))
    except FileError:
        raise
    except Exception as error:  # What a library raises on a file that anyone may have made.
        raise FileError(f"it can't be read ({type(error).__name__}: {error!s:.200})") from error


def shards(path):
    """Return the paths of the HDF5 files of which a file of weights is made: often itself alone.

    Args:
        path: of the file.
    """
    if not str(path).endswith(".json"):
        return [path]
    index = json.loads(pathlib.Path(path).read_text())
    names = keras.tree.flatten(list(index["weight_map"].values()))
    return sorted({pathlib.Path(path).with_name(name) for name in names})


def seal(file):
    """Note the digest of the arrays of an HDF5 file in it, which HDF5 itself does not.

    Args:
        file: an `h5py.File` that is open for writing.
    """
    file.attrs[_DIGEST] = _digest(_datasets(file))


def seal_shards(path):
    """Note the digests of the arrays in each file of weights in several shards.

    Args:
        path: of their `.json`.
    """
    for shard in shards(path):
        with h5py.File(shard, "a") as file:
            seal(file)


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
            value = value()
    value = tf.convert_to_tensor(value)
    return (value.shape.num_elements() or 0) * value.dtype.size


def _check_archive(path):
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        _check_members(members)
        held = pathlib.Path(path).stat().st_size
        _check_size("members", sum(info.file_size for info in members), held)
        damaged = archive.testzip()
        if damaged is not None:
            raise FileError(f"its {damaged!r} is not what was written: the checksum differs")
        missing = {"config.json", _WEIGHTS} - set(archive.namelist())
        if missing:
            raise FileError(f"it has no {' and no '.join(sorted(missing))}")
        return _check_hdf5(io.BytesIO(archive.read(_WEIGHTS)))


def _check_members(members):
    # As they stand in the archive: `filename` ends at a null character.
    names = [info.orig_filename for info in members]
    escaping = [info.orig_filename for info in members if _leads_outside(info)]
    if escaping:
        raise FileError(
            "it is an archive whose members don't stay inside it, which Keras has not made: "
            f"{escaping}"
        )
    if len(set(names)) < len(names):
        raise FileError("it is an archive with several members of one name")


def _leads_outside(info):
    # Windows' rules are the stricter ones: backslashes and drives count as well.
    path = pathlib.PureWindowsPath(info.orig_filename)
    link = stat.S_ISLNK(info.external_attr >> 16)
    return link or bool(path.anchor) or ".." in path.parts


def _check_size(what, declared, held):
    if declared > _EXPANSION * held + _SLACK:
        raise FileError(f"its {what} are said to have {declared:,} bytes, in a file of {held:,}")


def _check_hdf5(source):
    """Return the bytes of the arrays of an HDF5 file, of a path or in memory."""
    with h5py.File(source, "r") as file:
        held = file.id.get_filesize()
        datasets = _datasets(file)
        for name, data in datasets:
            _check_dataset(name, data)
        size = sum(math.prod(data.shape) * data.dtype.itemsize for _, data in datasets)
        _check_size("arrays", size, held)
        found = _digest(datasets)
        if file.attrs.get(_DIGEST, found) != found:
            raise FileError("its arrays are not what was written: the checksum differs")
        return size


def _datasets(file):
    """Return `(name, dataset)` of all datasets, in the order of their names."""
    found, seen = [], set()

    def walk(group, prefix):
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:
            raise FileError(f"its group {prefix!r} has two names")
        seen.add(address)
        for name in sorted(group):
            path = f"{prefix}/{name}"
            if isinstance(group.get(name, getlink=True), _ELSEWHERE):
                raise FileError(f"its {path!r} is a link")
            item = group[name]
            if isinstance(item, h5py.Group):
                walk(item, path)
            else:
                found.append((path, item))

    walk(file, "")
    return found


def _check_dataset(name, data):
    if not isinstance(data, h5py.Dataset) or data.dtype.kind not in _NUMBERS:
        raise FileError(f"its {name!r} is no array of numbers")
    if data.external or data.is_virtual:
        raise FileError(f"its {name!r} lies in another file")


def _digest(datasets):
    digest = hashlib.sha256()
    for name, data in datasets:
        digest.update(f"{name}\0{data.dtype.str}\0{data.shape}\0".encode())
        digest.update(data[()].tobytes())
    return digest.hexdigest()
