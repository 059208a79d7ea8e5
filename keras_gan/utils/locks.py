"""Locks of directories, which the kernel releases when a process ends, however it does."""

import contextlib
import errno
import fcntl
import os
import socket
import time

_NAME = ".lock"
_MOST_SHOWN = 100
# What systems say whose disks know no locks, as some network disks.
_UNKNOWN = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
_held = set()


class DirectoryLock:
    """The right of one writer, in all processes and threads, to write in a directory.

    A file `.lock` in the directory says who holds it. The file is removed when the lock is
    released. What a killed process leaves of it holds nobody up: the kernel's lock on the file
    counts, not the file.

    Args:
        directory: local path of a directory that exists when the lock is acquired.
    """

    def __init__(self, directory):
        self._path = os.path.join(directory, _NAME)
        self._descriptor = None

    def acquire(self):
        """Take the lock.

        Returns:
            Whether the disk knows locks. Where it doesn't, nothing keeps two writers apart.

        Raises:
            BlockingIOError: when another holds it, with a text that says who.
            OSError: when the file can't be opened; a link in its place is not followed.
        """
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(descriptor, self._path):
                    break
            except BlockingIOError:
                text = _who(descriptor)
                os.close(descriptor)
                raise BlockingIOError(text) from None
            except OSError as error:
                os.close(descriptor)
                if error.errno in _UNKNOWN:
                    return False
                raise
            os.close(descriptor)  # Whoever held it has removed the file meanwhile.
        self._descriptor = descriptor
        _held.add(self)
        _sign(descriptor)
        return True

    def release(self):
        """Let go of the lock, where it is held."""
        if self not in _held:
            return
        # While it is held: a file that is removed later might be locked by another by then.
        if _is_at(self._descriptor, self._path):
            with contextlib.suppress(OSError):
                os.unlink(self._path)
        _held.remove(self)
        os.close(self._descriptor)


def _is_at(descriptor, path):
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def _sign(descriptor):
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    text = f"process {os.getpid()} on {socket.gethostname()}, since {since}"
    with contextlib.suppress(OSError):  # On a full disk the lock holds all the same.
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)


def _who(descriptor):
    text = os.pread(descriptor, _MOST_SHOWN, 0).decode(errors="replace")
    return "".join(letter for letter in text if letter.isprintable()) or "an unknown process"


def _let_go():
    """Hold no lock in a child: it would keep it after its parent's death, a worker pool's, say."""
    for lock in _held:
        os.close(lock._descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_let_go)
