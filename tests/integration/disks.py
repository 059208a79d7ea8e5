"""Disks that are full, or only read: real ones where the system lets us, else the nearest."""

import contextlib
import os
import resource
import subprocess

import pytest


@contextlib.contextmanager
def full_disk(kind, path, size=100_000):
    """Let nothing beyond a size be written under a path, in a context.

    Args:
        kind: "disk" for a small disk of its own, which takes the right to mount; "limit" for the
            system's limit on the size of a file.
        path: directory to make.
        size: bytes.
    """
    path.mkdir()
    if kind == "disk":
        with _mounted(path, f"size={size}"):
            yield path
        return
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield path
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@contextlib.contextmanager
def read_only(path):
    """Make a directory that can't be written to, in a context."""
    path.mkdir()
    if os.geteuid():
        path.chmod(0o500)
        try:
            yield path
        finally:
            path.chmod(0o700)
        return
    with _mounted(path, "ro"):  # Permissions do not hold for root.
        yield path


@contextlib.contextmanager
def _mounted(path, options):
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        reason = result.stderr
    except FileNotFoundError as error:
        result, reason = None, error
    if result is None or result.returncode:
        pytest.skip(f"no right to mount a disk here: {reason}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
