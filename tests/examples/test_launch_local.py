"""The launcher by itself, with workers that take no time: who is shown, stopped, and blamed."""

import json
import signal
import sys
import time

import pytest

from tests.integration import launched

# What worker 0 does, and what worker 1 does.
PROGRAM = """
import json, os, signal, sys, time
task = json.loads(os.environ["TF_CONFIG"])
index, addresses = task["task"]["index"], task["cluster"]["worker"]
print(json.dumps(addresses))
{body}
"""
WAIT = "time.sleep(60)"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(60)"


@pytest.fixture
def launch(tmp_path):
    """Return a function that starts two workers by what each does."""

    def start(first, second, grace=20):
        path = tmp_path / "program.py"
        body = "\n".join(f"if index == {i}: {does}" for i, does in enumerate((first, second)))
        path.write_text(PROGRAM.format(body=body))
        return launched.start(2, path, grace=grace)

    return start


def shown(output, index):
    """Return the lines of a worker."""
    return [line[4:] for line in output.splitlines() if line.startswith(f"[{index}] ")]


def test_each_is_shown_with_its_number_and_knows_all(launch):
    output = launched.ended(launch("print('one')", "print('two\\rthree')"))
    first, second = shown(output, 0), shown(output, 1)
    assert first[1:] == ["one"] and second[1:] == ["two", "three"]
    assert first[0] == second[0] and len(set(json.loads(first[0]))) == 2


@pytest.mark.parametrize("failing", [0, 1])
def test_when_one_fails_the_others_are_stopped(launch, failing):
    begin = time.monotonic()
    bodies = [WAIT, WAIT]
    bodies[failing] = "sys.exit(3)"
    output = launched.ended(launch(*bodies), status=3)
    assert f"Worker {failing} ended with status 3; stopping all." in output
    assert time.monotonic() - begin < 20


def test_one_that_is_stopped_is_continued_to_end(launch):
    """It would hear no signal but SIGKILL, after the grace."""
    begin = time.monotonic()
    stopped = f"os.kill(os.getpid(), signal.SIGSTOP); {WAIT}"
    launched.ended(launch(stopped, "time.sleep(0.5); sys.exit(3)", grace=45), status=3)
    assert time.monotonic() - begin < 30


@pytest.mark.slow
def test_one_that_does_not_listen_is_killed_after_the_grace(launch):
    begin = time.monotonic()
    # Fails only once the other has gone deaf.
    launched.ended(launch(DEAF, "time.sleep(2); sys.exit(3)", grace=1), status=3)
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_passed_on(launch, number):
    tells = f"signal.signal({int(number)}, lambda *_: sys.exit(75)); print('ready'); {WAIT}"
    launcher = launch(tells, tells)
    lines = iter(launcher.stdout.readline, "")
    for _ in range(2):
        next(line for line in lines if "ready" in line)
    launcher.send_signal(number)
    launched.ended(launcher, status=75)


def test_nothing_to_run_is_refused():
    done = launched.run_quietly([sys.executable, launched.LAUNCHER, "--workers=2"])
    assert "Say what to run" in launched.ended(done, status=1)
