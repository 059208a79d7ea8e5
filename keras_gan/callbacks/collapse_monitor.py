"""Warning of mode collapse, from metrics of coverage and diversity."""

import dataclasses
import math
import typing
import warnings

import keras
import numpy as np

from keras_gan.data.condition import as_arrays
from keras_gan.metrics.distances import squared_distances
from keras_gan.utils import forms, nests
from keras_gan.utils.arguments import number, whole

_FLOORS = {
    "diversity": 0.3,
    "coverage": 0.1,
    "recall": 0.05,
    "spread": 0.25,
    "multi_scale_ssim": 0.5,
    "modes": 0.0,
    "classes": 0.0,
    "smallest": 0.0,
}
_KEYS = {
    "diversity": "diversity",
    "density_coverage/coverage": "coverage",
    "precision_recall/recall": "recall",
    "mode_coverage/modes": "modes",
    "mode_coverage/spread": "spread",
    "class_coverage/classes": "classes",
    "class_coverage/smallest": "smallest",
    "multi_scale_ssim/fake": "multi_scale_ssim",
}
_COUNTS = ("modes", "classes")
_MOST_REAL = 1024
_ADVICE = (
    "Try, one at a time: the R1 penalty or a larger gamma (`terms=[keras_gan.terms.R1(gamma)]`); "
    "a discriminator that sees several samples at once (minibatch standard deviation, packing); "
    "a lower learning rate for the discriminator; an augmentation where data is scarce"
)


class CollapseWarning(UserWarning):
    """The generator makes samples that are too much alike, or no longer all kinds of them."""


class Collapse(typing.NamedTuple):
    """What a `CollapseMonitor` warned of.

    Attributes:
        epoch: the epoch of the warning, counted from 1.
        key: the key in the epoch's logs.
        value: the value logged; for `multi_scale_ssim/fake`, `(1 - fake) / (1 - real)`.
        expected: what it should at least be.
        epochs: how many times in a row it was below.
        healthy_epoch: the last epoch in which it was not, or `None`.
    """

    epoch: int
    key: str
    value: float
    expected: float
    epochs: int
    healthy_epoch: int | None


@dataclasses.dataclass
class _Track:
    """State of one key of the logs."""

    best: float = 0.0
    healthy_epoch: int | None = None
    fallen: Collapse | None = None
    warned: bool = False


