"""Snapshots: directories of files with checksums, written atomically."""

import contextlib
import hashlib
import json
import os
import re
import uuid

from keras_gan.utils import files

_MANIFEST = "manifest.json"
_FORMAT = 1
_NAME = r"epoch-(\d{6,})-step-(\d{6,})"


class DamagedError(Exception):
    """A snapshot is not what was written; the message says which file, and how it differs."""


class Snapshots:
    """The snapshots in a directory, each a directory of files with their checksums.

    Names are `epoch-<epochs over>-step-<steps of the next>`. Sorted, they are in the order in which
    they were taken: unlike the count of a model's steps, these numbers never go back.

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
            names = os.listdir(self.directory)
        except FileNotFoundError:
            return []
        return sorted((n for n in names if re.fullmatch(_NAME, n)), key=numbers_of)

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
        """
        os.makedirs(self.directory, exist_ok=True)
        with files.whole_directory(self.path(name), replace=True) as directory:
            write_files(directory)
            _write_manifest(directory)
        for old in self.names()[: -self._keep]:
            if old != name:
                with contextlib.suppress(OSError):
                    files.remove_directory(self.path(old))

    def check(self, name):
        """Raise unless a snapshot is as it was written.

        Raises:
            DamagedError: when a file is missing, too short, too long or altered.
            ValueError: when it is of another format.
        """
        path = self.path(name)
        try:
            with open(os.path.join(path, _MANIFEST), encoding="utf-8") as file:
                manifest = json.load(file)
            version, listed = manifest["format"], dict(manifest["files"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DamagedError(f"its {_MANIFEST} can't be read ({error})") from error
        if version != _FORMAT:
            raise ValueError(
                f"Expected backups of format {_FORMAT}: this one was written by another version "
                f"of keras_gan. Received: format {version!r} in {path!r}"
            )
        for file, expected in listed.items():
            _check_file(os.path.join(path, file), file, expected)

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


def _write_manifest(directory):
    listed = {}
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        listed[name] = {"bytes": os.path.getsize(path), "sha256": _digest(path)}
    with open(os.path.join(directory, _MANIFEST), "w", encoding="utf-8") as file:
        json.dump({"format": _FORMAT, "files": listed}, file, indent=2)


def _check_file(path, name, expected):
    try:
        size = os.path.getsize(path)
        if size != expected["bytes"]:
            raise DamagedError(f"its {name} has {size} bytes, not {expected['bytes']}")
        if _digest(path) != expected["sha256"]:
            raise DamagedError(f"its {name} is not what was written: the checksum differs")
    except (OSError, KeyError, TypeError) as error:
        raise DamagedError(f"its {name} can't be read ({error})") from error


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
