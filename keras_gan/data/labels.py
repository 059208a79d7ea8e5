"""Labels among conditions: how many classes the networks embed."""

import keras

from keras_gan.data.signature import sample_shape
from keras_gan.utils import nests
from keras_gan.utils.keras_internals import made_by
from keras_gan.utils.tensors import compatible


def embedded_classes(generator, discriminator, signature):
    """Return how many labels the networks' embeddings take, or `None`.

    Read off `Embedding` layers that take a condition's only integer part, as it is or on its way
    through layers without weights, such as `layers.Packing`.
    """
    sizes = []
    networks = {"generator": generator, "discriminator": discriminator}
    for player, network in networks.items():
        specs = getattr(signature, f"{player}_condition")
        labels = [tensor for tensor in nests.leaves(specs) if _is_label(tensor)]
        if len(labels) == 1:
            sizes += [
                embedding.input_dim
                for layer in getattr(network, "layers", [])
                # The layer itself, or what a wrapper such as SpectralNormalization holds.
                if isinstance(embedding := getattr(layer, "layer", layer), keras.layers.Embedding)
                and _comes_from(layer, labels[0])
            ]
    return min(sizes, default=None)


def _is_label(tensor):
    integer = "int" in keras.backend.standardize_dtype(tensor.dtype)
    return integer and compatible(sample_shape(tensor), (1,) * len(sample_shape(tensor)))


def _comes_from(layer, label):
    """Tell whether what a layer takes is a label, as it is or only reshaped."""
    try:
        tensor = layer.input
    except (AttributeError, ValueError):
        return False
    while isinstance(tensor, keras.KerasTensor) and tensor is not label:
        operation, inputs, _ = made_by(tensor)
        if getattr(operation, "weights", None) or len(inputs) != 1:
            return False
        tensor = inputs[0]
    return tensor is label
