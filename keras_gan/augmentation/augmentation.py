"""What every augmentation of this library is: a layer that follows the course of training."""

import keras


class Augmentation(keras.layers.Layer):
    """A differentiable transformation of real and generated samples alike.

    `compile(augmentation=...)` takes any Keras layer. Those that derive from this class also hear
    of every update, and may keep state that follows training: a strength that is annealed, a
    probability that a controller moves. The state belongs in weights that are not trainable
    (`add_weight(..., trainable=False)`), made in the constructor, so that it is saved with the
    model. With several replicas each assigns the state from its own share of the batch, and the
    copies are averaged after every step.

    Subclasses override `call(samples, training=None)`, which draws its random numbers from a
    `keras.random.SeedGenerator` held as an attribute: the training step seeds it, differently on
    every replica.

    Attributes:
        log_names: the keys of what `figures` returns.

    Example:

    ```python
    class Brightness(keras_gan.augmentation.Augmentation):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.generator = keras.random.SeedGenerator()

        def call(self, samples, training=None):
            shape = (keras.ops.shape(samples)[0], 1, 1, 1)
            return samples + keras.random.uniform(shape, -0.5, 0.5, seed=self.generator)


    model.compile("non_saturating", augmentation=Brightness())
    ```
    """

    log_names = ()

    def after_update(self, player, step):
        """Do what follows a player's update: anneal a strength, move a probability.

        Args:
            player: `"discriminator"` or `"generator"`: who was updated just now.
            step: `keras_gan.step.Step`, what the training step has computed so far.
        """

    def figures(self):
        """Return what the logs show after a training step, a dict from `log_names` to scalars."""
        return {}
