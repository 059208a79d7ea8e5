"""What TensorFlow's graph optimizer says of the training steps of all networks."""

import pathlib
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_training_prints_no_failed_graph_optimization():
    command = [sys.executable, "-m", "tests.networks.training_steps"]
    root = pathlib.Path(__file__).parents[2]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert "trained" in run.stdout, run.stderr
    # Some messages follow no other within a minute: one may stand for several networks.
    said = [line for line in run.stderr.splitlines() if "a step of" in line or "failed:" in line]
    assert not any("failed:" in line for line in said), "\n".join(said)
