"""The benchmark of terms: that it runs, and says whether a cost is within its limit."""

import pathlib
import re
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parents[2] / "benchmarks" / "throughput.py"


def run(*arguments):
    command = [sys.executable, str(SCRIPT), "--terms", "--rounds=1", "--steps=1", "--batch_size=4"]
    return subprocess.run(
        [*command, "--width=4", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_a_cost_and_whether_it_is_within_its_limit():
    done = run("--only_terms=r1, interval=16")
    assert done.returncode == 0, done.stderr[-3000:]
    heading, line = done.stdout.splitlines()
    assert heading.startswith("terms")
    found = re.fullmatch(
        r"r1, interval=16 +([\d.]+) +([\d.]+) +([\d.]+) +\S+ to \S+  limit 1.12: (met|MISSED)", line
    )
    # One pair: the ratio is that of its two times, which are rounded to a tenth of a ms.
    plain, with_term, ratio = map(float, found.groups()[:3])
    low, high = (with_term - 0.05) / (plain + 0.05), (with_term + 0.05) / (plain - 0.05)
    assert low - 0.005 <= ratio <= high + 0.005
    if abs(ratio - 1.12) > 0.005:
        assert found.group(4) == ("met" if ratio < 1.12 else "MISSED")


@pytest.mark.slow
def test_terms_that_are_not_there_are_refused():
    done = run("--only_terms=r3")
    assert done.returncode != 0
    assert "No such terms: r3" in done.stderr + done.stdout
