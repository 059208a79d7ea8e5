"""A run that stopped and went on in a fresh process ends where one that never stopped does."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

PROGRAM = pathlib.Path(__file__).with_name("resumed_run.py")


def run(tmp_path, kind, start, stop, load=None):
    """Train from one epoch to another in a process of its own; return its checkpoint and state."""
    name = tmp_path / f"{start}-{stop}"
    command = [sys.executable, PROGRAM, kind, start, stop, load or "-", name]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return f"{name}.keras", dict(np.load(f"{name}.npz"))


@pytest.mark.parametrize("kind", ["dataset", "arrays", "labelled"])
def test_four_epochs_equal_two_and_two_more(tmp_path, kind):
    _, whole = run(tmp_path, kind, 0, 4)
    checkpoint, half = run(tmp_path, kind, 0, 2)
    _, resumed = run(tmp_path, kind, 2, 4, load=checkpoint)
    assert whole.keys() == resumed.keys()
    different = [name for name in whole if not np.array_equal(whole[name], resumed[name])]
    assert not different, different
    # What is equal has moved in the two last epochs.
    moved = {name.split()[0] for name in whole if not np.array_equal(whole[name], half[name])}
    assert moved >= {"generator", "discriminator", "average", "random_state", "order"}
