"""Feature extractors: samples in, feature rows out."""

import warnings

import keras
import numpy as np

from keras_gan.metrics.features import caching
from keras_gan.utils.arguments import shown

_TOLERANCE = 1e-3
_FEWEST_TO_JUDGE = 16


class Trunk:
    """A network, or another function of samples, that several `Features` are read off.

    A subclass implements `run`, and the properties `protocol` and `fingerprint`; registered for
    serialization, with a `get_config`, it comes back with the metrics of a saved model. Trunks of
    one fingerprint are equal: whoever runs several metrics computes each only once.

    Args:
        value_range: `(lowest, highest)` value of images (samples of rank 4 with the batch axis),
            or `None` to take any.
        block_size: samples that `run` sees at a time, which bounds the memory it takes.

    Attributes:
        name: short name, from which those of the `Features` follow.

    Example:

    ```python
    from keras_gan.metrics.features import Features, Trunk, caching


    class Means(Trunk):  # brightness of each channel
        name = "means"
        protocol = {"extractor": "mean of each channel"}
        fingerprint = caching.fingerprint("means")

        def run(self, samples):
            return {"features": samples.mean(axis=(1, 2))}


    features = Features(Means())
    ```
    """

    name = "features"

    def __init__(self, value_range=(-1, 1), block_size=128):
        self.value_range = _checked_range(value_range)
        self.block_size = block_size
        self._warned = False

    def run(self, samples):
        """Return the dict of outputs, each an array with one row per sample.

        Args:
            samples: NumPy array of at most `block_size` samples, checked.
        """
        raise NotImplementedError

    @property
    def protocol(self):
        """Dict of strings: all that affects metrics computed from these outputs."""
        raise NotImplementedError

    @property
    def fingerprint(self):
        """Hexadecimal string that stands for this function of samples, weights included."""
        raise NotImplementedError

    @property
    def unavailable(self):
        """`None`, or a sentence on why it can't run here."""
        return None

    @property
    def key(self):
        """What trunks are compared by."""
        return self.fingerprint

    def __eq__(self, other):
        return self is other or (type(self) is type(other) and self.key == other.key)

    def __hash__(self):
        return hash(self.key)

    def __call__(self, samples):
        """Return the dict of outputs of any number of samples.

        Args:
            samples: floating-point array or tensor, batch axis first.

        Returns:
            Dict from an output's name to an array, one row per sample.

        Raises:
            ValueError: for samples that are no finite floating-point numbers, or images outside
                the value range; or when it can't run here.
        """
        if self.unavailable:
            raise ValueError(self.unavailable)
        samples = self.checked(samples)
        starts = range(0, len(samples), self.block_size)
        blocks = [self.run(samples[i : i + self.block_size]) for i in starts]
        return {name: np.concatenate([_numpy(b[name]) for b in blocks]) for name in blocks[0]}

    def checked(self, samples):
        """Return samples as a NumPy array that `run` can take; see `__call__`."""
        samples = _as_floats(samples)
        if not samples.ndim or not len(samples):
            raise ValueError(
                f"Expected one sample at least. Received: samples of shape {samples.shape}"
            )
        if not np.isfinite(samples).all():
            raise ValueError(
                "Expected finite samples: a network that has diverged makes NaN. Received: NaN or "
                f"infinite values among samples of shape {samples.shape}"
            )
        if samples.ndim == 4 and self.value_range:
            self._check_range(len(samples), float(samples.min()), float(samples.max()))
        return samples

    def _check_range(self, count, low, high):
        least, most = self.value_range
        if low < least - _TOLERANCE or high > most + _TOLERANCE:
            raise ValueError(
                f"Expected images in [{least:g}, {most:g}], {_how_to_scale(least, most)}. "
                f"Received: images in [{low:g}, {high:g}]"
            )
        if least < 0 <= low and high <= 1 and count >= _FEWEST_TO_JUDGE and not self._warned:
            self._warned = True
            warnings.warn(
                f"Images are expected in [{least:g}, {most:g}], but all of these {count} lie in "
                "[0, 1]: if that is their scale, the metrics are wrong; turn them to `x * 2 - 1`. "
                f"Range seen: [{low:g}, {high:g}]",
                stacklevel=5,
            )


