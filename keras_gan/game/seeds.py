"""The random state of a model: one saved seed and step count, from which every draw follows."""

import random

import keras
import tensorflow as tf

from keras_gan.utils import arguments


class SeedStream:
    """The seeds of one training step on one replica, handed out in program order.

    Every call of `next()` folds in one more count, so no two draws of a step share a seed, and
    the same program draws the same numbers at the same step.

    Args:
        seed: int tensor of shape (2,), the stream's own.
    """

    def __init__(self, seed):
        self._seed = seed
        self._count = 0

    def next(self):
        """Return an int64 seed of shape (2,) for a `tf.random.stateless_*` draw."""
        self._count += 1
        return tf.random.experimental.stateless_fold_in(self._seed, self._count)

    def reseed(self, states):
        """Derive the states of Keras `SeedGenerator`s (Dropout, noise layers) from the stream.

        A `SeedGenerator` draws the same numbers on every replica, and its state is in no weights
        file. Derived at every step, both are mended: masks differ between replicas, and a
        resumed run repeats those of the run it continues.

        Args:
            states: the generators' state variables.
        """
        for state in states:
            draw = tf.random.stateless_uniform(
                (2,), self.next(), maxval=tf.int32.max, dtype=tf.int32, alg="philox"
            )
            state.assign(tf.cast(draw, state.dtype))


@keras.saving.register_keras_serializable("keras_gan")
class RandomState(keras.layers.Layer):
    """The seed and the count of training steps: all that a resumed run needs to go on.

    Args:
        seed: an integer; by default drawn from Python's `random`, as Keras draws its own, so
            that `keras.utils.set_random_seed` fixes it.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(trainable=False, **kwargs)
        if seed is None:
            seed = random.randrange(2**31)
        arguments.seed("seed", seed)
        self.seed = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(seed),
            dtype="int64",
            trainable=False,
            name="seed",
        )
        # Every replica counts the same steps: one assignment, copied to all, keeps them equal.
        self.step = self.add_weight(
            shape=(),
            initializer="zeros",
            dtype="int64",
            trainable=False,
            aggregation="only_first_replica",
            name="step",
        )
        self.built = True

    @property
    def start(self):
        """The seed, an integer."""
        return int(self.seed.numpy())

    def stream(self, step=None):
        """Return the `SeedStream` of a step on this replica.

        Args:
            step: int64 scalar, by default the present training step.
        """
        step = tf.convert_to_tensor(self.step) if step is None else step
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        seed = tf.stack([tf.convert_to_tensor(self.seed), step])
        return SeedStream(tf.random.experimental.stateless_fold_in(seed, tf.cast(replica, "int64")))

    def advance(self):
        """Count one training step."""
        self.step.assign_add(1)


def seed_states(*layers):
    """Return the states of the `SeedGenerator`s in layers: their variables that are no weights."""
    states = []
    for layer in layers:
        weights = {id(weight) for weight in layer.weights}
        states += [variable for variable in layer.variables if id(variable) not in weights]
    return states
