"""The players' optimizers: defaults, checks, and the face they show to Keras's callbacks."""

import keras
import tensorflow as tf


def get(identifier, player):
    """Return a player's optimizer, named after the player.

    Args:
        identifier: `"auto"` (Adam with learning rate 2e-4 and beta_1 0.5, as DCGAN), an
            optimizer, its name or its config.
        player: `"generator"` or `"discriminator"`.

    Raises:
        TypeError: when it is not an optimizer.

    Reference:
        - [Radford et al., 2016](https://arxiv.org/abs/1511.06434), Section 4
    """
    if isinstance(identifier, str) and identifier == "auto":
        identifier = keras.optimizers.Adam(2e-4, beta_1=0.5)
    optimizer = keras.optimizers.get(identifier)
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise TypeError(
            f"Expected `{player}_optimizer` to be 'auto', a Keras optimizer, its name or its "
            f"config. Received: {player}_optimizer={identifier!r}"
        )
    # Stock callbacks log `learning_rate_<name>`: two optimizers named "adam" would be one.
    optimizer.name = player
    return optimizer


class OptimizerPair:
    """Both players' optimizers as the one `model.optimizer` that stock callbacks look for.

    LearningRateScheduler, ReduceLROnPlateau and TensorBoard go through `optimizers` and log
    `learning_rate_generator` and `learning_rate_discriminator`.

    Args:
        generator_optimizer: what `compile` was given for the generator.
        discriminator_optimizer: what `compile` was given for the discriminator.

    Raises:
        TypeError: when one is not an optimizer.
        ValueError: when both are the same object.
    """

    def __init__(self, generator_optimizer, discriminator_optimizer):
        self.optimizers = [
            get(generator_optimizer, "generator"),
            get(discriminator_optimizer, "discriminator"),
        ]
        if self.optimizers[0] is self.optimizers[1]:
            raise ValueError(
                "Expected an optimizer for each player: its state (moments, iterations) belongs "
                "to one network. Received: the same object twice"
            )

    def check_strategy(self, strategy):
        """Raise when an optimizer can't train under a strategy of several replicas.

        Raises:
            ValueError: for an optimizer made outside the strategy's scope, or one that
                accumulates gradients: it updates within a branch, where replicas don't
                communicate.
        """
        replicas, where = strategy.num_replicas_in_sync, type(strategy).__name__
        for optimizer in self.optimizers if replicas > 1 else []:
            inner = getattr(optimizer, "inner_optimizer", optimizer)
            if inner.gradient_accumulation_steps:
                raise ValueError(
                    f"The {optimizer.name}'s optimizer accumulates gradients, which works on one "
                    "device alone: drop `gradient_accumulation_steps`, or the strategy. Several "
                    "replicas make large batches by themselves. Received: "
                    f"gradient_accumulation_steps={inner.gradient_accumulation_steps}, under "
                    f"{where} on {replicas} replicas"
                )
            if not isinstance(optimizer.iterations.value, tf.distribute.DistributedValues):
                raise ValueError(
                    f"The {optimizer.name}'s optimizer was made outside the strategy's scope. Make "
                    "it, and compile, within `with strategy.scope():`. "
                    f"Received: {type(optimizer).__name__}, under {where} on {replicas} replicas"
                )

    def scale_losses(self, generator, discriminator):
        """Wrap the optimizers of networks in float16 for dynamic loss scaling."""
        networks = generator, discriminator
        self.optimizers = [
            _scaled(optimizer) if network.dtype_policy.name == "mixed_float16" else optimizer
            for optimizer, network in zip(self.optimizers, networks, strict=True)
        ]

    @property
    def built(self):
        """Whether both are built."""
        return all(optimizer.built for optimizer in self.optimizers)

    @property
    def iterations(self):
        """The generator's update count: one for each training step."""
        return self.optimizers[0].iterations


def _scaled(optimizer):
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer, name=optimizer.name)
