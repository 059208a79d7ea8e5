"""What a pair of networks must satisfy, and what can be read off them.

Functional and Sequential models say their inputs, outputs and last operation; of a subclassed
network nothing is known before it runs, and nothing is checked.
"""

import math

import keras

from keras_gan.layers import packing
from keras_gan.utils.keras_internals import layers_within, made_by
from keras_gan.utils.tensors import compatible

_SQUASHING = {"sigmoid", "hardsigmoid", "logsigmoid", "softmax"}


def inputs_of(network):
    """Return a network's symbolic inputs, flat, or `None` when it does not say them."""
    try:
        inputs = network.inputs
    except AttributeError:
        return None
    return inputs or None


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


def latent_shape(generator):
    """Return the shape of the latents that a generator takes first.

    Raises:
        ValueError: when the generator does not say it.
    """
    inputs = inputs_of(generator)
    if inputs is None:
        raise ValueError(
            'Expected a Functional or Sequential generator for `latents="auto"`: the size of the '
            "latents is read off its first input. Pass it instead, for example "
            f"`latents=keras_gan.latents.Normal(64)`. Received: generator={generator.name!r} of "
            f"type {type(generator).__name__}"
        )
    shape = sample_shape(inputs[0])
    if not all(shape):
        raise ValueError(
            "Expected the generator's first input, the latents, to have a fixed shape, or an "
            f"explicit `latents`. Received: an input of shape {(None, *shape)}"
        )
    return shape


def is_conditional(generator, discriminator, has_latents):
    """Read off the networks' inputs whether they take a condition.

    Raises:
        ValueError: when the networks don't say it, or contradict each other.
    """
    if not has_latents:
        return True
    counts = [
        inputs_of(network) and len(inputs_of(network)) for network in (generator, discriminator)
    ]
    if None in counts:
        raise ValueError(
            "Expected Functional networks for `conditional='auto'`: whether there is a condition "
            "is read off their inputs. Pass `conditional=True` or `conditional=False`. Received: "
            f"generator of type {type(generator).__name__}, discriminator of type "
            f"{type(discriminator).__name__}"
        )
    if counts[0] == 1 and counts[1] > 1:
        raise ValueError(
            "The discriminator takes a condition and the generator does not: a generator with "
            "latents takes `[latents, condition]`, one without takes the condition and "
            f"`latents=None`. Received: generator with {counts[0]} input, discriminator with "
            f"{counts[1]} inputs"
        )
    return counts[0] > 1


def takes_condition(discriminator):
    """Tell whether a conditional GAN's discriminator takes the condition beside the samples."""
    inputs = inputs_of(discriminator)
    return inputs is None or len(inputs) > 1


def check_models(generator, discriminator):
    """Raise when the players are not two Keras models.

    Raises:
        TypeError: when a network is not a Keras model.
        ValueError: when both are the same.
    """
    for player, network in (("generator", generator), ("discriminator", discriminator)):
        if not isinstance(network, keras.Model):
            raise TypeError(
                f"Expected `{player}` to be a Keras model. Received: {player}={network!r} of "
                f"type {type(network)}"
            )
    if generator is discriminator:
        raise ValueError("Expected two networks. Received: the same model as both players")


def check_networks(generator, discriminator, prior):
    """Raise when two networks and a prior don't fit each other.

    Raises:
        ValueError: when the shapes don't match, or the discriminator returns probabilities.
    """
    _check_latents(generator, prior)
    _check_samples(generator, discriminator)
    _check_logits(discriminator)


def check_element(generator, discriminator, prior, conditional, x, condition):
    """Raise when a dataset's elements don't fit the networks.

    Args:
        generator: the generator.
        discriminator: the discriminator.
        prior: the latents' prior, or `None`.
        conditional: whether the networks take a condition.
        x: tensor or spec of samples, batch axis first.
        condition: nest of the same for their condition, or `None`.

    Raises:
        ValueError: for a missing condition, or shapes that don't match, both named.
    """
    if conditional and condition is None:
        raise ValueError(
            "The networks take a condition: expected data elements `(x, condition)`, or "
            "`fit(x, condition)` with arrays. Received: elements of `x` alone"
        )
    real = inputs_of(discriminator)
    if real:
        _match("The dataset's samples", x, "the discriminator's input", real[0])
    if not conditional:
        return
    wanted = inputs_of(generator)
    _match_condition(condition, wanted and (wanted[1:] if prior else wanted), "generator")
    _match_condition(condition, real and real[1:], "discriminator")


def pack_size(discriminator):
    """Return how many samples a discriminator judges at once, 1 without `layers.Packing`."""
    layers = layers_within(discriminator)
    return math.lcm(*(part.samples for part in layers if isinstance(part, packing.Packing)))


