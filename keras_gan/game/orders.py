"""Orders of updates: what each player answers, alternating, simultaneous or unrolled."""

import keras
import tensorflow as tf

from keras_gan.schedules import ScheduledAdam
from keras_gan.utils import arguments, nests, replicas
from keras_gan.utils.arguments import shown
from keras_gan.utils.keras_internals import adam_moments

UNROLLED_STEPS = 5
_UPDATES = "alternating", "simultaneous", "unrolled"


class Alternating:
    """The discriminator is updated first, and the generator answers the updated one.

    Reference:
        - [Goodfellow et al., 2014](https://arxiv.org/abs/1406.2661), Algorithm 1
    """

    steps_ahead = None

    def check(self, discriminator_optimizer, replay):
        """Raise when an optimizer, or a replay, can't be played with in this order.

        Raises:
            ValueError: naming it.
        """

    def play(self, game, step):
        """Update both players on the last batch of a training step."""
        game.discriminator_turn(step)
        game.generator_turn(step)


class Simultaneous(Alternating):
    """Both players answer the same state of the game, from one pair of discriminator forwards."""

    def play(self, game, step):
        """Update both players on the last batch of a training step."""
        generator, discriminator = game.players
        discriminator.before_update()
        step.show_fake()
        with step.tape, tf.GradientTape() as discriminator_tape:
            step.judge_real()
            step.judge_fake()
            g_loss = generator.scale(generator.objective(step))
            if game.replay is not None:
                step.cut_fake_off()
                step.judge_fake()
            d_loss = discriminator.scale(discriminator.objective(step))
        gradients = [
            generator.gradients(step.tape, g_loss),
            discriminator.gradients(discriminator_tape, d_loss),
        ]
        for player, shares in zip(game.players, game.agree(gradients, step.values), strict=True):
            player.update(shares, game.logs)
        for player in game.players:
            player.after_update(step)


class Unrolled(Alternating):
    """The generator answers the discriminator as it would be some steps ahead.

    Formula:

    ```
    theta^{k+1} = theta^k - eta grad L_D(theta^k),    theta^0 the weights as they are
    ```

    with SGD; with Adam, Adam's step from its moments as they are. eta is the optimizer's learning
    rate. L_D is the adversarial loss alone, without terms and regularizers. The generator's
    gradient runs through these virtual steps. The discriminator itself stays as it is, and so do
    its buffers and all seed states: every virtual step repeats the same draws.

    The generator's logits, and `step.fake_outputs`, are those of the weights ahead. A term of the
    generator that runs the discriminator itself, such as `FeatureMatching()` without an `output`,
    meets it as it is after its own step.

    Args:
        steps_ahead: how many steps.

    Reference:
        - [Metz et al., 2017](https://arxiv.org/abs/1611.02163), Section 2.2
    """

    def __init__(self, steps_ahead=UNROLLED_STEPS):
        self.steps_ahead = arguments.whole("unrolled_steps", steps_ahead)

    def check(self, discriminator_optimizer, replay):
        """Raise when the optimizer's steps can't be unrolled, or samples are replayed."""
        check_optimizer(discriminator_optimizer)
        if replay is not None:
            raise ValueError(
                "The steps ahead are those on the samples that the generator makes now: drop "
                "`replay`, or use update='alternating'. Received: update='unrolled', "
                f"replay={replay.size}"
            )

    def play(self, game, step):
        """Update both players on the last batch of a training step."""
        step.show_fake()
        with step.tape:
            ahead = self.weights_ahead(game, step)
        game.discriminator_turn(step)
        game.generator_turn(step, ahead)

    def weights_ahead(self, game, step):
        """Return the discriminator's trainable weights after the virtual steps, as tensors."""
        player = game.discriminator
        optimizer, network = player.optimizer, player.network
        virtual = _RULES[type(_plain(optimizer))](_plain(optimizer))
        weights = [tf.convert_to_tensor(v) for v in network.trainable_variables]
        for _ in range(self.steps_ahead):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(weights)
                with player.playing(weights):
                    _, real_logits = step.discriminate(step.real)
                    _, fake_logits = step.discriminate(step.fake, step.fake_condition)
                losses = step.discriminator_loss(real_logits, fake_logits)
                loss = optimizer.scale_loss(nests.mean_of_heads(losses))
            gradients = tape.gradient(loss, weights, unconnected_gradients="zero")
            # The loss is scaled for float16, and the gradient unscaled by the same.
            scale = optimizer.scale_loss(1.0)
            gradients = [
                replicas.mean_over_replicas(g) / tf.cast(scale, g.dtype) for g in gradients
            ]
            weights = [w - m for w, m in zip(weights, virtual.moves(gradients), strict=True)]
        return weights


