"""SIGKILLs of a training program at chosen moments, with restarts until it is done."""

import collections
import csv
import dataclasses
import io
import json
import pathlib
import signal
import subprocess
import sys
import time
import zipfile

import h5py
import numpy as np
import PIL.Image
from marked import Marks

from keras_gan.running.snapshots import DamagedError, Snapshots

BENCHMARKS = pathlib.Path(__file__).parent
TRAIN = BENCHMARKS.parent / "examples" / "train.py"

# What readers of broken files raise.
_BROKEN = (DamagedError, OSError, ValueError, EOFError, SyntaxError, zipfile.BadZipFile)

# Seconds after a phase was entered within which a kill falls. Backups and checkpoints are over
# in some hundredths.
WITHIN = {
    "start": 12.0,
    "step": 1.0,
    "backup": 0.03,
    "grid": 0.1,
    "checkpoint": 0.04,
    "export": 0.8,
}
ENTRIES = {"start": 0, "step": 1, "backup": 3, "grid": 1, "checkpoint": 1, "export": 1}


@dataclasses.dataclass(frozen=True)
class Kill:
    """A moment to aim at, in the life of one process.

    Attributes:
        phase: to be in.
        entries: how often the phase is to be entered first.
        seconds: to wait after that.
    """

    phase: str
    entries: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class Landed:
    """A kill as it came out.

    Attributes:
        kill: what was aimed at.
        phase: the phase that it hit, or `None` when the program was done first.
        damaged: texts that say which file it left broken.
    """

    kill: Kill
    phase: str | None
    damaged: tuple = ()


def aim(phases, seed):
    """Return kills at random moments of phases, one for each."""
    random = np.random.default_rng(seed)
    return [
        Kill(phase, int(random.integers(ENTRIES[phase]) + 1) if ENTRIES[phase] else 0, after)
        for phase in phases
        for after in [float(random.uniform(0, WITHIN[phase]))]
    ]


def command(run_dir, *flags):
    """Return the command that trains in a directory, marked."""
    marked = [sys.executable, str(BENCHMARKS / "marked.py"), str(_marks(run_dir)), str(TRAIN)]
    return [*marked, f"--run_dir={run_dir}", f"--export_dir={run_dir}/export", *flags]


def _marks(run_dir):
    return pathlib.Path(run_dir).with_suffix(".marks")


def run(run_dir, *flags, kills=(), timeout=600, report=lambda landed: None):
    """Run the training program, kill it as often as asked, and let it end.

    Args:
        run_dir: its directory.
        *flags: its other flags.
        kills: `Kill`s, one for each process.
        timeout: seconds that one process may take.
        report: function that is given each `Landed`.

    Returns:
        List of `Landed`.

    Raises:
        RuntimeError: when a process that was not killed fails, or takes too long.
    """
    marks, landed = Marks(_marks(run_dir)), []
    for kill in [*kills, None]:
        marks.clear()
        with open(pathlib.Path(run_dir).with_suffix(".log"), "ab") as log:
            process = subprocess.Popen(command(run_dir, *flags), stdout=log, stderr=log)
        hit = _killed(process, marks, kill, time.monotonic() + timeout)
        if process.returncode != (-signal.SIGKILL if hit else 0):
            tail = pathlib.Path(run_dir).with_suffix(".log").read_text(errors="replace")[-3000:]
            raise RuntimeError(f"The program ended with status {process.returncode}:\n{tail}")
        if kill:
            landed.append(Landed(kill, hit, tuple(damaged(run_dir))))
            report(landed[-1])
    return landed


def _killed(process, marks, kill, deadline):
    """Wait for a moment and kill; return the phase that was hit, `None` when it ended first."""
    entered = None
    while process.poll() is None:
        now = time.monotonic()
        if now > deadline:
            process.kill()
            process.wait()
            raise RuntimeError(f"The program took too long; it was in {marks.phase!r}")
        if kill and entered is None and marks.entries(kill.phase) >= kill.entries:
            entered = now
        if entered is not None and now - entered >= kill.seconds:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return marks.phase if process.returncode == -signal.SIGKILL else None
        time.sleep(0.0005 if kill and entered is not None else 0.002)
    return None


def count(landed):
    """Return how many kills hit each phase, as text."""
    counts = collections.Counter(each.phase or "after the end" for each in landed)
    return ", ".join(f"{number} in {phase}" for phase, number in counts.most_common())


def damaged(run_dir):
    """Return texts that say which files of a run are not whole; hidden ones are nobody's.

    Args:
        run_dir: a directory of `examples/train.py`.
    """
    run_dir, problems = pathlib.Path(run_dir), []
    backups = Snapshots(str(run_dir / "backup"), keep=2)
    checks = {
        run_dir / "backup" / name: lambda p: backups.check(p.name) for name in backups.names()
    }
    checks |= {path: _read_picture for path in run_dir.glob("samples/[!.]*.[pg][ni][gf]")}
    checks |= {path: _read_picture for path in run_dir.glob("[!.]*.png")}
    checks |= {path: _read_archive for path in run_dir.glob("[!.]*.keras")}
    checks |= {path: _read_table for path in run_dir.glob("[!.]*.csv")}
    checks |= {path: lambda p: json.loads(p.read_text()) for path in run_dir.glob("[!.]*.json")}
    checks |= {path: _read_version for path in run_dir.glob("export/[0-9]*")}
    for path, check in checks.items():
        try:
            check(path)
        except _BROKEN as error:
            problems.append(f"{path.relative_to(run_dir)}: {type(error).__name__}: {error}")
    return problems


def _read_picture(path):
    with PIL.Image.open(path) as picture:
        for frame in range(getattr(picture, "n_frames", 1)):
            picture.seek(frame)
            picture.load()


def _read_archive(path):
    with zipfile.ZipFile(path) as archive:
        if archive.testzip():
            raise ValueError(f"{archive.testzip()} is damaged")
    weights_of(path)


def _read_table(path):
    text = path.read_text()
    rows = list(csv.reader(text.splitlines()))
    if text and (not text.endswith("\n") or len({len(row) for row in rows}) > 1):
        raise ValueError(f"a row is cut off: {text[-100:]!r}")


def _read_version(path):
    for name in ("saved_model.pb", "variables/variables.index", "fingerprint.pb"):
        if not (path / name).stat().st_size:
            raise ValueError(f"{name} is empty")


def weights_of(path):
    """Return all arrays of a `.keras` file, by their paths in it."""
    with zipfile.ZipFile(path) as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    arrays = {}

    def note(name, item):
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    with h5py.File(content) as file:
        file.visititems(note)
    return arrays


def differences(first, second):
    """Return the names of the arrays of two `.keras` files that differ in any bit.

    The state of `keras.random`'s global generator, which no training draws from, is in no file.
    """
    first, second = weights_of(first), weights_of(second)
    names = sorted(first.keys() | second.keys())
    return [
        name
        for name in names
        if name not in first
        or name not in second
        or first[name].tobytes() != second[name].tobytes()
    ]
