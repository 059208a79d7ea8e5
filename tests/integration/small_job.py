"""Workers of a small training program, forked from a process that has imported everything.

As on a cluster, nobody watches over them: each ends as it does by itself.
"""

import json
import multiprocessing
import os
import pathlib
import signal
import socket
import sys
import time

import keras
import numpy as np
import tensorflow as tf

import keras_gan
from tests.integration import small

PATIENCE, HEARTBEAT = 8.0, 4.0
_MACHINE = multiprocessing.get_context("forkserver")
_MACHINE.set_forkserver_preload([__name__])


class Job:
    """Workers that train in a directory.

    Args:
        directory: where backups, outputs and, at the end, `state.npz` are.
        count: how many workers.
        moment: `(worker, phase)`: it notes when it has come there, see `wait`. In the phases
            "before", "connected" and "trained" it then waits for `go`.
        epochs: epochs in all, of 8 steps.
    """

    def __init__(self, directory, count=2, moment=(None, None), epochs=8):
        self._directory = pathlib.Path(directory)
        self._directory.mkdir(exist_ok=True)
        for name in ("there", "go"):
            (self._directory / name).unlink(missing_ok=True)
        sockets = [socket.create_server(("", 0)) for _ in range(count)]
        addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
        for each in sockets:
            each.close()
        arguments = (addresses, self._directory, moment, epochs)
        self.workers = [
            _MACHINE.Process(target=_run, args=(i, *arguments), daemon=True) for i in range(count)
        ]
        for worker in self.workers:
            worker.start()

    def wait(self):
        """Wait until the moment."""
        end = time.monotonic() + 120
        while not (self._directory / "there").exists():
            alive = all(worker.is_alive() for worker in self.workers)
            assert alive and time.monotonic() < end, self.output(0) + self.output(1)
            time.sleep(0.01)

    def go(self):
        """Have the worker that waits at the moment go on."""
        (self._directory / "go").touch()

    def send(self, number, *workers):
        """Send a signal to workers."""
        for worker in workers:
            os.kill(self.workers[worker].pid, number)

    def status(self, worker, seconds=40):
        """Return the status with which a worker ends; fail when it does not."""
        self.workers[worker].join(seconds)
        status = self.workers[worker].exitcode
        assert status is not None, f"has not ended in {seconds} s: {self.output(worker)}"
        return status

    def output(self, worker):
        """Return what a worker has printed."""
        path = self._directory / f"output-{worker}"
        return path.read_text(errors="replace") if path.exists() else ""

    def end(self):
        """Kill those that are left."""
        for worker in self.workers:
            worker.kill()
            worker.join()


def _run(index, addresses, directory, moment, epochs):
    """Be a worker."""
    output = os.open(directory / f"output-{index}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    task = {"type": "worker", "index": index}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})

    def come(phase, waits=True):
        if (index, phase) == moment:
            (directory / "there").touch()
            while waits and not (directory / "go").exists():
                time.sleep(0.01)

    try:
        _train(directory, come, epochs)
    except tf.errors.UnavailableError as error:
        print(error.message, flush=True)
        sys.exit(keras_gan.callbacks.Backup.exit_code)


def _train(directory, come, epochs):
    come("before")
    strategy = keras_gan.workers.connect(PATIENCE, HEARTBEAT)
    come("connected")
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(3)
    with keras_gan.workers.readable_errors(strategy), strategy.scope():
        model = keras_gan.GAN(*small.networks(norm=True, dropout=0.3), seed=5)
        model.compile(terms=["r1"], ema=0.9, **small.adams())
    data = keras_gan.datasets.from_arrays(small.points(64), batch_size=8, seed=4)
    backup = keras_gan.callbacks.Backup(directory / "backup", every_steps=2)
    model.fit(data, epochs=epochs, callbacks=[Moments(come), backup], verbose=0)
    if keras_gan.workers.is_chief(model):
        np.savez(directory / "state.npz", **small.state(model))
    come("trained")
    keras_gan.workers.wait_for_all(model)


class Moments(keras.callbacks.Callback):
    """Note the first step of a process, which is traced, and one later."""

    def __init__(self, come):
        super().__init__()
        self._come, self._steps = come, 0

    def on_train_batch_begin(self, batch, logs=None):
        """Note the first step, before it is taken."""
        if not self._steps:
            self._come("first step", waits=False)

    def on_train_batch_end(self, batch, logs=None):
        """Note the sixth step, and leave time to hit the next."""
        self._steps += 1
        if self._steps == 6:
            self._come("later", waits=False)
        time.sleep(0.03)


SIGNALS = {"killed": signal.SIGKILL, "stopped": signal.SIGSTOP, "terminated": signal.SIGTERM}
