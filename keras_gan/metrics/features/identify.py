"""Resolution of the arguments `features=` and `classifier=`."""

from keras_gan.metrics.features.extractor import Features, pixels
from keras_gan.utils import registry


def get(features):
    """Return the `Features` that an argument stands for.

    Args:
        features: `Features`, their serialized config, or `None` for `pixels()`.

    Raises:
        TypeError: for anything else.
    """
    if features is None:
        return pixels()
    return _checked(features, "features", "Features")


def probabilities_of(classifier):
    """Return the `Features` that are a classifier's probabilities.

    Args:
        classifier: what has them as `.probabilities`, or these `Features` themselves, or their
            serialized config.

    Raises:
        TypeError: for anything else.
    """
    probabilities = getattr(classifier, "probabilities", classifier)
    return _checked(probabilities, "classifier", "classifier, or Features that are probabilities")


def _checked(features, argument, wanted):
    features = registry.from_config(features, argument)
    if not isinstance(features, Features):
        raise TypeError(
            f"Expected {wanted}, as `keras_gan.metrics.features` makes them: of a classifier "
            "`classifier.features`, of a Keras model `features.from_model(model)`. "
            f"Received: {argument} of type {type(features).__name__}"
        )
    return features
