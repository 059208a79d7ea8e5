"""The proofs' commands and modules, as tests reach them."""

import importlib
import os
import pathlib
import subprocess
import sys

from absl import flags

PROOFS = pathlib.Path(__file__).parents[2] / "benchmarks" / "proofs"


def module(name, directory=PROOFS):
    """Import a module of the proofs, and take its flags off again: scripts share their names."""
    before = set(flags.FLAGS)
    sys.path.insert(0, str(directory))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(directory))
        for flag in set(flags.FLAGS) - before:
            delattr(flags.FLAGS, flag)


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
