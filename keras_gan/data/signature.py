"""The signature of a pair of networks: latents, samples, conditions and logits.

Functional and Sequential models tell their inputs, outputs and last operation. A subclassed network
tells nothing before it runs: what can't be read is `None` and is not checked.
"""

import math

import keras

from keras_gan.layers import packing
from keras_gan.utils import nests
from keras_gan.utils.arguments import shown
from keras_gan.utils.keras_internals import layers_within, made_by
from keras_gan.utils.tensors import compatible

_SQUASHING = {"sigmoid", "hardsigmoid", "logsigmoid", "softmax"}
PASSING = keras.layers.Flatten, keras.layers.Reshape, keras.layers.Cropping2D


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


def samples_of(generated):
    """Return the samples among what a generator returned.

    Args:
        generated: samples, a tensor or a nest; or a dict with the key `"samples"` beside named
            side outputs.
    """
    if isinstance(generated, dict) and "samples" in generated:
        return generated["samples"]
    return generated


def side_outputs_of(generated):
    """Return the names of what a generator returned beside its samples, sorted."""
    if isinstance(generated, dict) and "samples" in generated:
        return sorted(set(generated) - {"samples"})
    return []


def heads_of(outputs, samples=None):
    """Return the logits among what a discriminator returned: a tensor, or a nest of heads.

    Args:
        outputs: logits; a tuple or list of heads; a dict with the key `"logits"` beside extra
            outputs; or a dict with the keys of the samples' parts, one head for each.
        samples: the nest of samples that was judged.

    Raises:
        ValueError: when there are several named outputs, and none is named `"logits"`.
    """
    if not isinstance(outputs, dict):
        return outputs
    if "logits" in outputs:
        return outputs["logits"]
    if isinstance(samples, dict) and outputs.keys() == samples.keys():
        return outputs
    parts = f", or a head for each of {sorted(samples)}" if isinstance(samples, dict) else ""
    raise ValueError(
        "Expected the discriminator to return a tensor of logits, a list of heads, or a dict of "
        f"named outputs with the key 'logits'{parts}. Received: {sorted(outputs)}"
    )


class Signature:
    """What a generator and a discriminator take and return, as far as it is known.

    Args:
        generator: the generator.
        discriminator: the discriminator.
        prior: nest of priors, `None` for a generator without latents.

    Attributes:
        samples: nest of symbolic samples, or `None` where neither network says them.
        heads: nest of symbolic logits, or `None`.
        side_outputs: names of the generator's outputs beside its samples, or `None`.
        generator_condition: nest of the symbolic inputs behind the latents; `()` where there are
            none, `None` where that can't be told.
        discriminator_condition: the same behind the discriminator's samples.

    Raises:
        ValueError: when latents, samples or logits don't fit each other.
    """

    def __init__(self, generator, discriminator, prior):
        self._kinds = type(generator), type(discriminator)
        generated = output_structure(generator)
        self.side_outputs = None if generated is None else side_outputs_of(generated)
        made = None if generated is None else samples_of(generated)
        judged, self.discriminator_condition = _split(input_structure(discriminator), made)
        self.generator_condition = _behind_latents(generator, prior)
        self.samples = judged if made is None else made
        _check_swapped(generator, discriminator, made, judged)
        _check_samples(made, judged)
        self.heads = None
        outputs = output_structure(discriminator)
        if outputs is not None:
            self.heads = heads_of(outputs, self.samples)
            _check_logits(self.heads, discriminator)

    @property
    def head_names(self):
        """Names of the heads of logits, `[""]` for one; `None` where that can't be told."""
        return None if self.heads is None else nests.names(self.heads)

    def is_conditional(self):
        """Tell whether networks with latents take a condition, by their inputs.

        Raises:
            ValueError: when the networks don't say it, or contradict each other.
        """
        told = self.generator_condition, self.discriminator_condition
        if any(condition is None for condition in told):
            kinds = " and a discriminator of type ".join(kind.__name__ for kind in self._kinds)
            raise ValueError(
                "Expected Functional networks for `conditional='auto'`: whether there is a "
                "condition is read off their inputs. Pass `conditional=True` or "
                f"`conditional=False`. Received: a generator of type {kinds}"
            )
        given, judged = (len(nests.leaves(condition)) for condition in told)
        if judged and not given:
            raise ValueError(
                "The discriminator takes a condition and the generator does not: a generator with "
                "latents takes `[latents, condition]`, one without takes the condition and "
                "`latents=None`. Received: a discriminator with a condition of "
                f"{judged} parts, and a generator with latents alone"
            )
        return given > 0

    def note(self, generated, outputs, samples):
        """Note what subclassed networks returned in their first call.

        Args:
            generated: all that the generator returned.
            outputs: all that the discriminator returned.
            samples: the samples that it judged.
        """
        self.heads = heads_of(outputs, samples)
        self.side_outputs = side_outputs_of(generated)
        self.samples = samples if self.samples is None else self.samples

    def check_element(self, x):
        """Raise when a dataset's samples don't fit the networks.

        Args:
            x: nest of tensors or specs of samples, batch axis first.

        Raises:
            ValueError: for other parts, or shapes that don't match, both shown.
        """
        _check_batch(x)
        if self.samples is not None:
            match_nests("The dataset's samples", x, "the discriminator's input", self.samples)


