"""What one training step has computed so far, for the terms that add to its losses."""

import keras
import tensorflow as tf

from keras_gan.utils.tensors import wide


class Step:
    """One training step's tensors, filled in as the step goes along.

    A term reads what is there rather than computing it again. With alternating updates `fake` is
    cut off from the generator in `discriminator_term`; in `generator_term` it is not, and
    `fake_logits` are those of the updated discriminator. With simultaneous updates both terms see
    one and the same forward.

    Attributes:
        real: a batch of real samples.
        condition: their condition, any nest of tensors, or `None`.
        latents: the latents that `fake` was made from, or `None` without latents.
        fake: generated samples, as many as real ones.
        real_logits: float32 logits of the real samples. With alternating updates those of the
            discriminator's own step, unless the loss asks for new ones (`uses_real_logits`).
        fake_logits: float32 logits of the generated samples.
        real_outputs: all that the discriminator returned on real samples (a dict when it has
            extra outputs), as `fake_outputs` on generated ones.
        regularizers: `{player: losses}`, what the networks' own regularizers say of the forwards
            that training uses. A term that runs a network again would change `network.losses`.
        figures: the `Collector` of what the logs show of this step.
        count: int64 scalar, training steps taken so far.
        seeds: `SeedStream`; `step.seeds.next()` seeds a draw of this step and replica.
    """

    def __init__(self, model, real, condition, seeds):
        self._model = model
        self._tapes = {}
        self.real = tf.cast(real, keras.config.floatx())
        self.condition = condition
        self.seeds = seeds
        self.figures = None
        self.count = tf.convert_to_tensor(model.random_state.step)
        self.latents = self.fake = None
        self.real_outputs = self.real_logits = None
        self.fake_outputs = self.fake_logits = None
        self.regularizers = {}

    @property
    def generator(self):
        """The generator network."""
        return self._model.generator

    @property
    def discriminator(self):
        """The discriminator network."""
        return self._model.discriminator

    def generate_fake(self):
        """Return the samples of this step's latents, from the forward that training uses."""
        fake = self._generate_watched()
        self.regularizers["generator"] = list(self.generator.losses)
        return fake

    def _generate_watched(self):
        if "latents" not in self._model.watched:
            return self.generate(self.latents)
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(self.latents)
            fake = self.generate(self.latents)
        self._tapes["latents"] = tape, self.latents, fake
        return fake

    def generate(self, latents=None):
        """Return the generator's samples for latents and this step's condition."""
        inputs = self._model.generator_inputs(latents, self.condition)
        return self._model.generator(inputs, training=True)

    def discriminate(self, samples, condition=None):
        """Return the discriminator's `(outputs, logits)` on samples, logits in float32.

        Args:
            samples: samples as the dataset gives them; they are augmented here if the model
                augments.
            condition: their condition, by default this step's.
        """
        outputs = self._judged(samples, condition, self._network)
        return outputs, logits_of(outputs)

    def inside(self, network, samples):
        """Return what a part of the discriminator says of samples, in training.

        Args:
            network: function of the discriminator's inputs.
            samples: samples as the dataset gives them.
        """
        return self._judged(samples, None, network)

    def _judged(self, samples, condition, network):
        condition = self.condition if condition is None else condition
        samples = self._model.augment(samples)
        return network(self._model.discriminator_inputs(samples, condition))

    def _network(self, inputs):
        return self._model.discriminator(inputs, training=True)

    def says_real(self, logits):
        """Return which logits call their sample real, as the model's loss has it."""
        return self._model.loss.says_real(logits)

    def discriminate_real(self):
        """Run the discriminator on the real batch and keep what it returns."""
        self.real_outputs, self.real_logits = self._watched("real")

    def discriminate_fake(self):
        """Run the discriminator on the generated batch and keep what it returns."""
        self.fake_outputs, self.fake_logits = self._watched("fake")
        self.regularizers["discriminator"] = list(self.discriminator.losses)

    def gradient(self, of, direction=None):
        """Return the gradient of a forward of this step with respect to its input.

        With `"real"` and `"fake"` that of each sample's summed logits with respect to the sample;
        with `"latents"` that of the generated samples' product with a direction, with respect to
        their latents. No forward is run again: the term that calls this lists `of` in its
        `watches`. Differentiable once more with respect to the network.

        Args:
            of: `"real"`, `"fake"` or `"latents"`.
            direction: tensor of the shape of what the network returned, by default all ones.

        Returns:
            Tensor of the shape of the samples, or of the latents, in float32 or wider.
        """
        if of not in self._tapes:
            raise ValueError(
                f"The gradient with respect to {of!r} was not recorded: list {of!r} in "
                f"the term's `watches`. Recorded: {sorted(self._tapes)}"
            )
        tape, watched, output = self._tapes[of]
        gradient = tape.gradient(output, watched, output_gradients=direction)
        if gradient is None:
            raise ValueError(
                f"What the network returned does not depend on the {of!r} it was given. "
                "Check that it uses its first input."
            )
        return wide(gradient)

    def _watched(self, of):
        samples = getattr(self, of)
        if of not in self._model.watched:
            return self.discriminate(samples)
        # A gradient with respect to 16-bit samples would come in 16 bits.
        samples = tf.cast(samples, keras.config.floatx())
        # Persistent: several terms may ask, and a lazy one asks inside a branch.
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(samples)
            outputs, logits = self.discriminate(samples)
        self._tapes[of] = tape, samples, logits
        return outputs, logits


def logits_of(outputs):
    """Return the logits among a discriminator's outputs, in float32 (float64 stays).

    Args:
        outputs: a tensor, or a dict of named outputs with the key `"logits"`.

    Raises:
        ValueError: when there are several outputs and none is named `"logits"`.
    """
    logits = outputs
    if isinstance(outputs, dict):
        logits = outputs.get("logits")
    if not tf.is_tensor(logits) and not isinstance(logits, keras.KerasTensor):
        received = sorted(outputs) if isinstance(outputs, dict) else type(outputs).__name__
        raise ValueError(
            "Expected the discriminator to return a tensor of logits, or a dict of named outputs "
            f"with the key 'logits'. Received: {received}"
        )
    return wide(logits)
