"""Two workers: one is told to stop, killed or stopped, at any moment, and the job goes on."""

import concurrent.futures
import itertools
import os
import re
import signal
import sys
import time

import numpy as np
import psutil
import pytest

from tests.integration import launched, small, small_job

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
def test_a_job_goes_on_after_the_death_of_the_chief(whole, tmp_path):
    run_dir = tmp_path / "run"
    outputs = [stop_by_a_death(run_dir, dead=0), launched.ended(train(run_dir))]
    assert ["Going on from" in output for output in outputs] == [False, True]
    first, second = (run / "checkpoint.keras" for run in (whole, run_dir))
    assert len(kills.weights_of(first)) > 50
    assert not kills.differences(first, second)
    assert not kills.damaged(run_dir)
    assert [path.name for path in (run_dir / "export").iterdir()] == ["1"]


KINDS, WHO = ("killed", "stopped"), (0, 1)  # Worker 0 is the chief.


def suffer(directory, kind, who, phase):
    """Have a fault befall one of two workers; check how each of them ends."""
    job, other = small_job.Job(directory, moment=(who, phase)), 1 - who
    try:
        job.wait()
        job.send(small_job.SIGNALS[kind], who)
        begin = time.monotonic()
        assert job.status(other) == 75
        assert time.monotonic() - begin < SECONDS_TO_NOTICE
        last = [line for line in job.output(other).splitlines() if "Start all workers" in line][-1]
        how = "is not there within 8 sec" if phase == "before" else "has ended or can't be reached"
        assert re.match(rf"Worker {who} of 2 \(127\.0\.0\.1:\d+\) {how}", last)
        if kind == "stopped":
            go_on_stopped(job, who, phase, directory)
        else:
            assert job.status(who) == -small_job.SIGNALS[kind]
    finally:
        job.end()


def go_on_stopped(job, who, phase, run_dir):
    """Have the stopped one continue: it finds that the others are gone, and writes nothing."""
    before = backups(run_dir)
    job.go()
    job.send(signal.SIGCONT, who)
    assert job.status(who) == 75
    if who == 0 and phase != "before":
        # Whichever it hears of first: its own silence, or the end of the other.
        assert "which this is, gave no sign" in job.output(0) or "Worker 1 of 2" in job.output(0)
    else:
        assert f"Worker {1 - who} of 2" in job.output(who)
    assert backups(run_dir) == before


def stop_by_a_signal(directory, who):
    """Send SIGTERM to one of two workers: both stop at one step, with a backup of it."""
    before, job = backups(directory), small_job.Job(directory, moment=(who, "later"))
    try:
        job.wait()
        job.send(signal.SIGTERM, who)
        assert [job.status(i) for i in range(2)] == [75, 75]
        (said,) = re.findall(r"SIGTERM: (epoch-\S+) is in", job.output(0) + job.output(1))
        assert said == backups(directory)[-1] and said not in before
    finally:
        job.end()


def state_of(directory):
    """Return what a run has ended with."""
    with np.load(directory / "state.npz") as arrays:
        return dict(arrays)


def end_well(job):
    """Wait for the end of a job that nothing befalls any more."""
    assert [job.status(i, 120) for i in range(len(job.workers))] == [0] * len(job.workers)


def stand_still(job, seconds):
    """Stop each of two workers for a moment in which nobody misses them."""
    for who in range(2):
        job.send(signal.SIGSTOP, who)
        time.sleep(seconds)
        job.send(signal.SIGCONT, who)
        time.sleep(seconds)


@pytest.mark.slow
def test_one_that_does_not_come_is_not_waited_for_for_ever(tmp_path):
    """Killed or stopped before they connect: nothing has begun, a restart is the first start."""
    cells = list(itertools.product(KINDS, WHO))
    with concurrent.futures.ThreadPoolExecutor(len(cells)) as pool:  # They do nothing but wait.
        runs = [tmp_path / f"{kind} {who}" for kind, who in cells]
        for done in [
            pool.submit(suffer, run, *cell, "before") for run, cell in zip(runs, cells, strict=True)
        ]:
            done.result()
    assert not any(backups(run) for run in runs)


@pytest.mark.slow
def test_whatever_befalls_a_worker_the_others_end_and_a_restart_is_exact(tmp_path):
    """Signals and eight faults in one run, and then what an uninterrupted one comes to."""
    whole, run = tmp_path / "whole", tmp_path / "run"
    end_well(small_job.Job(whole))
    stop_by_a_signal(run, who=1)
    for phase, kind, who in itertools.product(("first step", "later"), KINDS, WHO):
        suffer(run, kind, who, phase)
    # A signal before `fit` is no wish for a backup: it ends the worker, and so the others.
    suffer(run, "terminated", 1, "connected")
    job = small_job.Job(run, moment=(1, "later"))
    job.wait()
    stand_still(job, small_job.HEARTBEAT / 4)
    end_well(job)
    small.assert_equal_states(state_of(whole), state_of(run))
    the_others_wait_for_what_the_chief_does_at_the_end(whole)


def the_others_wait_for_what_the_chief_does_at_the_end(directory):
    """Were they gone already, the chief could not start again."""
    before = state_of(directory)
    suffer(directory, "killed", 0, "trained")
    (directory / "state.npz").unlink()
    end_well(small_job.Job(directory))
    small.assert_equal_states(before, state_of(directory))
    # The next time there may be another number of workers.
    end_well(small_job.Job(directory, count=1, epochs=9))
    assert backups(directory)[-1] == "epoch-000009-step-000000"
    assert all(np.isfinite(array).all() for array in state_of(directory).values())