def latents_structure(generator):
    """Return the nest of symbolic latents that a generator takes, for `latents="auto"`.

    Raises:
        ValueError: when the generator does not say it, or a size is not fixed.
    """
    structure = input_structure(generator)
    if structure is None:
        raise ValueError(
            'Expected a Functional or Sequential generator for `latents="auto"`: the size of the '
            "latents is read off its first input. Begin a Sequential with `keras.Input((64,))`, or "
            "pass the latents, for example `latents=keras_gan.latents.Normal(64)`. Received: "
            f"generator={shown(generator.name)} of type {type(generator).__name__}, without inputs"
        )
    latents = structure[0] if isinstance(structure, (list, tuple)) else structure
    if isinstance(latents, dict) and any(
        "int" in keras.backend.standardize_dtype(part.dtype) for part in nests.leaves(latents)
    ):
        raise ValueError(
            "Expected a generator that takes its latents first and its condition second: "
            "`keras.Model([z, label], ...)`, and the discriminator `keras.Model([x, label], ...)`; "
            "a dict of inputs is a nest of latents. Received: a generator that takes a dict, "
            f"{nests.describe(latents, sample_shape)}"
        )
    for tensor in nests.leaves(latents):
        if not all(sample_shape(tensor)):
            raise ValueError(
                "Expected the generator's first input, the latents, to have a fixed shape, or an "
                f"explicit `latents`. Received: an input of shape {(None, *sample_shape(tensor))}"
            )
    return latents


def _split(structure, first):
    """Return the part of a network's inputs that is like `first`, and what is behind it."""
    if structure is None:
        return None, None
    if not isinstance(structure, (list, tuple)):
        return structure, ()
    if first is not None and nests.of_one_structure(structure, first):
        return structure, ()
    if len(structure) == 1:
        return structure[0], ()
    return structure[0], structure[1] if len(structure) == 2 else tuple(structure[1:])


def _behind_latents(generator, prior):
    """Return the condition's inputs of a generator; see `Signature`."""
    structure = input_structure(generator)
    if structure is None or prior is None:
        return structure
    latents, condition = _split(structure, prior)
    shapes = nests.describe(latents, sample_shape), nests.describe(prior, lambda p: p.shape)
    fits = nests.of_one_structure(latents, prior) and all(
        compatible(sample_shape(tensor), part.shape)
        for tensor, part in zip(nests.leaves(latents), nests.leaves(prior), strict=True)
    )
    if not fits:
        raise ValueError(
            "The latents don't match the generator's first input (shapes without the batch axis): "
            f"the generator takes {shapes[0]}. Received: latents of {shapes[1]}"
        )
    return condition


def check_models(generator, discriminator):
    """Raise when the players are not two Keras models.

    Raises:
        TypeError: when a network is not a Keras model.
        ValueError: when both are the same.
    """
    for player, network in (("generator", generator), ("discriminator", discriminator)):
        if not isinstance(network, keras.Model):
            raise TypeError(
                f"Expected `{player}` to be a Keras model. Received: {player}={shown(network)} of "
                f"type {type(network)}"
            )
    if generator is discriminator:
        raise ValueError("Expected two networks. Received: the same model as both players")
    own = {id(layer) for layer in layers_within(generator) if layer.weights}
    shared = [layer.name for layer in layers_within(discriminator) if id(layer) in own]
    if shared:
        raise ValueError(
            "Expected networks without a layer in common: each player trains its own weights "
            "against the other's. Give the second network a layer of its own. "
            f"Received: networks that share {shown(shared)}"
        )


def match_nests(what, tensors, where, expected):
    """Raise when two nests of tensors differ in structure, or in a shape.

    Args:
        what: what the tensors are, in words.
        tensors: nest of tensors or specs, batch axis first.
        where: what they are compared with, in words.
        expected: nest of tensors or specs.

    Raises:
        ValueError: naming both.
    """
    if not nests.of_one_structure(tensors, expected):
        raise ValueError(
            f"{what} and {where} differ in their parts: {nests.describe(tensors, sample_shape)} "
            f"and {nests.describe(expected, sample_shape)}. Map the one to the other, for example "
            "by `keras_gan.datasets.map`."
        )
    named = nests.named(expected)
    for (part, wanted), tensor in zip(named.items(), nests.leaves(tensors), strict=True):
        _match(f"{what}{part and f' ({part})'}", tensor, where, wanted)


