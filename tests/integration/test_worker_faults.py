"""Two workers of the real program: one is told to stop, one dies, and the job goes on."""

import os
import re
import signal
import sys
import time

import psutil
import pytest

from tests.integration import launched

sys.path.insert(0, str(launched.ROOT / "benchmarks"))
try:
    import kills
finally:
    sys.path.pop(0)

FLAGS = (
    "--dataset=digits",
    "--deterministic",
    "--dropout=0.2",
    "--width=8",
    "--epochs=4",
    "--passes=1",
    "--backup_steps=4",
    "--noscore",
    "--verbose=2",
)
# TensorFlow misses a worker after ten seconds; the rest is for a machine that is busy.
SECONDS_TO_NOTICE = 40


def train(run_dir):
    """Start two workers that train in a directory."""
    flags = (*FLAGS, f"--run_dir={run_dir}", f"--export_dir={run_dir / 'export'}")
    return launched.start(2, launched.TRAIN, *flags)


def workers_of(launcher):
    """Return the processes of the workers, in the order in which they were started."""
    return psutil.Process(launcher.pid).children()


def backups(run_dir):
    """Return the names of the backups, oldest first."""
    names = os.listdir(run_dir / "backup") if (run_dir / "backup").exists() else []
    return sorted(name for name in names if name.startswith("epoch-"))


def train_until_two_backups(run_dir):
    """Start workers, and return them when they have made two backups more."""
    before, launcher, new = set(backups(run_dir)), train(run_dir), set()
    end = time.monotonic() + 120
    while len(new) < 2:  # By and by: the oldest are removed.
        assert time.monotonic() < end, f"{len(new)} backups in 120 seconds"
        new |= set(backups(run_dir)) - before
        time.sleep(0.01)
    return launcher


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the directory of a run in one go."""
    run_dir = tmp_path_factory.mktemp("whole") / "run"
    launched.ended(train(run_dir))
    return run_dir


@pytest.mark.slow
def test_what_several_workers_leave_is_the_chiefs(whole):
    assert not kills.damaged(whole)
    assert not [name for name in os.listdir(whole) if name.startswith(".")]
    assert len((whole / "history.csv").read_text().splitlines()) == 5
    assert len(list((whole / "tensorboard" / "train").iterdir())) == 1
    assert [path.name for path in (whole / "export").iterdir()] == ["1"]


def stop_by_a_signal(run_dir):
    """Send SIGTERM to the second worker: both stop at one step, with a backup of it."""
    launcher = train_until_two_backups(run_dir)
    workers_of(launcher)[1].send_signal(signal.SIGTERM)
    output = launched.ended(launcher, status=75)
    (said,) = re.findall(r"SIGTERM: (epoch-\S+) is in", output)
    assert said == backups(run_dir)[-1]
    return output


def stop_by_a_death(run_dir, dead):
    """Kill a worker: the other one names it, and ends."""
    launcher = train_until_two_backups(run_dir)
    workers_of(launcher)[dead].kill()
    start = time.monotonic()
    output = launched.ended(launcher, status=128 + signal.SIGKILL)
    assert time.monotonic() - start < SECONDS_TO_NOTICE
    assert re.search(rf"\[{1 - dead}\].*Worker {dead} of 2 \(127\.0\.0\.1:\d+\) has ended", output)
    return output


@pytest.mark.slow
def test_a_job_goes_on_after_a_signal_and_the_death_of_either_worker(whole, tmp_path):
    run_dir = tmp_path / "run"
    outputs = [
        stop_by_a_signal(run_dir),
        stop_by_a_death(run_dir, dead=1),
        stop_by_a_death(run_dir, dead=0),
        launched.ended(train(run_dir)),
    ]
    assert ["Going on from" in output for output in outputs] == [False, True, True, True]
    first, second = (run / "checkpoint.keras" for run in (whole, run_dir))
    assert len(kills.weights_of(first)) > 50
    assert not kills.differences(first, second)
    assert not kills.damaged(run_dir)
    assert [path.name for path in (run_dir / "export").iterdir()] == ["1"]
