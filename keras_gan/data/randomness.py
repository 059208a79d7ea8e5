"""Random draws of a generator at inference, which a seed does not name."""

import re
import warnings

import tensorflow as tf

from keras_gan.utils import nests
from keras_gan.utils.keras_internals import layers_within

# The latents' own draws carry this name in graphs.
LATENTS = "latents_of_seeds"
_DRAWS = re.compile(r"(Stateless|Parameterized|Truncated)?(Random|Multinomial|TruncatedNormal)|Rng")


def drawing_layers(graph, network):
    """Return the names of layers that draw random numbers in a traced function.

    Args:
        graph: `tf.Graph` in which the network runs in inference mode.
        network: the generator.

    Returns:
        Sorted list of names; of a draw outside of any layer that of its operation.
    """
    names = {layer.name for layer in layers_within(network)} - {network.name}
    found = set()
    for operation in graph.get_operations():
        path = operation.name.split("/")
        if _DRAWS.match(operation.type) and LATENTS not in path:
            inside = [_plain(part) for part in path if _plain(part) in names]
            found.add(inside[-1] if inside else operation.name)
    return sorted(found)


def _plain(part):
    """Return a part of an operation's name without the number of a second call."""
    return re.sub(r"_\d+$", "", part) if re.search(r"_\d+_\d+$", part) else part


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


def check(model):
    """Raise when a model's generator draws random numbers at inference.

    Raises:
        ValueError: naming the layers.
    """
    network, condition = model.sampling_network, model.condition.example(1)
    latents = None
    if model.latents is not None:
        latents = model.latents.sample(tf.zeros((1,), tf.int64))
    inputs = nests.map(tf.convert_to_tensor, model.generator_inputs(latents, condition))
    traced = tf.function(lambda given: network(given, training=False), autograph=False)
    layers = drawing_layers(traced.get_concrete_function(inputs).graph, network)
    if layers:
        raise ValueError(message(layers, "an export could not make the same samples again"))
