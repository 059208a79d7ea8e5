"""One player of the game: its variables and its optimizer."""

from keras_gan.utils import replicas
from keras_gan.utils.keras_internals import take_summed_gradients


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
        # Keras's optimizers add up gradients as they apply them: each player by itself, and after
        # it has clipped each replica's share. Here they come added up.
        take_summed_gradients(optimizer)

    def scale(self, loss):
        """Return the loss to differentiate: this replica's share, loss-scaled in mixed precision.

        Gradients are summed over replicas, so each replica's mean is divided by their number
        once, here. Call it inside the tape.
        """
        return self.optimizer.scale_loss(loss / replicas.replica_count())

    def gradients(self, tape, scaled_loss):
        """Return the gradients of the scaled loss with respect to the player's variables.

        They are this replica's share: `replicas.sum_over_replicas` adds up all.
        """
        return tape.gradient(scaled_loss, self.variables)

    def apply(self, gradients):
        """Update the variables by one optimizer step.

        Args:
            gradients: of the scaled loss, the sum over all replicas.
        """
        self.optimizer.apply(gradients, self.variables)
