"""A soak test: one run killed over and over, another run for long, and what they lost.

    python benchmarks/soak.py --kills=25 --minutes=30

First, `examples/train.py` is killed by SIGKILL at moments that are aimed at steps, backups, sample
grids, checkpoints, start-ups and exports, and started again each time by the same command: its
final weights must be those of a run in one go, bit for bit, and no file may be left broken. Then
one process trains for long: its memory after the first minutes, and its open files, must stay
what they are. Ends with status 1 when anything is not as it must be.
"""

import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import kills
import numpy as np
import psutil
import tqdm
from absl import app, flags

_KILLS = flags.DEFINE_integer("kills", 25, "How many times to kill; 0 for none.", lower_bound=0)
_MINUTES = flags.DEFINE_float("minutes", 30.0, "How long to train; 0 for none.", lower_bound=0.0)
_SEED = flags.DEFINE_integer("seed", 0, "Of the moments of the kills.")

FLAGS = ("--dataset=digits", "--deterministic", "--dropout=0.2", "--width=8", "--noscore")
# Of every eight kills; what is left of them goes to export, which comes last.
SHARES = ("step", "backup", "step", "grid", "backup", "checkpoint", "step", "start")
# A run must be longer than all that kills before its end let it go on.
EPOCHS, BACKUP_STEPS = 40, 5
# Growth of memory that is none, in percent in ten minutes.
FLAT = 1.0
SECONDS = 10


def phases(count):
    """Return the phases that kills are aimed at, those at the export last."""
    exports = max(1, count // 8) if count else 0
    return [SHARES[i % len(SHARES)] for i in range(count - exports)] + ["export"] * exports


def soak_of_kills(base):
    """Kill a run, print how that went, and return whether nothing was lost."""
    flags_of_runs = (*FLAGS, f"--epochs={EPOCHS}", f"--backup_steps={BACKUP_STEPS}", "--passes=1")
    flags_of_runs += ("--verbose=0",)
    print("A run in one go ...", flush=True)
    kills.run(base / "whole", *flags_of_runs)
    aimed = kills.aim(phases(_KILLS.value), _SEED.value)
    with tqdm.tqdm(total=len(aimed), desc="kills") as bar:
        landed = kills.run(
            base / "killed", *flags_of_runs, kills=aimed, report=lambda _: bar.update()
        )
    damaged = [text for each in landed for text in each.damaged] + kills.damaged(base / "killed")
    differences = kills.differences(
        *(base / run / "checkpoint.keras" for run in ("whole", "killed"))
    )
    missed = sum(each.phase is None for each in landed)
    print(f"\n{len(landed)} kills: {kills.count(landed)}")
    print(f"files left broken: {len(damaged)} {damaged or ''}")
    print(f"arrays that differ from the run in one go: {len(differences)} {differences or ''}")
    return not damaged and not differences and not missed


def soak_of_memory(base):
    """Train for long, print memory and open files, and return whether they stayed."""
    command = [sys.executable, str(kills.TRAIN), *FLAGS, f"--run_dir={base / 'long'}"]
    command += ["--epochs=1000000", "--passes=10", "--verbose=0"]
    with open(base / "long.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        rows = _watch(process, base / "long")
    finally:
        process.terminate()
        code = process.wait(timeout=120)
    return _judge(rows) and code == 75


def _watch(process, run_dir):
    """Return rows of seconds, bytes of memory, open files and epochs, one every ten seconds."""
    watched, rows, start = psutil.Process(process.pid), [], time.monotonic()
    with tqdm.tqdm(total=round(60 * _MINUTES.value), unit="s", desc="training") as bar:
        while time.monotonic() - start < 60 * _MINUTES.value:
            time.sleep(SECONDS)
            if process.poll() is not None:
                raise RuntimeError(f"The run ended with status {process.returncode}")
            epochs = _epochs(run_dir / "history.csv")
            row = (time.monotonic() - start, watched.memory_info().rss, watched.num_fds(), epochs)
            rows.append(row)
            bar.update(SECONDS)
    return rows


def _epochs(path):
    return max(0, len(path.read_text().splitlines()) - 1) if path.exists() else 0


def _judge(rows):
    """Print memory and open files after the first epoch, and return whether they stayed."""
    rows = [row for row in rows if row[3] > 1]
    if len(rows) < 12:
        print("Too short to tell: give --minutes.")
        return False
    minutes, memory, files, epochs = np.array(rows, float).T
    minutes /= 60
    print(f"\n{'minutes':>8}{'MiB':>9}{'open files':>12}{'epochs':>8}")
    for i in range(0, len(rows), max(1, len(rows) // 12)):
        print(f"{minutes[i]:8.1f}{memory[i] / 2**20:9.1f}{files[i]:12.0f}{epochs[i]:8.0f}")
    slope, begin = np.polyfit(minutes - minutes[0], memory, 1)
    growth = 100 * 10 * slope / begin
    half = len(files) // 2
    more = statistics.median(files[half:]) - statistics.median(files[:half])
    print(f"memory: {growth:+.2f} % in 10 minutes (at most {FLAT} %)")
    print(f"open files: {more:+.0f} from the first half to the second")
    return growth < FLAT and more <= 0


def main(_):
    fine = True
    with tempfile.TemporaryDirectory() as base:
        if _KILLS.value:
            fine = soak_of_kills(pathlib.Path(base))
        if _MINUTES.value:
            fine = soak_of_memory(pathlib.Path(base)) and fine
    print("Nothing was lost." if fine else "Something is not as it must be.")
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    app.run(main)
