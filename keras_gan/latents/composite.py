"""Latents of several parts, each of a prior of its own."""

import zlib

import keras
import tensorflow as tf

from keras_gan.latents.normal import Normal
from keras_gan.latents.prior import Prior
from keras_gan.utils import nests
from keras_gan.utils.arguments import shown


@keras.saving.register_keras_serializable("keras_gan")
class Composite(Prior):
    """Latents of several parts, each of a prior of its own; one seed names them all.

    `GAN(latents={"z": Normal(64), "code": Categorical(10)})` makes it of the nest. The generator
    is called on the same nest of tensors. Parts draw independently of each other, and each by its
    name: one more part leaves the others as they are.

    Args:
        parts: nest (dict, list, tuple) of priors; an integer is the size of standard normal ones.

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
        self.parts = priors_of(parts)
        found = nests.leaves(self.parts)
        if not nests.is_nest(self.parts) or not found:
            raise TypeError(f"Expected a nest of priors. Received: parts={shown(parts)}")
        for part in found:
            if not isinstance(part, Prior):
                raise TypeError(
                    "Expected a nest of priors, such as `keras_gan.latents.Normal(64)`, or of the "
                    f"sizes of standard normal ones. Received: {shown(part)} of type {type(part)}"
                )

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
                    f"Received: truncation={shown(truncation)} for {self!r}"
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
                    f"{possible}. Received: truncation={{{name!r}: {shown(bound)}}}"
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


def priors_of(parts):
    """Return a nest of priors from a nest of them, of their configs or their sizes."""
    if isinstance(parts, dict) and "class_name" in parts:
        return keras.saving.deserialize_keras_object(parts)
    if isinstance(parts, dict):
        return {key: priors_of(value) for key, value in parts.items()}
    if isinstance(parts, (list, tuple)):
        return type(parts)(priors_of(value) for value in parts)
    return Normal(parts) if isinstance(parts, int) and not isinstance(parts, bool) else parts


def nest_of(prior):
    """Return the nest of simple priors that a prior, or `None`, is made of."""
    return prior.parts if isinstance(prior, Composite) else prior
