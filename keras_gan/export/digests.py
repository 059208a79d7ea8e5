"""The list of an export's files, with sizes and digests, and the check of a copy against it.

It needs nothing but Python: who has neither Keras nor TensorFlow runs this file by itself, with the
directories of versions as arguments.
"""

import hashlib
import json
import os
import pathlib
import stat
import sys
import warnings

LIST = "files.json"
# Beyond these a list is none of ours: an export has a dozen files.
_LARGEST = 2**20
_LONGEST, _DEEPEST = 1024, 16
# TensorFlow makes it, and neither Git nor object stores keep an empty directory.
_MAY_BE_EMPTY = "assets"


def write(directory):
    """Write the list of all files in a directory into it, in place of an older one.

    Args:
        directory: a version's, a `pathlib.Path`.
    """
    (directory / LIST).unlink(missing_ok=True)
    names = sorted(p.relative_to(directory).as_posix() for p in directory.rglob("*") if p.is_file())
    files = {
        name: {
            "bytes": (directory / name).stat().st_size,
            "sha256": _digest(directory / name),
        }
        for name in names
    }
    text = json.dumps({"files": files}, indent=2) + "\n"
    (directory / LIST).write_text(text, encoding="utf-8")


def verify(path):
    """Check that a version of an export has the files that it was written with, byte for byte.

    It finds what disks, copies and cleaners damage. It does not find malice: who can change a file
    can change the list. Sizes come before digests; files are read once, in small pieces, and no
    link is followed.

    Args:
        path: a version's directory, as `model.export` returns it.

    Returns:
        Whether it could be checked: `False`, with a warning, for any files without a list, as older
        versions of keras_gan wrote them.

    Raises:
        ValueError: when it is no version's directory; when files are missing, too many, links, or
            of another size or digest; or when the list is not one.
        OSError: when a file can't be read.
    """
    directory = pathlib.Path(path)
    if not directory.is_dir():
        raise ValueError(f"Expected the directory of an export's version. Received: {path}")
    listed = _read(directory)
    if listed is None:
        _warn(directory)
        return False
    # Names are compared with those that are found, and no path is made of one before.
    sizes = dict(_walk(directory, {*listed, LIST}, _folders(listed) | {_MAY_BE_EMPTY}))
    for name, (size, _) in listed.items():
        if name not in sizes:
            raise _damaged(directory, f"{_shown(name)} is missing")
        if sizes[name] != size:
            raise _damaged(directory, f"{_shown(name)} has {sizes[name]} bytes, not {size}")
    for name, (_, digest) in listed.items():
        if _digest(directory / name) != digest:
            raise _damaged(directory, f"{_shown(name)} has another SHA-256")
    return True


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _warn(directory):
    if not any(path.is_file() for path in directory.iterdir()):
        raise ValueError(
            "Expected the directory of an export's version, such as saved_models/digits/1. "
            f"Received: {directory}, which holds no file"
        )
    warnings.warn(
        f"{str(directory)!r} has no {LIST}, the list of its files with their digests: whether it "
        "is whole can't be told. An older version of keras_gan exported it, or a copy left the "
        "list out. Export or copy it again to have it checked.",
        stacklevel=3,
    )


def _read(directory):
    """Return `(size, digest)` by the names of a list; `None` where there is no list."""
    path = directory / LIST
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
        raise _damaged(directory, f"{LIST} is no file of at most {_LARGEST} bytes")
    try:
        content = json.loads(path.read_bytes().decode("utf-8"), object_pairs_hook=_without_doubles)
        return {name: _entry(name, entry) for name, entry in _only(content, "files")[0].items()}
    except (AttributeError, RecursionError, TypeError, ValueError) as error:
        raise _damaged(directory, f"{LIST} is no list of files: {str(error)[:200]}") from error


def _without_doubles(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _only(entry, *keys):
    """Return the values of a dict that has these keys and no others."""
    if not isinstance(entry, dict) or entry.keys() != {*keys}:
        raise ValueError(f"expected the keys {', '.join(keys)}")
    return [entry[key] for key in keys]


def _entry(name, entry):
    """Return size and digest. A digest that is none need not be refused: no file's equals it."""
    size, digest = _only(entry, "bytes", "sha256")
    if len(name) > _LONGEST or name.count("/") > _DEEPEST:
        raise ValueError(f"{_shown(name)} names no file of an export")
    if type(size) is not int or not 0 <= size < 2**63:
        raise ValueError(f"{_shown(name)} has no whole number of bytes")
    return size, digest


def _folders(names):
    """Return the directories that files of these names are in."""
    parts = [name.split("/") for name in names]
    return {"/".join(each[:depth]) for each in parts for depth in range(1, len(each))}


def _walk(root, files, folders, below=""):
    """Yield `(name, size)` of each file, and stop at the first that is not expected.

    Args:
        root: the version's directory.
        files: the names of those that may be there.
        folders: the directories that may be there.
        below: the directory to look into, with a slash at its end.
    """
    with os.scandir(root / below) as entries:
        for entry in entries:
            name, found = f"{below}{entry.name}", entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode) and name in folders:
                yield from _walk(root, files, folders, f"{name}/")
            elif name not in files:
                raise _damaged(root, f"{_shown(name)} is not on the list")
            elif not stat.S_ISREG(found.st_mode):
                raise _damaged(root, f"{_shown(name)} is a link, or no file")
            else:
                yield name, found.st_size


def _shown(name):
    return repr(name if len(name) <= 100 else f"{name[:97]}...")


def _damaged(directory, what):
    return ValueError(
        f"Expected the files that {LIST} lists, and no others: the export or its copy is damaged; "
        f"export or copy it again. Received: {str(directory)!r}, where {what}"
    )


def _main(directories):
    """Return the status of the command: 0 where each directory is whole."""
    if not directories:
        print("Expected the directories of versions: digests.py DIRECTORY...", file=sys.stderr)
        return 2
    status = 0
    for directory in directories:
        try:
            whole = verify(directory)
            print(directory, "is whole" if whole else "can't be checked")
        except (OSError, ValueError) as error:
            whole = False
            print(error, file=sys.stderr)
        status |= not whole
    return status


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
