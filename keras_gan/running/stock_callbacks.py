"""Keras's own callbacks and arguments of `fit`, where a GAN's logs would leave them without effect.

A GAN logs `d_loss` and `g_loss`, and no `loss`: what Keras's callbacks watch by default is not
there, and they do nothing without a word.
"""

import string
import warnings

import keras
import numpy as np

from keras_gan.running.resuming import flat
from keras_gan.utils.arguments import shown

_LOSSES = "d_loss", "g_loss"
# What Keras's models log and a GAN doesn't.
_OF_KERAS = {"loss", "accuracy", "acc", "mae", "mse"}


class StopOnNaN(keras.callbacks.Callback):
    """The part of `keras.callbacks.TerminateOnNaN` that looks for `loss`, for a GAN's losses."""

    def on_train_batch_end(self, batch, logs=None):
        """Stop training once a player's loss is not finite."""
        values = [float(value) for name, value in (logs or {}).items() if name in _LOSSES]
        if not np.isfinite(values).all() and not self.model.stop_training:
            print(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True


def prepared(callbacks, model, validated, steps, count):
    """Return the callbacks of a run, checked, with what some need beside them on a GAN.

    Args:
        callbacks: what `fit` was given: `None`, a callback, a list or a `CallbackList`.
        model: the compiled `GAN`.
        validated: whether there is validation data.
        steps: `steps_per_epoch`, or `None`.
        count: steps that one pass over the data has, or `None` when not known.

    Raises:
        TypeError: for a callback that is none.
    """
    listed = flat(callbacks)
    check(callbacks)
    quality = list(model.quality.nothing())
    _warn_of_monitors(listed, model.game.logs, validated, quality)
    _warn_of_metrics(validated, quality)
    _warn_of_steps(steps, count)
    if not any(isinstance(each, keras.callbacks.TerminateOnNaN) for each in listed):
        return callbacks
    if any(isinstance(each, StopOnNaN) for each in listed):
        return callbacks
    stop = StopOnNaN()
    if isinstance(callbacks, keras.callbacks.CallbackList):
        stop.set_model(model)
        callbacks.callbacks.append(stop)
        return callbacks
    return [*listed, stop]


def check(callbacks):
    """Raise for a callback that is none.

    Args:
        callbacks: `None`, a callback, a list or a `CallbackList`.

    Raises:
        TypeError: naming what it is.
    """
    for callback in flat(callbacks):
        if not isinstance(callback, keras.callbacks.Callback):
            forgot = " Did you forget to call it?" if isinstance(callback, type) else ""
            raise TypeError(
                f"Expected `callbacks` to be Keras callbacks.{forgot} Received: {shown(callback)}"
            )


def _warn_of_monitors(callbacks, logs, validated, quality):
    """Warn, once for each, of callbacks that watch what will not be logged."""
    names, of_data = logs.names, []
    if validated:
        of_data = [f"val_{name}" for name in (*logs.evaluated, *quality)]
    rates = ["learning_rate_generator", "learning_rate_discriminator"]
    logged = [*names, *of_data, *rates]
    # A callback of the user's own, or `Evaluation`, may add to the logs.
    known = all(type(each).__module__.startswith("keras.") for each in callbacks)
    for callback in callbacks:
        _check_path(callback, logged, known)
        monitor = getattr(callback, "monitor", None)
        if not getattr(callback, "save_best_only", True):
            continue  # A ModelCheckpoint that saves every time watches nothing.
        if not isinstance(monitor, str) or monitor in logged:
            continue
        if known or monitor.removeprefix("val_") in _OF_KERAS:
            missing = "" if validated else " Keys that begin with `val_` need `validation_data`."
            warnings.warn(
                f"{type(callback).__name__} watches {monitor!r}, which is not logged, and will do "
                f"nothing.{missing} Give it `monitor=`, and a `mode=`, of what is: "
                f"{[*names, *of_data]}",
                stacklevel=4,
            )


def _check_path(callback, logged, known):
    """Raise when the name of a checkpoint asks for what will not be logged."""
    if not isinstance(callback, keras.callbacks.ModelCheckpoint):
        return
    asked = {name for _, name, _, _ in string.Formatter().parse(callback.filepath) if name}
    missing = asked - {"epoch", "batch", *logged}
    if missing and (known or any(n.removeprefix("val_") in _OF_KERAS for n in missing)):
        raise ValueError(
            f"ModelCheckpoint's path asks for {sorted(missing)}, which is not logged. Expected "
            f"'epoch', 'batch' or names among {logged}. Received: filepath={callback.filepath!r}"
        )


def _warn_of_metrics(validated, quality):
    if quality and not validated:
        warnings.warn(
            f"The metrics {quality} run on validation data, and `fit` was given none: pass "
            "`validation_data=`, or call `evaluate` afterwards.",
            stacklevel=4,
        )


def _warn_of_steps(steps, count):
    if steps is not None and count is not None and count < steps:
        warnings.warn(
            f"`steps_per_epoch={steps}` asks for more than one pass over the data has, {count} "
            "steps: an epoch ends with the data. Leave it out, or `repeat()` the dataset.",
            stacklevel=4,
        )
