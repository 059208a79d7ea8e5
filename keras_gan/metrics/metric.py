"""Base class of quality metrics, which compare real with generated samples."""

import keras
import numpy as np
import tensorflow as tf

from keras_gan.metrics import reference
from keras_gan.metrics.accumulators import Rows
from keras_gan.metrics.features import identify
from keras_gan.utils import nests
from keras_gan.utils.arguments import shown
from keras_gan.utils.registry import snake_case

_NOT_SETTINGS = "name", "features", "classifier"


class QualityMetric(keras.metrics.Metric):
    """A `keras.metrics.Metric` that compares real with generated samples.

    Samples come in any batches, of either side. The metric is computed at the end, from all
    samples of both sides, since the mean over batches would be another number. It runs outside
    the training step, on the host, in float64 where sums are long. Its state is NumPy arrays,
    which no strategy mirrors and no checkpoint holds.

    A subclass overrides `compute`, and names what it needs in the class attributes below.

    Args:
        features: `keras_gan.metrics.features.Features`, which turns samples into feature rows.
            `None` takes the samples themselves: flattened, or in their shape where `own_shape`.
        name: the key in logs, by default the class's name in snake case.

    Attributes:
        paired: whether it is shown pairs, a real sample and the one made for it: see
            `PairedMetric`.
        keys: names of the values that `result` returns, empty for a single number.
        sides: which of `"real"` and `"fake"` it uses; the other is ignored.
        needed: which of them it requires.
        least: rows that each of the needed sides must have.
        accumulator: class that stores a side.
        own_shape: whether it takes samples that no extractor has flattened, such as images.
        real_of: identifies what the real side was filled with; cleared when that side changes.

    Example:

    ```python
    class MeanDistance(keras_gan.metrics.QualityMetric):  # between the two sides' means
        def compute(self, real, fake):
            return np.linalg.norm(real.values.mean(0) - fake.values.mean(0))


    model.compile("non_saturating", metrics=[MeanDistance()])
    model.evaluate(held_out, return_dict=True)["mean_distance"]
    ```
    """

    paired = False
    keys = ()
    sides = ("real", "fake")
    needed = ("real", "fake")
    least = 1
    accumulator = Rows
    own_shape = False

    def __init__(self, features=None, name=None):
        super().__init__(name=name or snake_case(type(self).__name__))
        raw = features is None and self.own_shape
        self.features = None if raw else identify.get(features)
        self._reference = None
        self.real_of = None
        self.reset_state()

    @property
    def value_range(self):
        """The `(lowest, highest)` value of images that it takes, `None` for any."""
        return getattr(getattr(self.features, "trunk", None), "value_range", None)

    def compute(self, real, fake):
        """Return a number, or a dict of numbers by `keys`.

        Args:
            real: accumulator of the real side.
            fake: accumulator of the generated side.
        """
        raise NotImplementedError

    def prepare(self, rows):
        """Return what is kept of feature rows: by default the rows themselves."""
        return rows

    def extract(self, samples):
        """Return the feature rows of samples, or the samples where there is no extractor."""
        return self.features(samples) if self.features else samples

    def update_state(self, real=None, fake=None):
        """Take in samples: either side, or both, in batches of any size.

        Args:
            real: array or tensor of real samples, batch axis first, or `None`.
            fake: the same of generated samples; as many or not.

        Raises:
            ValueError: when samples or features are not what the metric can use. Nothing is
                taken in then, and the state is as it was.
            TypeError: inside a `tf.function`, where there are no values to look at.
        """
        given = {"real": real, "fake": fake}
        given = {side: as_array(x, side) for side, x in given.items() if side in self.sides}
        given = {side: samples for side, samples in given.items() if _some(samples)}
        for side, samples in given.items():
            self._check_finite(side, samples)
        self.update_features(**{side: self.extract(x) for side, x in given.items()})

    def update_features(self, real=None, fake=None):
        """Take in feature rows, where these were extracted already; as `update_state`.

        Args:
            real: array of shape `(n, d)`, or `None`.
            fake: the same of generated samples.
        """
        given = {"real": real, "fake": fake}
        given = {
            side: np.asarray(x) for side, x in given.items() if side in self.sides and _some(x)
        }
        shape = self._shape
        for side, rows in given.items():
            shape = shape or rows.shape[1:]
            self._check(side, rows, shape)
        kept = {side: self.prepare(rows) for side, rows in given.items()}
        self._shape = shape
        for side, rows in kept.items():
            self._side(side).add(rows)
        if "real" in kept:
            self.real_of = None

    def result(self):
        """Return the value: a float, or a dict of floats by `keys`.

        Raises:
            ValueError: when there are too few samples.
        """
        for side in self.needed:
            count = self._side(side).count
            if count < self.least:
                given = "real=..., fake=..." if self.paired else f"{side}=..."
                raise ValueError(
                    f"The metric {self.name!r} needs at least {self.least} {side} samples: call "
                    f"`update_state({given})` first. Received: {count} {side} samples"
                )
        result = self.compute(self._real, self._fake)
        if isinstance(result, dict):
            return {key: float(value) for key, value in result.items()}
        return float(result)

    def merge_state(self, metrics):
        """Take in what other metrics of this kind have seen, such as those of other workers.

        Args:
            metrics: iterable of metrics, of this class and on the same features.

        Raises:
            ValueError: when one is of another class or dimension.
        """
        metrics, shape = list(metrics), self._shape
        for other in metrics:
            if type(other) is not type(self) or other._settings() != self._settings():
                raise ValueError(
                    f"Expected metrics of class {type(self).__name__}, of the same settings and "
                    f"features: {self._settings()}. Received: {other!r}"
                    + (f" with {other._settings()}" if type(other) is type(self) else "")
                )
            shape = shape or other._shape
            if other._shape not in (None, shape):
                raise ValueError(
                    f"Expected features of shape {shape}. Received: {other!r} on features of "
                    f"shape {other._shape}"
                )
        self._shape, self.real_of = shape, None
        for other in metrics:
            self._fake.merge(other._fake)
            if self._reference is None:
                self._real.merge(other._real)

    def reset_state(self, keep_real=False):
        """Forget the samples seen so far.

        Args:
            keep_real: whether to forget the generated side alone.
        """
        self._fake = self.accumulator()
        if not keep_real:
            self.real_of = None
            self._real = self._reference or self.accumulator()
            self._shape = self._shape if self._reference else None

    def set_reference(self, dataset, cache_dir=None, verbose=1):
        """Fix the real side to a dataset, read from disk when it was computed before.

        It then outlasts `reset_state`, and evaluations don't extract real features for this
        metric; what it has seen before is forgotten. The file's name is a fingerprint of the
        data, the extractor and the metric.

        Args:
            dataset: iterable of batches `x` or `(x, condition)`.
            cache_dir: directory of the file, by default `$KERAS_GAN_CACHE` or
                `~/.cache/keras_gan`.
            verbose: 0 for no progress bar.

        Returns:
            The metric.
        """
        arrays = reference.arrays_of(self, dataset, cache_dir, verbose)
        self._reference = self.accumulator()
        self._shape = tuple(arrays.pop("shape"))
        self._reference.restore(**arrays)
        self.reset_state()
        return self

    @property
    def has_reference(self):
        """Whether `set_reference` has fixed the real side."""
        return self._reference is not None

    @property
    def unavailable(self):
        """`None`, or why a metric that was loaded from a config can't run here."""
        return self.features.unavailable if self.features else None

    def get_config(self):
        """Return the constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {"name": self.name, "features": self.features and serialize(self.features)}

    def _twin(self):
        """Return a metric of the same features and settings that has seen nothing."""
        twin = object.__new__(type(self))  # Copies of Keras objects are made from configs.
        twin.__dict__.update(self.__dict__, _reference=None)
        twin.reset_state()
        return twin

    def _side(self, side):
        return self._real if side == "real" else self._fake

    def _settings(self):
        """Return all but the name that two metrics must share to be merged."""
        config = {k: v for k, v in self.get_config().items() if k not in _NOT_SETTINGS}
        return {**config, "features": self.features and self.features.fingerprint}

    def _check(self, side, rows, shape):
        if rows.shape[1:] != shape or (self.features and rows.ndim != 2):
            raise ValueError(
                f"Expected {side} features of shape {(None, *shape)}, as those before them: rows "
                f"of one length on both sides. Received: an array of shape {rows.shape}"
            )
        self._check_finite(side, rows)
        if side == "real" and self.has_reference:
            raise ValueError(
                f"The real side of {self.name!r} was fixed by `set_reference`: update the "
                f"generated side alone. Received: {len(rows)} real samples"
            )

    def _check_finite(self, side, rows):
        broken = int(np.sum(~np.isfinite(rows).reshape(len(rows), -1).all(axis=1)))
        if broken:
            raise ValueError(
                f"Expected finite values for {self.name!r}: a network that has diverged makes "
                f"NaN. Received: NaN or infinity in {broken} of {len(rows)} {side} rows"
            )


def _some(samples):
    return samples is not None and len(samples) > 0


def as_array(samples, side):
    """Return samples as an array, `None` as it is.

    Args:
        samples: array-like, batch axis first, or `None`.
        side: what errors call them.

    Raises:
        TypeError: for symbolic tensors, nests and what is no array.
    """
    if samples is None:
        return None
    if isinstance(samples, keras.KerasTensor) or (
        tf.is_tensor(samples) and not hasattr(samples, "numpy")
    ):
        raise TypeError(
            "Metrics of quality run on values, outside `tf.function` and the training step: pass "
            "them to keras_gan's `compile(metrics=...)`, or call them eagerly. "
            f"Received: {side}={shown(samples)}"
        )
    array = np.asarray(samples)
    if not array.ndim or array.dtype.kind in "OSU":
        parts = f" with the parts {nests.names(samples)}" if nests.is_nest(samples) else ""
        raise TypeError(
            f"Expected an array of {side} samples, batch axis first; of samples of several parts, "
            f"those of one part. Received: {side} of type {type(samples).__name__}{parts}"
        )
    return array
