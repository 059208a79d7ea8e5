"""Signatures of an export: its functions, and the names and meanings of inputs and outputs."""

import keras
import tensorflow as tf

from keras_gan.data import sampling
from keras_gan.data.shares import pack_size
from keras_gan.data.signature import samples_of
from keras_gan.data.symbolic import input_structure, output_structure
from keras_gan.export import provenance, wavs, weights
from keras_gan.export.lookups import Traced
from keras_gan.export.sources import is_image
from keras_gan.game.step import logits_of
from keras_gan.latents.composite import nest_of as priors_of
from keras_gan.utils import nests

# The meaning of each input and output for the model's card, by the start of its name.
_MEANINGS = {
    "latents": "latents, finite",
    "condition": "the condition: labels, or what else the generator is given",
    "image_": "PNG files, marked as synthetic",
    "sound_": "WAV files in 16 bits, marked as synthetic",
    "images": "samples; images in [{low:g}, {high:g}], or in 0 to 255 where they are uint8",
    "seed_a": "seed of the sample at position 0",
    "seed_b": "seed of the sample at position 1",
    "seed": "one for each sample: the sample's name",
    "position": "from 0 to 1",
    "logits": "the discriminator's",
    "probability": "sigmoid of the logits: of being real, where the loss is a logistic one",
}
_TRUNCATIONS = {
    "latents": "bound on the latents, above 0; infinity for none",
    "styles": "share of the way from the mean style, at least 0; 1 for all of it",
}


def meaning(name, model):
    """Return the meaning of an input or output in words."""
    if name == "truncation":
        return _TRUNCATIONS[sampling.truncated_by(model)]
    text = next(text for start, text in _MEANINGS.items() if name.startswith(start))
    low, high = model.value_range
    return text.format(low=low, high=high)


