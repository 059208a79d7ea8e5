"""The benchmarks' modules, as tests reach them."""

import pytest

from tests.proofs import commands


@pytest.fixture(scope="session")
def benchmark():
    """Return a function that imports a benchmark by its name."""
    return lambda name: commands.module(name, commands.PROOFS.parent)
