"""The benchmarks' modules, as tests reach them."""

import importlib
import pathlib
import sys

import pytest
from absl import flags

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="session")
def benchmark():
    """Return a function that imports a benchmark by name, and takes its flags off again."""

    def module(name):
        before = set(flags.FLAGS)
        sys.path.insert(0, str(BENCHMARKS))
        try:
            return importlib.import_module(name)
        finally:
            sys.path.remove(str(BENCHMARKS))
            for flag in set(flags.FLAGS) - before:
                delattr(flags.FLAGS, flag)

    return module
