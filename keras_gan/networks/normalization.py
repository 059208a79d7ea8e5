"""What networks normalize: kernels of a discriminator, and maps of features."""

from keras import initializers, layers

from keras_gan.layers import SpectralNormalization

# PyTorch's, with which the translators and their discriminators were published.
EPSILON, MOMENTUM = 1e-5, 0.9
# What `normalize` can do to a map of features.
KINDS = "instance", "affine_instance", "batch", None


def wrapper(spectral_norm):
    """Return a function that wraps a layer, or returns it unchanged."""
    return spectrally_normalized if spectral_norm else as_it_is


def as_it_is(layer):
    """Return the layer unchanged."""
    return layer


def spectrally_normalized(layer):
    """Return the layer in a `SpectralNormalization` of the same name."""
    return SpectralNormalization(layer, name=layer.name)


def has_bias(kind):
    """Tell whether the convolutions of a network have biases: not with batch normalization."""
    return kind != "batch"


def normalize(x, kind):
    """Return a map of features, normalized.

    Args:
        x: symbolic map.
        kind: one of `KINDS`: `"instance"` (each image's channels by themselves, no weights),
            `"affine_instance"` (the same, then a factor and an offset that are learned),
            `"batch"`, or `None`.

    Raises:
        ValueError: when the map is a single pixel, which would be normalized to zero.
    """
    if kind is None:
        return x
    if tuple(x.shape[1:3]) == (1, 1):
        raise ValueError(
            "Expected a map of more than one pixel where features are normalized: one pixel minus "
            "its mean is zero, whatever was learned. Use a larger image, fewer halvings or no "
            f"normalization. Received: a map of shape {tuple(x.shape)}"
        )
    if kind == "batch":
        scales = initializers.RandomNormal(1.0, 0.02)
        return layers.BatchNormalization(
            momentum=MOMENTUM, epsilon=EPSILON, gamma_initializer=scales
        )(x)
    affine = kind == "affine_instance"
    return layers.GroupNormalization(groups=-1, epsilon=EPSILON, center=affine, scale=affine)(x)
