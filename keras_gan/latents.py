"""Priors over latents: what the generator turns into samples."""

import math
import zlib

import keras
import tensorflow as tf

from keras_gan.utils import arguments, nests, registry

__all__ = ["Categorical", "Composite", "Normal", "Prior", "TruncatedNormal", "Uniform", "get"]


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
                f"normal latents. Received: truncation={truncation}"
            )
        if not tf.is_tensor(truncation) and not truncation > 0:
            raise ValueError(
                f"Expected `truncation` to be positive or None. Received: truncation={truncation}"
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
        position = _over(position, start)
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

    truncates = True

    def draw(self, shape, seed, truncation=None):
        """Return normal latents, restricted to [-truncation, truncation] if given."""
        free = tf.random.stateless_normal(shape, seed, alg=_GENERATOR)
        if truncation is None:
            return free
        # Another draw, as its distribution is inverted: infinity stands for no truncation at all.
        bound = _truncated_normal(shape, seed, truncation)
        return tf.where(tf.math.is_inf(tf.cast(truncation, tf.float32)), free, bound)

    def interpolate(self, start, end, position):
        """Return latents on the arc between two, at the norm that normal ones have; see `Prior`."""
        return _spherical(start, end, position)


@keras.saving.register_keras_serializable("keras_gan")
class TruncatedNormal(Prior):
    """Normal latents restricted to [-threshold, threshold], in training too.

    `truncation=t` restricts them to the smaller of `t` and the threshold.

    Args:
        size: the number of dimensions, or a shape.
        threshold: positive, in standard deviations of the untruncated normal.

    Raises:
        ValueError: when `threshold` is not positive and finite.
    """

    truncates = True

    def __init__(self, size, threshold=2.0):
        super().__init__(size)
        self.threshold = arguments.number("threshold", threshold, above=0)

    def draw(self, shape, seed, truncation=None):
        """Return normal latents within the threshold, or within `truncation` if smaller."""
        bound = self.threshold if truncation is None else tf.minimum(self.threshold, truncation)
        return _truncated_normal(shape, seed, bound)

    def interpolate(self, start, end, position):
        """Return latents on the arc between two, as for `Normal`; some may pass the threshold."""
        return _spherical(start, end, position)

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
        self.low = arguments.number("low", low, low=-math.inf)
        self.high = arguments.number("high", high, low=-math.inf, above=self.low)

    def draw(self, shape, seed, truncation=None):
        """Return uniform latents; there is nothing to truncate."""
        self.check_truncation(truncation)
        return tf.random.stateless_uniform(shape, seed, self.low, self.high, alg=_GENERATOR)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "low": self.low, "high": self.high}


@keras.saving.register_keras_serializable("keras_gan")
class Categorical(Prior):
    """One of several categories, each as likely, as a one-hot vector.

    Codes cannot be interpolated: on the way from one to another they switch at the middle.

    Args:
        size: the number of categories; or a shape whose last side is that number, for several
            codes, each of its own.

    Raises:
        ValueError: when there are fewer than two categories.

    Example:

    >>> prior = keras_gan.latents.Categorical(10)
    >>> prior.sample(tf.constant([0, 1], tf.int64)).shape
    TensorShape([2, 10])

    Reference:
        - [Chen et al., 2016](https://arxiv.org/abs/1606.03657), codes of InfoGAN
    """

    def __init__(self, size):
        super().__init__(size)
        arguments.whole("size", self.shape[-1], least=2)

    continuous = False

    def draw(self, shape, seed, truncation=None):
        """Return one-hot codes; there is nothing to truncate."""
        self.check_truncation(truncation)
        categories = shape[-1]
        codes = tf.random.stateless_uniform(
            shape[:-1], seed, maxval=categories, dtype=tf.int32, alg=_GENERATOR
        )
        return tf.one_hot(codes, categories)

    def interpolate(self, start, end, position):
        """Return the codes of the start before the middle, those of the end from there on."""
        return tf.where(_over(position, start) < 0.5, start, end)


