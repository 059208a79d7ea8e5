"""Resuming `fit` in the middle of an epoch, which Keras's loop can't do.

The loop counts an epoch's steps from 0. The steps that a restored model has taken already are
skipped: no callback hears of them, and no step runs. Their batches are read and dropped, which
costs nothing where the data has a `seek(epoch, skip)`.
"""

import contextlib
import dataclasses
import sys

import keras
import tensorflow as tf

from keras_gan.datasets.epochs import takes_skip
from keras_gan.utils.keras_internals import count_steps


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a training run has come.

    Attributes:
        epoch: complete epochs.
        step: steps taken in the next epoch, as Keras's loop counts them.
        elements: elements that the current iterator has yielded. That is more than one epoch's
            where one iterator serves several epochs, and less where `steps_per_execution` does
            not divide it.
        stopped: whether training was stopped before its last epoch.
    """

    epoch: int = 0
    step: int = 0
    elements: int = 0
    stopped: bool = False


class ResumableCallback(keras.callbacks.Callback):
    """A callback that saves the state of training, and restores it.

    `fit` calls these methods in this order, so that nothing overwrites what was restored.
    """

    def alone(self, model):
        """Return a context in which no other run saves its state where this one does.

        Args:
            model: the `GAN`, built and compiled.

        Raises:
            ValueError: when another does.
        """
        return contextlib.nullcontext()

    def find(self, model, callbacks):
        """Find the newest state, and check all of it that can be checked; change nothing yet.

        Args:
            model: the `GAN`, built and compiled.
            callbacks: list of the callbacks that `fit` was given.

        Returns:
            The `Progress` to resume from, or `None` where nothing was saved.
        """
        raise NotImplementedError

    def check_steps(self, steps):
        """Raise when the epoch that was interrupted has another length now.

        Args:
            steps: steps of an epoch, or `None` when not known.
        """

    def check_order(self, batches):
        """Warn when the data, what Keras iterates over, can't be moved to where a run was."""

    def restore_model(self, model):
        """Restore the model to the state that was found, if one was."""

    def before_training(self, callbacks, train_function):
        """Prepare the other callbacks, before their `on_train_begin`.

        Args:
            callbacks: list of all callbacks.
            train_function: the `ResumedTrainFunction`, which counts the elements it has read.
        """

    def training_began(self, callbacks):
        """Restore the other callbacks' states, after their `on_train_begin`."""

    def epoch_began(self, callbacks):
        """Restore what `on_epoch_begin` of the interrupted epoch has changed."""

    def ended(self):
        """Do what was postponed until the end of training."""

    def close(self):
        """Release what was held during training, which may have ended by an error."""


def resumable_among(callbacks):
    """Return the `ResumableCallback` among the callbacks, or `None`.

    Raises:
        ValueError: when there are several.
    """
    found = [each for each in flat(callbacks) if isinstance(each, ResumableCallback)]
    if len(found) > 1:
        raise ValueError(
            "Expected one callback that keeps backups: a run resumes from one of them. "
            f"Received: {len(found)} of them"
        )
    return found[0] if found else None