@keras.saving.register_keras_serializable("keras_gan")
class Features:
    """Samples in, feature rows out: one output of a `Trunk`.

    Metrics hold it as a plain object, so that no network in it is tracked, trained or saved. A
    config holds how to make it again where that can be done from files; what can't be made again
    comes back with `unavailable` set.

    Args:
        trunk: what computes outputs of samples.
        output: the output to use.
        name: name for tables and logs, by default from the trunk's.

    Attributes:
        trunk: `features(x)` is `features.pick(features.trunk(x))`: for several features of one
            trunk, call the trunk once.

    Example:

    >>> features = keras_gan.metrics.features.pixels()
    >>> features(np.zeros((5, 8, 8, 1), "float32")).shape
    (5, 64)
    """

    def __init__(self, trunk, output="features", name=None):
        self.trunk = trunk
        self.output = output
        self.name = name or (trunk.name if output == "features" else f"{trunk.name}_{output}")

    def __call__(self, samples):
        """Return the feature rows of samples, an array of shape `(n, d)`.

        Args:
            samples: floating-point array or tensor, batch axis first.

        Raises:
            ValueError: for samples that the trunk refuses, or when it can't run here.
        """
        return self.pick(self.trunk(samples))

    def pick(self, outputs):
        """Return the feature rows among what `trunk(samples)` returned."""
        if self.output not in outputs:
            raise ValueError(
                f"{self.trunk.name!r} has no output {self.output!r}. "
                f"Received: outputs {sorted(outputs)}"
            )
        rows = outputs[self.output]
        return rows.reshape(len(rows), -1)

    @property
    def protocol(self):
        """Dict of strings: all that affects metrics computed from these features."""
        return {**self.trunk.protocol, "output": self.output}

    @property
    def fingerprint(self):
        """Hexadecimal string that stands for these features, weights included."""
        return caching.fingerprint(self.trunk.fingerprint, self.output)

    @property
    def unavailable(self):
        """`None`, or a sentence on why they can't be computed here."""
        return self.trunk.unavailable

    def get_config(self):
        """Return the constructor's arguments."""
        trunk = keras.saving.serialize_keras_object(self.trunk)
        return {"trunk": trunk, "output": self.output, "name": self.name}

    @classmethod
    def from_config(cls, config):
        """Build the features from their config."""
        trunk = keras.saving.deserialize_keras_object(config["trunk"])
        return cls(trunk, config["output"], config["name"])

    def __repr__(self):
        return f"<Features {self.name!r}>"


@keras.saving.register_keras_serializable("keras_gan")
class PixelTrunk(Trunk):
    """The samples themselves, flattened; see `pixels`."""

    name = "pixels"

    def run(self, samples):
        """Return the samples as rows."""
        return {"features": samples.reshape(len(samples), -1)}

    @property
    def protocol(self):
        """All that affects the features."""
        return {"extractor": "pixels", "value_range": range_name(self.value_range)}

    @property
    def fingerprint(self):
        """Stands for the flattening and the range of values."""
        return caching.fingerprint("pixels", range_name(self.value_range))

    def get_config(self):
        """Return the constructor's arguments."""
        return {"value_range": self.value_range and list(self.value_range)}

    @classmethod
    def from_config(cls, config):
        """Build the trunk from its config."""
        return cls(**config)


def pixels(value_range=(-1, 1)):
    """Return the `Features` that are the samples themselves, flattened: of any rank.

    float32 samples stay float32, float64 stay float64; narrower ones become float32.

    Args:
        value_range: `(lowest, highest)` value of images, or `None` to take any.

    Returns:
        `Features`.

    Raises:
        ValueError: when the range is not a pair that ascends.
    """
    return Features(PixelTrunk(value_range))


def range_name(value_range):
    """Return how a protocol names a range of values."""
    return "any" if value_range is None else f"[{value_range[0]:g}, {value_range[1]:g}]"


def _checked_range(value_range):
    if value_range is None:
        return None
    pair = tuple(value_range) if np.ndim(value_range) == 1 else ()
    if len(pair) != 2 or not pair[0] < pair[1]:
        raise ValueError(
            "Expected `value_range` to be a pair (lowest, highest), or None for images of any "
            f"range. Received: value_range={shown(value_range)}"
        )
    return tuple(float(value) for value in pair)


def _as_floats(samples):
    samples = np.asarray(samples)
    dtype = keras.backend.standardize_dtype(samples.dtype)
    if "float" not in dtype:
        raise ValueError(
            "Expected floating-point samples; 8-bit images are scaled to [-1, 1] by "
            "`x.astype('float32') / 127.5 - 1`. "
            f"Received: samples of dtype {dtype}, shape {samples.shape}"
        )
    return samples if dtype in ("float32", "float64") else samples.astype("float32")


def _numpy(output):
    output = np.asarray(output)
    return output if output.dtype in (np.float32, np.float64) else output.astype("float32")


def _how_to_scale(least, most):
    if (least, most) == (-1, 1):
        return "8-bit ones are scaled by `x / 127.5 - 1`, those in [0, 1] by `x * 2 - 1`"
    return "scaled as the extractor expects them"
