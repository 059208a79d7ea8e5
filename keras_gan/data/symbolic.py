"""What a network says of itself: its symbolic inputs and outputs, and what these end in."""

import contextlib
import difflib

import keras

from keras_gan.utils.arguments import shown
from keras_gan.utils.keras_internals import made_by, outputs_of_calls

# What moves values, and changes none.
_MOVING = keras.layers.Flatten, keras.layers.Reshape, keras.layers.Cropping2D

# What makes probabilities of logits.
SQUASHING = {"sigmoid", "hardsigmoid", "logsigmoid", "softmax"}


def inputs_of(network):
    """Return a network's symbolic inputs, flat, or `None` when it does not say them."""
    try:
        inputs = network.inputs
    except AttributeError:
        return None
    return inputs or None


def input_structure(network):
    """Return a network's symbolic inputs, in the nest that it is called on, or `None`."""
    inputs = inputs_of(network)
    if inputs is None:
        return None
    try:
        return network.input
    except (AttributeError, ValueError):  # A Sequential that was never called by itself.
        return inputs[0] if len(inputs) == 1 else inputs


def output_structure(network):
    """Return a network's symbolic outputs, in the nest that it returns, or `None`."""
    outputs = getattr(network, "outputs", None)
    if not outputs:
        return None
    # A Sequential that was never called by itself has no `output`.
    return outputs[0] if isinstance(network, keras.Sequential) else network.output


def sample_shape(tensor):
    """Return the shape of a tensor or spec without the batch axis.

    Raises:
        ValueError: when even the rank is unknown.
    """
    if getattr(tensor.shape, "rank", 0) is None:
        raise ValueError(
            "Expected data of known rank; set it in the pipeline, for example with "
            f"`tf.ensure_shape`. Received: {tensor}"
        )
    return tuple(tensor.shape)[1:]


def end_of(tensor):
    """Return the symbolic tensor that one is, but for its shape: behind layers that move values.

    Within nested models too.
    """
    operation, inputs, index = made_by(tensor)
    if isinstance(operation, keras.Model):
        return end_of(operation.outputs[index])
    return end_of(inputs[0]) if isinstance(operation, _MOVING) else tensor


def activation_of(tensor):
    """Return the name of the activation that a symbolic tensor ends in, or of the operation."""
    operation = made_by(end_of(tensor))[0]
    activation = getattr(operation, "activation", None)
    name = getattr(activation, "__name__", None) or type(operation).__name__
    return name.lower().replace("_", "")


def output_of_layer(model, name):
    """Return the symbolic output of one of a model's layers, or the nest of its outputs.

    Args:
        model: a Functional or built Sequential model.
        name: the layer's name.

    Raises:
        ValueError: for a model that does not say its layers, or has none of that name.
    """
    if not inputs_of(model):
        raise ValueError(
            "A layer needs a Functional or a built Sequential model, whose layers' outputs are "
            f"known. Received: model={model.name!r} of type {type(model).__name__}, "
            f"layer={shown(name)}"
        )
    # Of a layer that several models share, the call that belongs to this one.
    for outputs in outputs_of_calls(_layer_of(model, name)):
        with contextlib.suppress(ValueError):
            keras.Model(model.inputs, keras.tree.flatten(outputs))
            return outputs
    raise ValueError(
        f"The layer {name!r} is not called on the inputs of {model.name!r}: wrap the inner model "
        f"it belongs to instead. Received: layer={shown(name)}"
    )


def _layer_of(model, name):
    layers = {layer.name: layer for layer in model.layers}
    if name not in layers:
        near = difflib.get_close_matches(str(name), layers, n=1, cutoff=0.5)
        suggestion = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"The model {model.name!r} has no layer {name!r}.{suggestion} Its layers: "
            f"{list(layers)}. Received: layer={shown(name)}"
        )
    return layers[name]