def get(update, unrolled_steps=None):
    """Return the order of updates that `compile` was given the name of.

    Args:
        update: `"alternating"`, `"simultaneous"` or `"unrolled"`.
        unrolled_steps: steps ahead of the unrolled order; `None` for 5.

    Raises:
        ValueError: for another name, or `unrolled_steps` with another order.
    """
    arguments.choice("update", update, _UPDATES)
    if update == "unrolled":
        return Unrolled(UNROLLED_STEPS if unrolled_steps is None else unrolled_steps)
    if unrolled_steps is not None:
        raise ValueError(
            "Expected `unrolled_steps` with update='unrolled' alone. Received: "
            f"unrolled_steps={shown(unrolled_steps)}, update={shown(update)}"
        )
    return Alternating() if update == "alternating" else Simultaneous()


class _GradientSteps:
    """Moves of SGD."""

    def __init__(self, optimizer):
        self.rate = optimizer.learning_rate

    def moves(self, gradients):
        """Return what to subtract from the weights."""
        return [tf.cast(self.rate, g.dtype) * g for g in gradients]


class _AdamSteps:
    """Moves of Adam from its moments as they are, which stay so; differentiable."""

    def __init__(self, optimizer):
        self.optimizer = optimizer
        self.rate, self.count = optimizer.learning_rate, optimizer.iterations
        first, second = adam_moments(optimizer)
        self.first = [tf.convert_to_tensor(m) for m in first]
        self.second = [tf.convert_to_tensor(v) for v in second]

    def moves(self, gradients):
        """Return what to subtract from the weights, and take the moments a step on."""
        self.count = self.count + 1
        first, second = self.optimizer.beta_1, self.optimizer.beta_2
        self.first = [m + (1 - first) * (g - m) for m, g in zip(self.first, gradients, strict=True)]
        squares = zip(self.second, gradients, strict=True)
        self.second = [v + (1 - second) * (g * g - v) for v, g in squares]
        return [self._move(m, v) for m, v in zip(self.first, self.second, strict=True)]

    def _move(self, first, second):
        count = tf.cast(self.count, first.dtype)
        correction = tf.sqrt(1 - self.optimizer.beta_2**count) / (1 - self.optimizer.beta_1**count)
        # Where no gradient has come yet the root's slope is infinite, and times 0 it is NaN.
        root = tf.where(second > 0, tf.sqrt(tf.where(second > 0, second, 1.0)), 0.0)
        return (
            tf.cast(self.rate, first.dtype) * correction * first / (root + self.optimizer.epsilon)
        )


_RULES = {
    keras.optimizers.SGD: _GradientSteps,
    keras.optimizers.Adam: _AdamSteps,
    # Its learning rate and beta_2 stay as they are for the steps ahead.
    ScheduledAdam: _AdamSteps,
}


def check_optimizer(optimizer):
    """Raise when an optimizer's steps can't be unrolled.

    Args:
        optimizer: the discriminator's.

    Raises:
        ValueError: for any but SGD without momentum and Adam, or one of these with clipping, weight
            decay or the like.
    """
    plain = _plain(optimizer)
    options = "momentum", "amsgrad", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm"
    used = [name for name in options if getattr(plain, name, None)]
    if type(plain) not in _RULES or used:
        raise ValueError(
            "Expected the discriminator's optimizer to be SGD without momentum, or Adam, without "
            "clipping and weight decay, for update='unrolled': the generator's gradient runs "
            "through its steps. Received: "
            f"discriminator_optimizer={type(plain).__name__}"
            + (f" with {', '.join(used)}" if used else "")
        )


def _plain(optimizer):
    """Return the optimizer that a loss scale may be wrapped around."""
    return getattr(optimizer, "inner_optimizer", optimizer)
