"""How `fit` goes on in the middle of an epoch, which Keras's loop can't.

The loop counts an epoch's steps from 0. Those that a restored model has taken already pass by:
no callback hears of them, no step runs, and their batches are let go, which cost nothing where
the data has a `seek(epoch, skip)`.
"""

import contextlib
import dataclasses
import sys

import keras
import tensorflow as tf

from keras_gan import inputs


@dataclasses.dataclass(frozen=True)
class Position:
    """A place in a training run.

    Attributes:
        epoch: epochs that are over.
        step: steps taken of the next one.
        stopped: whether training was over, before its last epoch.
    """

    epoch: int = 0
    step: int = 0
    stopped: bool = False


class Keeper(keras.callbacks.Callback):
    """A callback that keeps the state of training, and knows how to put it back.

    `fit` calls these in this order, so that nothing that it does undoes what was put back.
    """

    def restore_model(self, model):
        """Put the newest state back into a built and compiled model.

        Returns:
            The `Position` to go on from, or `None` where there is nothing to go on from.
        """
        raise NotImplementedError

    def check_steps(self, steps):
        """Raise when an epoch that was interrupted has another length now.

        Args:
            steps: steps of an epoch, or `None` when not known.
        """

    def before_training(self, callbacks):
        """Prepare the other callbacks, which are about to begin."""

    def training_began(self, callbacks):
        """Put the other callbacks' states back, now that they have begun."""

    def epoch_began(self):
        """Put back the figures of an epoch that was interrupted."""

    def close(self):
        """Let go of what was held during training, which may have ended by an error."""


def keeper_among(callbacks):
    """Return the `Keeper` among the callbacks, or `None`.

    Raises:
        ValueError: when there are several.
    """
    keepers = [each for each in flat(callbacks) if isinstance(each, Keeper)]
    if len(keepers) > 1:
        raise ValueError(
            "Expected one callback that keeps backups: a run goes on from one place. "
            f"Received: {len(keepers)} of them"
        )
    return keepers[0] if keepers else None


def flat(callbacks):
    """Return the callbacks that `fit` was given, in any of its forms, as a list."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return [each for each in keras.tree.flatten(callbacks) if each is not None]


class KeptCallbacks(keras.callbacks.CallbackList):
    """The callbacks of a run whose state is kept.

    Args:
        callbacks: list of callbacks, the keeper among them.
        keeper: the `Keeper`; it comes last, when the others have seen an event.
        position: the `Position` to go on from.
        **kwargs: as `keras.callbacks.CallbackList`.
    """

    def __init__(self, callbacks, keeper, position, **kwargs):
        super().__init__(callbacks, add_history=True, **kwargs)
        self.callbacks.sort(key=lambda callback: callback is keeper)
        self._keeper = keeper
        self._position = position
        self._passes_by = False

    def on_train_begin(self, logs=None):
        """Begin, and go on with the state that each callback had."""
        self._keeper.before_training(self.callbacks)
        super().on_train_begin(logs)
        self._keeper.training_began(self.callbacks)

    def on_epoch_begin(self, epoch, logs=None):
        """Begin an epoch, or go on with it."""
        super().on_epoch_begin(epoch, logs)
        self._taken = self._position.step if epoch == self._position.epoch else 0
        if self._taken:
            self._keeper.epoch_began()

    def on_train_batch_begin(self, batch, logs=None):
        """Tell of a step, unless it was taken before."""
        self._passes_by = batch < self._taken
        if not self._passes_by:
            super().on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        """Tell of a step, unless it was taken before."""
        if not self._passes_by:
            super().on_train_batch_end(batch, logs)


class Passing:
    """A train function that lets pass the steps which a restored model has taken.

    Args:
        model: the `GAN`, its train function made.
        steps: steps of the epoch that were taken.
        batches: elements of the iterator that were used up, those of earlier epochs included
            where one iterator serves for all.
    """

    def __init__(self, model, steps, batches):
        self._model = model
        self._function = model.train_function
        self._steps = steps
        self._batches = batches
        self._figures = None

    def __call__(self, iterator):
        """Run a step, or let it pass and return the figures so far."""
        while self._batches:
            self._batches -= 1
            next(iterator)
        if self._steps <= 0:
            return self._function(iterator)
        self._steps -= self._model.steps_per_execution
        if self._figures is None:
            self._figures = self._model.get_metrics_result()
        return self._figures


class StepsTaken(keras.callbacks.Callback):
    """Note whether any step was taken: the model's own count may be put back meanwhile."""

    async_safe = True  # It looks at no figures, so nobody has to wait for them.
    any = False

    def on_train_batch_end(self, batch, logs=None):
        """Note a step."""
        self.any = True