class CollapseMonitor(keras.callbacks.Callback):
    """Warn when the generator collapses: its samples are alike, or kinds of samples are missing.

    At the end of each epoch it judges one metric of its own, `diversity`, and those of the others
    below that the logs hold. They may begin with `val_`, and with the name of a part of the
    samples. They come from the metrics of `compile`, run on `validation_data`, or from a callback
    before this one:

    | key in the logs | name | floor | as large as in the data |
    |---|---|---|---|
    | `diversity` | `diversity` | 0.3 | 1 |
    | `density_coverage/coverage` | `coverage` | 0.1 | almost 1, with equally many of both |
    | `precision_recall/recall` | `recall` | 0.05 | almost 1 |
    | `mode_coverage/spread` | `spread` | 0.25 | 1 |
    | `multi_scale_ssim/fake` | `multi_scale_ssim` | 0.5 | 1, as `(1 - fake) / (1 - real)` |
    | `mode_coverage/modes` | `modes` | none | the number of modes |
    | `class_coverage/classes` | `classes` | none | the number of classes |
    | `class_coverage/smallest` | `smallest` | none | the share of the rarest class |

    A metric has fallen when it is below its floor, or below `fall` times its best so far. (Except
    for counts, the best is at most 1: to be more varied than the data is no merit.) After
    `patience` epochs in a row, or at the end of training if that comes first, there is a
    `CollapseWarning`, and a `Collapse` in the list `warnings`. The warning names the epoch, the
    metric, what it should be and what to try. The same metric is warned of again only after it
    has recovered. Floors are low: they detect a collapse, not a lack of quality.

    `diversity` needs no metric in the logs. It is the mean Euclidean distance between the samples
    of fixed seeds, divided by that between `real` samples or, without those, by the largest so
    far. It is added to the epoch's logs, so `EarlyStopping("diversity", mode="max")` after this
    callback can stop a run. It detects a generator that makes nearly one thing, not one that
    leaves out one kind in ten. With conditions, it does not detect a generator that makes one
    thing of each condition, unless all of `condition` are equal.

    Args:
        real: real samples, one row each, to compare the diversity with. Of more than 1,024,
            evenly spaced ones are taken. Without them, a generator that never was diverse is not
            noticed.
        samples: how many samples `diversity` takes, at least 2; as many as `condition` has rows.
            `None` to judge only what is in the logs.
        seed: the first seed; the samples are those of seeds `seed` to `seed + samples - 1`.
        condition: for conditional models, the conditions of the samples: one label for all, or
            an array or a nest of them with one row per sample. By default labels that cycle
            through the classes, where the model has `num_classes`.
        floors: floors by name that replace those of the table, such as `{"recall": 0.2}`; 0 is
            none.
        fall: the share of its best that a metric has to keep, in [0, 1).
        patience: epochs in a row, of those that have the metric, before the warning.
        warmup: training steps before any metric is judged, or counts as its best. A generator that
            has not learnt anything yet covers nothing, or is more varied than it will be.

    Raises:
        ValueError: when built, if an argument is out of range; when training starts, if the
            model, `condition` and `real` do not fit each other.

    Example:
    ```python
    monitor = keras_gan.callbacks.CollapseMonitor(real=images[:1000], floors={"recall": 0.2})
    model.fit(dataset, epochs=20, validation_data=held_out, callbacks=[monitor])
    print(monitor.warnings)
    ```
    """

    def __init__(
        self,
        real=None,
        samples=256,
        seed=0,
        condition=None,
        floors=None,
        fall=0.5,
        patience=3,
        warmup=1000,
    ):
        super().__init__()
        if samples is not None:
            whole("samples", samples, least=2)
        whole("seed", seed, least=0)
        whole("patience", patience)
        whole("warmup", warmup, least=0)
        number("fall", fall, below=1)
        self.real = None if real is None else _checked_real(real)
        self.samples = samples
        self.seed = seed
        self.condition = as_arrays(condition)
        self.floors = {**_FLOORS, **_checked_floors(floors or {})}
        self.fall = fall
        self.patience = patience
        self.warmup = warmup
        self.warnings = []

    def on_train_begin(self, logs=None):
        """Check everything that could go wrong later, before the first step."""
        self.warnings = []
        self._tracks = {}
        self._largest = 0.0
        if self.samples is not None:
            self._check_real(self._generate())
            self._real_distance = None if self.real is None else _mean_distance(self.real)

    def on_epoch_end(self, epoch, logs=None):
        """Judge the logs of the epoch that has ended."""
        logs = {} if logs is None else logs
        warm = self.model.steps >= self.warmup
        if self.samples is not None:
            logs["diversity"] = self._diversity(warm)
        for key, name, value in _judged(logs) if warm else ():
            self._judge(epoch + 1, key, name, value)

    def on_train_end(self, logs=None):
        """Warn of what had fallen when training ended."""
        for track in self._tracks.values():
            if track.fallen and not track.warned:
                self._warn(track)

    @property
    def state_form(self):
        """The form of what `get_state` returns, for `utils.forms`."""
        epoch = None, forms.count
        collapse = forms.row(forms.count, str, forms.number, forms.number, forms.count, epoch)
        track = forms.row(forms.number, epoch, (None, collapse), bool)
        return {"warnings": [collapse], "tracks": {str: track}, "largest": forms.number}

    def get_state(self):
        """Return the state that a `Backup` keeps."""
        tracks = {key: dataclasses.astuple(track) for key, track in self._tracks.items()}
        return {"warnings": self.warnings, "tracks": tracks, "largest": self._largest}

    def set_state(self, state):
        """Restore what `get_state` returned."""
        self.warnings = [Collapse(*found) for found in state["warnings"]]
        self._largest = state["largest"]
        self._tracks = {}
        for key, (best, healthy, fallen, warned) in state["tracks"].items():
            self._tracks[key] = _Track(best, healthy, fallen and Collapse(*fallen), warned)

    def _judge(self, epoch, key, name, value):
        """Compare a value with its floor and with its best."""
        track = self._tracks.setdefault(key, _Track())
        expected = max(self.floors[name], self.fall * track.best)
        track.best = max(track.best, value if name in _COUNTS else min(value, 1.0))
        if value >= expected:
            track.healthy_epoch, track.fallen, track.warned = epoch, None, False
            return
        epochs = track.fallen.epochs + 1 if track.fallen else 1
        track.fallen = Collapse(epoch, key, value, expected, epochs, track.healthy_epoch)
        if epochs >= self.patience and not track.warned:
            self._warn(track)

    def _warn(self, track):
        track.warned = True
        self.warnings.append(track.fallen)
        warnings.warn(_message(track.fallen), CollapseWarning, stacklevel=3)

    def _diversity(self, warm):
        distance = _mean_distance(self._generate())
        if self._real_distance is not None:
            return distance / self._real_distance
        if math.isnan(distance):
            return math.nan
        if not warm:
            return 1.0
        self._largest = max(self._largest, distance)
        return distance / self._largest if self._largest else 0.0

    def _generate(self):
        count, condition = self._count(), self.condition
        if condition is None:
            condition = self.model.condition.in_turn(count)
        condition = self.model.condition.rows(condition, count)
        return _flat(self.model.generate(count, seed=self.seed, condition=condition))

    def _count(self):
        """Return how many samples there are: one for each row of the condition, if it has rows.

        Raises:
            ValueError: for a single row.
        """
        rows = [len(part) for part in nests.leaves(self.condition) if np.ndim(part)]
        count = rows[0] if rows else self.samples
        if count < 2:
            raise ValueError(
                "`condition` must have at least 2 rows, whose samples are compared. "
                f"Received: condition of {count} rows"
            )
        return count

    def _check_real(self, samples):
        shape = samples.shape[1:]
        if self.real is not None and self.real.shape[1:] != shape:
            raise ValueError(
                "`real` must hold samples of the shape the generator makes. Received: "
                f"real.shape={self.real.shape}, samples of shape {shape}"
            )


