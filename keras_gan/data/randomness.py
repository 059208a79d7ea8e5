"""Random draws of a generator at inference, which no seed determines."""

import re
import warnings

import tensorflow as tf

from keras_gan.utils import nests
from keras_gan.utils.keras_internals import layers_within

# The latents' own draws carry this name in graphs.
LATENTS = "latents_of_seeds"
_DRAWS = re.compile(
    r"(Stateless|Stateful|Parameterized)*(Random|Multinomial|TruncatedNormal|StandardNormal|Shuffle)"
    r"|StatefulUniform|Rng"
)


def drawing_layers(graph, network):
    """Return the names of layers that draw random numbers in a traced function.

    Args:
        graph: `tf.Graph` in which the network runs in inference mode.
        network: the generator.

    Returns:
        Sorted list of names; for a draw outside of any layer, its operation's.
    """
    names = {layer.name for layer in layers_within(network)} - {network.name}
    definition = graph.as_graph_def()
    functions = {function.signature.name: function for function in definition.library.function}
    found = set()
    for path in _draws(definition.node, functions):
        inside = [layer for part in path if (layer := _layer_of(part, names))]
        found.add(inside[-1] if inside else "/".join(path))
    return sorted(found)


def _draws(nodes, functions, around=(), called=frozenset()):
    """Yield the name, split, of every random operation except the latents'.

    Bodies of loops, branches and functions are functions of their own: their operations' names
    leave out what is around the call.
    """
    for node in nodes:
        path = (*around, *node.name.split("/"))
        if LATENTS in path:
            continue
        if _DRAWS.match(node.op):
            yield path
        for name in (_called(node) & functions.keys()) - called:
            yield from _draws(functions[name].node_def, functions, path, called | {name})


def _called(node):
    """Return the names of the functions that an operation calls."""
    values = node.attr.values()
    return {
        *(value.func.name for value in values if value.HasField("func")),
        *(function.name for value in values for function in value.list.func),
        node.op,
    }


def _layer_of(part, names):
    """Return the layer that a part of an operation's name stands for, or `None`.

    A graph adds a number to a name that is taken.
    """
    return next((name for name in (part, re.sub(r"_\d+$", "", part)) if name in names), None)


def message(layers, what):
    """Return what to say of layers that draw at inference."""
    return (
        "A seed names a sample, so nothing in a generator may draw random numbers at inference "
        f"but its latents: {what}. Feed the noise from latents, such as "
        '`latents={"z": Normal(64), "noise": Uniform(10)}`, or let the layer draw in training '
        "alone. "
        f"Received: {layers} in the generator"
    )


def warn(graph, model):
    """Warn of layers that draw in a traced function of a model's samples."""
    layers = drawing_layers(graph, model.sampling_network)
    if layers:
        what = "these samples differ from call to call"
        warnings.warn(message(layers, what), stacklevel=4)


def check(model, graph=None):
    """Raise when a model's generator draws random numbers at inference.

    Args:
        model: a built `GAN`.
        graph: `tf.Graph` in which its generator runs in inference mode; traced if `None`.

    Raises:
        ValueError: naming the layers.
    """
    layers = drawing_layers(graph or _traced(model), model.sampling_network)
    if layers:
        raise ValueError(message(layers, "an export could not make the same samples again"))


def _traced(model):
    network, condition = model.sampling_network, model.condition.example(1, model.value_range)
    latents = None
    if model.latents is not None:
        latents = model.latents.sample(tf.zeros((1,), tf.int64))
    inputs = nests.map(tf.convert_to_tensor, model.generator_inputs(latents, condition))
    traced = tf.function(lambda given: network(given, training=False), autograph=False)
    return traced.get_concrete_function(inputs).graph
