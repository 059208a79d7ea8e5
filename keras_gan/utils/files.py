"""What the disk is to hold before a name is given to it."""

import os


def flush(path):
    """Have the disk hold a file, or a directory and all that is in it.

    Args:
        path: the file's or the directory's.

    Raises:
        OSError: when it can't be written.
    """
    if os.path.isdir(path):
        for name in os.listdir(path):
            flush(os.path.join(path, name))
    flush_entry(path)


def flush_entry(path):
    """Have the disk hold what a file, or a directory's list of names, is said to be."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
