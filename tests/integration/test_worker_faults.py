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


def wait_for_backups(run_dir, step, timeout=120):
    """Wait until a backup of a step, or of a later one, is there."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        names = os.listdir(run_dir / "backup") if (run_dir / "backup").exists() else []
        if any(name >= f"epoch-000000-step-{step:06d}" for name in names if name[0] == "e"):
            return
        time.sleep(0.01)
    raise AssertionError(f"no backup of step {step} in {timeout} seconds")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the directory of a run in one go."""
    run_dir = tmp_path_factory.mktemp("whole") / "run"
    launched.ended(train(run_dir))
    return run_dir


def assert_ends_as(whole, run_dir):
    """Let a run go on to its end, which is to be that of the run in one go."""
    output = launched.ended(train(run_dir))
    assert "Going on from" in output
    first, second = (run / "checkpoint.keras" for run in (whole, run_dir))
    assert len(kills.weights_of(first)) > 50
    assert not kills.differences(first, second)
    assert not kills.damaged(run_dir)
    assert [path.name for path in (run_dir / "export").iterdir()] == ["1"]


@pytest.mark.slow
def test_what_several_workers_leave_is_the_chiefs(whole):
    assert not kills.damaged(whole)
    assert not [name for name in os.listdir(whole) if name.startswith(".")]
    assert len((whole / "history.csv").read_text().splitlines()) == 5
    assert len(list((whole / "tensorboard" / "train").iterdir())) == 1
    assert [path.name for path in (whole / "export").iterdir()] == ["1"]


@pytest.mark.slow
def test_a_signal_to_one_worker_stops_all_at_the_same_step(whole, tmp_path):
    run_dir = tmp_path / "run"
    launcher = train(run_dir)
    wait_for_backups(run_dir, 8)
    workers_of(launcher)[1].send_signal(signal.SIGTERM)
    output = launched.ended(launcher, status=75)
    (said,) = re.findall(r"SIGTERM: (epoch-\S+) is in", output)
    assert said in os.listdir(run_dir / "backup")
    assert_ends_as(whole, run_dir)


@pytest.mark.slow
@pytest.mark.parametrize("dead", [0, 1], ids=["chief", "other"])
def test_a_worker_that_dies_is_named_and_the_job_goes_on(whole, tmp_path, dead):
    run_dir = tmp_path / "run"
    launcher = train(run_dir)
    wait_for_backups(run_dir, 8)
    workers_of(launcher)[dead].kill()
    start = time.monotonic()
    output = launched.ended(launcher, status=128 + signal.SIGKILL)
    assert time.monotonic() - start < SECONDS_TO_NOTICE
    assert re.search(rf"\[{1 - dead}\].*Worker {dead} of 2 \(127\.0\.0\.1:\d+\) has ended", output)
    assert_ends_as(whole, run_dir)
