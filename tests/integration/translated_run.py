"""Runs of image to image that kill their own process at a step: translated_run.py DIR STEP JOB...

With a step of 0 they run to their end, and keep all that training has changed in DIR/JOB.npz.
"""

import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import keras
import numpy as np

import keras_gan
from integration import jobs, small


def kill(model, step):
    """Return a callback that kills the process after a step, counted over all epochs."""

    def end(batch, logs):
        if model.steps == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return keras.callbacks.LambdaCallback(on_train_batch_end=end)


def run(directory, step, name):
    """Train, and go on from what an earlier process has left in the directory."""
    job = jobs.JOBS[name]
    model = job.model()
    backup = keras_gan.callbacks.Backup(directory / name, every_steps=1)
    # The backup is called last: the kill leaves the one of the step before.
    callbacks = [kill(model, step), backup] if step else [backup]
    model.fit(job.dataset(), epochs=2, callbacks=callbacks, verbose=0)
    np.savez(directory / f"{name}.npz", **small.state(model))


if __name__ == "__main__":
    directory, step, *names = sys.argv[1:]
    for name in names:
        run(pathlib.Path(directory), int(step), name)
