"""Guard against diverging training: stop, or roll back to the last good state."""

import collections
import math
import os
import sys
import tempfile
import typing
import warnings

import keras

from keras_gan.utils import files, forms
from keras_gan.utils.arguments import number, whole
from keras_gan.workers import is_chief

_LOSSES = ("d_loss", "g_loss")
_GOOD_FILE = "last_good.weights.h5"
_RECENT_EPOCHS = 5
_CALM = 10.0
# What is known of the steps of an epoch so far.
_OF_AN_EPOCH = ("_step", "_trained", "_seen", "_lost", "_means_from")
_ADVICE = (
    "Try lower learning rates, a gradient penalty (`terms=['r1']`), gradients clipped by the "
    "optimizers (`global_clipnorm=1.0`), or data scaled to [-1, 1]"
)


class DivergenceWarning(UserWarning):
    """Training has diverged, and `DivergenceGuard` has restored the last good state."""


class Divergence(typing.NamedTuple):
    """A divergence that a `DivergenceGuard` found.

    Attributes:
        epoch: the epoch, counted from 1.
        step: training steps taken in that epoch when it was found.
        cause: the loss, or the part of the model that holds values that are not finite.
        value: the loss; NaN for a part of the model.
        limit: what the absolute value of the loss was to stay below; NaN for a part of the model.
        rolled_back: whether training went on, from the last good state.
    """

    epoch: int
    step: int
    cause: str
    value: float
    limit: float
    rolled_back: bool


