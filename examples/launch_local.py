r"""Run a training program as several workers on this machine, as a cluster would on several.

    python examples/launch_local.py --workers=2 -- \
        examples/train.py --strategy=multi_worker --dataset=digits --run_dir=runs/digits

Each worker is a process of its own that finds the others through TF_CONFIG. Their output comes
with the worker's number before each line. When one fails, the others are stopped, and its status
is this program's, 137 for one that was killed; SIGTERM and Ctrl-C are passed on to all of them.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from absl import app, flags

_WORKERS = flags.DEFINE_integer("workers", 2, "How many processes.", lower_bound=1)
_GRACE = flags.DEFINE_float(
    "grace", 60.0, "Seconds that workers have to end when one has failed, or after a signal."
)

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def free_ports(count):
    """Return ports that nobody listens to at present."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def start(command, index, addresses):
    """Start one worker, in a session of its own so that signals reach it once."""
    task = {"type": "worker", "index": index}
    config = json.dumps({"cluster": {"worker": addresses}, "task": task})
    return subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, "TF_CONFIG": config, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def show(process, index, lock):
    """Print a worker's lines, and the states of its progress bars, behind its number."""
    rest = b""
    while chunk := process.stdout.read1():
        *lines, rest = re.split(rb"[\r\n]+", rest + chunk)
        with lock:
            for line in lines:
                text = line.decode(errors="replace").replace("\b", "").strip()
                if text:
                    print(f"[{index}] {text}", flush=True)
    if rest.strip():
        with lock:
            print(f"[{index}] {rest.decode(errors='replace').strip()}", flush=True)


def wait(processes, asked):
    """Wait until all have ended, and stop the rest when one fails; return the status.

    Args:
        processes: the workers.
        asked: list of the signals that came in.
    """
    passed, deadline, status = 0, None, 0
    while any(process.poll() is None for process in processes):
        codes = [process.poll() for process in processes]
        for number in asked[passed:]:
            send(processes, number)
        first = not passed and asked
        passed = len(asked)
        failed = next(((i, code) for i, code in enumerate(codes) if code), None)
        if failed and not status:
            status = failed[1]
            print(f"Worker {failed[0]} {_ended(status)}; stopping all.", flush=True)
            send(processes, signal.SIGTERM)
        if (status or first) and deadline is None:
            deadline = time.monotonic() + _GRACE.value
        if deadline and time.monotonic() > deadline:
            send(processes, signal.SIGKILL)
        time.sleep(0.05)
    return status or next((process.returncode for process in processes if process.returncode), 0)


def send(processes, number):
    """Send a signal to the workers that are still there."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)  # One that is stopped would not hear it.


def _ended(status):
    return f"ended with status {status}" if status > 0 else f"was ended by signal {-status}"


def main(argv):
    command = argv[1:]
    if not command:
        raise app.UsageError("Say what to run: launch_local.py --workers=2 -- train.py --flags")
    addresses = [f"127.0.0.1:{port}" for port in free_ports(_WORKERS.value)]
    asked = []
    for number in SIGNALS:
        signal.signal(number, lambda number, _: asked.append(number))
    processes = [start(command, index, addresses) for index in range(_WORKERS.value)]
    lock = threading.Lock()
    readers = [
        threading.Thread(target=show, args=(process, index, lock))
        for index, process in enumerate(processes)
    ]
    for reader in readers:
        reader.start()
    status = wait(processes, asked)
    for reader in readers:
        reader.join()
    # As shells report a process that a signal has ended.
    sys.exit(128 - status if status < 0 else status)


if __name__ == "__main__":
    app.run(main)
