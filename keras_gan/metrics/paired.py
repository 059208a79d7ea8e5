"""Base class of paired metrics, which compare each real sample with the one generated for it."""

import numpy as np

from keras_gan.metrics.metric import QualityMetric, as_array
from keras_gan.utils.arguments import shown


class PairedMetric(QualityMetric):
    """A metric of pairs: a real sample, and what the generator made for it.

    For generators that are given something of the sample they are to make: its source image, its
    mask, its low resolution. All real samples are compared, once each and in their order,
    whatever `metric_samples` says. A few numbers of each pair are kept, no samples: memory of
    that many numbers a sample.

    A subclass overrides `compare` and, where the result is no mean of them, `summarize`.

    Args:
        features: `keras_gan.metrics.features.Features`, or `None` for the samples as they are.
        name: the key in logs, by default the class's name in snake case.

    Example:

    ```python
    class WorstPixel(keras_gan.metrics.PairedMetric):
        def compare(self, real, fake, source=None):
            return np.abs(real - fake).reshape(len(real), -1).max(axis=1)


    targets = np.random.uniform(-1, 1, (8, 16, 16, 1))
    keras_gan.metrics.evaluate([WorstPixel()], targets, targets / 2)
    ```
    """

    abstract = True  # Of its own: it is no metric that a name stands for.
    paired = True
    needed = ("fake",)  # Where the numbers of pairs are kept; the real side stays empty.
    own_shape = True

    def compare(self, real, fake, source=None):
        """Return what is kept of pairs: an array of shape `(n,)` or `(n, k)`.

        Args:
            real: array of real samples, batch axis first, or their feature rows.
            fake: the same of generated samples.
            source: the condition that these were made from, a nest of arrays, or `None`.
        """
        raise NotImplementedError

    def summarize(self, kept):
        """Return a number, or a dict of numbers by `keys`: by default the mean.

        Args:
            kept: what `compare` returned of all pairs, in their order.
        """
        return np.mean(kept)

    def update_state(self, real=None, fake=None, source=None):
        """Take in pairs: real samples, and those generated for them, in one order.

        Args:
            real: array or tensor of real samples, batch axis first.
            fake: the same of generated samples, as many and of the same shape.
            source: the condition that these were made from, a nest of arrays, or `None`.

        Raises:
            ValueError: when samples are not what the metric can use. Nothing is taken in then.
            TypeError: when a side is missing, or inside a `tf.function`.
        """
        if real is None or fake is None:
            missing = "real" if real is None else "fake"
            raise TypeError(
                f"The metric {self.name!r} compares pairs: call `update_state(real=..., "
                f"fake=...)` with as many of both. Received: {missing}=None"
            )
        pair = {"real": as_array(real, "real"), "fake": as_array(fake, "fake")}
        real, fake = pair.values()
        if real.shape != fake.shape:
            raise ValueError(
                f"Expected pairs for {self.name!r}: real and generated samples of one shape, in "
                f"one order. Received: real of shape {real.shape}, fake of shape {fake.shape}"
            )
        if not len(real):
            return
        for side, samples in pair.items():
            self._check_samples(side, samples)
        self._fake.add(np.asarray(self.compare(self.extract(real), self.extract(fake), source)))

    def _check_samples(self, side, samples):
        """Raise when the metric can't use samples."""
        if samples.dtype.kind == "c":
            raise ValueError(
                f"Expected real-valued {side} samples. Received: {side} of dtype {samples.dtype}"
            )
        self._check_finite(side, samples)

    def compute(self, real, fake):
        """Return what `summarize` makes of the numbers of all pairs."""
        return self.summarize(fake.values)

    def update_features(self, real=None, fake=None):
        """Raise: pairs are taken in by `update_state`."""
        raise TypeError(
            f"The metric {self.name!r} compares pairs: give `update_state` the samples. "
            f"Received: real={shown(real)}, fake={shown(fake)}"
        )

    def set_reference(self, dataset, cache_dir=None, verbose=1):
        """Raise: there is no real side without the generated one."""
        raise TypeError(
            f"The metric {self.name!r} compares pairs: its real side can't be fixed beforehand. "
            f"Received: dataset={shown(dataset)}"
        )


def is_paired(metric):
    """Tell whether a metric is shown pairs, `update_state(real, fake, source)`."""
    return bool(getattr(metric, "paired", False))