class DivergenceGuard(keras.callbacks.Callback):
    """Stop training when it diverges, or roll back to the last good state at lower rates.

    Training has diverged when

    - `d_loss` or `g_loss` is NaN or infinite, checked after every step;
    - one of them is beyond `limit`, or beyond `growth` times the largest of the last 5 good
      epochs (at least 1 is taken for that one);
    - a weight or buffer of the generator, the discriminator, the average or an optimizer is NaN
      or infinite, checked when an epoch's steps are done, before its validation.

    The whole state of the model is then restored to the last good one, bit for bit: networks,
    average, optimizers, terms, random numbers and the count of steps. The first good state is
    that in which the first epoch begins. The state after an epoch without a finding becomes good
    once the losses of the next epoch are within 10 times the usual: only later steps show what
    the last update of an epoch has done. `fit` never leaves a broken model behind. A run that
    resumes from a `Backup` takes the restored state as good.

    With `rollbacks`, training continues from there, with learning rates multiplied by
    `learning_rate_factor` at each rollback. Without, or after the last rollback, it stops. Each
    time there is a `DivergenceWarning`, and a `Divergence` in `divergences`.

    An epoch can't begin again: after a rollback in the middle, its remaining batches train the
    restored model. Its values in the history are the means of those steps or, when there are
    none, of the steps before the divergence. They are NaN only when the epoch has no good step.
    The random numbers of training repeat; the data does not.

    The limits are wide, since a loss says little about a game that goes well. They catch losses
    that grow without end, which pass any limit soon. Logistic and hinge losses grow in proportion
    to the logits and stay below 100 in healthy runs. Wasserstein losses scale with the data: a
    critic of slope 1 can't separate images of 1024 x 1024 x 3 values in [-1, 1] by more than
    3,547, but may drift by any constant in `g_loss`. For critics with larger values set another
    limit, or none.

    Put it first among the callbacks: those after it then save and draw the restored model. A
    `LearningRateScheduler` sets the rates at each epoch, and so undoes what a rollback lowered.

    Args:
        directory: where the last good state is kept, in `last_good.weights.h5`, written
            atomically. It stays there after training, for `model.load_weights`. By default, a
            temporary directory that is removed when training ends. Under a distribution strategy,
            the chief worker writes into it, and the others keep temporary copies.
        rollbacks: how many rollbacks there may be in one `fit` before training stops.
        learning_rate_factor: what both learning rates are multiplied by at a rollback, in (0, 1];
            1 leaves them, which learning rate schedules need.
        limit: the largest absolute value of a loss, or `None` for no such limit.
        growth: how many times its recent size a loss may reach, or `None` for any.

    Raises:
        ValueError: when built, if an argument is out of range; when training starts, if the
            directory can't be written to, a learning rate that is to be lowered is a schedule, or
            the model is broken already; when training diverges, if another run has written into
            the directory.

    Example:
    ```python
    guard = keras_gan.callbacks.DivergenceGuard("runs/digits", rollbacks=3)
    model.fit(dataset, epochs=20, callbacks=[guard])
    ```
    """

    def __init__(
        self, directory=None, rollbacks=0, learning_rate_factor=0.5, limit=1e6, growth=1e3
    ):
        super().__init__()
        whole("rollbacks", rollbacks, least=0)
        number("learning_rate_factor", learning_rate_factor, above=0, high=1)
        if limit not in (None, math.inf):
            number("limit", limit, above=0)
        if growth not in (None, math.inf):
            number("growth", growth, above=1)
        self.directory = None if directory is None else _local(directory)
        self.rollbacks = rollbacks
        self.learning_rate_factor = learning_rate_factor
        self.limit = limit
        self.growth = growth
        self.divergences = []
        self._temporary = self._path = None

    def on_train_begin(self, logs=None):
        """Check everything that could go wrong later, before the first step."""
        if self.rollbacks and self.learning_rate_factor != 1:
            self._check_rates()
        self._forget()
        directory = self.directory
        if directory is None or not is_chief(self.model):
            self._temporary = tempfile.TemporaryDirectory(prefix="keras_gan_")
            directory = self._temporary.name
        files.prepare_directory(directory)
        self._path = os.path.join(directory, _GOOD_FILE)
        self._next_path = str(files.beside(self._path))
        # When the states of both files are from, in words.
        self._good = self._next = None
        self._recent = collections.deque(maxlen=_RECENT_EPOCHS)
        self.divergences = []

    def on_epoch_begin(self, epoch, logs=None):
        """Keep the state in which the first epoch begins."""
        self._epoch, self._step = epoch + 1, 0
        self._trained, self._seen, self._lost = False, {}, None
        self._means_from = 0  # The step at which the running means began.
        # Not when training begins: BackupAndRestore loads what it has then.
        if self._good is None:
            self._check_start()
            self.model.save_weights(self._path, every_worker=True)
            self._good, self._written = "before training", _identity(self._path)

    def on_train_batch_end(self, batch, logs=None):
        """Look at the losses."""
        before, self._step = self._step, batch + 1
        losses = {name: self._latest(name, logs, before) for name in _LOSSES}
        for name, loss in losses.items():
            limit = self._limit_of(name)
            if not abs(loss) <= limit:
                self._lost = {**dict.fromkeys(logs, math.nan), **self._seen}
                self._restore(name, loss, limit)
                return
        self._trained, self._seen, self._lost = True, dict(logs), None
        if all(abs(loss) <= _CALM * self._usual(name) for name, loss in losses.items()):
            self._confirm()

    def _latest(self, name, logs, before):
        """Return a loss of the latest steps: logs hold its running mean over the epoch."""
        now, before = self._step - self._means_from, before - self._means_from
        if not self._trained or before <= 0:
            return float(logs[name])
        return float((now * logs[name] - before * self._seen[name]) / (now - before))

    def on_test_begin(self, logs=None):
        """Look at the weights before the epoch's validation."""
        if self._path is not None:
            self._check_weights()

    def on_epoch_end(self, epoch, logs=None):
        """Look at the weights, and keep the state of a good epoch."""
        if self._trained and self._check_weights():
            self._recent.append({name: abs(self._seen[name]) for name in _LOSSES})
            self.model.save_weights(self._next_path, every_worker=True)
            self._next = f"after epoch {self._epoch}"
        elif self._lost and logs is not None:
            # The running means were reset: those of no steps are 0.
            logs.update(self._lost)

    def on_train_end(self, logs=None):
        """Remove the temporary directory."""
        self._confirm()
        self._forget()

    @property
    def state_form(self):
        """The form of what `get_state` returns, for `utils.forms`."""
        divergence = forms.row(forms.count, forms.count, str, forms.number, forms.number, bool)
        epoch = {
            "_step": forms.count,
            "_trained": bool,
            "_seen": _are_logs,
            "_lost": (None, _are_logs),
            "_means_from": forms.count,
        }
        recent = [{name: forms.number for name in _LOSSES}]
        return {"divergences": [divergence], "recent": recent, "epoch": epoch}

    def get_state(self):
        """Return what a `Backup` has to keep; the last good state is the backup's own."""
        epoch = {name: getattr(self, name) for name in _OF_AN_EPOCH}
        return {"divergences": self.divergences, "recent": list(self._recent), "epoch": epoch}

    def set_state(self, state):
        """Go on from what `get_state` returned."""
        self.divergences = [Divergence(*found) for found in state["divergences"]]
        self._recent = collections.deque(state["recent"], maxlen=_RECENT_EPOCHS)
        for name in _OF_AN_EPOCH:
            setattr(self, name, state["epoch"][name])

    def _limit_of(self, name):
        """Return how large the absolute value of a loss may be: finite, in any case."""
        limits = [sys.float_info.max, *([] if self.limit is None else [self.limit])]
        if self.growth is not None and self._recent:
            limits.append(self.growth * self._usual(name))
        return min(limits)

    def _usual(self, name):
        """Return the largest absolute value of a loss in the last good epochs, at least 1."""
        return max([1.0, *(losses[name] for losses in self._recent)])

    def _check_start(self):
        broken = self._broken_part()
        if broken:
            raise ValueError(
                "Expected a model of finite values to start from. Load an earlier checkpoint, or "
                f"build the networks anew. Received: NaN or infinity in the {broken}"
            )

    def _check_weights(self):
        """Restore the model if it is broken, and return whether it was whole."""
        broken = self._broken_part()
        if broken:
            self._restore(broken, math.nan, math.nan)
        return broken is None

    def _broken_part(self):
        """Return the name of the part of the model that holds NaN or infinity, or `None`."""
        model = self.model
        parts = {
            "generator's weights": model.generator.weights,
            "discriminator's weights": model.discriminator.weights,
            "averaged generator's weights": model.average.network.weights if model.average else [],
            "generator's optimizer": model.generator_optimizer.variables,
            "discriminator's optimizer": model.discriminator_optimizer.variables,
        }
        for name, variables in parts.items():
            if not all(_is_finite(variable) for variable in variables):
                return name
        return None

    def _confirm(self):
        """Let the last epoch's state count as good, if it does not yet."""
        if self._next is not None:
            os.replace(self._next_path, self._path)
            self._good, self._next = self._next, None
            self._written = _identity(self._path)

    def _refute(self):
        """Forget the last epoch's state, and what its losses were, if it does not count yet."""
        if self._next is not None:
            os.remove(self._next_path)
            self._next = None
            self._recent.pop()

    def _restore(self, cause, value, limit):
        """Restore the last good state, and continue from it or stop."""
        rolled_back = len(self.divergences) < self.rollbacks
        found = Divergence(self._epoch, self._step, cause, value, limit, rolled_back)
        self.divergences.append(found)
        rates = self._rates()
        self._refute()
        self._check_own()
        self.model.load_weights(self._path)
        # Means that have met NaN would stay NaN for the rest of the epoch.
        self.model.reset_metrics()
        self._trained, self._means_from = False, self._step
        if not rolled_back:
            self.model.stop_training = True
        elif self.learning_rate_factor != 1:
            # From the rates of now, not from the restored ones: a second rollback to the same
            # state has to go lower than the first.
            self._set_rates([rate * self.learning_rate_factor for rate in rates])
        warnings.warn(self._message(found), DivergenceWarning, stacklevel=2)

    def _check_own(self):
        """Raise when the last good state is another run's, which may be of the same networks."""
        if _identity(self._path) != self._written:
            raise ValueError(
                f"{self._path!r} is not what this run has written there: another run keeps its "
                "last good state in the same directory. Give each run a directory of its own. "
                f"Received: directory={self.directory!r}"
            )

    @property
    def _optimizers(self):
        return self.model.generator_optimizer, self.model.discriminator_optimizer

    def _rates(self):
        rates = [optimizer.learning_rate for optimizer in self._optimizers]
        return [float(keras.ops.convert_to_numpy(rate)) for rate in rates]

    def _set_rates(self, rates):
        for optimizer, rate in zip(self._optimizers, rates, strict=True):
            optimizer.learning_rate = rate

    def _check_rates(self):
        """Raise if a learning rate can't be set, which is what Keras says of schedules."""
        rates = self._rates()
        try:
            self._set_rates(rates)
        except (TypeError, AttributeError) as error:
            kinds = [optimizer.get_config()["learning_rate"] for optimizer in self._optimizers]
            raise ValueError(
                "A rollback lowers both learning rates, which must be numbers for that. Give both "
                "optimizers a number, or pass `learning_rate_factor=1` to keep their schedules. "
                f"Received: learning_rate_factor={self.learning_rate_factor}, with learning rates "
                f"{kinds}"
            ) from error

    def _message(self, found):
        """Return what was found, what was done about it and what to try."""
        held = (
            f"{found.cause} is {found.value:.4g}, expected within +-{found.limit:.4g}"
            if found.cause in _LOSSES
            else f"there is NaN or infinity in the {found.cause}"
        )
        rates = " and ".join(f"{rate:.3g}" for rate in self._rates())
        count = len(self.divergences)
        then = (
            f"goes on (rollback {count} of {self.rollbacks}) at learning rates of {rates}"
            if found.rolled_back
            else "stops"
        )
        return (
            f"Training diverged in epoch {found.epoch}, step {found.step}: {held}. The model is "
            f"back in its state {self._good}, and training {then}. {_ADVICE}."
        )

    def _forget(self):
        if self._temporary is not None:
            self._temporary.cleanup()
        self._temporary = self._path = None


def _identity(path):
    """Return what a file is told by from one that was put in its place; `None` for none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _are_logs(value):
    """Tell whether a value is a dict in which the losses, where there are any, are numbers."""
    is_dict = isinstance(value, dict)
    return is_dict and all(forms.number(value[name]) for name in _LOSSES if name in value)


def _is_finite(variable):
    if "float" not in keras.backend.standardize_dtype(variable.dtype):
        return True
    return bool(keras.ops.all(keras.ops.isfinite(variable)))


def _local(directory):
    advice = "files are written in one step there. Leave it out for a temporary directory"
    return files.path_of("directory", directory, advice)
