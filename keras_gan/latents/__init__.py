"""Priors over latents, from which generators make samples."""

from keras_gan.latents.categorical import Categorical
from keras_gan.latents.composite import Composite, priors_of
from keras_gan.latents.normal import Normal, TruncatedNormal
from keras_gan.latents.prior import Prior
from keras_gan.latents.uniform import Uniform
from keras_gan.utils import nests, registry
from keras_gan.utils.arguments import shown

__all__ = ["Categorical", "Composite", "Normal", "Prior", "TruncatedNormal", "Uniform", "get"]


def get(identifier):
    """Return the prior that a config or an instance stands for.

    Args:
        identifier: a `Prior`, its serialized config, the size of standard normal latents, or a
            nest of these.

    Raises:
        ValueError: for a name: priors have a size, so they are given as objects.
        TypeError: for anything else.
    """
    if isinstance(identifier, str):
        raise ValueError(
            "Expected `latents` to be 'auto', None or a prior with its size, such as "
            f"`keras_gan.latents.Normal(64)`. Received: latents={shown(identifier)}"
        )
    prior = priors_of(identifier)
    return (
        Composite(prior) if nests.is_nest(prior) else registry.resolve(prior, {}, Prior, "latents")
    )
