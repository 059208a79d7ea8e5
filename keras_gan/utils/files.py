"""Atomic writes: files and directories that are whole or not there, and directories to put them in.

What is being written lies beside its place as `.partial-<8 hex digits>-NAME`, which no reader takes
for the thing itself: a model server, say, looks for whole numbers. The digits are drawn for each
write, so that two processes or threads that write the same thing never meet.

No link is followed, and nothing replaced or removed but files and directories as they are written
here: what else has such a name was put there by others.
"""

import contextlib
import errno
import os
import pathlib
import re
import shutil
import stat
import tempfile
import time
import uuid

from keras_gan.utils.arguments import shown

# Seconds after which what is partial belongs to a process that was killed.
_OLD = 3600
# How often a directory is put in its place where other writers keep putting theirs.
_ATTEMPTS = 100
_ADVICE = "Check its permissions, or choose another path."


@contextlib.contextmanager
def whole_file(path):
    """Give a path to write a file to, which gets its name in one step when the context ends.

    A reader sees the old file or the new one. After an error the old file is as it was, and
    nothing else is left. What a killed process leaves is removed by a write an hour later, of the
    same name or of one that differs in its numbers alone.

    Args:
        path: where the file is to be, in a directory that exists.

    Yields:
        `pathlib.Path` of a file that does not exist yet, with the same ending.

    Raises:
        OSError: when it can't be written, naming `path`.
    """
    path = pathlib.Path(path)
    if not path.parent.is_dir():
        reason = "There is no such directory to write to; make it first"
        raise FileNotFoundError(errno.ENOENT, reason, str(path.parent))
    remove_partial(path.parent, re.sub("[0-9]+", "[0-9]+", re.escape(path.name)))
    partial = beside(path)
    try:
        yield partial
        os.replace(partial, path)
    except OSError as error:
        _name(error, partial, path)
        raise
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_directory(path, replace=False):
    """Give a directory to write into, which gets its name in one step when the context ends.

    Whatever happens, a crash of the machine included, it is whole or not there: all that is in it
    is on the disk before it gets its name, and the name is before the context ends. After an error
    nothing of it is left; what a killed process leaves `remove_partial` removes.

    Args:
        path: where the directory is to be, in one that exists.
        replace: whether to replace a directory of that name; an error otherwise. What is no
            directory, a link to one included, is never replaced.

    Yields:
        `pathlib.Path` of an empty directory.

    Raises:
        OSError: when it can't be written, or is there already.
    """
    path = pathlib.Path(path)
    partial = beside(path)
    partial.mkdir()
    try:
        yield partial
        _flush(partial)
        if replace:
            _put(partial, path)
        else:
            os.rename(partial, path)
        _flush_entry(path.parent)
    except OSError as error:
        _name(error, partial, path)
        raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _name(error, partial, path):
    """Let an error name the path that was asked for, not the one that was written to."""
    error.args = tuple(
        part.replace(str(partial), str(path)) if isinstance(part, str) else part
        for part in error.args
    )
    if error.filename is not None:
        error.filename = str(error.filename).replace(str(partial), str(path))


def remove_directory(path):
    """Remove a directory, which is whole as long as it has its name.

    Raises:
        OSError: when it can't be renamed, or is no directory: a link to one is not.
    """
    path = pathlib.Path(path)
    _check_directory(path)
    away = beside(path)
    os.rename(path, away)
    shutil.rmtree(away, ignore_errors=True)


def remove_partial(directory, names, age=_OLD):
    """Remove what processes that were killed have left of their writes.

    Args:
        directory: where they wrote.
        names: regular expression of what they wrote.
        age: seconds since the last change, below which a write may still be going on.
    """
    wanted = re.compile(rf"\.partial-[0-9a-f]{{8}}-({names})", re.ASCII)
    names = []
    with contextlib.suppress(OSError):  # One that may be written to, but not listed.
        names = os.listdir(directory)
    for name in names:
        if wanted.fullmatch(name):
            with contextlib.suppress(OSError):  # Another process may have removed it.
                _remove_if_old(pathlib.Path(directory, name), age)


def _remove_if_old(path, age):
    status = path.lstat()
    if time.time() - status.st_mtime < age:
        return
    if stat.S_ISDIR(status.st_mode):
        shutil.rmtree(path)
    elif stat.S_ISREG(status.st_mode):
        path.unlink()


def path_of(name, path, local=None):
    """Return a path argument as a string, `~` expanded to the home directory.

    Args:
        name: what the argument is called.
        path: what it was given.
        local: what to do about a remote path, where only local ones will do; `None` where Keras
            writes remote ones too.

    Raises:
        TypeError: when it is no path.
        ValueError: for a remote path, where only local ones will do.
    """
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise TypeError(f"Expected `{name}` to be a path. Received: {name}={shown(path)}")
    path = os.fspath(path)
    if "://" not in path:
        return os.path.expanduser(path)
    if local is not None:
        raise ValueError(
            f"Expected `{name}` to be a local path: {local}. Received: {name}={path!r}"
        )
    return path


def prepare_directory(directory, name="directory", advice=_ADVICE):
    """Create a directory, parents included, and prove that files can be written in it.

    Args:
        directory: local path.
        name: the argument that it was given as.
        advice: what to do when it can't be.

    Raises:
        ValueError: if it is a file, cannot be created, or cannot be written to.
    """
    try:
        os.makedirs(directory, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
    except OSError as error:
        raise ValueError(
            f"Expected `{name}` to be a directory that can be created and written to. {advice} "
            f"Received: {name}={os.fspath(directory)!r} ({error})"
        ) from error


def beside(path):
    """Return where to write what is then to be renamed to a path: a name for this write alone.

    Args:
        path: `pathlib.Path` or string.

    Returns:
        `pathlib.Path` in the same directory, with the same ending.
    """
    path = pathlib.Path(path)
    return path.with_name(f".partial-{uuid.uuid4().hex[:8]}-{path.name}")


def _put(new, path):
    """Give a directory its name. A directory that has it has to be moved away first."""
    for _ in range(_ATTEMPTS):
        away = beside(path)
        try:
            _check_directory(path)
            os.rename(path, away)
        except FileNotFoundError:
            away = None
        try:
            os.rename(new, path)
        except OSError as error:
            another_came = error.errno in (errno.ENOTEMPTY, errno.EEXIST)
            if away is not None and not another_came:
                os.rename(away, path)
            elif away is not None:
                shutil.rmtree(away, ignore_errors=True)
            if not another_came:
                raise
        else:
            if away is not None:
                shutil.rmtree(away, ignore_errors=True)
            return
    raise OSError(errno.EBUSY, "Others keep writing it", str(path))


def _check_directory(path):
    """Raise unless a path is a directory itself: a link to one would be replaced or removed."""
    if not stat.S_ISDIR(path.lstat().st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))


def _flush(path):
    """Have the disk hold a file, or a directory and all that is in it."""
    if path.is_dir():
        for each in path.iterdir():
            _flush(each)
    _flush_entry(path)


def _flush_entry(path):
    """Have the disk hold a file's content, or a directory's list of names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
