"""Distance to the nearest training sample, which reveals memorization."""

import keras
import numpy as np

from keras_gan.data import elements
from keras_gan.metrics import checks
from keras_gan.metrics.distances import nearest_squares
from keras_gan.metrics.features import caching
from keras_gan.metrics.metric import QualityMetric
from keras_gan.metrics.ranges import in_range

_COPY_QUANTILE = 0.01


def nearest_neighbour(samples, training):
    """Return each sample's Euclidean distance to the nearest training sample.

    Args:
        samples: feature rows of shape `(n, d)`.
        training: feature rows of the training samples, shape `(m, d)`.

    Returns:
        float64 array of shape `(n,)`.

    Raises:
        ValueError: when rows differ in length, or features are not finite.

    Example:

    >>> keras_gan.metrics.nearest_neighbour([[0.0, 0.0], [3.0, 5.0]], [[0.0, 0.0], [3.0, 4.0]])
    array([0., 1.])
    """
    samples, training = checks.as_rows(samples=samples, training=training)
    return np.sqrt(nearest_squares(samples, training))


@keras.saving.register_keras_serializable("keras_gan")
class NearestNeighbour(QualityMetric):
    """How near generated samples come to training samples, against held-out real ones.

    Held-out real samples set the scale: new samples lie about as far from the training set as
    they do, and samples that lie much nearer were memorized. The values:

    - `fake`, `real`: mean distance to the nearest training sample, of generated and of held-out
      real samples.
    - `ratio`: the first over the second. Far below 1: memorized. Far above 1: far from the data
      altogether.
    - `copies`: share of generated samples as near to a training sample as the nearest 1 % of the
      held-out ones; about 0.01 for a perfect generator, 1 for a memorizer.

    Of the two sides only distances are kept; of the training set, its features.

    Args:
        training: the training samples: an array, or a dataset of batches `x` or
            `(x, condition)`, which is read when first needed. They are in no saved model.
        features: `keras_gan.metrics.features.Features`; by default the samples, flattened.
        name: key in the logs, for the four values.

    Raises:
        ValueError: when there are no training samples.

    Example:

    >>> images = keras_gan.datasets.load("digits", shuffle=False)
    >>> metric = keras_gan.metrics.NearestNeighbour(images)

    Reference:
        - [Theis et al., 2016](https://arxiv.org/abs/1511.01844), Section 3.2, on its limits
    """

    keys = ("fake", "real", "ratio", "copies")

    def __init__(self, training, features=None, name=None):
        super().__init__(features, name)
        self._training = training
        self._rows = self._rows_of = self._model_range = None

    def bind(self, model):
        """Read the training samples in the range of values of a model.

        Args:
            model: a `GAN`.
        """
        self._model_range = model.range.known

    @property
    def unavailable(self):
        """`None`, or why a metric that was loaded from a config can't run here."""
        if self._training is None:
            return (
                f"The metric {self.name!r} compares with training samples, which are in no saved "
                "model: make it again, `NearestNeighbour(training)`."
            )
        return super().unavailable

    def prepare(self, rows):
        """Return the distances to the nearest training sample."""
        return nearest_neighbour(rows, self._training_rows())

    def compute(self, real, fake):
        """Return the mean distances, their ratio and the share of copies."""
        real, fake = real.values, fake.values
        copies = np.mean(fake <= np.quantile(real, _COPY_QUANTILE))
        means = {"fake": fake.mean(), "real": real.mean()}
        if not means["real"]:
            raise ValueError(
                f"The real samples of {self.name!r} are all among the training samples: expected "
                "held-out ones. Received: a mean distance of 0"
            )
        return {**means, "ratio": means["fake"] / means["real"], "copies": copies}

    def _training_rows(self):
        if self._training is None:
            raise ValueError(f"{self.unavailable} Received: training=None")
        # A user's own network may be in training.
        rows_of = self.features.fingerprint, self._model_range
        if rows_of != self._rows_of:
            ranges = self._model_range, self.value_range
            batches = elements.batches(self._training)
            self._rows = np.concatenate([self.features(in_range(x, *ranges)) for x, _ in batches])
            self._rows_of = rows_of
        return self._rows

    def _settings(self):
        """Return the settings, with what stands for the training samples."""
        return {**super()._settings(), "training": caching.fingerprint(self._training_rows())}

    @classmethod
    def from_config(cls, config):
        """Build the metric from its config, without training samples: it is `unavailable`."""
        return cls(None, **config)