class Signatures:
    """The functions that an export offers for a model.

    Args:
        model: a built `GAN`.
        dtype: of the generator's weights, `"float32"` or `"float16"`.
        marks: bytes that mark every file, `{"png": chunks, "wav": chunks}`.
        sampling_rate: of the samples that are sounds, in Hz; `None` where there are none.

    Attributes:
        run: function from what the generator is called on to float32 samples.
        generator: the `Traced` generator, from latents and condition to samples.
        image_specs: specs of the samples, by name.
    """

    def __init__(self, model, dtype, marks, sampling_rate=None):
        self._model = model
        self._dtype = dtype
        self.run = weights.runner(model.sampling_network, dtype)
        self._marks = marks
        self._sampling_rate = sampling_rate
        self._condition = model.condition
        self._truncated_by = sampling.truncated_by(model)
        self.generator = Traced(self._generated, self._generator_specs())
        self.image_specs = {
            name: tf.TensorSpec(image.shape, tf.float32, name=name)
            for name, image in self.generator.outputs.items()
        }

    def players(self, include_discriminator=False):
        """Return the `Traced` networks of which the requests' limits are read.

        The discriminator is among them where it is asked, or sees the condition too.
        """
        told = self._model.signature.discriminator_condition is not None
        if not include_discriminator and not (self._condition.judged and told):
            return [self.generator]
        specs, rows = self._discriminator_specs(), pack_size(self._model.discriminator)
        return [self.generator, Traced(self._judged, specs, rows)]

    def within(self, limits, include_discriminator=False):
        """Return `tf.function`s by the signatures' names, each with its input signature.

        Args:
            limits: the `Limits` of every request.
            include_discriminator: whether to have the discriminator's.
        """
        self._limits = limits
        functions = {"serving_default": self._serving_default()}
        functions["sample"] = self._sample(self._answer)
        if any(map(is_image, self.image_specs.values())):
            functions["sample_png"] = self._sample(self._png)
        if self._sampling_rate is not None:
            functions["sample_wav"] = self._sample(self._wav)
        if self._model.latents is not None:
            functions["interpolate"] = self._interpolate()
        functions.update(self._translations())
        if include_discriminator:
            functions["discriminate"] = self._discriminate()
        return functions

    def bare(self):
        """Return the generator alone, without limits, for the other formats."""
        specs = self._generator_specs()

        @tf.function(input_signature=list(specs.values()), autograph=False)
        def generator(*tensors):
            return self._generated(dict(zip(specs, tensors, strict=True)))

        return {"serving_default": generator}

    def _generator_specs(self):
        return {**self._latents_specs(), **self._condition.specs()}

    def _latents_specs(self):
        prior = self._model.latents
        if prior is None:
            return {}
        shapes = nests.map(lambda part: tf.TensorShape(part.shape), priors_of(prior))
        return {
            name: tf.TensorSpec((None, *shape), tf.float32, name=name)
            for name, shape in nests.by_name("latents", shapes).items()
        }

    def _latents_of(self, inputs):
        names = list(self._latents_specs())
        if not names:
            return None
        return nests.pack_as(priors_of(self._model.latents), [inputs[name] for name in names])

    def _serving_default(self):
        @tf.function(input_signature=[self._generator_specs()], autograph=False)
        def serving_default(inputs):
            return self._generated(self._limits.passed(inputs))

        return serving_default

    def _sample(self, answer):
        """Return the signature that makes samples from seeds, or from conditions alone."""
        conditions = self._condition.specs()
        seeds = {"seed": tf.TensorSpec((None,), tf.int64, name="seed"), **conditions}
        if self._model.latents is None:

            @tf.function(input_signature=[conditions], autograph=False)
            def sample(inputs):
                return answer(self._samples(self._limits.passed(inputs)))

        elif self._truncated_by is not None:
            # The default is one row and applies to all: a request may leave it out.
            specs = [seeds, tf.TensorSpec((None,), tf.float32, name="truncation")]
            default = tf.constant([sampling.NO_TRUNCATION[self._truncated_by]], tf.float32)

            @tf.function(input_signature=specs, autograph=False)
            def sample(inputs, truncation=default):
                inputs, truncation = self._limits.passed(inputs, truncation)
                return self._of_seeds(inputs, answer, truncation)

        else:

            @tf.function(input_signature=[seeds], autograph=False)
            def sample(inputs):
                return self._of_seeds(self._limits.passed(inputs), answer)

        return sample

    def _of_seeds(self, inputs, answer, truncation=None):
        prior = self._model.latents
        bound = truncation if self._truncated_by == "latents" else None
        latents = nests.by_name("latents", prior.sample(inputs["seed"], bound))
        styles = truncation if self._truncated_by == "styles" else None
        return answer(self._samples({**inputs, **latents}, styles), latents)

    def _interpolate(self):
        specs = {name: tf.TensorSpec((None,), tf.int64, name=name) for name in ("seed_a", "seed_b")}
        specs["position"] = tf.TensorSpec((None,), tf.float32, name="position")
        specs |= self._condition.specs()

        @tf.function(input_signature=[specs], autograph=False)
        def interpolate(inputs):
            inputs = self._limits.passed(inputs)
            prior = self._model.latents
            ends = [prior.sample(inputs[name]) for name in ("seed_a", "seed_b")]
            latents = nests.by_name("latents", prior.interpolate(*ends, inputs["position"]))
            return self._answer(self._samples({**inputs, **latents}))

        return interpolate

    def _translations(self):
        """Return the signatures that take sources in 8 bits: as arrays, and as PNG files."""
        functions, sources = {}, self._limits.sources
        for name, specs, made, run in self._translators():
            own = {key: sources[key] for key in specs if key in sources}
            levels = {key: source.levels for key, source in own.items()}
            functions[name] = self._translation({**specs, **levels}, run, self._answer)
            if own and any(map(is_image, made)):
                files = {key: source.files for key, source in own.items()}
                functions[f"{name}_png"] = self._translation({**specs, **files}, run, self._png)
        return functions

    def _translators(self):
        """Yield `(name, specs, made, run)` of what translates images.

        That is the name of its signature, the specs of its inputs as the generator takes them,
        those of what it makes, and the function from such inputs to samples.
        """
        specs, is_one_way = self._condition.specs(), True
        for part, source, network in directions(self._model):
            is_one_way, name = False, f"condition_{source}"
            run = _of_part(part, name, weights.runner(network, self._dtype))
            made = [self.image_specs[f"images_{part}"]]
            yield f"{source}_to_{part}", {name: specs[name]}, made, run
        made = self.image_specs.values()
        if is_one_way and self._limits.sources and any(map(is_image, made)):
            yield "translate", specs, made, self._samples

    def _translation(self, specs, run, answer):
        sources, adapter = self._limits.sources, self._model.adapter

        @tf.function(input_signature=[specs], autograph=False)
        def translate(inputs):
            inputs = self._limits.passed(inputs)
            own = {name: each for name, each in inputs.items() if name in sources}
            files = {name: each for name, each in own.items() if each.dtype == tf.string}
            pixels = {name: sources[name].decoded(each) for name, each in files.items()}
            levels = {**own, **(self._limits.passed(pixels) if pixels else {})}
            floats = {name: sources[name].floats(each, adapter) for name, each in levels.items()}
            return answer(run({**inputs, **floats}))

        return translate

    def _discriminate(self):
        @tf.function(input_signature=[self._discriminator_specs()], autograph=False)
        def discriminate(inputs):
            return self._judged(self._limits.passed(inputs))

        return discriminate

    def _discriminator_specs(self):
        return {**self.image_specs, **self._condition.specs("discriminator")}

    def _judged(self, inputs):
        model = self._model
        condition = self._condition.of_inputs(inputs, "discriminator")
        flat = [inputs[name] for name in self.image_specs]
        samples = nests.pack_as(model.signature.samples, flat)
        called_on = model.discriminator_inputs(samples, condition)
        heads = logits_of(model.discriminator(called_on, training=False), samples)
        return nests.by_name("logits", heads) | nests.by_name(
            "probability", nests.map(tf.sigmoid, heads)
        )

    def _generated(self, inputs):
        return nests.by_name("images", self._samples(inputs))

    def _samples(self, inputs, styles=None):
        condition = self._condition.of_inputs(inputs)
        called_on = self._model.generator_inputs(self._latents_of(inputs), condition)
        with sampling.styles_truncated(styles):
            return self.run(called_on)

    def _answer(self, samples, more=()):
        levels = {
            name: self._levels(image) if is_image(image) else image
            for name, image in nests.by_name("images", samples).items()
        }
        return {**levels, **dict(more)}

    def _png(self, samples, more=()):
        del more
        # A server sends those outputs alone as base64 whose names end in `_bytes`.
        return {
            f"{name}_bytes": self._marked(tf.io.encode_png(self._levels(image)))
            for name, image in nests.by_name("image", samples).items()
            if is_image(image)
        }

    def _marked(self, files):
        start, rest = (
            tf.strings.substr(files, *place)
            for place in ((0, provenance.IHDR_END), (provenance.IHDR_END, tf.int32.max))
        )
        return tf.strings.join([start, self._marks["png"], rest])

    def _wav(self, samples, more=()):
        del more
        low, high = self._model.value_range
        return {
            f"{name}_bytes": wavs.encoded(
                (2 * sound - low - high) / (high - low), self._sampling_rate, self._marks["wav"]
            )
            for name, sound in nests.by_name("sound", samples).items()
            if is_sound(sound)
        }

    def _levels(self, images):
        """Return images of the model's range of values as uint8."""
        low, high = self._model.value_range
        levels = tf.round((images - low) * (255.0 / (high - low)))
        return tf.cast(tf.clip_by_value(levels, 0, 255), tf.uint8)


def is_sound(tensor):
    """Tell whether samples may be waveforms: `(batch, steps, 1 or 2 channels)`."""
    return len(tensor.shape) == 3 and tensor.shape[-1] in (1, 2)


def directions(model):
    """Yield `(part, source, network)` of a translation between the parts of samples.

    Args:
        model: a `GAN` whose generator is given the samples that it translates.

    Returns:
        Iterator of the parts that are made from one other part alone, the names of these, and
        networks from the one to the other, which share the generator's layers.
    """
    network = model.sampling_network
    inputs, outputs = input_structure(network), output_structure(network)
    if not model.condition.of_samples or not isinstance(inputs, dict) or outputs is None:
        return
    for part, output in samples_of(outputs).items():
        for source, tensor in inputs.items():
            if nests.is_nest(tensor) or nests.is_nest(output):
                continue
            try:
                yield part, source, keras.Model(tensor, output)
            except ValueError:  # It takes more than this input.
                continue


def _of_part(part, name, run):
    """Return a function from inputs by name to samples of one part, made of one of them."""
    return lambda inputs: {part: run(inputs[name])}