def _check_swapped(generator, discriminator, made, judged):
    """Raise when the networks fit each other only the other way round."""
    forth, back = (made, judged), _first_pair(discriminator, generator)
    if None in (*map(_shape_of, forth), *map(_shape_of, back)):
        return
    fits = [compatible(*map(_shape_of, pair)) for pair in (forth, back)]
    others = nests.leaves(input_structure(discriminator))[1:]
    if not fits[0] and any(compatible(sample_shape(made), sample_shape(t)) for t in others):
        raise ValueError(
            "Expected the samples to come first: a discriminator is called on `[x, condition]`, a "
            "generator on `[latents, condition]`. Change the order of the inputs. Received: a "
            f"discriminator that takes {_shape_of(judged)} first, and samples of {_shape_of(made)}"
        )
    if not fits[0] and fits[1]:
        raise ValueError(
            "The networks look swapped: the generator comes first, `GAN(generator, "
            f"discriminator)`. Received: generator={generator.name!r}, which returns "
            f"{_shape_of(made)}, and discriminator={discriminator.name!r}, which takes "
            f"{_shape_of(judged)}"
        )


def _first_pair(network, other):
    """Return what a network returns, and the first that another takes."""
    taken = input_structure(other)
    return output_structure(network), taken[0] if isinstance(taken, (list, tuple)) else taken


def _shape_of(tensor):
    """Return the shape of a single symbolic tensor without the batch axis, else `None`."""
    return None if tensor is None or nests.is_nest(tensor) else sample_shape(tensor)


def _check_samples(made, judged):
    if made is None or judged is None:
        return
    match_nests("The generator's output", made, "the discriminator's input", judged)


def _match(what, tensor, where, expected):
    shape, wanted = sample_shape(tensor), sample_shape(expected)
    if not compatible(shape, wanted):
        raise ValueError(
            f"{what} and {where} differ in shape (without the batch axis): {shape} and {wanted}. "
            f"{_advice(tuple(tensor.shape), wanted, 'condition' in where)}"
        )


def _advice(given, wanted, is_condition):
    """Return what to do about samples or conditions of another shape, a sentence.

    Args:
        given: the shape with what should be the batch axis.
        wanted: the shape that the network takes, without it.
        is_condition: whether it is a condition.
    """
    shape, rank = given[1:], len(wanted)
    if compatible(given, wanted) and rank:
        return "They come one by one: make batches of them, `dataset.batch(64)`."
    if rank == 1 and not shape and is_condition and wanted[0] and wanted[0] > 1:
        return f"Labels become one-hot rows where the model says `num_classes={wanted[0]}`."
    if rank == 3 and compatible(shape, wanted[:2]) and wanted[2] == 1:
        return "Give the images an axis for their single channel: `x[..., None]`."
    if rank == 3 and len(shape) == 3 and compatible((*shape[1:], shape[0]), wanted):
        return "The channels come first: move them behind, `np.moveaxis(x, 1, -1)`."
    if rank == 3 and len(shape) == 3 and shape[2] == wanted[2]:
        height, width = wanted[:2]
        return (
            f"Resize the images, for example `tf.image.resize(x, ({height}, {width}))`, or make "
            f"networks of their size, `image_shape={shape}`."
        )
    if rank == 3 and len(shape) == 3:
        return (
            "The images differ in channels: convert them, for example by "
            "`tf.image.rgb_to_grayscale` or `tf.image.grayscale_to_rgb`, or make networks with "
            f"as many, `image_shape={shape}`."
        )
    if not wanted and set(shape) == {1}:
        return "Take the only column: `x[:, 0]`."
    if None not in (*shape, *wanted) and math.prod(shape) == math.prod(wanted):
        return f"Both have as many values: `x.reshape(-1, *{wanted})` brings them into shape."
    return "Map the one to the other by `dataset.map(...)`, or make networks of that shape."


def _check_batch(nest):
    """Raise when the parts of a nest are known to differ in their batch size."""
    sizes = {
        name: leaf.shape[0]
        for name, leaf in nests.named(nest).items()
        if getattr(leaf.shape, "rank", 0) is not None and len(leaf.shape)
    }
    known = {size for size in sizes.values() if size is not None}
    if len(known) > 1:
        raise ValueError(
            "Expected samples whose parts have as many rows each: one batch axis serves all. "
            f"Received: batch sizes {sizes}"
        )


def _check_logits(heads, discriminator):
    for logits in nests.leaves(heads):
        activation = activation_of(logits)
        if activation in _SQUASHING:
            raise ValueError(
                f"The discriminator ends in a {activation}; expected logits. Drop the last "
                "activation: the losses work on logits, which stay exact where a probability "
                "rounds to 0 or 1 and its gradient vanishes. Probabilities are "
                f"`keras.ops.sigmoid(logits)`. Received: discriminator={shown(discriminator.name)}"
            )


def activation_of(tensor):
    """Return the name of the activation that made a symbolic tensor, or `None`."""
    operation, inputs, index = made_by(tensor)
    if isinstance(operation, keras.Model):
        return activation_of(operation.outputs[index])
    if isinstance(operation, PASSING):
        return activation_of(inputs[0])
    activation = getattr(operation, "activation", None)
    name = getattr(activation, "__name__", None) or type(operation).__name__
    return name.lower().replace("_", "")


def pack_size(discriminator):
    """Return how many samples a discriminator judges at once: 1 without `layers.Packing`."""
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
