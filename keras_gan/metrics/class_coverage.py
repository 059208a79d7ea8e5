"""Coverage of classes, as a classifier tells them."""

import keras
import numpy as np

from keras_gan.metrics import checks
from keras_gan.metrics.features import identify
from keras_gan.metrics.metric import QualityMetric
from keras_gan.metrics.mode_coverage import reverse_kl


def class_coverage(probabilities, frequencies=None):
    """Return how generated samples are spread over classes.

    Args:
        probabilities: class probabilities of generated samples, shape `(n, classes)`.
        frequencies: expected share of each class, by default equal.

    Returns:
        Dict of

        - `"classes"`: how many are the likeliest of at least one sample;
        - `"smallest"`: share of the rarest class;
        - `"reverse_kl"`: KL divergence, in nats, of the histogram of classes from the
          frequencies (of a perfect sampler about (classes - 1) / 2n, not 0);
        - `"confidence"`: mean of the largest probability.

    Raises:
        ValueError: for rows that are no probabilities, or frequencies that are not positive.

    Example:

    >>> keras_gan.metrics.class_coverage([[0.9, 0.1], [0.8, 0.2]])
    {'classes': 1, 'smallest': 0.0, 'reverse_kl': 0.693..., 'confidence': 0.85...}

    Reference:
        - [Lin et al., 2018](https://arxiv.org/abs/1712.04086), Section 4.2 (stacked MNIST)
    """
    probabilities = checks.as_probabilities(probabilities)
    frequencies = checks.as_frequencies(frequencies, probabilities.shape[1])
    return _coverage(probabilities.argmax(axis=1), probabilities.max(axis=1), frequencies)


def _coverage(labels, confidences, frequencies):
    counts = np.bincount(labels, minlength=len(frequencies))
    return {
        "classes": int(np.sum(counts > 0)),
        "smallest": float(counts.min() / len(labels)),
        "reverse_kl": reverse_kl(labels, frequencies),
        "confidence": float(np.mean(confidences, dtype="float64")),
    }


@keras.saving.register_keras_serializable("keras_gan")
class ClassCoverage(QualityMetric):
    """How generated samples are spread over the classes of a classifier; see `class_coverage`.

    When real samples are given too, their classes set the expected frequencies: the divergence
    is infinite when a class is generated that no real sample has.

    Args:
        classifier: `Features` that are class probabilities, or what has them as
            `.probabilities`, such as `keras_gan.metrics.features.train_classifier` returns.
        frequencies: expected share of each class, in place of the real samples' or equal ones.
        name: key in the logs, for `classes`, `smallest`, `reverse_kl` and `confidence`.
    """

    keys = ("classes", "smallest", "reverse_kl", "confidence")
    needed = ("fake",)

    def __init__(self, classifier, frequencies=None, name=None):
        super().__init__(identify.probabilities_of(classifier), name)
        self.frequencies = None
        if frequencies is not None:
            self.frequencies = checks.as_frequencies(frequencies, np.size(frequencies))

    def prepare(self, rows):
        """Return each row's likeliest class and its probability."""
        rows = checks.as_probabilities(rows)
        return np.stack([rows.argmax(axis=1), rows.max(axis=1)], axis=1).astype("float64")

    def compute(self, real, fake):
        """Return the four values."""
        classes = self._shape[0]
        if self.frequencies is None and real.count:
            frequencies = np.bincount(real.values[:, 0].astype(int), minlength=classes) / real.count
        else:
            frequencies = checks.as_frequencies(self.frequencies, classes)
        return _coverage(fake.values[:, 0].astype(int), fake.values[:, 1], frequencies)

    def get_config(self):
        """Return the constructor's arguments."""
        config = super().get_config()
        frequencies = None if self.frequencies is None else self.frequencies.tolist()
        return {"classifier": config.pop("features"), "frequencies": frequencies, **config}
