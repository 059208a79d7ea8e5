"""Base class of augmentations, layers that follow the course of training."""

import keras
import tensorflow as tf

from keras_gan.augmentation.together import on_channels
from keras_gan.utils.arguments import shown
from keras_gan.utils.keras_internals import layers_within


class Augmentation(keras.layers.Layer):
    """Differentiable transformation of real and generated samples alike.

    `compile(augmentation=...)` takes any Keras layer. Layers of this class, inside other layers
    too, are also told of every update. They may keep state that follows training: a strength that
    is annealed, a probability that a controller moves. Keep it in weights that are not trainable
    (`add_weight(..., trainable=False)`), made in the constructor, so that it is saved with the
    model. With several replicas, each assigns the state from its own share of the batch, and the
    copies are averaged after every step.

    Subclasses override `call(samples, training=True)`. It draws random numbers from a
    `keras.random.SeedGenerator` held as an attribute, which the training step seeds, differently
    on every replica. Samples arrive in their own dtype, in mixed precision too, and should leave
    in the same.

    Samples of several parts come part by part. A subclass that moves pixels sets `moves`: all
    images of a sample, and image conditions that the discriminator judges with it, then come as
    the channels of one image, so that one draw moves them all. They must be of one size.

    Attributes:
        log_names: the keys of the dict that `logs` returns.
        moves: whether it moves pixels.

    Example:

    ```python
    class Brightness(keras_gan.augmentation.Augmentation):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.generator = keras.random.SeedGenerator()

        def call(self, samples, training=True):
            shape = (keras.ops.shape(samples)[0], 1, 1, 1)
            return samples + keras.random.uniform(shape, -0.5, 0.5, seed=self.generator)


    model.compile("non_saturating", augmentation=Brightness())
    ```
    """

    log_names = ()
    moves = False

    def __init__(self, **kwargs):
        # In mixed precision Keras would round the samples, and the layer's state, to 16 bits.
        kwargs["dtype"] = keras.config.floatx()
        super().__init__(autocast=False, **kwargs)

    def together(self, samples, conditions):
        """Return samples of several parts, and image conditions, transformed in training.

        Args:
            samples: list of tensors, the parts of samples.
            conditions: list of image conditions, tensors of rank 4.

        Returns:
            Two lists of as many tensors.
        """
        if self.moves:
            return on_channels(self, samples, conditions)
        return [self(part, training=True) for part in samples], conditions

    def check(self, samples):
        """Raise when samples of a shape can't be transformed; by default all can.

        Args:
            samples: a tensor or spec of samples, batch axis first: one part of a nest.
        """

    def attach(self, model):
        """Adopt the current state of a model's training; called by every `compile`.

        Args:
            model: the `GAN`.
        """

    def after_update(self, player, step):
        """Do what follows a player's update: anneal a strength, move a probability.

        Args:
            player: `"discriminator"` or `"generator"`: who was updated just now.
            step: `keras_gan.game.step.Step`, what the training step has computed so far.
        """

    def logs(self):
        """Return the logs after a training step, a dict from `log_names` to scalars."""
        return {}


def follows_training(layer):
    """Tell whether a layer's state moves with training, in it or in a layer that it holds."""
    silent = Augmentation.after_update
    return any(type(part).after_update is not silent for part in following([layer]))


def following(layers):
    """Return the augmentations among layers and the layers they hold: who follows training.

    Args:
        layers: list of Keras layers.
    """
    nested = [part for layer in layers for part in layers_within(layer)]
    return [part for part in nested if isinstance(part, Augmentation)]


def check_strategy(layers, strategy):
    """Raise when a layer's random state would be shared by the replicas of a strategy.

    Args:
        layers: list of Keras layers.
        strategy: the model's `tf.distribute.Strategy`.

    Raises:
        ValueError: for a layer that was made outside of the strategy's scope.
    """
    replicas, where = strategy.num_replicas_in_sync, type(strategy).__name__
    for layer in layers if replicas > 1 else []:
        values = [variable.value for variable in layer.variables]
        if not all(isinstance(value, tf.distribute.DistributedValues) for value in values):
            raise ValueError(
                "The augmentation was made outside the strategy's scope: its replicas would draw "
                "from one and the same random state. Make it, and compile, within "
                "`with strategy.scope():`. Received: "
                f"augmentation={shown(layer)}, under {where} on {replicas} replicas"
            )
