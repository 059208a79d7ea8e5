"""Scripts in processes of their own, forked from one that has imported what takes time to."""

import dataclasses
import multiprocessing
import os
import pathlib
import runpy
import sys
import tempfile

_MACHINE = multiprocessing.get_context("forkserver")
_MACHINE.set_forkserver_preload(["keras_gan", "matplotlib.pyplot"])


class Program:
    """A process that runs a script as `python script arguments` does, in place of a `Popen`.

    What it has imported it shares with others. It has used no device and made no random numbers.

    Args:
        command: the interpreter, which is that of the tests, the script and its arguments.
        stdout: file that is open for appending; what is printed goes there.
        stderr: the same file.
        cwd: the directory to run in; by default this process's.
    """

    def __init__(self, command, stdout, stderr, cwd=None):
        assert command[0] == sys.executable and stdout is stderr
        arguments = [str(part) for part in command[1:]]
        where = os.path.abspath(stdout.name), str(cwd or pathlib.Path.cwd()), dict(os.environ)
        self._process = _MACHINE.Process(target=_run, args=(arguments, *where), daemon=True)
        self._process.start()

    @property
    def returncode(self):
        """The status with which it has ended, `None` before."""
        return self._process.exitcode

    def poll(self):
        """Return the status with which it has ended, `None` before."""
        return self._process.exitcode

    def wait(self, timeout=None):
        """Wait until it has ended."""
        self._process.join(timeout)
        assert self.returncode is not None, f"has not ended in {timeout} seconds"
        return self.returncode

    def send_signal(self, number):
        """Send a signal."""
        os.kill(self._process.pid, number)

    def kill(self):
        """Kill it."""
        self._process.kill()


@dataclasses.dataclass(frozen=True)
class Done:
    """How a program has ended, and what it has printed."""

    returncode: int
    output: str


def run(script, *arguments, cwd=None, timeout=300):
    """Run a script to its end, whatever that is, and return a `Done`."""
    with tempfile.NamedTemporaryFile("a+", errors="replace") as file:
        program = Program([sys.executable, script, *arguments], file, file, cwd)
        try:
            status = program.wait(timeout)
        finally:
            program.kill()
        return Done(status, pathlib.Path(file.name).read_text(errors="replace"))


def _run(arguments, output, cwd, environment):
    """Be the program."""
    file = os.open(output, os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = arguments
    sys.path.insert(0, os.path.dirname(os.path.abspath(arguments[0])))
    runpy.run_path(arguments[0], run_name="__main__")
