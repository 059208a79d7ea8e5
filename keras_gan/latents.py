"""Priors over latents: what the generator turns into samples."""

import keras
import tensorflow as tf

from keras_gan import registry


class Prior:
    """A distribution over latents, drawn from explicit seeds.

    Subclasses override `draw`, and may document what `truncation` means to them.

    Args:
        size: an integer `d` for vectors of shape `(d,)`, or a tuple for any other shape.

    Raises:
        ValueError: when a dimension is not a positive integer.
    """

    def __init__(self, size):
        shape = (size,) if isinstance(size, int) else tuple(size)
        if not all(isinstance(side, int) and side > 0 for side in shape):
            raise ValueError(
                "Expected `size` to be a positive integer or a tuple of them. "
                f"Received: size={size!r}"
            )
        self.shape = shape

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

    def sample(self, seeds, truncation=None):
        """Return one latent for each seed: the same seed is the same latent in any batch.

        Args:
            seeds: int64 tensor of shape `(batch,)`.
            truncation: positive bound that trades variety for quality, where the prior has
                such a notion; `None` draws from the prior itself.

        Returns:
            float32 tensor of shape `(batch, *shape)`.

        Raises:
            ValueError: when `truncation` is not positive, or means nothing to this prior.
        """
        if truncation is not None and not truncation > 0:
            raise ValueError(
                f"Expected `truncation` to be positive or None. Received: truncation={truncation}"
            )

        def one(seed):
            return self.draw(self.shape, tf.stack([seed, tf.zeros_like(seed)]), truncation)

        return tf.map_fn(one, seeds, fn_output_signature=tf.TensorSpec(self.shape, tf.float32))

    def get_config(self):
        """Return the constructor's arguments."""
        return {"size": self.shape[0] if len(self.shape) == 1 else list(self.shape)}

    @classmethod
    def from_config(cls, config):
        """Build the prior from its config."""
        return cls(**config)

    def __repr__(self):
        """Show the prior as the call that makes it."""
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


# Named, as the default differs between devices. (XLA turns the same bits into other floats:
# samples are drawn outside it.)
_GENERATOR = "philox"


@keras.saving.register_keras_serializable("keras_gan")
class Normal(Prior):
    """Standard normal latents.

    `truncation=t` draws from the normal distribution restricted to [-t, t] (the truncation
    trick).

    Args:
        size: the number of dimensions, or a shape.

    Example:

    >>> prior = keras_gan.latents.Normal(64)
    >>> prior.sample(tf.constant([0, 1], tf.int64)).shape
    TensorShape([2, 64])

    Reference:
        - [Brock et al., 2019](https://arxiv.org/abs/1809.11096), Section 3.1 (truncation)
    """

    def draw(self, shape, seed, truncation=None):
        """Return normal latents, restricted to [-truncation, truncation] if given."""
        if truncation is not None:
            return _truncated_normal(shape, seed, truncation)
        return tf.random.stateless_normal(shape, seed, alg=_GENERATOR)


@keras.saving.register_keras_serializable("keras_gan")
class TruncatedNormal(Prior):
    """Normal latents restricted to [-threshold, threshold], in training too.

    `truncation=t` restricts them to the smaller of `t` and the threshold.

    Args:
        size: the number of dimensions, or a shape.
        threshold: positive, in standard deviations of the untruncated normal.

    Raises:
        ValueError: when `threshold` is not positive.
    """

    def __init__(self, size, threshold=2.0):
        super().__init__(size)
        if not threshold > 0:
            raise ValueError(
                f"Expected `threshold` to be positive. Received: threshold={threshold}"
            )
        self.threshold = float(threshold)

    def draw(self, shape, seed, truncation=None):
        """Return normal latents within the threshold, or within `truncation` if smaller."""
        bound = self.threshold if truncation is None else tf.minimum(self.threshold, truncation)
        return _truncated_normal(shape, seed, bound)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "threshold": self.threshold}


@keras.saving.register_keras_serializable("keras_gan")
class Uniform(Prior):
    """Uniform latents on [low, high).

    Args:
        size: the number of dimensions, or a shape.
        low: lower end.
        high: upper end, above `low`.

    Raises:
        ValueError: when `high` is not above `low`.
    """

    def __init__(self, size, low=-1.0, high=1.0):
        super().__init__(size)
        if not low < high:
            raise ValueError(f"Expected `low` to be below `high`. Received: low={low}, high={high}")
        self.low = float(low)
        self.high = float(high)

    def draw(self, shape, seed, truncation=None):
        """Return uniform latents; there is nothing to truncate."""
        if truncation is not None:
            raise ValueError(
                "Uniform latents are bounded already: `truncation` applies to normal latents. "
                f"Received: truncation={truncation}"
            )
        return tf.random.stateless_uniform(shape, seed, self.low, self.high, alg=_GENERATOR)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "low": self.low, "high": self.high}


def _truncated_normal(shape, seed, bound):
    """Invert the distribution function: exact, one draw per value, and XLA can compile it."""
    bound = tf.cast(bound, tf.float64)
    uniform = tf.random.stateless_uniform(shape, seed, dtype=tf.float64, alg=_GENERATOR)
    tail = 0.5 * tf.math.erfc(bound / tf.sqrt(tf.constant(2.0, tf.float64)))
    normal = tf.math.ndtri(tail + uniform * (1 - 2 * tail))
    return tf.cast(tf.clip_by_value(normal, -bound, bound), tf.float32)


def get(identifier):
    """Return the prior that a config or an instance stands for.

    Args:
        identifier: a `Prior`, its serialized config, or the size of standard normal latents.

    Raises:
        ValueError: for a name: priors have a size, so they are given as objects.
        TypeError: for anything else.
    """
    if isinstance(identifier, int) and not isinstance(identifier, bool):
        return Normal(identifier)
    if isinstance(identifier, str):
        raise ValueError(
            "Expected `latents` to be 'auto', None or a prior with its size, such as "
            f"`keras_gan.latents.Normal(64)`. Received: latents={identifier!r}"
        )
    return registry.resolve(identifier, {}, Prior, "latents")
