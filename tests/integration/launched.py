"""Programs run as workers on this machine, by the launcher that users have."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
LAUNCHER = ROOT / "examples" / "launch_local.py"
TRAIN = ROOT / "examples" / "train.py"


def start(workers, *command, grace=60):
    """Start a program as workers and return the launcher's process, its output to be read."""
    launch = [sys.executable, str(LAUNCHER), f"--workers={workers}", f"--grace={grace}", "--"]
    return run_quietly([*launch, *command])


def run_quietly(command):
    """Start a command with its output in one pipe."""
    return subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )


def ended(process, status=0, timeout=300):
    """Wait for a process, check its status, and return its output."""
    try:
        output, _ = process.communicate(timeout=timeout)
    finally:
        process.kill()
    assert process.returncode == status, f"status {process.returncode}:\n{output[-4000:]}"
    return output
