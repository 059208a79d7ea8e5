"""Short training loops inside metrics: many optimizer steps in one compiled call."""

import keras
import numpy as np
import tensorflow as tf

from keras_gan.utils.keras_internals import layers_within

_CHECKS = 40  # of how good the weights are, in the course of a training


class Descent:
    """Minimize a loss over a network's weights by Adam, whose learning rate falls to 0.

    Args:
        loss: function of `(step, *data)`, an int scalar and the tensors given to `run`, to a
            scalar tensor.
        network: a built Keras model, whose trainable variables it is minimized over.
        steps: how many optimizer steps.
        learning_rate: that of the first step; it follows a cosine down to 0.
    """

    def __init__(self, loss, network, steps, learning_rate):
        schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
        # The loop over steps is AutoGraph's to convert; what it runs has nothing to convert.
        self._loss = tf.autograph.experimental.do_not_convert(loss)
        self._network = network
        self._variables = network.trainable_variables
        # As in training: layers such as SpectralNormalization take a step of their own.
        self._updating = [
            layer for layer in layers_within(network) if hasattr(layer, "before_update")
        ]
        self._checked_at = np.unique(np.linspace(0, steps, _CHECKS + 1).astype(int))
        # A loss whose gradient has nearly vanished is followed all the same.
        self._optimizer = keras.optimizers.Adam(schedule, epsilon=1e-12, name="descent")
        self._optimizer.build(self._variables)
        self._advance = tf.function(self._take_steps, reduce_retracing=True)

    def run(self, judge, *data):
        """Train the network, and leave it with the best weights seen, the first ones included.

        The last weights need not be the best: with few samples they know these by heart. It can
        be run again, on other weights, without a new trace.

        Args:
            judge: function without arguments that says how bad the present weights are, on
                samples that are not in the loss.
            data: nests of tensors, passed on to the loss.

        Returns:
            What `judge` said of the weights that the network is left with.
        """
        for variable in self._optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        best, weights = judge(), self._network.get_weights()
        for first, end in zip(self._checked_at, self._checked_at[1:], strict=False):
            self._advance(tf.constant(first), tf.constant(end), *data)
            found = judge()
            if found < best:
                best, weights = found, self._network.get_weights()
        self._network.set_weights(weights)
        return best

    def _take_steps(self, first, end, *data):
        for step in tf.range(first, end):
            for layer in self._updating:
                layer.before_update()
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                for variable in self._variables:
                    tape.watch(variable.value)
                loss = self._loss(step, *data)
            self._optimizer.apply(tape.gradient(loss, self._variables), self._variables)


def batches(rows, batch_size, steps, seed):
    """Return which rows each step sees: a fresh order of all of them for each pass.

    Args:
        rows: how many there are.
        batch_size: rows in a step.
        steps: how many steps.
        seed: non-negative integer, or a sequence of them.

    Returns:
        int32 tensor of shape `(steps, batch_size)`.
    """
    generator = np.random.default_rng(seed)
    passes = -(-steps * batch_size // rows)
    order = np.concatenate([generator.permutation(rows) for _ in range(passes)])
    return tf.constant(order[: steps * batch_size].reshape(steps, batch_size), tf.int32)
