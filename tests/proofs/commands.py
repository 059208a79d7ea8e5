"""The proofs' commands and modules, as tests reach them."""

import contextlib
import importlib
import io
import os
import pathlib
import runpy
import subprocess
import sys
import types

import pytest
from absl import app, flags
from absl.testing import flagsaver

from tests.examples.scripts import without_flags

PROOFS = pathlib.Path(__file__).parents[2] / "benchmarks" / "proofs"


def module(name, directory=PROOFS):
    """Import a module of the proofs, and take its flags off again: scripts share their names."""
    with importing(directory):
        return importlib.import_module(name)


@contextlib.contextmanager
def importing(directory):
    """Let modules of a directory be imported; take the flags that they define off in the end."""
    sys.path.insert(0, str(directory))
    try:
        with without_flags():
            yield
    finally:
        sys.path.remove(str(directory))


def finished(table, figures_of):
    """Return finished runs of a table's arms on their seeds, with the figures of a function.

    Args:
        table: the `Table`.
        figures_of: function of `(arm, seed)`.
    """
    rows = module("rows")
    return {
        arm.name: [
            rows.Row(arm.name, seed, arm.steps, "", figures_of(arm, seed), 1.0)
            for seed in arm.seeds
        ]
        for arm in table.arms
    }


def run(script, *arguments, check=True):
    """Run a script with the proofs' modules on its path; return the finished process."""
    environment = {**os.environ, "PYTHONPATH": str(PROOFS), "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if check:
        assert result.returncode == 0, result.stderr[-3000:]
    return result


def run_here(script, *arguments):
    """Run a script in this process, its runs too; return what it prints.

    It is quicker than `run` by an import of TensorFlow for the script and for each of its runs.
    """
    argv = [str(script), *map(str, arguments)]
    printed, commands = io.StringIO(), []

    def play(main):
        commands.append(main)
        sys.exit(main(flags.FLAGS(argv)))

    class Run:
        """What a run's process is to the script, which hands over its command line."""

        def __init__(self, command, stdout, **_):
            assert command[:-1] == [sys.executable, *argv]
            with flagsaver.flagsaver(), contextlib.redirect_stdout(stdout):
                flags.FLAGS(command[1:])
                commands[0](None)
            self.returncode = 0

        def poll(self):
            return self.returncode

    own = {path.stem for path in PROOFS.glob("*.py")}
    imported = {name: sys.modules.pop(name) for name in own & sys.modules.keys()}
    try:
        with pytest.MonkeyPatch.context() as patch, importing(PROOFS):
            runs = importlib.import_module("runs")  # Anew, and so are its flags.
            processes = types.SimpleNamespace(Popen=Run, STDOUT=subprocess.STDOUT)
            patch.setattr(runs, "subprocess", processes)
            patch.setattr(runs, "_die_with", lambda parent: None)
            patch.setattr(app, "run", play)
            patch.setattr(sys, "argv", argv)
            with contextlib.redirect_stdout(printed), pytest.raises(SystemExit) as end:
                runpy.run_path(str(script), run_name="__main__")
            assert not end.value.code, printed.getvalue()[-3000:]
    finally:
        for name in own & sys.modules.keys():
            del sys.modules[name]
        sys.modules.update(imported)
    return printed.getvalue()