class SeekEpoch(keras.callbacks.Callback):
    """Move the data to the epoch that begins, so that a resumed run sees what it would have.

    Args:
        seek: function of the epoch's number, from 0, and possibly of the batches to skip.
        position: the `Position` at which training begins.
    """

    def __init__(self, seek, position):
        super().__init__()
        self._seek = seek
        self._position = position

    def on_epoch_begin(self, epoch, logs=None):
        """Tell the dataset which epoch comes."""
        within = epoch == self._position.epoch and self._position.step
        if within and inputs.takes_skip(self._seek):
            self._seek(epoch, self._position.step)
        else:
            self._seek(epoch)


@contextlib.contextmanager
def run(model, batches, callbacks, initial_epoch, epochs, verbose, steps_per_epoch):
    """Prepare a run of `fit`, from its beginning or from where a keeper's state was left.

    Args:
        model: the `GAN`, built and compiled.
        batches: what Keras will iterate over, possibly with `seek(epoch)`.
        callbacks: what `fit` was given.
        initial_epoch: where to begin if there is no other place to go on from.
        epochs: epoch to stop after.
        verbose: as in `fit`.
        steps_per_epoch: what Keras is told; its iterator then serves for all epochs.

    Yields:
        A `Run`.
    """
    keeper = keeper_among(callbacks)
    position = keeper.restore_model(model) if keeper else None
    resumed = position is not None
    position = position or Position(initial_epoch)
    own = [StepsTaken()]
    if hasattr(batches, "seek"):
        own.append(SeekEpoch(batches.seek, position))
    if keeper:
        steps = steps_of(batches, steps_per_epoch)
        keeper.check_steps(steps)
        shown = {"add_progbar": verbose != 0, "verbose": verbose, "epochs": epochs, "steps": steps}
        callbacks = KeptCallbacks([*own, *flat(callbacks)], keeper, position, model=model, **shown)
    elif isinstance(callbacks, keras.callbacks.CallbackList):
        for callback in own:
            callbacks.append(callback)
    else:
        callbacks = [*own, *flat(callbacks)]
    try:
        with _passing(model, position.step, _used(batches, position, steps_per_epoch)):
            yield Run(callbacks, position, own[0], resumed)
    finally:
        if keeper:
            keeper.close()


@dataclasses.dataclass(frozen=True)
class Run:
    """A run of `fit`.

    Attributes:
        callbacks: what Keras is given.
        position: the `Position` at which it begins.
        taken: the `StepsTaken` of it.
        resumed: whether it goes on from a kept state.
    """

    callbacks: object
    position: Position
    taken: StepsTaken
    resumed: bool

    @property
    def initial_epoch(self):
        """The epoch to begin or to go on with."""
        return sys.maxsize if self.position.stopped else self.position.epoch


@contextlib.contextmanager
def _passing(model, steps, batches):
    """Let the steps pass that were taken of an epoch, as long as the context lasts."""
    if not batches:
        yield
        return
    model.make_train_function()
    function = model.train_function
    model.train_function = Passing(model, steps, batches)
    try:
        yield
    finally:
        model.train_function = function


def _used(batches, position, steps_per_epoch):
    """Return how many elements the iterator that a position is in has given."""
    used = 0
    if steps_per_epoch and not hasattr(batches, "seek"):
        # One iterator serves for all epochs until it ends; then the next epoch has a new one.
        count = steps_of(batches, None)
        for _ in range(position.epoch):
            used += steps_per_epoch
            used = 0 if count and used >= count else used
    return used + position.step


def steps_of(batches, steps_per_epoch):
    """Return the steps of an epoch, or `None` when not known."""
    if steps_per_epoch:
        return steps_per_epoch
    if isinstance(batches, tf.data.Dataset):
        count = int(batches.cardinality())
        return count if count >= 0 else None
    return len(batches) if isinstance(batches, keras.utils.PyDataset) else None
