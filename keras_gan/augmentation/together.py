"""One random transformation of several tensors: the parts of samples, and images beside them."""

import keras
import tensorflow as tf
from keras import ops

from keras_gan.utils.keras_internals import layers_within

_STOCK_NAMES = (
    "CenterCrop",
    "RandomCrop",
    "RandomElasticTransform",
    "RandomFlip",
    "RandomPerspective",
    "RandomRotation",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
)
_STOCK = tuple(getattr(keras.layers, name) for name in _STOCK_NAMES if hasattr(keras.layers, name))


def together(layer, samples, conditions):
    """Return samples and image conditions, all transformed by one draw for each sample.

    What moves pixels moves the images of one sample alike; what does not changes each part of the
    samples by itself, and no condition.

    Args:
        layer: a Keras layer.
        samples: list of tensors, the parts of samples.
        conditions: list of image conditions, tensors of rank 4.

    Returns:
        Two lists of as many tensors.

    Raises:
        ValueError: for images of different sizes where the layer can't move these alike.
    """
    if len(samples) == 1 and not conditions:
        return [layer(samples[0], training=True)], conditions
    if hasattr(layer, "together"):
        return layer.together(samples, conditions)
    if isinstance(layer, keras.Sequential):
        for part in layer.layers:
            samples, conditions = together(part, samples, conditions)
        return samples, conditions
    if is_geometric(layer):
        return on_channels(layer, samples, conditions)
    return [layer(part, training=True) for part in samples], conditions


def on_channels(layer, samples, conditions):
    """Return images of one size, transformed as the channels of one image; see `together`."""
    images = [*samples, *conditions]
    check_sizes(layer, images)
    dtype = images[0].dtype
    joined = tf.concat([ops.cast(image, dtype) for image in images], axis=-1)
    moved = tf.split(layer(joined, training=True), [image.shape[-1] for image in images], axis=-1)
    moved = [ops.cast(new, old.dtype) for new, old in zip(moved, images, strict=True)]
    return moved[: len(samples)], moved[len(samples) :]


def is_geometric(layer):
    """Tell whether a layer of Keras's, or one that it holds, moves pixels."""
    return any(isinstance(part, _STOCK) for part in layers_within(layer))


def is_image(tensor):
    """Tell whether a tensor or spec is a batch of floating-point images."""
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    return len(tensor.shape) == 4 and "float" in dtype


def check_sizes(layer, images):
    """Raise when a layer would have to move images of different sizes alike.

    Args:
        layer: a layer that takes one image.
        images: list of tensors or specs, batch axis first.

    Raises:
        ValueError: with their shapes.
    """
    shapes = [tuple(image.shape)[1:] for image in images]
    if any(len(shape) != 3 for shape in shapes) or len({shape[:-1] for shape in shapes}) > 1:
        raise ValueError(
            f"The augmentation {layer.name!r} moves pixels, and the discriminator judges several "
            "tensors together: it can move them alike only where all are images of one height and "
            "width. Use `DiffAugment`, which moves images of other sizes in proportion, or resize "
            f"them. Received: shapes (without the batch axis) {shapes}"
        )
