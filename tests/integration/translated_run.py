"""CycleGANs' runs that kill their own process at a step: translated_run.py DIR STEP [DIR STEP].

With a step of 0 one runs to its end, and keeps all that training has changed in DIR/state.npz.
"""

import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import keras
import numpy as np

import keras_gan
from integration import small, translation


def kill(model, step):
    """Return a callback that kills the process after a step, counted over all epochs."""

    def end(batch, logs):
        if model.steps == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return keras.callbacks.LambdaCallback(on_train_batch_end=end)


def run(directory, step):
    """Train, and go on from what an earlier process has left in the directory."""
    model = translation.model(replay=6, ema=0.9, **small.adams())
    backup = keras_gan.callbacks.Backup(directory / "backup", every_steps=1)
    # The backup is called last: the kill leaves the one of the step before.
    callbacks = [kill(model, step), backup] if step else [backup]
    model.fit(translation.dataset(n=16), epochs=2, callbacks=callbacks, verbose=0)
    np.savez(directory / "state.npz", **small.state(model))


if __name__ == "__main__":
    for directory, step in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        run(pathlib.Path(directory), int(step))