def _judged(logs):
    """Yield key, name and value of what is judged in the logs, where finite; higher is better."""
    for key, value in logs.items():
        # Of a part of the samples: its name and "/" come first.
        ours = (name for known, name in _KEYS.items() if f"/{key}".endswith(f"/{known}"))
        name = _KEYS.get(key.removeprefix("val_")) or next(ours, None)
        if name == "multi_scale_ssim":
            value = _variety(value, logs.get(key.removesuffix("fake") + "real"))
        if name and value is not None and math.isfinite(value):
            yield key, name, float(value)


def _variety(fake, real):
    """Return how unlike generated images are, relative to real ones."""
    return None if real is None or real >= 1 else (1 - fake) / (1 - real)


def _mean_distance(samples):
    """Return the mean Euclidean distance between two rows; NaN where one is not finite."""
    rows = samples.reshape(len(samples), -1)
    if not np.isfinite(rows).all():
        return math.nan
    total = sum(np.sqrt(squares).sum() for _, squares in squared_distances(rows, rows))
    return float(total) / (len(rows) * (len(rows) - 1))


def _message(collapse):
    """Return what has fallen, how long ago, and what to try."""
    formula = ", as (1 - fake) / (1 - real)," if "multi_scale_ssim" in collapse.key else ""
    back = (
        ""
        if collapse.healthy_epoch is None
        else f"; or go back to a checkpoint of epoch {collapse.healthy_epoch} or before"
    )
    return (
        f"The generator may be collapsing: in epoch {collapse.epoch}, {collapse.key}{formula} "
        f"is {collapse.value:.3g} and should be at least {collapse.expected:.3g} (measured as "
        f"too low {collapse.epochs} times in a row). {_ADVICE}{back}."
    )


def _flat(samples):
    """Return samples of several parts as rows of all their numbers, and one tensor as it is."""
    if not nests.is_nest(samples):
        return samples
    parts = [np.asarray(part) for part in nests.leaves(samples)]
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def _checked_real(real):
    real = np.asarray(_flat(real) if isinstance(real, dict) else real)
    if real.dtype.kind != "f":
        raise ValueError(
            "`real` must be an array of floating-point samples, on the scale on which the "
            "generator makes them: 8-bit images `x / 127.5 - 1`. "
            f"Received: real of dtype {real.dtype}, shape {real.shape}"
        )
    real = real.astype(np.float32)
    real = real[:, None] if real.ndim == 1 else real
    if real.ndim and len(real) > _MOST_REAL:
        real = real[np.linspace(0, len(real) - 1, _MOST_REAL).astype(int)]
    if real.ndim < 2 or len(real) < 2 or not _mean_distance(real) > 0:
        raise ValueError(
            "`real` must hold at least 2 samples that are finite and not all equal, one row each. "
            f"Received: real of shape {real.shape}"
        )
    return real


def _checked_floors(floors):
    unknown = sorted(set(floors) - set(_FLOORS))
    if unknown:
        raise ValueError(
            f"Expected `floors` named as in {sorted(_FLOORS)}. Received: floors of {unknown}"
        )
    for name, floor in floors.items():
        number(f"floors[{name!r}]", floor)
    return floors