def shares(discriminator, sizes, replicas=1, needed=1):
    """Return in how many equal parts batches must come, for replicas and packs to share them.

    Args:
        discriminator: the discriminator, which may judge packs.
        sizes: list of the sizes of batches, `None` where not known: that of all but the last, and
            of the last where there is one that differs.
        replicas: how many share a batch.
        needed: how many batches a training step takes.

    Returns:
        Integer that divides every batch of use. `replicas` by itself when packs divide each batch.

    Raises:
        ValueError: when packs don't divide the batches, naming both numbers, or several batches
            of unknown size would have to be packed.
    """
    samples = pack_size(discriminator)
    parts = replicas * samples
    if samples == 1 or not any(size is None or size % parts for size in sizes):
        return replicas
    received = None
    if sizes[0] is None and needed > 1:
        received = f"batches of unknown size, {needed} a step"
    elif sizes[0] is not None and sizes[0] % parts:
        shared = f", shared by {replicas} replicas" if replicas > 1 else ""
        received = f"batches of {sizes[0]} samples{shared}"
    if received:
        raise ValueError(packing.does_not_divide(samples, received))
    return parts


def num_classes(generator, discriminator, conditional, has_latents):
    """Return how many labels the networks embed, or `None` when the condition is no label.

    Read off `Embedding` layers that take the condition's one input.
    """
    sizes = []
    for network, first in ((generator, int(has_latents)), (discriminator, 1)):
        conditions = (inputs_of(network) or [])[first:] if conditional else []
        if len(conditions) == 1 and sample_shape(conditions[0]) in ((), (1,)):
            sizes += [
                embedding.input_dim
                for layer in getattr(network, "layers", [])
                # The layer itself, or what a wrapper such as SpectralNormalization holds.
                if isinstance(embedding := getattr(layer, "layer", layer), keras.layers.Embedding)
                and _input_of(layer) is conditions[0]
            ]
    return min(sizes, default=None)


def ends_in_tanh(generator):
    """Tell whether the generator's samples are squashed to [-1, 1] by a tanh."""
    outputs = getattr(generator, "outputs", None)
    return bool(outputs) and _activation_of(outputs[0]) == "tanh"


def _check_latents(generator, prior):
    inputs = inputs_of(generator)
    if prior is None or inputs is None:
        return
    shape = sample_shape(inputs[0])
    if not compatible(shape, prior.shape):
        raise ValueError(
            f"The latents don't match the generator's first input: expected shape {shape}. "
            f"Received: latents={prior!r} of shape {prior.shape}"
        )


def _check_samples(generator, discriminator):
    outputs, inputs = getattr(generator, "outputs", None), inputs_of(discriminator)
    if outputs and inputs:
        _match("The generator's output", outputs[0], "the discriminator's input", inputs[0])


def _match(what, tensor, where, expected):
    shapes = sample_shape(tensor), sample_shape(expected)
    if not compatible(*shapes):
        raise ValueError(
            f"{what} and {where} differ in shape (without the batch axis): {shapes[0]} and "
            f"{shapes[1]}. Make them equal, for example by `dataset.map(...)` or another "
            "`image_shape`."
        )


def _match_condition(condition, expected, player):
    tensors = keras.tree.flatten(condition)
    if not expected or len(expected) != len(tensors):
        return
    for tensor, wanted in zip(tensors, expected, strict=True):
        _match("The dataset's condition", tensor, f"the {player}'s condition input", wanted)


def _check_logits(discriminator):
    logits = _logits(discriminator)
    activation = None if logits is None else _activation_of(logits)
    if activation in _SQUASHING:
        raise ValueError(
            f"The discriminator ends in a {activation}; expected logits. Drop the last "
            "activation: the losses work on logits, which stay exact where a probability rounds "
            "to 0 or 1 and its gradient vanishes. Probabilities are "
            f"`keras.ops.sigmoid(logits)`. Received: discriminator={discriminator.name!r}"
        )


def _logits(discriminator):
    """Return the symbolic logits, or `None` when the discriminator does not say its outputs."""
    outputs = getattr(discriminator, "outputs", None) or []
    if len(outputs) > 1 and isinstance(discriminator.output, dict):
        return discriminator.output.get("logits")
    return outputs[0] if len(outputs) == 1 else None


def _activation_of(tensor):
    """Return the name of the activation that made a symbolic tensor, or `None`."""
    operation, inputs, index = made_by(tensor)
    if isinstance(operation, keras.Model):
        return _activation_of(operation.outputs[index])
    if isinstance(operation, (keras.layers.Flatten, keras.layers.Reshape, keras.layers.Cropping2D)):
        return _activation_of(inputs[0])
    activation = getattr(operation, "activation", None)
    name = getattr(activation, "__name__", None) or type(operation).__name__
    return name.lower().replace("_", "")


def _input_of(layer):
    try:
        return layer.input
    except (AttributeError, ValueError):
        return None
