"""Orthogonal regularization: filters kept orthogonal to each other."""

import keras
from keras import ops

from keras_gan.terms.term import Term
from keras_gan.utils.arguments import choice, shown
from keras_gan.utils.keras_internals import layers_within
from keras_gan.utils.kernels import as_matrix, kernel_of
from keras_gan.utils.tensors import wide


@keras.saving.register_keras_serializable("keras_gan")
class OrthogonalRegularization(Term):
    """Push the filters of each layer apart, whatever their lengths.

    Formula:

    ```
    weight * sum_W ||W^T W o (1 - I)||_F^2
    ```

    over the trainable kernels W of a player's Dense, convolution and other layers, taken as
    matrices of one column for each output channel; the sum runs over the products of different
    columns. Embeddings, biases and scales are left out. The log shows the sum without the weight.
    BigGAN uses it to make a generator fit for truncated latents.

    Args:
        weight: beta, a finite number of at least 0; 1e-4 in the paper.
        player: whose kernels, `"generator"` or `"discriminator"`.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Raises:
        ValueError: when `weight` is negative or not finite, `interval` no positive integer,
            `player` no player, or, in `compile`, the network has no kernels.
        TypeError: when `weight` is no number, or `schedule` no schedule.

    Example:

    ```python
    model.compile("hinge", terms=["orthogonal_regularization"])
    ```

    Reference:
        - [Brock et al., 2019](https://arxiv.org/abs/1809.11096), Eq. (3)
    """

    def __init__(
        self,
        weight=1e-4,
        player="generator",
        interval=1,
        schedule=None,
        name="orthogonal_regularization",
        **kwargs,
    ):
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)
        self.player = choice("player", player, ("generator", "discriminator"))

    def acts_on(self, player):
        """Tell whether it is that player's kernels."""
        return player == self.player

    def attach(self, model):
        """Check that there are kernels.

        Raises:
            ValueError: when the player's network has none.
        """
        network = getattr(model, self.player)
        if not _kernels(network):
            raise ValueError(
                f"The term {self.name!r} found no trainable kernel in the {self.player}: it looks "
                "for layers such as Dense and Conv2D. Leave the term out. "
                f"Received: {self.player}={shown(network.name)}"
            )

    def discriminator_term(self, step):
        """Return the sum over the discriminator's kernels, a scalar."""
        return _overlap(step.discriminator)

    def generator_term(self, step):
        """Return the sum over the generator's kernels, a scalar."""
        return _overlap(step.generator)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "player": self.player}


def _kernels(network):
    """Return the `(layer, kernel)` of a network's layers, those in wrappers included, each once."""
    found = {}
    for layer in layers_within(network):
        kernel = None if isinstance(layer, keras.layers.Embedding) else kernel_of(layer)
        # A wrapper may show the kernel of the layer it holds, which comes after it and knows its
        # shape.
        if kernel is not None and kernel.trainable:
            found[id(kernel)] = layer, kernel
    return list(found.values())


def _overlap(network):
    return sum(_off_diagonal(wide(as_matrix(*pair))) for pair in _kernels(network))


def _off_diagonal(matrix):
    """Return the sum of the squared inner products of different columns."""
    products = ops.matmul(ops.transpose(matrix), matrix)
    return ops.sum(ops.square(products * (1.0 - ops.eye(matrix.shape[1], dtype=matrix.dtype))))
