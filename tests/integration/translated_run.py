"""A CycleGAN's run that kills its own process at a step: python translated_run.py DIR STEP.

With a step of 0 it runs to its end, and keeps all that training has changed in DIR/state.npz.
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


def kill(step):
    """Return a callback that kills the process after a step, counted over all epochs."""

    def end(batch, logs):
        if model.steps == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return keras.callbacks.LambdaCallback(on_train_batch_end=end)


if __name__ == "__main__":
    directory, step = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    model = translation.model(replay=6, ema=0.9, **small.adams())
    backup = keras_gan.callbacks.Backup(directory / "backup", every_steps=1)
    # The backup is called last: the kill leaves the one of the step before.
    callbacks = [kill(step), backup] if step else [backup]
    model.fit(translation.dataset(n=16), epochs=2, callbacks=callbacks, verbose=0)
    np.savez(directory / "state.npz", **small.state(model))