@keras.saving.register_keras_serializable("keras_gan")
class Composite(Prior):
    """Latents of several parts, each of a prior of its own; one seed names them all.

    `GAN(latents={"z": Normal(64), "code": Categorical(10)})` makes it of the nest. The generator
    is called on the same nest of tensors. Parts draw independently of each other, and each by its
    name: one more part leaves the others as they are.

    Args:
        parts: nest (dict, list, tuple) of priors.

    Raises:
        TypeError: when a part is not a prior.

    Example:

    >>> from keras_gan.latents import Categorical, Composite, Normal
    >>> prior = Composite({"z": Normal(4), "code": Categorical(3)})
    >>> latents = prior.sample(tf.constant([0, 1], tf.int64))
    >>> latents["z"].shape, latents["code"].shape
    (TensorShape([2, 4]), TensorShape([2, 3]))
    """

    def __init__(self, parts):
        self.parts = nests.map(get, _deserialized(parts))
        if not nests.leaves(self.parts) or not nests.is_nest(self.parts):
            raise TypeError(f"Expected a nest of priors. Received: parts={parts!r}")

    @property
    def shape(self):
        """Nest of the parts' shapes."""
        return nests.map(lambda part: part.shape, self.parts)

    @property
    def truncates(self):
        """Whether `truncation` means something to any part."""
        return any(part.truncates for part in nests.leaves(self.parts))

    def batch(self, size, seed):
        """Return the nest of latents from one seed, as training draws them."""
        return self._each(
            lambda name, part: part.batch(
                size, tf.random.experimental.stateless_fold_in(seed, _number_of(name))
            )
        )

    def sample(self, seeds, truncation=None, stream=0):
        """Return the nest of latents of seeds; see `Prior.sample`.

        Args:
            seeds: int64 tensor of shape `(batch,)`.
            truncation: a bound for every part that has such a notion, or a dict of bounds by the
                names of parts.
            stream: integer that sets this draw apart from others of the same seeds.

        Raises:
            ValueError: for a part that is not there, or has no such notion.
        """
        bounds = self.bounds(truncation)
        return self._each(
            lambda name, part: part.sample(seeds, bounds[name], stream ^ _number_of(name))
        )

    def bounds(self, truncation):
        """Return `{part: bound or None}` of a truncation, checked.

        Raises:
            ValueError: for a part that is not there, or has no such notion.
        """
        parts = nests.named(self.parts)
        if not isinstance(truncation, dict):
            if truncation is not None and not self.truncates:
                raise ValueError(
                    "No part of these latents can be truncated. "
                    f"Received: truncation={truncation} for {self!r}"
                )
            truncation = {name: truncation for name, part in parts.items() if part.truncates}
        if unknown := sorted(set(truncation) - set(parts)):
            raise ValueError(
                f"Expected `truncation` for parts among {sorted(parts)}. Received: {unknown}"
            )
        for name, bound in truncation.items():
            if bound is not None and not parts[name].truncates:
                possible = [part for part, prior in parts.items() if prior.truncates]
                raise ValueError(
                    f"The latents' part {name!r}, {parts[name]!r}, can't be truncated; these can: "
                    f"{possible}. Received: truncation={{{name!r}: {bound}}}"
                )
            parts[name].check_truncation(bound)
        return {name: truncation.get(name) for name in parts}

    def check_truncation(self, truncation):
        """Raise when a truncation does not fit the parts; see `bounds`."""
        self.bounds(truncation)

    def interpolate(self, start, end, position):
        """Return the nest of latents between two, each part as its prior does it."""
        return nests.map(
            lambda part, *ends: part.interpolate(*ends, position), self.parts, start, end
        )

    def _each(self, function):
        flat = [function(name, part) for name, part in nests.named(self.parts).items()]
        return nests.pack_as(self.parts, flat)

    def get_config(self):
        """Return the constructor's arguments."""
        return {"parts": nests.map(keras.saving.serialize_keras_object, self.parts)}

    def __repr__(self):
        """Show the nest of priors."""
        return repr(self.parts)


def _number_of(name):
    """Return an integer that stands for a part's name, the same in every process."""
    return zlib.crc32(name.encode())


def _deserialized(parts):
    """Return a nest of priors from one of their configs, or of priors."""
    if isinstance(parts, dict) and "class_name" in parts:
        return keras.saving.deserialize_keras_object(parts)
    if isinstance(parts, dict):
        return {key: _deserialized(value) for key, value in parts.items()}
    if isinstance(parts, (list, tuple)):
        return type(parts)(_deserialized(value) for value in parts)
    return parts


def nest_of(prior):
    """Return the nest of simple priors that a prior, or `None`, is made of."""
    return prior.parts if isinstance(prior, Composite) else prior


def _truncated_normal(shape, seed, bound):
    """Invert the distribution function: exact, one draw per value, and XLA can compile it."""
    bound = tf.cast(bound, tf.float64)
    uniform = tf.random.stateless_uniform(shape, seed, dtype=tf.float64, alg=_GENERATOR)
    tail = 0.5 * tf.math.erfc(bound / tf.sqrt(tf.constant(2.0, tf.float64)))
    normal = tf.math.ndtri(tail + uniform * (1 - 2 * tail))
    return tf.cast(tf.clip_by_value(normal, -bound, bound), tf.float32)


def _over(position, latents):
    """Return positions, one for each row, in the shape that broadcasts over latents."""
    shape = [-1, *[1] * (len(latents.shape) - 1)]
    return tf.reshape(tf.cast(position, tf.float32), shape)


def _spherical(start, end, position):
    """Interpolate on the arc between two latents (White, 2016, https://arxiv.org/abs/1609.04468).

    A line between two normal latents passes nearer to the origin than any that were trained on.
    """
    axes = list(range(1, len(start.shape)))
    position = _over(position, start)

    def dot(one, other):
        return tf.reduce_sum(one * other, axes, keepdims=True)

    length = tf.sqrt(dot(start, start) * dot(end, end))
    cosine = tf.math.divide_no_nan(dot(start, end), length)
    angle = tf.acos(tf.clip_by_value(cosine, -1.0, 1.0))
    sine = tf.sin(angle)
    # Of one direction, or of opposite ones, no arc is told from others: the line then.
    flat = (sine < 1e-4) | (length == 0)
    sine = tf.where(flat, 1.0, sine)
    before = tf.where(flat, 1 - position, tf.sin((1 - position) * angle) / sine)
    after = tf.where(flat, position, tf.sin(position * angle) / sine)
    return before * start + after * end


def get(identifier):
    """Return the prior that a config or an instance stands for.

    Args:
        identifier: a `Prior`, its serialized config, the size of standard normal latents, or a
            nest of these.

    Raises:
        ValueError: for a name: priors have a size, so they are given as objects.
        TypeError: for anything else.
    """
    if nests.is_nest(identifier) and "class_name" not in identifier:
        return Composite(identifier)
    if isinstance(identifier, int) and not isinstance(identifier, bool):
        return Normal(identifier)
    if isinstance(identifier, str):
        raise ValueError(
            "Expected `latents` to be 'auto', None or a prior with its size, such as "
            f"`keras_gan.latents.Normal(64)`. Received: latents={identifier!r}"
        )
    return registry.resolve(identifier, {}, Prior, "latents")
