"""Best responses: how much each player gains by moving alone."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_gan.data.signature import heads_of, samples_of
from keras_gan.metrics import checks
from keras_gan.metrics.descent import Descent, batches
from keras_gan.metrics.undisturbed import undisturbed
from keras_gan.utils import nests
from keras_gan.utils.arguments import shown
from keras_gan.utils.copying import copy_of

LEAST = 20  # real samples
_JUDGED_AT_ONCE = 1000
_TRAINING, _KEPT_OUT, _JUDGING = range(3)  # The parts of the real samples, and their latents.


class BestResponses(NamedTuple):
    """The value of a game, and what each player makes of it by moving alone.

    Attributes:
        value: V(G, D) of the players as they are.
        discriminator: V(G, D') of the best discriminator D' that was found.
        generator: V(G', D) of the best generator G' that was found.
    """

    value: float
    discriminator: float
    generator: float


class Arena:
    """Copies of a model's players, and of each one more, which responds to the other.

    The model itself is read and never touched.

    Args:
        model: a compiled `GAN`.
        steps: optimizer steps of each response.
        learning_rate: of the first of these steps; it falls to 0.
        batch_size: real samples, and generated ones, in a step.
        seed: of latents, batches and fresh weights.

    Raises:
        ValueError: when the model is not compiled, a network can't be rebuilt from its config, or
            samples have several parts.
    """

    def __init__(self, model, steps, learning_rate, batch_size, seed):
        _check_model(model)
        self._model, self._loss = model, model.loss
        self._originals = model.sampling_network, model.discriminator
        self._steps, self._batch_size, self._seed = steps, batch_size, seed
        self._box = None
        with undisturbed(seed):
            # Of the generator: its average is frozen, and so would its copies be.
            self._players = copy_of(model.generator), copy_of(model.discriminator)
            self._responders = copy_of(model.generator), copy_of(model.discriminator)
        self._fresh = self._responders[1].get_weights()
        self._descents = [
            Descent(loss, responder, steps, learning_rate)
            for loss, responder in zip(
                (self._generator_loss, self._discriminator_loss), self._responders, strict=True
            )
        ]
        self._compiled_value = tf.function(self._value, reduce_retracing=True, autograph=False)
        self._compiled_generator = tf.function(
            self._generate, reduce_retracing=True, autograph=False
        )

    def fits(self, model):
        """Return whether these are copies of what the model now plays with."""
        generator, discriminator = self._originals
        return (
            model is self._model
            and model.loss is self._loss
            and model.sampling_network is generator
            and model.discriminator is discriminator
        )

    def respond(self, x, condition=None):
        """Find both best responses to the model's players as they now are.

        Args:
            x: array of real samples.
            condition: nest of arrays of as many rows, for a conditional model.

        Returns:
            `BestResponses`.
        """
        weights = [network.get_weights() for network in self._originals]
        for player, values in zip(self._players, weights, strict=True):
            player.set_weights(values)
        parts = self._parts(x, condition)
        self._box = self._extent(parts[_TRAINING])
        if not all(np.isfinite(side).all() for side in self._box):
            raise ValueError(
                "The generator makes NaN or infinite values: there is no game to judge. Go back to "
                "an earlier checkpoint. Received: a model that has diverged"
            )
        generator, discriminator = self._players
        self._respond_generator(parts, weights[0])
        self._respond_discriminator(parts, weights[1])
        return BestResponses(
            value=self._judge(generator, discriminator, parts, _JUDGING),
            discriminator=self._judge(generator, self._responders[1], parts, _JUDGING),
            generator=self._judge(self._responders[0], discriminator, parts, _JUDGING),
        )

    def _parts(self, x, condition):
        """Return two fifths of the samples to train on, a tenth to choose by, half to judge by."""
        if self._model.conditional and condition is None:
            raise ValueError(
                "The generator takes a condition: give the duality gap the real samples with "
                "theirs, `update_state(real=(x, condition))`. Received: condition=None"
            )
        condition = condition if self._model.conditional else None
        if len(x) < LEAST:
            raise ValueError(f"Expected at least {LEAST} real samples. Received: {len(x)} samples")
        first, second = 2 * len(x) // 5, len(x) // 2
        slices = slice(first), slice(first, second), slice(second, None)
        # The same order for samples and conditions: it follows from seed and count alone.
        elements = np.asarray(x, "float32"), nests.map(np.asarray, condition)
        elements = nests.map(lambda rows: checks.shuffled(rows, [self._seed]), elements)
        return [nests.map(lambda rows: rows[part], elements) for part in slices]  # noqa: B023

    def _extent(self, part):
        """Return the least and the largest value of each coordinate, real or generated.

        The responding generator stays within: where there are no samples a discriminator says
        anything, and a generator without bounds would follow it to infinity.
        """
        sides = []
        for _, first, (x, condition) in _blocks(part):
            arguments = tf.constant(_TRAINING), tf.constant(first), self._players[0]
            sides += [x, self._compiled_generator(x, condition, *arguments)]
        every = np.concatenate(sides)
        return tf.constant(every.min(axis=0)), tf.constant(every.max(axis=0))

    def _respond_generator(self, parts, start):
        responder, discriminator = self._responders[0], self._players[1]
        responder.set_weights(start)
        self._run(0, parts, lambda: self._judge(responder, discriminator, parts, _KEPT_OUT))

    def _respond_discriminator(self, parts, start):
        """Start from the present weights and from fresh ones: dead units never come back."""
        generator, responder = self._players[0], self._responders[1]
        found = []
        for weights in (start, self._fresh):
            responder.set_weights(weights)
            bad = self._run(1, parts, lambda: -self._judge(generator, responder, parts, _KEPT_OUT))
            found.append((bad, responder.get_weights()))
        responder.set_weights(min(found, key=lambda pair: pair[0])[1])

    def _run(self, index, parts, judge):
        training = parts[_TRAINING]
        rows = len(training[0])
        order = batches(rows, min(self._batch_size, rows), self._steps, [self._seed, index])
        return self._descents[index].run(judge, nests.map(tf.constant, training), order, self._box)

    def _discriminator_loss(self, *arguments):
        return -self._training_value(*arguments, self._players[0], self._responders[1])

    def _generator_loss(self, *arguments):
        return self._training_value(*arguments, self._responders[0], self._players[1])

    def _training_value(self, step, training, order, box, *players):
        x, condition = nests.map(lambda rows: tf.gather(rows, order[step]), training)
        return self._value(x, condition, _TRAINING, step, box, *players)

    def _value(self, x, condition, part, draw, box, generator, discriminator):
        """Return V on real samples and as many generated ones, in inference mode."""
        fake = self._generate(x, condition, part, draw, generator)
        if generator is self._responders[0]:
            fake = tf.clip_by_value(fake, *box)
        on_real, on_fake = (
            _logits_of(
                discriminator(self._model.discriminator_inputs(s, condition), training=False), s
            )
            for s in (x, fake)
        )
        losses = nests.map(self._loss.discriminator_loss, on_real, on_fake)
        return -nests.mean_of_heads(losses)

    def _judge(self, generator, discriminator, parts, part):
        """Return V on a part of the samples and as many generated ones, always the same."""
        total = 0.0
        for rows, first, block in _blocks(parts[part]):
            draw = tf.constant(part), tf.constant(first)
            players = generator, discriminator
            total += rows * float(self._compiled_value(*block, *draw, self._box, *players))
        return total / len(parts[part][0])

    def _generate(self, x, condition, part, draw, generator):
        """Return as many generated samples as real ones; part and draw say which latents."""
        model, latents = self._model, None
        if model.latents is not None:
            seed = tf.stack([tf.constant(self._seed, tf.int64), tf.cast(part, tf.int64)])
            seed = tf.random.experimental.stateless_fold_in(seed, draw)
            latents = model.latents.batch(tf.shape(x)[0], seed)
        generated = generator(model.generator_inputs(latents, condition), training=False)
        fake = samples_of(generated)
        return tf.cast(fake, x.dtype)


def _blocks(elements):
    """Yield how many rows, from which on, and their tensors, of one block after another."""
    total = len(elements[0])
    for first in range(0, total, _JUDGED_AT_ONCE):
        end = min(first + _JUDGED_AT_ONCE, total)
        yield end - first, first, nests.map(lambda rows: tf.constant(rows[first:end]), elements)  # noqa: B023


def _check_model(model):
    for needed in ("sampling_network", "discriminator", "loss", "generator_inputs"):
        if getattr(model, needed, None) is None:
            raise ValueError(
                "Expected a compiled `keras_gan.GAN`: the duality gap is about its game. "
                f"Received: model={shown(model)}, without {needed!r}"
            )
    parts = nests.names(model.signature.samples) if model.signature.samples is not None else [""]
    if parts != [""]:
        raise ValueError(
            "Expected a game of samples of one tensor: the responding generator is held within "
            "the range of each of its coordinates, and real samples come as one array. Received: "
            f"samples with the parts {parts}"
        )


def _logits_of(outputs, samples):
    return nests.map(lambda head: tf.cast(head, tf.float32), heads_of(outputs, samples))
