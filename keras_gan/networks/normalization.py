"""What the layers of a discriminator are wrapped in."""

from keras_gan.layers import SpectralNormalization


def wrapper(spectral_norm):
    """Return a function that wraps a layer, or leaves it as it is."""
    return spectrally_normalized if spectral_norm else as_it_is


def as_it_is(layer):
    """Return the layer."""
    return layer


def spectrally_normalized(layer):
    """Return the layer in a `SpectralNormalization` of the same name."""
    return SpectralNormalization(layer, name=layer.name)
