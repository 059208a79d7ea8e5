"""Statistics of batch normalizations that samples are made with: running, or standing ones."""

import keras
import numpy as np

from keras_gan.utils.keras_internals import layers_within


def normalizations(network):
    """Return the batch normalizations of a network, in the order of its layers."""
    layers = layers_within(network)
    return [each for each in layers if isinstance(each, keras.layers.BatchNormalization)]


def accumulate(network, batches):
    """Set a network's moving statistics to the means of those of some batches.

    All else that the network assigns in training stays as it was.

    Args:
        network: a built Keras model with batch normalizations.
        batches: iterable of what the network is called on.
    """
    layers = normalizations(network)
    moving = [each for layer in layers for each in (layer.moving_mean, layer.moving_variance)]
    kept = [(each, each.numpy()) for each in network.variables]
    settings = [(layer.momentum, layer.trainable) for layer in layers]
    sums, count = [0.0] * len(moving), 0
    try:
        for layer in layers:
            # What moves is then the batch's own. One that is frozen, as in an average, would not.
            layer.momentum, layer.trainable = 0.0, True
        for batch in batches:
            network(batch, training=True)
            values = (each.numpy().astype("float64") for each in moving)
            sums = [total + value for total, value in zip(sums, values, strict=True)]
            count += 1
    finally:
        for layer, setting in zip(layers, settings, strict=True):
            layer.momentum, layer.trainable = setting
        for variable, value in kept:
            variable.assign(value)
    for each, total in zip(moving, sums, strict=True):
        each.assign(np.asarray(total / count, "float32"))
