"""One training step's tensors, for the players and for the terms that add to their losses."""

import keras
import tensorflow as tf

from keras_gan.data.signature import heads_of, samples_of
from keras_gan.utils import nests
from keras_gan.utils.tensors import wide


class Generated(dict):
    """What a generator returned: its samples under `"samples"`, beside its side outputs."""

    @classmethod
    def of(cls, generated):
        """Return it of samples alone, or of a dict with the key `"samples"`."""
        has_more = isinstance(generated, dict) and "samples" in generated
        return cls(generated if has_more else {"samples": generated})

    def __missing__(self, name):
        """Raise: the generator gives no such thing."""
        raise ValueError(
            f"A term needs the generator's side output {name!r}: let the generator return a dict "
            f"of it beside its samples, {{'samples': ..., {name!r}: ...}}. Received: a generator "
            f"with the side outputs {sorted(set(self) - {'samples'})}"
        )


class Step:
    """One training step's tensors, filled in as the step goes along.

    A term reads what is there rather than computing it again. With alternating updates `fake` is
    cut off from the generator in `discriminator_term`; in `generator_term` it is not, and
    `fake_logits` are those of the updated discriminator. With simultaneous updates both terms see
    one and the same forward.

    Samples, logits, latents and conditions are tensors, or nests of them.

    Attributes:
        real: a batch of real samples.
        condition: their condition, or `None`.
        latents: the latents that `fake` was made from, or `None` without latents.
        generated: all that the generator returned, a dict: its samples under `"samples"`, beside
            its side outputs by name.
        fake: generated samples, as many as real ones. With `replay` the discriminator is shown
            older ones among them.
        generated_condition: the condition that this step's samples are made from: the batch's own,
            or what `compile(fake_labels=...)` says.
        fake_condition: the condition that `fake` was made from.
        real_logits: float32 logits of the real samples. With alternating updates those of the
            discriminator's own step, unless the loss asks for new ones (`uses_real_logits`).
        fake_logits: float32 logits of the generated samples.
        real_outputs: all that the discriminator returned on real samples (a dict when it has
            extra outputs), as `fake_outputs` on generated ones.
        regularizers: `{player: losses}`, what the networks' own regularizers say of the forwards
            that training uses. A term that runs a network again would change `network.losses`.
        values: the `Collector` of what the logs show of this step.
        tape: the generator's gradient tape.
        count: int64 scalar, training steps taken so far.
        seeds: `SeedStream`; `step.seeds.next()` seeds a draw of this step and replica.
    """

    def __init__(self, game, real, condition, seeds, values):
        self._game = game
        self._tapes = {}
        self.tape = tf.GradientTape()
        self.real = nests.map(lambda part: tf.cast(part, keras.config.floatx()), real)
        self.condition = condition
        self.seeds = seeds
        self.values = values
        self.count = tf.convert_to_tensor(game.random_state.step)
        self.latents = self.generated = self.fake = None
        self.real_outputs = self.real_logits = None
        self.fake_outputs = self.fake_logits = None
        self.regularizers = {}
        if game.prior is not None:
            self.latents = game.prior.batch(nests.batch_size(real), seeds.next())
        self.generated_condition = self.fake_condition = self._conditions_asked_for()

    @property
    def generator(self):
        """The generator network."""
        return self._game.generator.network

    @property
    def discriminator(self):
        """The discriminator network."""
        return self._game.discriminator.network

    def _conditions_asked_for(self):
        classes = self._game.condition.num_classes
        return self._game.fake_labels(self.condition, classes, self.seeds)

    # The generator's forward.

    def answer(self):
        """Run the generator on this step's latents and condition: the forward of training."""
        self.generated = Generated.of(self._generate_watched())
        self.regularizers["generator"] = list(self.generator.losses)

    def _generate_watched(self):
        watched = self._game.watched - {"real", "fake"}
        if not watched:
            return self._generate(self.latents)
        # Side outputs are watched by what they are made from: latents, or all that is trained.
        parts = [part for part in nests.leaves(self.latents) if part.dtype.is_floating]
        with tf.GradientTape(persistent=True, watch_accessed_variables=not parts) as tape:
            tape.watch(parts)
            generated = self._generate(self.latents)
        samples = samples_of(generated)
        for of in watched:
            self._tapes[of] = tape, self._source_of(of, generated), samples
        return generated

    def _source_of(self, of, generated):
        """Return the nest of tensors that a gradient is taken with respect to."""
        if of == "latents":
            return self.latents
        return Generated.of(generated)[of]

    def generate(self, latents=None, condition=None):
        """Return the generator's samples, of one more forward.

        Args:
            latents: the latents, or `None` for a generator without.
            condition: their condition, by default the one that this step's are made from; of a
                translation, the samples to translate.
        """
        return samples_of(self._generate(latents, condition))

    def _generate(self, latents, condition=None):
        condition = self.generated_condition if condition is None else condition
        inputs = self._game.condition.to_generator(latents, condition)
        return self.generator(inputs, training=True)

    # The discriminator's forwards.

    def show_fake(self):
        """Make the generated samples those that the discriminator is shown next."""
        self.fake = self.generated["samples"]
        self.fake_condition = self.generated_condition

    def cut_fake_off(self):
        """Cut the samples shown off from the generator; with a replay older ones may be shown."""
        self.fake = nests.map(tf.stop_gradient, self.fake)
        if self._game.replay is not None:
            shown = self.fake, self.generated_condition
            self.fake, self.fake_condition = self._game.replay.exchange(*shown, self.seeds.next())

    def judge_real(self):
        """Run the discriminator on the real batch and keep what it returns."""
        self.real_outputs, self.real_logits = self._watched("real", self.condition)

    def judge_fake(self):
        """Run the discriminator on the generated batch and keep what it returns."""
        self.fake_outputs, self.fake_logits = self._watched("fake", self.fake_condition)
        self.regularizers["discriminator"] = list(self.discriminator.losses)

    def discriminate(self, samples, condition=None):
        """Return the discriminator's `(outputs, logits)` on samples, logits in float32.

        Args:
            samples: samples as the dataset gives them; they are augmented here if the model
                augments.
            condition: their condition, by default that of the real samples.
        """
        outputs = self._judged(samples, condition, self._network)
        return outputs, logits_of(outputs, samples)

    def condition_of(self, of):
        """Return the condition of the `"real"` or the `"fake"` samples."""
        return self.condition if of == "real" else self.fake_condition

    def inside(self, network, of):
        """Return what a part of the discriminator says of samples, in training.

        Args:
            network: function of the discriminator's inputs.
            of: `"real"` or `"fake"`.
        """
        return self._judged(getattr(self, of), self.condition_of(of), network)

    def transformed(self, layer, samples, condition):
        """Return samples that a layer has transformed, and their condition with them.

        What moves pixels moves image conditions that the discriminator judges too.
        """
        return self._game.augmentation.by([layer], samples, condition)

    def _judged(self, samples, condition, network):
        condition = self.condition if condition is None else condition
        samples, condition = self._augmented(samples, condition)
        return network(self._game.condition.to_discriminator(samples, condition))

    def _augmented(self, samples, condition):
        return self._game.augmentation(samples, condition)

    def _network(self, inputs):
        return self.discriminator(inputs, training=True)

    def discriminator_loss(self, real_logits, fake_logits):
        """Return the discriminator's loss of logits, as the model's loss has it, unreduced."""
        return nests.map(self._game.loss.discriminator_loss, real_logits, fake_logits)

    def says_real(self, logits):
        """Return which logits call their sample real, as the model's loss has it."""
        return nests.map(self._game.loss.says_real, logits)

    # Gradients with respect to what the networks are given.

    def gradient(self, of, direction=None):
        """Return the gradient of a forward of this step with respect to its input.

        With `"real"` and `"fake"` that of each sample's summed logits with respect to the sample,
        for each head of logits; with `"latents"`, or the name of a side output of the generator,
        that of the generated samples' product with a direction, with respect to these. No forward
        is run again: the term that calls this lists `of` in its `watches`. Differentiable once
        more with respect to the network.

        Args:
            of: `"real"`, `"fake"`, `"latents"` or the name of a side output of the generator.
            direction: nest of the structure of what the network returned, by default all ones.

        Returns:
            Nest of the structure of the samples, or of the latents, in float32 or wider. With
            several heads of logits, a nest of those.

        Raises:
            ValueError: when it was not recorded, or the network does not use its input.
        """
        if of not in self._tapes:
            raise ValueError(
                f"The gradient with respect to {of!r} was not recorded: list {of!r} in "
                f"the term's `watches`. Recorded: {sorted(self._tapes)}"
            )
        tape, watched, output = self._tapes[of]
        if of in ("real", "fake"):
            return nests.map(lambda head: _gradient(tape, head, watched, of), output)
        return _gradient(tape, output, watched, of, direction)

    def _watched(self, of, condition):
        samples = getattr(self, of)
        if of not in self._game.watched:
            return self.discriminate(samples, condition)
        # A gradient with respect to 16-bit samples would come in 16 bits.
        samples = nests.map(lambda part: tf.cast(part, keras.config.floatx()), samples)
        # Persistent: several terms may ask, and a lazy one asks inside a branch.
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(samples)
            outputs, logits = self.discriminate(samples, condition)
        self._tapes[of] = tape, samples, logits
        return outputs, logits


def _gradient(tape, output, watched, of, direction=None):
    """Return the gradient of a nest with respect to another; parts it ignores have zeros."""
    sources = nests.leaves(watched)
    directions = None if direction is None else nests.leaves(direction)
    gradients = tape.gradient(nests.leaves(output), sources, output_gradients=directions)
    if all(gradient is None for gradient in gradients):
        raise ValueError(
            f"What the network returned does not depend on the {of!r} it was given. "
            "Check that it uses its first input."
        )
    filled = [
        wide(tf.zeros_like(source) if gradient is None else gradient)
        for gradient, source in zip(gradients, sources, strict=True)
    ]
    return nests.pack_as(watched, filled)


def logits_of(outputs, samples=None):
    """Return the logits among a discriminator's outputs, in float32 (float64 stays).

    Args:
        outputs: a tensor, a nest of heads, or a dict of named outputs with the key `"logits"`.
        samples: the samples that were judged.

    Raises:
        ValueError: when there are several outputs and none is named `"logits"`.
    """
    return nests.map(wide, heads_of(outputs, samples))
