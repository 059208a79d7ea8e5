"""Layers that generators and discriminators need and Keras lacks."""

from keras_gan.layers.mean_style import MeanStyle
from keras_gan.layers.minibatch_std_dev import MinibatchStdDev
from keras_gan.layers.packing import Packing
from keras_gan.layers.spectral_normalization import SpectralNormalization

__all__ = ["MeanStyle", "MinibatchStdDev", "Packing", "SpectralNormalization"]
