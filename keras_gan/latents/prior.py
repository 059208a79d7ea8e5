"""The base class of priors over latents."""

import numbers

import tensorflow as tf

from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown

# Named, as the default differs between devices. (XLA turns the same bits into other floats:
# samples are drawn outside it.)
GENERATOR = "philox"


class Prior:
    """A distribution over latents, drawn from explicit seeds.

    Subclasses override `draw`, and may document what `truncation` means to them.

    Args:
        size: an integer `d` for vectors of shape `(d,)`, or a tuple for any other shape.

    Raises:
        TypeError: when it is neither.
        ValueError: when a dimension is not a positive integer.
    """

    # Whether `truncation` means something to the prior, and whether latents near others do.
    truncates = False
    continuous = True

    def __init__(self, size):
        self.shape = arguments.shape("size", size)

    def draw(self, shape, seed, truncation=None):
        """Return float32 latents of the given shape from one seed.

        Args:
            shape: shape of the result, the batch included where there is one.
            seed: int tensor of shape (2,).
            truncation: see `sample`.
        """
        raise NotImplementedError

    def batch(self, size, seed):
        """Return latents of shape `(size, *shape)` from one seed, as training draws them."""
        return self.draw((size, *self.shape), seed)

    def sample(self, seeds, truncation=None, stream=0):
        """Return one latent for each seed: the same seed is the same latent in any batch.

        Args:
            seeds: int64 tensor of shape `(batch,)`.
            truncation: positive bound that trades variety for quality, where the prior has
                such a notion: a number, or a float tensor of shape `(batch,)` or `(1,)`.
                `None`, and infinity, draw from the prior itself.
            stream: integer that sets this draw apart from others of the same seeds.

        Returns:
            float32 tensor of shape `(batch, *shape)`.

        Raises:
            ValueError: when `truncation` is not positive, or means nothing to this prior.
        """
        self.check_truncation(truncation)
        rows = (seeds,)
        if truncation is not None:
            bounds = tf.broadcast_to(tf.cast(truncation, tf.float32), tf.shape(seeds))
            rows = (seeds, bounds)

        def one(row):
            seed, *bound = row
            return self.draw(self.shape, tf.stack([seed, tf.constant(stream, seed.dtype)]), *bound)

        return tf.map_fn(one, rows, fn_output_signature=tf.TensorSpec(self.shape, tf.float32))

    def check_truncation(self, truncation):
        """Raise when a bound can't be one, or means nothing to this prior.

        Raises:
            ValueError: naming the prior.
        """
        if truncation is None:
            return
        if not self.truncates:
            raise ValueError(
                f"{type(self).__name__} latents are bounded already: `truncation` applies to "
                f"normal latents. Received: truncation={shown(truncation)}"
            )
        if isinstance(truncation, tf.Tensor):  # Not a ragged or a sparse one.
            return
        if not isinstance(truncation, numbers.Real) or not truncation > 0:
            raise ValueError(
                "Expected `truncation` to be positive or None. "
                f"Received: truncation={shown(truncation)}"
            )

    def interpolate(self, start, end, position):
        """Return latents on the way from one to another, as the prior's own lie: a line here.

        Args:
            start: float tensor of shape `(batch, *shape)`, reached at position 0.
            end: the same, reached at position 1.
            position: float tensor of shape `(batch,)`, from 0 to 1.

        Returns:
            float32 tensor of shape `(batch, *shape)`.
        """
        position = over(position, start)
        return (1 - position) * start + position * end

    def get_config(self):
        """Return the constructor's arguments."""
        return {"size": self.shape[0] if len(self.shape) == 1 else list(self.shape)}

    @classmethod
    def from_config(cls, config):
        """Build the prior from its config."""
        return cls(**config)

    def __repr__(self):
        """Show the prior as the call that makes it."""
        config = ", ".join(f"{key}={value!r}" for key, value in self.get_config().items())
        return f"{type(self).__name__}({config})"


def over(position, latents):
    """Return positions, one for each row, in the shape that broadcasts over latents."""
    shape = [-1, *[1] * (len(latents.shape) - 1)]
    return tf.reshape(tf.cast(position, tf.float32), shape)