def flat(callbacks):
    """Return the callbacks that `fit` was given, in any of its forms, as a list."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return [each for each in keras.tree.flatten(callbacks) if each is not None]


class ResumableCallbackList(keras.callbacks.CallbackList):
    """The callbacks of a run that can be resumed.

    Args:
        callbacks: list of callbacks, the resumable one among them.
        resumable: the `ResumableCallback`; it is called last, after the others.
        train_function: the `ResumedTrainFunction` of the run.
        **kwargs: as `keras.callbacks.CallbackList`.
    """

    def __init__(self, callbacks, resumable, train_function, **kwargs):
        super().__init__(callbacks, add_history=True, **kwargs)
        self.callbacks.sort(key=lambda callback: callback is resumable)
        self._resumable = resumable
        self._train_function = train_function
        self._skips = False

    def on_train_begin(self, logs=None):
        """Begin, with the state that each callback had."""
        self._resumable.before_training(self.callbacks, self._train_function)
        super().on_train_begin(logs)
        self._resumable.training_began(self.callbacks)

    def on_epoch_begin(self, epoch, logs=None):
        """Begin an epoch, or resume it."""
        self._train_function.begin(epoch)
        super().on_epoch_begin(epoch, logs)
        if self._train_function.taken:
            self._resumable.epoch_began(self.callbacks)

    def on_train_batch_begin(self, batch, logs=None):
        """Pass the step on, unless it is skipped."""
        self._skips = batch < self._train_function.taken
        if not self._skips:
            super().on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        """Pass the step on, unless it is skipped."""
        if not self._skips:
            super().on_train_batch_end(batch, logs)


class ResumedTrainFunction:
    """The model's train function, which skips the steps that were taken before.

    Args:
        model: the `GAN`, its train function made.
        progress: the `Progress` to resume from.
        serves_all: whether one iterator serves all epochs, until it ends.
        length: elements of an iterator, or `None` when not known.

    Attributes:
        taken: steps of the current epoch that were taken before this run.
        elements: elements that the current iterator has yielded, skipped ones included.
    """

    def __init__(self, model, progress, serves_all, length):
        self._model = model
        self._serves_all, self._length = serves_all, length
        self._function = model.train_function
        self._progress = progress
        self._iterator = self._logs = self._epoch_iterator = None
        self._left = self.taken = self.elements = 0

    def note(self, iterator):
        """Note the first epoch iterator that Keras makes for `fit`."""
        self._epoch_iterator = self._epoch_iterator or iterator

    def begin(self, epoch):
        """Begin an epoch. The first steps of the interrupted one are skipped."""
        self.taken = self._left = self._progress.step if epoch == self._progress.epoch else 0

    @property
    def elements_of_next(self):
        """Elements that the next epoch's iterator has yielded, at the end of an epoch."""
        ended = self._length is not None and self.elements >= self._length
        return self.elements if self._serves_all and not ended else 0

    def __call__(self, iterator):
        """Run a step, or skip it and return the logs so far."""
        if iterator is not self._iterator:
            first, self._iterator, self.elements = self._iterator is None, iterator, 0
            if first:
                self._drop(iterator, self._progress.elements)
                self._tell_keras()
        if self._left > 0:
            self._left -= self._model.steps_per_execution
            self._logs = self._logs or self._model.get_metrics_result()
            return self._logs
        before = self._model.steps
        try:
            logs = self._function(iterator)
        except (StopIteration, tf.errors.OutOfRangeError):
            self.elements = 0  # The next epoch has a new iterator.
            raise
        self.elements += self._model.steps - before
        return logs

    def _tell_keras(self):
        """Tell Keras how much of an iterator that serves all epochs is used, so that it renews it.

        Keras itself counts the steps of the current epoch, skipped ones included.
        """
        if self._serves_all and self._epoch_iterator is not None:
            count_steps(self._epoch_iterator, self._progress.elements - self._progress.step)

    def _drop(self, iterator, count):
        for self.elements in range(count):
            try:
                next(iterator)
            except (StopIteration, tf.errors.OutOfRangeError):
                raise ValueError(
                    f"The data has changed since the backup: it ended after {self.elements} of "
                    f"the {count} batches that the run had seen. Go on with the same data, or "
                    "choose another directory for a new run."
                ) from None
        self.elements = count


class StepsTaken(keras.callbacks.Callback):
    """Note whether any step was taken: the model's own count may be restored meanwhile.

    Attributes:
        taken: whether a step was taken.
    """

    async_safe = True  # It reads no logs, so Keras need not wait for them.
    taken = False

    def on_train_batch_end(self, batch, logs=None):
        """Note a step."""
        self.taken = True


class SeekEpoch(keras.callbacks.Callback):
    """Move the data to the epoch that begins, so that a resumed run sees what it would have.

    Args:
        seek: function of the epoch's number, from 0, and possibly of the batches to skip.
        progress: the `Progress` at which training begins.
    """

    def __init__(self, seek, progress):
        super().__init__()
        self._seek = seek
        self._progress = progress

    def on_epoch_begin(self, epoch, logs=None):
        """Tell the dataset which epoch begins."""
        within = epoch == self._progress.epoch and self._progress.step
        if within and takes_skip(self._seek):
            self._seek(epoch, self._progress.step)
        else:
            self._seek(epoch)


