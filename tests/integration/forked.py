"""Children of this process, which do one thing and end."""

import os
import signal
import time

from keras_gan.utils.locks import DirectoryLock


def start(function, *args):
    """Run a function in a child; return its process id. Its status is 0 unless there was an error.

    Whatever happens, the child does not go on with the tests.
    """
    child = os.fork()
    if child:
        return child
    try:
        function(*args)
        os._exit(0)
    finally:
        os._exit(1)


def status(child):
    """Wait for a child, and return its status; negative for the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill(child):
    """Kill a child, and wait until it is gone."""
    os.kill(child, signal.SIGKILL)
    assert status(child) == -signal.SIGKILL


def holding(directory, and_then=signal.pause):
    """Start a child that locks a directory, and return when it has."""

    def hold():
        DirectoryLock(directory).acquire()
        and_then()

    child, end = start(hold), time.monotonic() + 10
    while not ((directory / ".lock").exists() and (directory / ".lock").read_text()):
        assert time.monotonic() < end, "the child has not locked the directory"
        time.sleep(0.01)
    return child
