"""The game of a GAN: two players, a loss, terms and the order of updates; one training step."""

import dataclasses
import warnings

import keras
import tensorflow as tf

from keras_gan.augmentation.augmented import Augmented
from keras_gan.averaging import GeneratorAverage
from keras_gan.data.condition import Condition
from keras_gan.game.evaluation_step import EvaluationStep
from keras_gan.game.fake_labels import FakeLabels
from keras_gan.game.logs import Logs
from keras_gan.game.optimizers import OptimizerPair
from keras_gan.game.orders import Alternating
from keras_gan.game.player import Discriminator, Generator
from keras_gan.game.replay import Replay
from keras_gan.game.seeds import RandomState, seed_states
from keras_gan.game.step import Step
from keras_gan.latents import Prior
from keras_gan.losses import AdversarialLoss
from keras_gan.utils import nests, owners, replicas
from keras_gan.utils.arguments import shown
from keras_gan.utils.keras_internals import layers_within


@dataclasses.dataclass(eq=False)
class Game:
    """Two players and the rules by which they train against each other.

    A plain object that `GAN.compile` makes: it holds what the model holds, and no state of its own.

    Attributes:
        loss: the `AdversarialLoss`.
        generator: the `Generator` that plays.
        discriminator: the `Discriminator` that plays.
        order: the order of updates, one of `keras_gan.game.orders`.
        prior: the latents' prior, or `None`.
        condition: the `Condition`, which says what the networks are called on.
        logs: the `Logs`.
        random_state: the `RandomState`.
        optimizers: the `OptimizerPair`.
        average: the `GeneratorAverage`, or `None`.
        augmentation: the `Augmented` view of samples that the discriminator has in training.
        replay: the `Replay` of generated samples, or `None`.
        fake_labels: the `FakeLabels`, which says what generated samples are conditioned on.
        discriminator_steps: batches, and updates of the discriminator, to one of the generator.

    Reference:
        - [Goodfellow et al., 2014](https://arxiv.org/abs/1406.2661), Algorithm 1
    """

    loss: AdversarialLoss
    generator: Generator
    discriminator: Discriminator
    order: Alternating
    prior: Prior | None
    condition: Condition
    logs: Logs
    random_state: RandomState
    optimizers: OptimizerPair
    average: GeneratorAverage | None
    augmentation: Augmented
    replay: Replay | None
    fake_labels: FakeLabels
    discriminator_steps: int

    @property
    def players(self):
        """Both players."""
        return self.generator, self.discriminator

    @property
    def terms(self):
        """The terms added to either player's loss."""
        return self.generator.terms

    @property
    def watched(self):
        """Names of the tensors whose gradients terms take."""
        return frozenset().union(*(term.watches for term in self.terms))

    @property
    def seed_states(self):
        """The seed states of all layers that take part in training."""
        networks = (player.network for player in self.players)
        return seed_states(*networks, *self.augmentation.layers, *self.terms)

    @property
    def answers_real(self):
        """Whether the generator's loss looks at real samples too."""
        needed = any(term.needs_real_outputs for term in self.terms)
        return self.loss.uses_real_logits or needed

    def check_owner(self, model):
        """Raise when something with state belongs to another model.

        Raises:
            ValueError: naming it.
        """
        for part, what in self._owned:
            owners.check(part, model, what)

    @property
    def _owned(self):
        """What has a state that follows one model, and what each is; terms see to themselves."""
        owned = [(self.average, "generator's average")] if self.average else []
        owned += [(part, f"augmentation {part.name!r}") for part in self.augmentation.following]
        for optimizer in self.optimizers.optimizers:
            inner = getattr(optimizer, "inner_optimizer", optimizer)
            owned.append((inner, f"{optimizer.name}'s optimizer"))
        return owned

    def attach(self, model):
        """Create what terms, average and replay need of the networks, in the strategy's scope.

        Args:
            model: the `GAN`, its networks built; a term belongs to it from here on.

        Raises:
            ValueError: when a player has nothing to train, a term leaves a layer of its own
                unbuilt, or the average can't copy the generator.
        """
        for player in self.players:
            player.check_trainable()
        if self.average:
            is_moved = model.average and model.average.built and model.steps
            before = model.average if is_moved else None
            self.average.follow(model.generator, before and before.network.get_weights())
        if self.replay:
            self.replay.attach(model.signature, model.condition)
        for term in self.terms:
            term.attach_once(model)
        self.logs.set_heads(self.logs.heads)  # A term's parts are known only now.
        _warn_of_normalization(self.terms, model.discriminator)

    def claim(self, model):
        """Note that what has a state belongs to a model from here on."""
        for part, _ in self._owned:
            owners.claim(part, model)

    def build(self):
        """Build the optimizers on the players' variables, in the strategy's scope."""
        for player in self.players:
            player.build()

    def step(self, batches):
        """Take one training step, as Algorithm 1 has it, and return the logs.

        The discriminator learns from every batch, each with fresh latents; then the generator,
        through the updated discriminator and the last of its own forwards.

        Args:
            batches: list of `(x, condition)`, one for each update of the discriminator.
        """
        seeds, values = self.random_state.stream(), self.logs.collector()
        seeds.reseed(self.seed_states)
        self.generator.before_update()
        for batch in batches[:-1]:
            self.discriminator_turn(self.begin(batch, seeds, values))
        step = self.begin(batches[-1], seeds, values)
        self.order.play(self, step)
        self._finish(step)
        return self.logs.results()

    def begin(self, batch, seeds, values):
        """Return the `Step` in which the generator has answered a real batch, on its tape."""
        step = Step(self, *batch, seeds, values)
        with step.tape:
            step.answer()
        return step

    def discriminator_turn(self, step):
        """Update the discriminator on real samples, and generated ones that are cut off."""
        player = self.discriminator
        player.before_update()
        step.show_fake()
        step.cut_fake_off()
        with tf.GradientTape() as tape:
            step.judge_real()
            step.judge_fake()
            loss = player.scale(player.objective(step))
        player.update(replicas.sum_over_replicas(player.gradients(tape, loss)), self.logs)
        player.after_update(step)

    def generator_turn(self, step, ahead=None):
        """Update the generator through the discriminator, as it is or as it would be ahead.

        Args:
            step: the `Step`, on whose tape the generator has answered.
            ahead: the discriminator's weights of an unrolled order, or `None`.
        """
        player = self.generator
        step.show_fake()
        with step.tape:
            with self.discriminator.playing(ahead):
                if self.answers_real:
                    step.judge_real()
                step.judge_fake()
            loss = player.scale(player.objective(step))
        player.update(self.agree(player.gradients(step.tape, loss), step.values), self.logs)
        player.after_update(step)

    def agree(self, gradients, values):
        """Return the gradients of all replicas, and have these agree on all else in passing.

        That is the networks' moving statistics (BatchNorm's), of which each replica has counted
        its own share of the batch and which Keras would let drift apart, and the logged values of
        the step. One exchange for all of it: this is the step's last.
        """
        names, values = values.values()
        buffers = _float_buffers(*(player.network for player in self.players))
        count = replicas.replica_count()
        shares = [tf.convert_to_tensor(buffer) / count for buffer in buffers]
        gradients, shares, values = replicas.sum_over_replicas([gradients, shares, values])
        if count > 1:
            for buffer, mean_of_all in zip(buffers, shares, strict=True):
                buffer.assign(mean_of_all)
        self.logs.count(names, values)
        return gradients

    def test(self, batch, network):
        """Play one batch without training, and return the logs.

        Args:
            batch: `(x, condition)`.
            network: the network that samples come from.
        """
        # Counted downwards from -1: no training step ever draws these.
        seeds = self.random_state.stream(-1 - tf.cast(self.logs.batches, "int64"))
        collector = self.logs.collector(nests.batch_size(batch[0]))
        step = EvaluationStep(self, *batch, seeds, collector, network)
        step.answer()
        step.show_fake()
        step.judge_real()
        step.judge_fake()
        for player in (self.discriminator, self.generator):
            player.adversarial_loss(step)
            for term in self.terms:
                if term.evaluated and term.acts_on(player.name):
                    for name, value in term.means(player.name, step).items():
                        collector.add(name, value)
        names, values = collector.values()
        self.logs.count(names, replicas.sum_over_replicas(values))
        return self.logs.results()

    def _finish(self, step):
        """Average what replicas hold apart, average the generator, count the step."""
        self._synchronize_state()
        for part in self.augmentation.following:
            for name, value in part.logs().items():
                self.logs.add(name, value)
        if self.average:
            images = nests.batch_size(step.real) * replicas.replica_count()
            images *= self.discriminator_steps
            self.average.update(self.generator.network, step.count, images)
        self.random_state.advance()

    def _synchronize_state(self):
        """Average the state of terms and augmentations over replicas, where they have any."""
        buffers = _float_buffers(*self.terms, *self.augmentation.layers)
        if replicas.replica_count() == 1 or not buffers:
            return
        means = replicas.mean_over_replicas([tf.convert_to_tensor(buffer) for buffer in buffers])
        for buffer, average in zip(buffers, means, strict=True):
            buffer.assign(average)


def _float_buffers(*layers):
    return [
        variable
        for layer in layers
        for variable in layer.non_trainable_weights
        if "float" in variable.dtype
    ]


def _warn_of_normalization(terms, discriminator):
    """Warn of terms that judge samples one by one, where a layer makes them depend on others."""
    judging = [term.name for term in terms if term.judges_alone]
    layers = [
        layer.name
        for layer in layers_within(discriminator)
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    ]
    if judging and layers:
        warnings.warn(
            f"With batch normalization in the discriminator ({shown(layers)}) the gradient that "
            f"{shown(judging)} penalizes is not that of each sample alone: use LayerNormalization, "
            "GroupNormalization or `keras_gan.layers.SpectralNormalization` there.",
            stacklevel=4,
        )
