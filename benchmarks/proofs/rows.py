"""Rows of the proof tables: one JSON file for each run, written atomically.

A run that was finished before, by the same settings, is not run again; one that was killed, or
whose arm has changed since, is. Runs that failed are rows too.
"""

import dataclasses
import datetime
import functools
import hashlib
import importlib.metadata
import json
import math
import os
import pathlib
import subprocess

ROWS = pathlib.Path(__file__).parent / "rows"


@dataclasses.dataclass(frozen=True)
class Row:
    """What one run of one arm came to.

    Attributes:
        arm: name of the arm.
        seed: the run's seed.
        steps: training steps of the run.
        fingerprint: of the arm's settings, see `fingerprint`.
        figures: numbers by name; empty for a run that raised.
        seconds: wall time of the run.
        error: what went wrong, or `None`.
        date: day on which it was run, UTC.
        commit: the library's commit, with a "+" when files differed from it, or "unknown".
        machine: cores and versions.
    """

    arm: str
    seed: int
    steps: int
    fingerprint: str
    figures: dict
    seconds: float
    error: str | None = None
    date: str = ""
    commit: str = ""
    machine: str = ""

    @property
    def failed(self):
        """What went wrong, or `None`: an error, or figures that are not finite."""
        broken = [name for name, value in self.figures.items() if not math.isfinite(value)]
        return self.error or (f"not finite: {', '.join(broken)}" if broken else None)


class Rows:
    """The rows of one table in their directory.

    Args:
        table: name of the table.
        directory: of all tables' rows.
    """

    def __init__(self, table, directory=ROWS):
        self.directory = pathlib.Path(directory) / table

    def path(self, arm, seed):
        """Return the file of a run."""
        return self.directory / f"{arm}-{seed}.json"

    def find(self, arm, seed, fingerprint):
        """Return the row of a run by these settings, or `None`.

        A file that can't be read counts as none: what is in doubt is run again.
        """
        try:
            row = Row(**json.loads(self.path(arm, seed).read_text()))
        except (OSError, ValueError, TypeError):
            return None
        if row.fingerprint != fingerprint:
            return None
        # JSON has no NaN: a figure that is not finite is written as null.
        figures = {k: math.nan if v is None else v for k, v in row.figures.items()}
        return dataclasses.replace(row, figures=figures)

    def save(self, row):
        """Write a row, dated and signed: another process sees the old file or the new one."""
        figures = {k: v if math.isfinite(v) else None for k, v in row.figures.items()}
        signed = {
            **dataclasses.asdict(row),
            "figures": figures,
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "commit": commit(),
            "machine": machine(),
        }
        path = self.path(row.arm, row.seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(f".{os.getpid()}.tmp")
        half.write_text(json.dumps(signed, indent=1, allow_nan=False) + "\n")
        os.replace(half, path)


def fingerprint(settings):
    """Return a digest of settings, the same in every process.

    Args:
        settings: what `json` can write: a dict, a list, numbers, strings.
    """
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@functools.cache
def commit():
    """Return the commit of the library's repository, or "unknown"."""
    # No locks: someone may be committing in the meantime.
    git = ["git", "--no-optional-locks", "-C", str(pathlib.Path(__file__).parent)]
    describe = ["describe", "--always", "--exclude=*", "--dirty=+"]
    try:
        found = subprocess.run([*git, *describe], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


@functools.cache
def machine():
    """Return the machine and the versions that a figure was made by."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    tensorflow, keras = (importlib.metadata.version(name) for name in ("tensorflow", "keras"))
    return f"{cores} cores, TensorFlow {tensorflow}, Keras {keras}"
