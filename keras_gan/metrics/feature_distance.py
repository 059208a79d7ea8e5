"""Distance between the features of each real sample and those of its generated one."""

import keras
import numpy as np

from keras_gan.metrics import checks
from keras_gan.metrics.features import identify
from keras_gan.metrics.paired import PairedMetric


def feature_distance(real, fake):
    """Return the mean Euclidean distance between rows of features, pair by pair.

    Args:
        real: feature rows of shape `(n, d)`.
        fake: feature rows of the samples generated for them, of the same shape and order.

    Returns:
        The mean, a float in units of the features.

    Raises:
        ValueError: when shapes differ, or features are not finite.

    Example:

    >>> keras_gan.metrics.feature_distance([[0.0, 0.0], [1.0, 1.0]], [[3.0, 4.0], [1.0, 1.0]])
    2.5
    """
    real, fake = checks.as_rows(real=real, fake=fake)
    if len(real) != len(fake):
        raise ValueError(
            "Expected as many rows on both sides, in one order. "
            f"Received: {len(real)} real and {len(fake)} fake rows"
        )
    return float(_distances(real, fake).mean())


def _distances(real, fake):
    return np.linalg.norm(real.astype("float64") - fake.astype("float64"), axis=1)


@keras.saving.register_keras_serializable("keras_gan")
class FeatureDistance(PairedMetric):
    """Mean Euclidean distance between the features of real samples and of generated ones.

    How far a translation is from its target to a network that looks at both. A network that a
    term of the loss uses is no judge: the generator was trained to please it. Use another one, or
    layers that no term looks at.

    Args:
        features: `keras_gan.metrics.features.Features`.
        name: key in the logs.

    Raises:
        TypeError: when `features` are none.

    Example:

    >>> network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    >>> judge = keras_gan.metrics.features.from_model(network)
    >>> metric = keras_gan.metrics.FeatureDistance(judge)
    """

    own_shape = False

    def __init__(self, features, name=None):
        super().__init__(identify.get(features), name)

    def compare(self, real, fake, source=None):
        """Return the distance of each pair."""
        return _distances(real, fake)
