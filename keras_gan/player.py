"""One player of the game: its variables and its optimizer."""

import tensorflow as tf


class Player:
    """One network's trainable variables with the optimizer that updates them.

    Loss in, update out. It holds no state of its own: optimizer and variables hang on the model,
    where Keras saves them.

    Args:
        variables: the trainable variables that this player owns.
        optimizer: a Keras optimizer, built on these variables.
    """

    def __init__(self, variables, optimizer):
        self.variables = variables
        self.optimizer = optimizer

    def scale(self, loss):
        """Return the loss to differentiate: this replica's share, loss-scaled in mixed precision.

        Optimizers sum gradients over replicas, so each replica's mean is divided by their number
        once, here. Call it inside the tape.
        """
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return self.optimizer.scale_loss(loss / replicas)

    def gradients(self, tape, scaled_loss):
        """Return the gradients of the scaled loss with respect to the player's variables."""
        return tape.gradient(scaled_loss, self.variables)

    def apply(self, gradients):
        """Update the variables by one optimizer step."""
        self.optimizer.apply(gradients, self.variables)