@contextlib.contextmanager
def run(model, batches, callbacks, initial_epoch, epochs, verbose, steps_per_epoch):
    """Prepare a run of `fit`, from its beginning or from the last saved state.

    Args:
        model: the `GAN`, built and compiled.
        batches: what Keras will iterate over, possibly with `seek(epoch)`.
        callbacks: what `fit` was given.
        initial_epoch: where to begin if no state was saved.
        epochs: epoch to stop after.
        verbose: as in `fit`.
        steps_per_epoch: what Keras is told; its iterator then serves all epochs.

    Yields:
        A `PreparedRun`.
    """
    resumable = resumable_among(callbacks)
    if resumable is None:
        progress = Progress(initial_epoch)
        own = _own(batches, progress)
        with _added(own, callbacks) as callbacks:
            yield PreparedRun(callbacks, progress, own[0], False)
        return
    steps = steps_of(batches, steps_per_epoch)
    shown = {"add_progbar": verbose != 0, "verbose": verbose, "epochs": epochs, "steps": steps}
    serves_all = bool(steps_per_epoch) and not hasattr(batches, "seek")
    length = steps_of(batches, None)
    with resumable.alone(model), contextlib.closing(resumable):
        found = resumable.find(model, flat(callbacks))
        resumable.check_steps(steps)
        resumable.check_order(batches)
        resumable.restore_model(model)
        progress = _of_iterator(found or Progress(initial_epoch), serves_all)
        own = _own(batches, progress)
        with _resumed(model, progress, serves_all, length) as train_function:
            callbacks = [*own, *flat(callbacks)]
            callbacks = ResumableCallbackList(
                callbacks, resumable, train_function, model=model, **shown
            )
            yield PreparedRun(callbacks, progress, own[0], found is not None)
        resumable.ended()


def _own(batches, progress):
    """Return the callbacks of every run, the `StepsTaken` first."""
    seeks = [SeekEpoch(batches.seek, progress)] if hasattr(batches, "seek") else []
    return [StepsTaken(), *seeks]


def _of_iterator(progress, serves_all):
    """Return how far a run has come with the iterator that it is about to begin with."""
    if serves_all:
        return progress
    # That of one epoch has yielded no more than was taken of it, whatever was before it.
    return dataclasses.replace(progress, elements=min(progress.elements, progress.step))


@contextlib.contextmanager
def _added(own, callbacks):
    """Add our own callbacks to those of `fit`, as long as the context lasts."""
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        yield [*own, *flat(callbacks)]
        return
    theirs = callbacks.callbacks
    callbacks.callbacks = [*own, *theirs]
    try:
        yield callbacks
    finally:
        callbacks.callbacks = theirs


@dataclasses.dataclass(frozen=True)
class PreparedRun:
    """A run of `fit` that is about to begin.

    Attributes:
        callbacks: what Keras is given.
        progress: the `Progress` at which it begins.
        steps: the `StepsTaken` among its callbacks.
        resumed: whether it resumes from a saved state.
    """

    callbacks: object
    progress: Progress
    steps: StepsTaken
    resumed: bool

    @property
    def initial_epoch(self):
        """The epoch to begin or to resume."""
        return sys.maxsize if self.progress.stopped else self.progress.epoch


@contextlib.contextmanager
def _resumed(model, *progress):
    """Have a `ResumedTrainFunction` run the model's steps, as long as the context lasts."""
    model.make_train_function()
    function = model.train_function
    model.train_function = ResumedTrainFunction(model, *progress)
    try:
        yield model.train_function
    finally:
        model.train_function = function


def steps_of(batches, steps_per_epoch):
    """Return the steps of an epoch, or `None` when not known."""
    if steps_per_epoch:
        return steps_per_epoch
    if isinstance(batches, tf.data.Dataset):
        count = int(batches.cardinality())
        return count if count >= 0 else None
    return len(batches) if isinstance(batches, keras.utils.PyDataset) else None
