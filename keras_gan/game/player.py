"""The two players of the game: network, terms, optimizer, and each one's side of the loss."""

import contextlib

import keras
import tensorflow as tf

from keras_gan import schedules
from keras_gan.game import balance
from keras_gan.utils import nests, replicas
from keras_gan.utils.keras_internals import layers_within, take_summed_gradients


class Player:
    """One network with the terms, the optimizer and the side of the loss that train it.

    It holds no state of its own: networks, terms and optimizers hang on the model, where Keras
    saves them.

    Args:
        network: a Keras model.
        optimizer: a Keras optimizer.
        loss: the `AdversarialLoss`.
        terms: all terms of the game.
        following: augmentations that follow training, which hear of every update.

    Attributes:
        name: `"generator"` or `"discriminator"`.
        terms: all terms of the game.
        built: whether the optimizer is built on the player's variables.
    """

    name = None

    def __init__(self, network, optimizer, loss, terms, following=()):
        self.network = network
        self.optimizer = optimizer
        self.loss = loss
        self.terms = terms
        self._following = following
        self._variables = None

    @property
    def built(self):
        """Whether the optimizer is built on the player's variables."""
        return self._variables is not None

    @property
    def layers(self):
        """What the player trains: its network, and the terms that name it."""
        return [self.network, *(term for term in self.terms if term.player == self.name)]

    @property
    def variables(self):
        """The trainable variables that the player owns."""
        return self._variables

    def check_trainable(self):
        """Raise when all of a network's weights are frozen, and no term has any to train.

        Raises:
            ValueError: naming the player, and that freezing is not what keeps players apart.
        """
        network = self.network
        if network.weights and not any(layer.trainable_variables for layer in self.layers):
            raise ValueError(
                f"The {self.name} has nothing to train: all its weights are frozen. Set "
                f"`{self.name}.trainable = True` and compile. There is no need to freeze a "
                "player: each one's update moves its own weights alone. "
                f"Received: {len(network.weights)} weights, trainable={network.trainable}"
            )

    def check_unchanged(self, network):
        """Raise when what is to be trained is not what `compile` built the optimizer for.

        Args:
            network: the model's network of this player by now.

        Raises:
            ValueError: naming the player and what has changed.
        """
        self.check_trainable()
        now = {id(variable) for layer in self.layers for variable in layer.trainable_variables}
        changed = "another network" if network is not self.network else None
        if changed is None and self.built and now != {id(each) for each in self._variables}:
            changed = f"{len(now)} trainable weights, where there were {len(self._variables)}"
        if changed:
            raise ValueError(
                f"What the {self.name} trains has changed since `compile`, which chose it: call "
                f"`compile` again. Received: {changed}"
            )

    def build(self):
        """Build the optimizer on the player's variables; call it in the model's strategy scope."""
        layers = self.layers
        self._variables = [variable for layer in layers for variable in layer.trainable_variables]
        self.optimizer.build(self._variables)
        # Keras's optimizers add up gradients as they apply them: each player by itself, and after
        # it has clipped each replica's share. Here they come added up.
        take_summed_gradients(self.optimizer)

    def adversarial_loss(self, step):
        """Return the adversarial loss, a scalar, and note it in the step's logs."""
        raise NotImplementedError

    def objective(self, step):
        """Return what the player minimizes, a scalar: its adversarial loss and what is added."""
        loss = self.adversarial_loss(step)
        return loss + tf.cast(self._added(step), loss.dtype)

    def _added(self, step):
        """Return what the network's own regularizers and the terms add to the player's loss."""
        added = sum(tf.cast(loss, "float32") for loss in step.regularizers[self.name])
        for term in self.terms:
            if term.acts_on(self.name):
                values, weighted, ran = term.evaluate_parts(self.name, step)
                for name, value in values.items():
                    step.values.add(name, value, ran)
                added += weighted
        return added

    def scale(self, loss):
        """Return the loss to differentiate: this replica's share, loss-scaled in mixed precision.

        Gradients are summed over replicas, so each replica's mean is divided by their number
        once, here. Call it inside the tape.
        """
        return self.optimizer.scale_loss(loss / replicas.replica_count())

    def gradients(self, tape, scaled_loss):
        """Return this replica's share of the gradients of the scaled loss."""
        return tape.gradient(scaled_loss, self._variables)

    def before_update(self):
        """Let layers such as SpectralNormalization take the step of their own at each update."""
        for part in self.layers:
            for layer in layers_within(part):
                if hasattr(layer, "before_update"):
                    layer.before_update()

    def update(self, gradients, logs):
        """Update the variables by one optimizer step.

        Args:
            gradients: of the scaled loss, the sum over all replicas.
            logs: the `Logs`, which may ask how large gradient and update are.
        """
        if not logs.balance:
            self.apply(gradients)
            return
        for key, (value, weight) in balance.apply(self.name, self, gradients).items():
            logs.add(key, value, weight)

    def apply(self, gradients):
        """Apply gradients of the scaled loss, the sum over all replicas."""
        self.optimizer.apply(gradients, self._variables)

    def after_update(self, step):
        """Tell terms and augmentations of the update: clipping, moving averages, controllers."""
        for part in (*self.terms, *self._following):
            part.after_update(self.name, step)


class Generator(Player):
    """The player whose samples are to be taken for real.

    Args:
        *player: as `Player`.
        adversarial_weight: what multiplies its adversarial loss: a number, or a schedule.
    """

    name = "generator"

    def __init__(self, *player, adversarial_weight=1.0):
        super().__init__(*player)
        self.adversarial_weight = adversarial_weight

    def adversarial_loss(self, step):
        """Return the generator's adversarial loss, the mean over heads of each head's mean.

        It is logged as it is, and returned times `adversarial_weight`.
        """
        losses = nests.map(self.loss.generator_loss, step.fake_logits, step.real_logits)
        loss = step.values.generator(losses)
        if self.adversarial_weight == 1.0:
            return loss
        return loss * tf.cast(schedules.at(self.adversarial_weight, step.count), loss.dtype)


class Discriminator(Player):
    """The player that tells real samples from generated ones."""

    name = "discriminator"

    def adversarial_loss(self, step):
        """Return the discriminator's adversarial loss, the mean over heads of each head's mean."""
        logits = step.real_logits, step.fake_logits
        return step.values.discriminator(step.discriminator_loss(*logits), *logits)

    def playing(self, weights):
        """Let the network play with other weights, and forget what it assigns meanwhile.

        Args:
            weights: tensors, one for each trainable variable, or `None` for its own.
        """
        if weights is None:
            return contextlib.nullcontext()
        mapping = zip(self.network.trainable_variables, weights, strict=True)
        return keras.StatelessScope(mapping, initialize_variables=False)
