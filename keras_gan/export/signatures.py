"""What can be asked of an export, and what is answered."""

import tensorflow as tf

from keras_gan.export import provenance
from keras_gan.game.step import logits_of

# What each input and output is, for the model's card.
MEANINGS = {
    "latents": "latents, finite",
    "condition": "the condition: labels, or what else the generator is given",
    "images": "images in [-1, 1], or in 0 to 255 where they are uint8",
    "seed": "one for each sample: the sample's name",
    "truncation": "bound on the latents, above 0; infinity for none",
    "image_bytes": "PNG files, marked as synthetic",
    "seed_a": "seed of the sample at position 0",
    "seed_b": "seed of the sample at position 1",
    "position": "from 0 to 1",
    "logits": "the discriminator's",
    "probability": "sigmoid of the logits: of being real, where the loss is a logistic one",
}


class Signatures:
    """The functions that an export offers, as far as they apply to a model.

    Args:
        model: a built `GAN`.
        run: function from what the generator is called on to float32 samples.
        conditions: the `Conditions` that the generator takes.
        limits: the `Limits` of every request.
        mark: PNG chunks that every image carries.
    """

    def __init__(self, model, run, conditions, limits, mark):
        self._model = model
        self._run = run
        self._limits = limits
        self._mark = mark
        self._conditions = conditions
        self.image_spec = None

    def all(self, include_discriminator=False):
        """Return `tf.function`s by the signatures' names, each with its input signature."""
        functions = {"serving_default": self._serving_default()}
        images = functions["serving_default"].get_concrete_function().structured_outputs["images"]
        self.image_spec = tf.TensorSpec(images.shape, tf.float32, name="images")
        functions["sample"] = self._sample(self._answer)
        if self._of_images:
            functions["sample_png"] = self._sample(self._png)
        if self._model.latents is not None:
            functions["interpolate"] = self._interpolate()
        if include_discriminator:
            functions["discriminate"] = self._discriminate()
        return functions

    def bare(self):
        """Return the generator by itself, without limits, as other formats have it."""
        specs = self._generator_specs()

        @tf.function(input_signature=list(specs.values()), autograph=False)
        def generator(*tensors):
            return {"images": self._samples(dict(zip(specs, tensors, strict=True)))}

        return {"serving_default": generator}

    def _generator_specs(self):
        if self._model.latents is None:
            return self._conditions.specs
        shape = (None, *self._model.latents.shape)
        return {
            "latents": tf.TensorSpec(shape, tf.float32, name="latents"),
            **self._conditions.specs,
        }

    def _serving_default(self):
        @tf.function(input_signature=[self._generator_specs()], autograph=False)
        def serving_default(inputs):
            return {"images": self._samples(self._limits.passed(inputs))}

        return serving_default

    def _sample(self, answer):
        """Return the signature that makes samples from seeds, or from conditions alone."""
        seeds = {"seed": tf.TensorSpec((None,), tf.int64, name="seed"), **self._conditions.specs}
        if self._model.latents is None:

            @tf.function(input_signature=[self._conditions.specs], autograph=False)
            def sample(inputs):
                return answer(self._samples(self._limits.passed(inputs)), {})

        elif self._model.latents.truncates:
            # A default of one row, which stands for all: a request need not say it.
            specs = [seeds, tf.TensorSpec((None,), tf.float32, name="truncation")]

            @tf.function(input_signature=specs, autograph=False)
            def sample(inputs, truncation=tf.constant([float("inf")])):  # noqa: B008
                inputs, truncation = self._limits.passed(inputs, truncation)
                return self._of_seeds(inputs, answer, truncation)

        else:

            @tf.function(input_signature=[seeds], autograph=False)
            def sample(inputs):
                return self._of_seeds(self._limits.passed(inputs), answer)

        return sample

    def _of_seeds(self, inputs, answer, truncation=None):
        latents = self._model.latents.sample(inputs["seed"], truncation)
        return answer(self._samples({**inputs, "latents": latents}), {"latents": latents})

    def _interpolate(self):
        seed_a, seed_b = (
            tf.TensorSpec((None,), tf.int64, name=name) for name in ("seed_a", "seed_b")
        )
        position = tf.TensorSpec((None,), tf.float32, name="position")
        specs = {"seed_a": seed_a, "seed_b": seed_b, "position": position, **self._conditions.specs}

        @tf.function(input_signature=[specs], autograph=False)
        def interpolate(inputs):
            inputs = self._limits.passed(inputs)
            prior = self._model.latents
            ends = [prior.sample(inputs[name]) for name in ("seed_a", "seed_b")]
            latents = prior.interpolate(*ends, inputs["position"])
            return self._answer(self._samples({**inputs, "latents": latents}), {})

        return interpolate

    def _discriminate(self):
        model = self._model
        conditions = self._conditions.specs if model.judges_condition else {}

        @tf.function(input_signature=[{"images": self.image_spec, **conditions}], autograph=False)
        def discriminate(inputs):
            inputs = self._limits.passed(inputs)
            condition = self._conditions.of(inputs) if conditions else None
            called_on = model.discriminator_inputs(inputs["images"], condition)
            logits = logits_of(model.discriminator(called_on, training=False))
            return {"logits": logits, "probability": tf.sigmoid(logits)}

        return discriminate

    def _samples(self, inputs):
        called_on = self._model.generator_inputs(inputs.get("latents"), self._conditions.of(inputs))
        return self._run(called_on)

    @property
    def _of_images(self):
        """Whether samples are images that a PNG can hold."""
        return self.image_spec.shape.rank == 4 and self.image_spec.shape[-1] in (1, 3, 4)

    def _answer(self, samples, more):
        return {"images": _levels(samples) if self._of_images else samples, **more}

    def _png(self, samples, more):
        del more
        files = tf.io.encode_png(_levels(samples))
        start, rest = (
            tf.strings.substr(files, *place)
            for place in ((0, provenance.IHDR_END), (provenance.IHDR_END, tf.int32.max))
        )
        return {"image_bytes": tf.strings.join([start, self._mark, rest])}


def _levels(images):
    """Return images in [-1, 1] as uint8."""
    return tf.cast(tf.clip_by_value(tf.round((images + 1) * 127.5), 0, 255), tf.uint8)
