"""Features that metrics compare samples by: pixels, a model's layer, a classifier, Inception.

An extractor is a `Features`: samples in, feature rows out. Several `Features` may share one
`Trunk`, the network that computes them all at once.
"""

from keras_gan.metrics.features.classifier import Classifier
from keras_gan.metrics.features.extractor import Features, Trunk, pixels
from keras_gan.metrics.features.inception_2015 import Inception2015
from keras_gan.metrics.features.inception_v3 import InceptionV3
from keras_gan.metrics.features.models import from_model
from keras_gan.metrics.features.training import train_classifier

__all__ = [
    "Classifier",
    "Features",
    "Inception2015",
    "InceptionV3",
    "Trunk",
    "from_model",
    "pixels",
    "train_classifier",
]
