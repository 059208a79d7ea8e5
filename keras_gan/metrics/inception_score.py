"""The Inception score: whether samples are clearly of some class, and of all classes."""

import keras
import numpy as np

from keras_gan.metrics import checks
from keras_gan.metrics.features import identify
from keras_gan.metrics.metric import QualityMetric
from keras_gan.utils import arguments


def inception_score(probabilities, splits=10):
    """Return the mean and the standard deviation of the score over splits.

    Formula: `exp(E KL(p(y|x), p(y)))`, in [1, number of classes]

    Args:
        probabilities: class probabilities of generated samples, shape `(n, classes)`.
        splits: parts that the samples are cut into, in a random order (always the same, of seed
            0): of samples sorted by class, each part would hold one.

    Returns:
        Dict of the `"mean"` and the `"std"` over the splits.

    Raises:
        ValueError: for rows that are no probabilities, or fewer samples than splits.

    Example:

    >>> keras_gan.metrics.inception_score(np.eye(10)[np.arange(100) % 10], splits=1)
    {'mean': 10.0..., 'std': 0.0}

    Reference:
        - [Salimans et al., 2016](https://arxiv.org/abs/1606.03498), Section 4
    """
    splits = arguments.whole("splits", splits)
    probabilities = checks.as_probabilities(probabilities)
    if len(probabilities) < splits:
        raise ValueError(
            f"Expected at least as many samples as splits. Received: {len(probabilities)} samples "
            f"and splits={splits}"
        )
    probabilities = checks.shuffled(np.asarray(probabilities, "float64"), 0)
    parts = np.array_split(probabilities, splits)
    scores = np.array([_score(part) for part in parts])
    return {"mean": float(scores.mean()), "std": float(scores.std())}


def _score(probabilities):
    marginal = probabilities.mean(axis=0)
    ratio = np.divide(probabilities, marginal, where=marginal > 0, out=np.ones_like(probabilities))
    terms = probabilities * np.log(ratio, where=ratio > 0, out=np.zeros_like(ratio))
    return np.exp(terms.sum(axis=1).mean())


@keras.saving.register_keras_serializable("keras_gan")
class InceptionScore(QualityMetric):
    """Inception score of generated samples, with any classifier; see `inception_score`.

    It never looks at real samples: a generator that makes one perfect image of each class
    reaches the largest score.

    Args:
        classifier: `Features` that are class probabilities, or what has them as
            `.probabilities`, such as `keras_gan.metrics.features.train_classifier` returns.
        splits: parts that the samples are cut into, in a random order.
        name: key in the logs, for the two values `mean` and `std`.

    Reference:
        - [Salimans et al., 2016](https://arxiv.org/abs/1606.03498)
    """

    keys = ("mean", "std")
    sides = needed = ("fake",)

    def __init__(self, classifier, splits=10, name=None):
        super().__init__(identify.probabilities_of(classifier), name)
        self.splits = self.least = arguments.whole("splits", splits)

    def prepare(self, rows):
        """Return the probabilities, checked."""
        return checks.as_probabilities(rows)

    def compute(self, real, fake):
        """Return the mean and the standard deviation over the splits."""
        return inception_score(fake.values, self.splits)

    def get_config(self):
        """Return the constructor's arguments."""
        config = super().get_config()
        return {"classifier": config.pop("features"), "splits": self.splits, **config}
