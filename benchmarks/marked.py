"""A training program that marks what it is doing, so that `kills.py` can aim.

    python benchmarks/marked.py MARKS examples/train.py --dataset=digits ...

The program is run as it is. What it does stands in a file in shared memory, which outlives it.
"""

import functools
import mmap
import pathlib
import runpy
import sys

import numpy as np

PHASES = ("start", "step", "backup", "grid", "checkpoint", "export", "end")


class Marks:
    """Which phase a program is in, and how often it has entered each.

    Args:
        path: file of the marks; made if missing.
    """

    def __init__(self, path):
        path = pathlib.Path(path)
        size = 8 * (1 + len(PHASES))
        if not path.exists():
            path.write_bytes(bytes(size))
        with open(path, "r+b") as file:
            self._marks = np.frombuffer(mmap.mmap(file.fileno(), size), np.int64)

    def clear(self):
        """Begin anew, in the first phase."""
        self._marks[:] = 0

    def enter(self, phase):
        """Enter a phase, and return the one that was left."""
        before, index = self.phase, PHASES.index(phase)
        self._marks[1 + index] += before != phase
        self._marks[0] = index
        return before

    @property
    def phase(self):
        """The phase that the program is in, or was in when it ended."""
        return PHASES[self._marks[0]]

    def entries(self, phase):
        """Return how often the program has entered a phase."""
        return int(self._marks[1 + PHASES.index(phase)])


def mark(marks):
    """Have the callbacks and methods that a training program uses mark what they do.

    Args:
        marks: the `Marks`.
    """
    import keras

    import keras_gan
    from keras_gan.running.snapshots import Snapshots

    def during(owner, name, phase, after=None):
        inner = getattr(owner, name)

        @functools.wraps(inner)
        def outer(*args, **kwargs):
            before = marks.enter(phase)
            try:
                return inner(*args, **kwargs)
            finally:
                marks.enter(after or before)

        setattr(owner, name, outer)

    during(Snapshots, "write", "backup")
    during(keras_gan.callbacks.SampleGrid, "on_epoch_end", "grid")
    during(keras.callbacks.ModelCheckpoint, "on_epoch_end", "checkpoint")
    during(keras_gan.GAN, "export", "export")
    during(keras_gan.GAN, "fit", "start", after="end")
    # Of the steps that are taken; those which a resumed run lets pass it does not hear of.
    keras_gan.callbacks.Backup.on_train_batch_begin = lambda *_, **__: marks.enter("step")


if __name__ == "__main__":
    path, script = sys.argv[1:3]
    sys.argv = sys.argv[2:]
    mark(Marks(path))
    runpy.run_path(script, run_name="__main__")
