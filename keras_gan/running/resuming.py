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

from keras_gan.datasets.epochs import takes_skip


@dataclasses.dataclass(frozen=True)
class Position:
    """A place in a training run.

    Attributes:
        epoch: epochs that are over.
        step: steps of the next one that are over, as Keras's loop counts them.
        elements: what the iterator in use has given. That is more than one epoch's where one
            iterator serves for several, and less where `steps_per_execution` does not divide it.
        stopped: whether training was over, before its last epoch.
    """

    epoch: int = 0
    step: int = 0
    elements: int = 0
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

    def check_order(self, batches):
        """Say so when the data, what Keras will iterate over, can't be moved to where a run was."""

    def before_training(self, callbacks, place):
        """Prepare the other callbacks, which are about to begin.

        Args:
            callbacks: all of them.
            place: the `Place` of the run, which says where in its data it is.
        """

    def training_began(self, callbacks):
        """Put the other callbacks' states back, now that they have begun."""

    def epoch_began(self, callbacks):
        """Put back what the beginning of an epoch that was interrupted has changed again."""

    def ended(self):
        """Do what was put off until the end of training."""

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
        place: the `Place` of the run.
        **kwargs: as `keras.callbacks.CallbackList`.
    """

    def __init__(self, callbacks, keeper, place, **kwargs):
        super().__init__(callbacks, add_history=True, **kwargs)
        self.callbacks.sort(key=lambda callback: callback is keeper)
        self._keeper = keeper
        self._place = place
        self._passes_by = False

    def on_train_begin(self, logs=None):
        """Begin, and go on with the state that each callback had."""
        self._keeper.before_training(self.callbacks, self._place)
        super().on_train_begin(logs)
        self._keeper.training_began(self.callbacks)

    def on_epoch_begin(self, epoch, logs=None):
        """Begin an epoch, or go on with it."""
        self._place.begin(epoch)
        super().on_epoch_begin(epoch, logs)
        if self._place.taken:
            self._keeper.epoch_began(self.callbacks)

    def on_train_batch_begin(self, batch, logs=None):
        """Tell of a step, unless it was taken before."""
        self._passes_by = batch < self._place.taken
        if not self._passes_by:
            super().on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        """Tell of a step, unless it was taken before."""
        if not self._passes_by:
            super().on_train_batch_end(batch, logs)


class Place:
    """Where a run is in its data: the train function, which lets pass what was taken before.

    Args:
        model: the `GAN`, its train function made.
        position: the `Position` to go on from.
        serves_all: whether one iterator serves for all epochs, until it ends.
        length: elements of an iterator, or `None` when not known.

    Attributes:
        taken: steps of the epoch at hand that were taken before this run.
        elements: what the iterator in use has given, those that passed by included.
    """

    def __init__(self, model, position, serves_all, length):
        self._model = model
        self._serves_all, self._length = serves_all, length
        self._function = model.train_function
        self._position = position
        self._iterator = self._figures = self._of_keras = None
        self._left = self.taken = self.elements = 0

    def note(self, iterator):
        """Take notice of the iterator over epochs that Keras has made for `fit`, its first one."""
        self._of_keras = self._of_keras or iterator

    def begin(self, epoch):
        """Begin an epoch, whose first steps pass by if it is the one that was interrupted."""
        self.taken = self._left = self._position.step if epoch == self._position.epoch else 0

    @property
    def elements_of_next(self):
        """What the iterator of the next epoch has given, now that one is over."""
        ended = self._length is not None and self.elements >= self._length
        return self.elements if self._serves_all and not ended else 0

    def __call__(self, iterator):
        """Run a step, or let it pass and return the figures so far."""
        if iterator is not self._iterator:
            first, self._iterator, self.elements = self._iterator is None, iterator, 0
            if first:
                self._let_go(iterator, self._position.elements)
                self._tell_keras()
        if self._left > 0:
            self._left -= self._model.steps_per_execution
            self._figures = self._figures or self._model.get_metrics_result()
            return self._figures
        before = self._model.steps
        try:
            figures = self._function(iterator)
        except (StopIteration, tf.errors.OutOfRangeError):
            self.elements = 0  # The next epoch has a new iterator.
            raise
        self.elements += self._model.steps - before
        return figures

    def _tell_keras(self):
        """Tell Keras what one iterator for all epochs has given: it renews it where that ends.

        The steps of the epoch at hand it counts by itself, as they pass by.
        """
        if self._serves_all and self._of_keras is not None:
            self._of_keras._steps_seen += self._position.elements - self._position.step

    def _let_go(self, iterator, count):
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
        if within and takes_skip(self._seek):
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
    if keeper is None:
        with _added(own, callbacks) as callbacks:
            yield Run(callbacks, position, own[0], resumed)
        return
    steps = steps_of(batches, steps_per_epoch)
    keeper.check_steps(steps)
    shown = {"add_progbar": verbose != 0, "verbose": verbose, "epochs": epochs, "steps": steps}
    try:
        serves_all = bool(steps_per_epoch) and not hasattr(batches, "seek")
        keeper.check_order(batches)
        with _placed(model, position, serves_all, steps_of(batches, None)) as place:
            callbacks = [*own, *flat(callbacks)]
            callbacks = KeptCallbacks(callbacks, keeper, place, model=model, **shown)
            yield Run(callbacks, position, own[0], resumed)
        keeper.ended()
    finally:
        keeper.close()


@contextlib.contextmanager
def _added(own, callbacks):
    """Return callbacks with some of our own, as long as the context lasts."""
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
def _placed(model, *where):
    """Have a `Place` run the model's steps, as long as the context lasts."""
    model.make_train_function()
    function = model.train_function
    model.train_function = place = Place(model, *where)
    try:
        yield place
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
