"""Augmentation of real and generated samples alike, in front of the discriminator."""

import keras

from keras_gan.augmentation.adaptive import Adaptive
from keras_gan.augmentation.augmentation import Augmentation
from keras_gan.augmentation.diff_augment import Color, Cutout, DiffAugment, Translation
from keras_gan.augmentation.instance_noise import InstanceNoise
from keras_gan.utils import registry

__all__ = [
    "Adaptive",
    "Augmentation",
    "Color",
    "Cutout",
    "DiffAugment",
    "InstanceNoise",
    "Translation",
    "get",
]


def get(identifier):
    """Return the layer that a name, a config or an instance stands for; `None` for `None`.

    Args:
        identifier: a Keras layer, the snake_case name of an augmentation, or a serialized config.

    Raises:
        ValueError: for an unknown name, with the known ones and the nearest.
        TypeError: for anything else.

    Example:

    >>> keras_gan.augmentation.get("diff_augment").policy
    ['color', 'translation', 'cutout']
    """
    if identifier is None:
        return None
    classes = registry.classes_of(__name__, Augmentation)
    return registry.resolve(identifier, classes, keras.layers.Layer, "augmentation")
