"""The signature of a pair of networks: latents, samples, conditions and logits.

Functional and Sequential models tell their inputs, outputs and last operation. A subclassed network
tells nothing before it runs: what can't be read is `None` and is not checked.
"""

import keras

from keras_gan import latents as priors
from keras_gan.data.matching import match_nests
from keras_gan.data.symbolic import (
    SQUASHING,
    activation_of,
    input_structure,
    output_structure,
    sample_shape,
)
from keras_gan.utils import nests
from keras_gan.utils.arguments import shown
from keras_gan.utils.keras_internals import layers_within
from keras_gan.utils.tensors import compatible


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


def prior_of(latents, generator):
    """Return the prior that `GAN(latents=...)` stands for, or `None`.

    Args:
        latents: `"auto"`, standard normal ones of the shapes that the generator takes; or what
            `keras_gan.latents.get` does.
        generator: a Keras model.

    Raises:
        ValueError: when the generator does not say its latents, or a size is not fixed.
        TypeError: when a part is no prior.
    """
    if isinstance(latents, str) and latents == "auto":
        structure = latents_structure(generator)
        latents = nests.map(lambda part: priors.Normal(sample_shape(part)), structure)
    return None if latents is None else priors.get(latents)


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
        if activation in SQUASHING:
            raise ValueError(
                f"The discriminator ends in a {activation}; expected logits. Drop the last "
                "activation: the losses work on logits, which stay exact where a probability "
                "rounds to 0 or 1 and its gradient vanishes. Probabilities are "
                f"`keras.ops.sigmoid(logits)`. Received: discriminator={shown(discriminator.name)}"
            )
