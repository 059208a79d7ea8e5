"""Transformations of real and generated samples alike, on their way to the discriminator."""

from keras_gan.augmentation.augmentation import Augmentation

__all__ = ["Augmentation"]
