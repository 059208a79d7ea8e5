"""Peak memory, as the benchmarks print it."""

import subprocess
import sys

from tests.proofs import commands

LARGE = 400  # MiB


def test_a_process_of_a_large_one_tells_its_own_peak():
    """`getrusage` tells the parent's: a process begins as a copy of it."""
    code = f"""
import subprocess, sys
from memory import peak
held = bytearray({LARGE} << 20)
print(peak())
code = "import memory; print(memory.peak())"
print(subprocess.check_output([sys.executable, "-c", code]).decode())
"""
    command, where = [sys.executable, "-c", code], commands.PROOFS.parent
    parent, child = map(float, subprocess.check_output(command, cwd=where).split())
    assert child < LARGE < parent
