"""The training step, as Algorithm 1 of the GAN paper has it, and the same game without training."""

import tensorflow as tf

from keras_gan.data import elements
from keras_gan.game import balance, unrolling
from keras_gan.game.logs import mean
from keras_gan.game.step import Step
from keras_gan.utils import replicas
from keras_gan.utils.keras_internals import layers_within


class Training:
    """Mixin for `GAN`: what one call of `train_step` and of `test_step` does.

    Reference:
        - [Goodfellow et al., 2014](https://arxiv.org/abs/1406.2661), Algorithm 1
    """

    def train_step(self, data):
        """Take one training step.

        k real batches, each with fresh latents: the discriminator is updated on each, then the
        generator, through the updated discriminator and the last of its own forwards.
        """
        # At a dataset's end the step fails, yet not before what needs no data has run: a count
        # would be one too high. So everything waits for the data.
        with tf.control_dependencies([t for t in tf.nest.flatten(data) if t is not None]):
            return self._step(self._batches(data))

    def _step(self, batches):
        seeds, figures = self.random_state.stream(), self._logs.collector()
        seeds.reseed(self._seed_states)
        self._before_update("generator")
        for batch in batches[:-1]:
            self._discriminator_step(*self._play(batch, seeds, figures))
        step, fake, tape = self._play(batches[-1], seeds, figures)
        if self.update == "simultaneous":
            self._simultaneous_step(step, fake, tape)
        else:
            ahead = self._unrolled(step, fake, tape) if self.update == "unrolled" else None
            self._discriminator_step(step, fake)
            self._generator_step(step, fake, tape, ahead)
        self._after_step(step)
        return self._logs.results()

    def _play(self, batch, seeds, figures):
        """Let the generator answer a real batch, on its tape."""
        real, condition = batch
        step = Step(self, real, condition if self.conditional else None, seeds)
        step.figures = figures
        if self.latents is not None:
            step.latents = self.latents.batch(tf.shape(real)[0], seeds.next())
        with tf.GradientTape() as tape:
            fake = step.generate_fake()
        return step, fake, tape

    def _discriminator_step(self, step, fake, _=None):
        player = self._players["discriminator"]
        self._before_update("discriminator")
        step.fake = tf.stop_gradient(fake)
        with tf.GradientTape() as tape:
            step.discriminate_real()
            step.discriminate_fake()
            loss = player.scale(self._discriminator_loss(step))
        gradients = replicas.sum_over_replicas(player.gradients(tape, loss))
        self._update("discriminator", gradients)
        self._after_update("discriminator", step)

    def _unrolled(self, step, fake, tape):
        """Return the discriminator's weights some steps ahead, which the generator answers."""
        step.fake = fake
        with tape:
            return unrolling.weights_ahead(self, step, self.unrolled_steps)

    def _generator_step(self, step, fake, tape, ahead=None):
        player = self._players["generator"]
        step.fake = fake
        with tape:
            with unrolling.playing(self.discriminator, ahead):
                if self._answers_real:
                    step.discriminate_real()
                step.discriminate_fake()
            loss = player.scale(self._generator_loss(step))
        gradients = self._agree(player.gradients(tape, loss), step.figures)
        self._update("generator", gradients)
        self._after_update("generator", step)

    def _simultaneous_step(self, step, fake, generator_tape):
        """Update both players from one pair of discriminator forwards."""
        generator, discriminator = self._players["generator"], self._players["discriminator"]
        self._before_update("discriminator")
        step.fake = fake
        with generator_tape, tf.GradientTape() as discriminator_tape:
            step.discriminate_real()
            step.discriminate_fake()
            g_loss = generator.scale(self._generator_loss(step))
            d_loss = discriminator.scale(self._discriminator_loss(step))
        g_gradients = generator.gradients(generator_tape, g_loss)
        d_gradients = discriminator.gradients(discriminator_tape, d_loss)
        g_gradients, d_gradients = self._agree([g_gradients, d_gradients], step.figures)
        self._update("generator", g_gradients)
        self._update("discriminator", d_gradients)
        for player in ("generator", "discriminator"):
            self._after_update(player, step)

    def _discriminator_loss(self, step):
        d_loss = tf.reduce_mean(self.loss.discriminator_loss(step.real_logits, step.fake_logits))
        step.figures.discriminator(d_loss, step.real_logits, step.fake_logits)
        return d_loss + tf.cast(self._added("discriminator", step), d_loss.dtype)

    def _generator_loss(self, step):
        g_loss = tf.reduce_mean(self.loss.generator_loss(step.fake_logits, step.real_logits))
        step.figures.generator(g_loss)
        return g_loss + tf.cast(self._added("generator", step), g_loss.dtype)

    def _added(self, player, step):
        """Return what the network's own regularizers and the terms add to a player's loss."""
        added = sum(tf.cast(loss, "float32") for loss in step.regularizers[player])
        for term in self.terms:
            if term.acts_on(player):
                value, weighted, ran = term.evaluate(player, step)
                step.figures.add(term.log_name(player), value, ran)
                added += weighted
        return added

    def _update(self, name, gradients):
        player = self._players[name]
        if not self._logs.balance:
            player.apply(gradients)
            return
        for key, (value, weight) in balance.apply(name, player, gradients).items():
            self._logs.add(key, value, weight)

    @property
    def _answers_real(self):
        """Whether the generator's loss looks at real samples too."""
        needed = any(term.needs_real_outputs for term in self.terms)
        return self.loss.uses_real_logits or needed

    def _before_update(self, player):
        # Layers such as SpectralNormalization take a step of their own at each update.
        for part in self._layers_of(player):
            for layer in layers_within(part):
                if hasattr(layer, "before_update"):
                    layer.before_update()

    def _after_update(self, player, step):
        for part in (*self.terms, *self._following):
            part.after_update(player, step)

    def _agree(self, gradients, figures):
        """Return the gradients of all replicas, and have these agree on all else in passing.

        That is the networks' moving statistics (BatchNorm's), of which each replica has counted
        its own share of the batch and which Keras would let drift apart, and the figures of the
        step. One exchange for all of it: this is the step's last.
        """
        names, figures = figures.figures()
        buffers = _float_buffers(self.generator, self.discriminator)
        shares = [tf.convert_to_tensor(buffer) / self._replicas for buffer in buffers]
        gradients, shares, figures = replicas.sum_over_replicas([gradients, shares, figures])
        if self._replicas > 1:
            for buffer, mean_of_all in zip(buffers, shares, strict=True):
                buffer.assign(mean_of_all)
        self._logs.count(names, figures)
        return gradients

    def _after_step(self, step):
        self._synchronize_state()
        for augmentation in self._following:
            for name, value in augmentation.figures().items():
                self._logs.add(name, value)
        if self.average:
            images = tf.shape(step.real)[0] * self._replicas * self.discriminator_steps
            self.average.update(self.generator, step.count, images)
        self.random_state.advance()

    def _synchronize_state(self):
        """Average the state of terms and augmentations over replicas, where they have any."""
        buffers = _float_buffers(*self.terms, *self._augmentations)
        if self._replicas == 1 or not buffers:
            return
        means = replicas.mean_over_replicas([tf.convert_to_tensor(buffer) for buffer in buffers])
        for buffer, average in zip(buffers, means, strict=True):
            buffer.assign(average)

    def _batches(self, data):
        """Return the `(x, condition)` batches of one training step."""
        if self.discriminator_steps == 1:
            return [elements.unpack(data)]
        group = data[0] if len(data) == 1 else data
        return [elements.unpack(batch) for batch in group]

    def test_step(self, data):
        """Play one batch without training, with the network that samples come from."""
        real, condition = elements.unpack(data)
        condition = condition if self.conditional else None
        # Counted downwards from -1: no training step ever draws these.
        seeds = self.random_state.stream(-1 - tf.cast(self._logs.batches, "int64"))
        latents = None
        if self.latents is not None:
            latents = self.latents.batch(tf.shape(real)[0], seeds.next())
        fake = self(latents, condition, training=False)
        real_logits, fake_logits = (self.discriminate(x, condition) for x in (real, fake))
        d_loss = mean(self.loss.discriminator_loss(real_logits, fake_logits))
        g_loss = mean(self.loss.generator_loss(fake_logits, real_logits))
        weight = tf.cast(tf.shape(real)[0], d_loss.dtype)  # The last batch may be smaller.
        collector = self._logs.collector()
        collector.discriminator(d_loss, real_logits, fake_logits, weight)
        collector.generator(g_loss, weight)
        names, figures = collector.figures()
        self._logs.count(names, replicas.sum_over_replicas(figures))
        return self._logs.results()


def _float_buffers(*layers):
    return [
        variable
        for layer in layers
        for variable in layer.non_trainable_weights
        if "float" in variable.dtype
    ]
