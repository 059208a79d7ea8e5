"""The equal parts that batches come in: for replicas, and for discriminators of packs."""

import math

from keras_gan.layers import packing
from keras_gan.utils.keras_internals import layers_within


def pack_size(discriminator):
    """Return how many samples a discriminator judges at once: 1 without `layers.Packing`."""
    layers = layers_within(discriminator)
    return math.lcm(*(part.samples for part in layers if isinstance(part, packing.Packing)))


def shares(discriminator, sizes, replicas=1, needed=1):
    """Return in how many equal parts batches must come, for replicas and packs to share them.

    Args:
        discriminator: the discriminator, which may judge packs.
        sizes: list of the sizes of batches, `None` where not known: that of all but the last, and
            of the last where there is one that differs.
        replicas: how many share a batch.
        needed: how many batches a training step takes.

    Returns:
        Integer that divides every batch of use. `replicas` by itself when packs divide each batch.

    Raises:
        ValueError: when packs don't divide the batches, naming both numbers, or several batches
            of unknown size would have to be packed.
    """
    samples = pack_size(discriminator)
    parts = replicas * samples
    if samples == 1 or not any(size is None or size % parts for size in sizes):
        return replicas
    received = None
    if sizes[0] is None and needed > 1:
        received = f"batches of unknown size, {needed} a step"
    elif sizes[0] is not None and sizes[0] % parts:
        shared = f", shared by {replicas} replicas" if replicas > 1 else ""
        received = f"batches of {sizes[0]} samples{shared}"
    if received:
        raise ValueError(packing.does_not_divide(samples, received))
    return parts
