"""Snapshots: directories of files with checksums, written atomically."""

import contextlib
import hashlib
import json
import os
import re
import stat
import uuid

from keras_gan.utils import files
from keras_gan.utils.arguments import shown

WEIGHTS, TRAINING, ARRAYS = "model.weights.h5", "training.json", "arrays.npz"
_NEEDED = {WEIGHTS, TRAINING}
_KNOWN = {*_NEEDED, ARRAYS}
_MANIFEST = "manifest.json"
_FORMAT = 1
# Twelve digits: what is larger was not counted by a run. ASCII ones: `\d` means those of all
# scripts, and Python's `int` reads them.
_NAME = r"epoch-([0-9]{6,12})-step-([0-9]{6,12})"
_MOST_BYTES = 64 * 1024  # Of a manifest; one of four files has a few hundred.


class DamagedError(Exception):
    """A snapshot is not what was written; the message says which file, and how it differs."""


class Snapshots:
    """The snapshots in a directory, each a directory of files with their checksums.

    Names are `epoch-<epochs over>-step-<steps of the next>`. Sorted, they are in the order in which
    they were taken: unlike the count of a model's steps, these numbers never go back.

    Whatever else is in the directory is left alone, also under the name of a snapshot. A link is no
    snapshot: where it leads to, others write and remove what they like, and a snapshot that is
    taken by another name would be counted, and removed, as if it were this directory's.

    Args:
        directory: local path; made if missing.
        keep: how many to keep, at least 1.
    """

    def __init__(self, directory, keep):
        self.directory = directory
        self._keep = keep

    def names(self):
        """Return the names of what is there, oldest first."""
        try:
            with os.scandir(self.directory) as entries:
                found = [each.name for each in entries if _is_snapshot(each)]
        except FileNotFoundError:
            return []
        return sorted(found, key=numbers_of)

    def path(self, name):
        """Return the path of a snapshot."""
        return os.path.join(self.directory, name)

    def write(self, name, write_files):
        """Write a snapshot in one step: whatever happens, it is whole or not there.

        Every file is flushed to the disk before the directory gets its name, and the ones that
        are too many are removed after that.

        Args:
            name: its name.
            write_files: function that writes files into the directory it is given.

        Raises:
            OSError: when it can't be written, or something else has its name.
        """
        os.makedirs(self.directory, exist_ok=True)
        with files.whole_directory(self.path(name), replace=True) as directory:
            write_files(directory)
            _write_manifest(directory)
        for old in [each for each in self.names() if self._is_own(each)][: -self._keep]:
            if old != name:
                with contextlib.suppress(OSError):
                    files.remove_directory(self.path(old))

    def check(self, name):
        """Raise unless a snapshot is as it was written, with nothing beside its files.

        Raises:
            DamagedError: when a file is missing, too short, too long or altered, or when something
                is there that the manifest does not name, or that is no file.
            ValueError: when it is of another format.
        """
        path = self.path(name)
        sizes = _sizes(path)
        listed = _listed(path, sizes)
        for missing in sorted(_NEEDED - listed.keys()):
            raise DamagedError(f"its {_MANIFEST} names no {missing}")
        there = sizes.keys() - {_MANIFEST}
        for unknown in sorted((listed.keys() - _KNOWN) | (there - listed.keys())):
            raise DamagedError(f"it has {shown(unknown)}, which is no file of a backup")
        for file, expected in listed.items():
            _check_file(os.path.join(path, file), file, sizes.get(file), expected)

    def _is_own(self, name):
        """Tell whether all in a snapshot is what snapshots are made of, by the names."""
        try:
            found = set(_sizes(self.path(name)))
        except DamagedError:
            return False
        return _MANIFEST in found and found <= {_MANIFEST, *_KNOWN}

    def set_aside(self, name):
        """Rename a damaged snapshot, so that it is neither read nor counted again."""
        # What can't be renamed, in a directory that is only read, does no harm either.
        try:
            os.rename(self.path(name), self.path(f"damaged-{name}-{uuid.uuid4().hex[:8]}"))
        except OSError:
            return

    def remove_partial(self):
        """Remove what a process that was killed has left half written."""
        files.remove_partial(self.directory, _NAME, age=0)


def name_of(epoch, step):
    """Return the name of the snapshot after so many epochs, and steps of the next."""
    return f"epoch-{epoch:06d}-step-{step:06d}"


def numbers_of(name):
    """Return the numbers in a name: complete epochs, steps of the next."""
    return [int(number) for number in re.fullmatch(_NAME, name).groups()]


def _is_snapshot(entry):
    """Tell whether an entry of the directory is a snapshot by its name and kind."""
    if not re.fullmatch(_NAME, entry.name) or not entry.is_dir(follow_symlinks=False):
        return False
    # One number in two spellings would be two snapshots of one moment.
    return name_of(*numbers_of(entry.name)) == entry.name


def _sizes(path):
    """Return the sizes of all files in a snapshot, by name; there is nothing else in one.

    Raises:
        DamagedError: for a link, which leads to what is not the snapshot's, a directory, or a
            device, whose end no reader would see.
    """
    try:
        with os.scandir(path) as entries:
            found = {entry.name: entry.stat(follow_symlinks=False) for entry in entries}
    except OSError as error:
        raise DamagedError(f"it can't be read ({error})") from error
    for name, status in found.items():
        if not stat.S_ISREG(status.st_mode):
            raise DamagedError(f"its {name!r} is no file")
    return {name: status.st_size for name, status in found.items()}


def _write_manifest(directory):
    listed = {}
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        listed[name] = {"bytes": os.path.getsize(path), "sha256": _digest(path)}
    with open(os.path.join(directory, _MANIFEST), "w", encoding="utf-8") as file:
        json.dump({"format": _FORMAT, "files": listed}, file, indent=2)


def _listed(path, sizes):
    """Return what a manifest says of the files: dicts with `bytes` and `sha256`, by name.

    Raises:
        DamagedError: when it can't be read, or is none.
        ValueError: when it is of another format.
    """
    if not 0 <= sizes.get(_MANIFEST, -1) <= _MOST_BYTES:
        raise DamagedError(f"its {_MANIFEST} is missing, or too large")
    try:
        with open(os.path.join(path, _MANIFEST), encoding="utf-8") as file:
            manifest = json.load(file)
        version, listed = manifest["format"], manifest["files"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedError(f"its {_MANIFEST} can't be read ({error})") from error
    if type(version) is not int or not isinstance(listed, dict):
        raise DamagedError(f"its {_MANIFEST} does not have the form of one")
    if version != _FORMAT:
        raise ValueError(
            f"Expected backups of format {_FORMAT}: this one was written by another version "
            f"of keras_gan. Received: format {shown(version)} in {path!r}"
        )
    return listed


def _check_file(path, name, size, expected):
    if not isinstance(expected, dict) or expected.keys() != {"bytes", "sha256"}:
        raise DamagedError(f"its {_MANIFEST} does not say the size and checksum of {name}")
    if size is None:
        raise DamagedError(f"its {name} is missing")
    if type(expected["bytes"]) is not int or size != expected["bytes"]:
        raise DamagedError(f"its {name} has {size} bytes, not as many as its {_MANIFEST} says")
    try:
        digest = _digest(path)
    except OSError as error:
        raise DamagedError(f"its {name} can't be read ({error})") from error
    if digest != expected["sha256"]:
        raise DamagedError(f"its {name} is not what was written: the checksum differs")


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
