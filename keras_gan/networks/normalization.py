"""Wrappers around the layers of a discriminator."""

from keras_gan.layers import SpectralNormalization


def wrapper(spectral_norm):
    """Return a function that wraps a layer, or returns it unchanged."""
    return spectrally_normalized if spectral_norm else as_it_is


def as_it_is(layer):
    """Return the layer unchanged."""
    return layer


def spectrally_normalized(layer):
    """Return the layer in a `SpectralNormalization` of the same name."""
    return SpectralNormalization(layer, name=layer.name)
