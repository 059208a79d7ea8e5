"""Backups from which training goes on as if it had never stopped."""

import contextlib
import os
import warnings

import keras

from keras_gan.running import contents, disorder, sense, states
from keras_gan.running.resuming import Progress, ResumableCallback
from keras_gan.running.signals import Requests
from keras_gan.running.snapshots import WEIGHTS, DamagedError, Snapshots, name_of, numbers_of
from keras_gan.utils import files
from keras_gan.utils.arguments import shown, whole
from keras_gan.utils.kept import kept
from keras_gan.utils.keras_internals import has_schedule
from keras_gan.utils.locks import DirectoryLock
from keras_gan.workers import are_several, is_chief, total


class BackupWarning(UserWarning):
    """A backup is damaged or could not be written, or the data can't be moved to its place.

    Or the directory can't be locked, so that nothing would keep another run out of it.
    """


class Backup(ResumableCallback):
    """Back up the complete state of training, and resume from it when the program starts again.

    `fit` with this callback first looks for the newest complete backup. Where there is one, the
    model, its optimizers and the callbacks are restored, and training resumes with the next
    step, also in the middle of an epoch. The rest is that of a run which never stopped, bit for
    bit on one kind of machine with deterministic operations. `initial_epoch` is then ignored. A
    run that had reached its end takes no further step.

    A backup holds:

    - both networks, both optimizers and their loss scales, and the averaged generator;
    - all random state, and the state of terms and augmentations;
    - how much of the data was read, and the means of the logs so far;
    - the state of Keras's callbacks: EarlyStopping, ReduceLROnPlateau, ModelCheckpoint,
      TensorBoard, History, and CSVLogger, whose file is truncated to the rows before the backup;
    - the state of keras_gan's callbacks, and of any with `get_state()` and `set_state(state)`.

    Writes are atomic: into a temporary directory, flushed to the disk, then renamed, with a
    checksum of every file. A damaged backup is named in a `BackupWarning` and set aside, and the
    one before it is used. When a backup can't be written, as on a full disk, there is a
    `BackupWarning`, and training continues.

    On SIGTERM, which clusters send before they take a machine away, and on SIGINT (Ctrl-C), the
    step is finished, a backup is written, and the process ends: on SIGTERM by `SystemExit` with
    `exit_code` 75, "try again"; on Ctrl-C by `KeyboardInterrupt`. A signal between two epochs
    waits for validation and the other callbacks. A second signal of the same kind ends the
    process at once, as it would without the callback.

    Under a strategy of several workers, the chief writes into a directory that all of them see.
    All resume from the same backup, and stop at the same step when one of them gets a signal.

    The data resumes exactly if its order is a function of the epoch, see `docs/resume.md`. A
    `BackupWarning` at the start of `fit` says where it does not.

    Args:
        directory: local directory for this run alone, locked while `fit` runs; made if missing.
        every_steps: training steps from one backup to the next, counted over all epochs. There
            is one more at the end of training. By default, one at the end of each epoch.
        keep: how many backups to keep, at least 1. If the last one is damaged, training since
            the one before is lost.

    Raises:
        ValueError: when built, if an argument is out of range; when training starts, if the
            directory can't be written to, another run is backing up into it, or its backups are
            of another model or other data. The model is then as it was.

    Example:
    ```python
    backup = keras_gan.callbacks.Backup("runs/digits/backup", every_steps=500)
    model.fit(dataset, epochs=20, callbacks=[backup])  # Stopped, the same program goes on.
    ```
    """

    exit_code = 75  # EX_TEMPFAIL of sysexits.h.

    def __init__(self, directory, every_steps=None, keep=2):
        super().__init__()
        if every_steps is not None:
            whole("every_steps", every_steps)
        whole("keep", keep)
        advice = "backups get their names in one step there"
        self.directory = files.path_of("directory", directory, advice)
        self.every_steps = every_steps
        self.keep = keep
        self._snapshots = Snapshots(self.directory, keep)
        self._requests = Requests()
        self._lock = DirectoryLock(self.directory)
        self._found = None
        self._states = {}

    # What `fit` calls before and after.

    @contextlib.contextmanager
    def alone(self, model):
        """Keep other runs out of the directory, as long as the context lasts; the chief does."""
        if is_chief(model):
            files.prepare_directory(self.directory)
            self._take_lock()
        try:
            yield
        finally:
            self._lock.release()

    def _take_lock(self):
        try:
            is_locked = self._lock.acquire()
        except BlockingIOError as error:
            raise ValueError(
                f"Another run is backing up into {self.directory!r}: {error}. Two runs in one "
                "directory would remove each other's backups, and go on from them. Wait for it or "
                "end it, or choose another directory for this run. "
                f"Received: directory={shown(self.directory)}"
            ) from None
        except OSError as error:
            raise ValueError(
                "Expected `directory` to be one where a file `.lock` can be made. Remove what is "
                f"there under that name. Received: directory={shown(self.directory)} ({error})"
            ) from error
        if not is_locked:
            warnings.warn(
                f"The disk of {self.directory!r} knows no locks: take care that no other run backs "
                "up into the same directory.",
                BackupWarning,
                stacklevel=2,
            )

    def find(self, model, callbacks):
        """Find the newest backup that is whole, and that this model and callbacks can go on from.

        Returns:
            The `Progress` to resume from, or `None`.
        """
        self._found, self._states = None, {}
        name, found = self._chosen(model, callbacks)
        if name is None:
            return None
        self._found = {**found, "name": name}
        return Progress(found["epoch"], found["step"], found["elements"], found["stopped"])

    def restore_model(self, model):
        """Restore the model from the backup that was found, all of it or nothing."""
        if self._found is None:
            return
        name = self._found["name"]
        with kept(model._saved_variables):
            try:
                model.load_weights(os.path.join(self._snapshots.path(name), WEIGHTS))
            except ValueError as error:
                raise self._of_another_model(name, error) from error
            self._check_restored(model, name)
        self._states = self._found["callbacks"]
        self._rates = [_rate_of(optimizer) for optimizer in model.optimizer.optimizers]

    def _check_restored(self, model, name):
        keys, logs = sorted(metric.name for metric in model.metrics), self._found["figures"]
        if self._found["step"] and keys != sorted(logs):
            raise ValueError(
                f"The backup {name!r} in {self.directory!r} is from the middle of an epoch of "
                f"another game, with the logs {sorted(logs)!s:.500}. Compile with the same loss, "
                "terms and `balance`, or choose another directory for a new run. "
                f"Received: a model with {keys}"
            )
        reason = sense.reason(model)
        if reason:
            raise ValueError(
                f"The backup {name!r} in {self.directory!r} holds {reason}, which no run has. As "
                "its checksums are right, someone has changed it, and not the disk. Remove it to "
                "go on from the one before it."
            )

    def _of_another_model(self, name, error):
        return ValueError(
            f"The backups in {self.directory!r} are of another model. Build and compile it as "
            "before to go on with that run, or choose another directory for a new one. "
            f"Received: {name}. {error}"
        )

    def check_steps(self, steps):
        """Raise when the epoch that was interrupted has another length now."""
        found = self._found
        if found and found["step"] and found["steps"] != steps:
            raise ValueError(
                f"The backup {found['name']!r} is from the middle of an epoch, after "
                f"{found['step']} steps of {found['steps']}: go on with the same data, batch size "
                "and `discriminator_steps`, or choose another directory for a new run. "
                f"Received: an epoch of {steps} steps"
            )

    def check_order(self, batches):
        """Warn when the data can't be moved to where the run was."""
        reason = disorder.reason(batches)
        if reason:
            warnings.warn(
                "After a stop, this run can't go on with the batches that an uninterrupted one "
                f"would see: {reason}. Weights, optimizers and all else are restored exactly. "
                "For the same batches make the data with `keras_gan.datasets` (`from_arrays`, "
                "`map` and `zip` keep their order), or give it a method `seek(epoch)`: see "
                "docs/resume.md.",
                BackupWarning,
                stacklevel=2,
            )

    def before_training(self, callbacks, train_function):
        """Truncate log files to the backup, and begin to note signals."""
        self._train_function = train_function
        if is_chief(self.model):
            states.prepare(callbacks, self._states)
        self._callbacks = [callback for callback in callbacks if callback is not self]
        self._requests.listen()

    def training_began(self, callbacks):
        """Restore the other callbacks' states."""
        states.put_back(callbacks, self._states)
        if self._found and self.params.get("verbose") and is_chief(self.model):
            progress = _in_words(self._found["epoch"], self._found["step"])
            path = self._snapshots.path(self._found["name"])
            print(f"Going on from {path}, {progress}", flush=True)

    def epoch_began(self, callbacks):
        """Restore the means of the logs so far, and what `on_epoch_begin` has changed."""
        for metric in self.model.metrics:
            for variable, value in zip(
                _parts(metric), self._found["figures"][metric.name], strict=True
            ):
                for part in self._local(variable):
                    part.assign(value)
        # A scheduler has set the rates for this epoch before, from those that it found then.
        for optimizer, rate in zip(self.model.optimizer.optimizers, self._rates, strict=True):
            if rate is not None:
                optimizer.learning_rate = rate
        states.put_back(callbacks, self._states)

    def ended(self):
        """End the process if a signal came in the last epoch."""
        self._requests.stop_listening()
        asked = self._asked()
        if asked:
            self._end(asked)

    def close(self):
        """Stop noting signals."""
        self._requests.stop_listening()

    # What Keras calls.

    def on_train_begin(self, logs=None):
        """Note where training begins."""
        self._before = self.model.steps
        self._saved = None

    def on_epoch_begin(self, epoch, logs=None):
        """Note the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Write a backup when it is due, and end when a signal asked for it."""
        steps, before = self.model.steps, self._before
        self._before = steps
        asked = self._asked()
        due = self.every_steps and steps // self.every_steps > before // self.every_steps
        if due or asked:
            self._save(self._epoch, batch + 1)
        if asked:
            self._end(asked)

    def on_epoch_end(self, epoch, logs=None):
        """Write a backup when it is due, and end when a signal asked for it."""
        asked = self._asked()
        last = self.model.stop_training or epoch + 1 >= self.params["epochs"]
        if self.every_steps is None or last or asked:
            self._save(epoch + 1, 0)
        if asked and not last:
            self._end(asked)

    # Backups.

    def _chosen(self, model, callbacks):
        """Return the name and content of the backup that all workers go on from, or `None`s."""
        newest = None, None
        if is_chief(model):
            self._snapshots.remove_partial()
            newest = self._newest_whole(model, callbacks)
        if not are_several(model):
            return newest
        name = newest[0]
        # Numbers are all that workers can tell each other.
        there, *numbers = total(model, [1, *numbers_of(name)] if name else [0, 0, 0])
        if not there:
            return None, None
        name = name_of(*numbers)
        if not os.path.isdir(self._snapshots.path(name)):
            raise ValueError(
                f"The chief goes on from the backup {name!r}, which this worker does not see: "
                "`directory` must be one that all workers share. "
                f"Received: directory={shown(self.directory)}"
            )
        return newest if is_chief(model) else (name, self._read_again(name, model, callbacks))

    def _newest_whole(self, model, callbacks):
        for name in reversed(self._snapshots.names()):
            try:
                self._snapshots.check(name)
                return name, self._read(name, model, callbacks)
            except DamagedError as damage:
                self._snapshots.set_aside(name)
                warnings.warn(
                    f"The backup {name!r} in {self.directory!r} is damaged: {damage}. It was set "
                    "aside; the one before it is used, if there is one.",
                    BackupWarning,
                    stacklevel=2,
                )
        return None, None

    def _read(self, name, model, callbacks):
        found = contents.read(self._snapshots.path(name))
        try:
            # `fit` returns a History, whether it was given one or not.
            states.check([*callbacks, keras.callbacks.History()], found["callbacks"], model)
        except ValueError as error:
            raise self._of_another_model(name, error) from error
        return found

    def _read_again(self, name, model, callbacks):
        try:
            return self._read(name, model, callbacks)
        except DamagedError as damage:
            raise ValueError(
                f"The chief goes on from the backup {name!r}, which this worker can't: {damage}. "
                f"Received: directory={shown(self.directory)}"
            ) from damage

    def _save(self, epoch, step):
        """Write a backup, unless this one is there already."""
        name = name_of(epoch, step)
        if self._saved == name or not is_chief(self.model):
            return
        data = self._train_function
        elements = data.elements if step else data.elements_of_next
        state = {
            "epoch": epoch,
            "step": step,
            "elements": elements,
            "steps": self.params["steps"],
            "stopped": bool(self.model.stop_training),
            "figures": {
                metric.name: [float(self._local(part)[0]) for part in _parts(metric)]
                for metric in self.model.metrics
            },
            "callbacks": states.collect(self._callbacks),
        }

        def write_files(directory):
            self.model.save_weights(os.path.join(directory, WEIGHTS))
            contents.write(directory, state)

        try:
            self._snapshots.write(name, write_files)
        except OSError as error:
            # HDF5 adds a page about its buffers to what the system says.
            reason = os.strerror(error.errno) if error.errno else error
            warnings.warn(
                f"The backup {name!r} could not be written into {self.directory!r}: {reason}. "
                "Training goes on; the backups before it are as they were.",
                BackupWarning,
                stacklevel=2,
            )
        else:
            self._saved = name

    def _local(self, variable):
        return self.model.distribute_strategy.experimental_local_results(variable.value)

    # Signals.

    def _asked(self):
        """Return which signal came, to any of the workers, or `None`."""
        counts = total(self.model, self._requests.counts)
        asked = zip(("SIGTERM", "SIGINT"), counts, strict=True)
        return next((name for name, count in asked if count), None)

    def _end(self, asked):
        total(self.model, [0])  # Nobody leaves before the chief has written.
        if is_chief(self.model):
            kept = self._saved or "no new backup"
            where = f", {_in_words(*numbers_of(kept))}" if self._saved else ""
            print(
                f"\n{asked}: {kept} is in {self.directory}{where}. The same command goes on from "
                "there.",
                flush=True,
            )
        if asked == "SIGINT":
            raise KeyboardInterrupt
        raise SystemExit(self.exit_code)


def _rate_of(optimizer):
    """Return an optimizer's learning rate, `None` where a schedule sets it."""
    if has_schedule(optimizer):
        return None
    return keras.ops.convert_to_numpy(optimizer.learning_rate)


def _parts(metric):
    return [metric.total, metric.count]


def _in_words(epoch, step):
    return f"after {epoch} epochs" + (f" and {step} steps" if step else "")
