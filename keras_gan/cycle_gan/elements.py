"""Data of two domains: the forms that people have it in, as dicts by domain."""

import collections.abc

import numpy as np
import tensorflow as tf

from keras_gan import datasets
from keras_gan.data import elements
from keras_gan.data.adapting import Adapter


class DomainAdapter(Adapter):
    """What makes of a data element the dict by domain that the networks take.

    A bare tuple is one image of each domain, not samples and their condition. An image may come
    with a label, which is left out.

    Args:
        domains: names of the domains, a pair.
        signature: the networks' `Signature`.
        condition: their `Condition`.
        value_range: `(lowest, highest)` value of images.
    """

    def __init__(self, domains, signature, condition, value_range):
        super().__init__(signature, condition, value_range)
        self._domains = domains

    def named(self, element):
        """Return `(images, None)` of an element, the images by domain.

        Args:
            element: `(a, b)` or a dict by domain; or a pair `(x, None)` of such an `x`.
        """
        x, condition = elements.unpack(element)
        if condition is not None and not is_by_domain(x, self._domains):
            x, condition = (x, condition), None
        return by_domain(x, self._domains), condition

    def of_condition(self, condition):
        """Return the images to translate as a dict by domain."""
        return super().of_condition(by_domain(condition, self._domains))


def by_domain(x, domains):
    """Return images as a dict by domain; anything else as it is.

    Args:
        x: a pair of what holds images, or a dict of such by domain.
        domains: names of the domains, a pair.
    """
    if isinstance(x, (tuple, list)) and len(x) == 2:
        x = dict(zip(domains, x, strict=True))
    if is_by_domain(x, domains):
        return {domain: _image_of(part) for domain, part in x.items()}
    return x


def is_by_domain(x, domains):
    """Tell whether something is a dict with the names of two domains as its keys."""
    return isinstance(x, dict) and x.keys() == set(domains)


def _image_of(part):
    """Return the image of `(image, label)`, or of a dict with the key "image"."""
    if isinstance(part, dict) and "image" in part:
        return part["image"]
    return part[0] if isinstance(part, tuple) else part


def are_arrays(parts):
    """Tell whether the parts of a dict by domain are arrays, not datasets."""
    return not any(isinstance(part, tf.data.Dataset) for part in parts.values())


def held(x, y, domains):
    """Return `(x, y)` as `fit` was given them, the arrays or datasets of two domains as a dict.

    Args:
        x: data of both domains, or of the first.
        y: data of the second domain, or `None`.
        domains: names of the domains, a pair.

    Raises:
        ValueError: for two pairs, of which one is no data to train on.
    """
    if isinstance(x, tuple) and isinstance(y, tuple):
        raise ValueError(
            "Expected the images of two domains, `fit((images_a, images_b))`, and others as "
            "`validation_data=`. Received: two pairs"
        )
    pair = by_domain(x if y is None else (x, y), domains)
    return (pair, None) if is_by_domain(pair, domains) else (x, y)


def without_pairs(parts, batch_size, shuffle, seed):
    """Return what `fit` reads of two domains: a dataset, or the dict of arrays as it is.

    Args:
        parts: dict by domain of arrays, or of datasets with `seek`.
        batch_size: samples in a batch of each domain, or `None` for 32.
        shuffle: whether each domain comes in an order of its own.
        seed: of the orders.
    """
    if not shuffle and are_arrays(parts) and len(set(map(_count, parts.values()))) == 1:
        return parts
    size = 32 if batch_size is None else batch_size
    return datasets.unpaired(**parts, batch_size=size, seed=seed, shuffle=bool(shuffle))


def _count(part):
    return len(part) if isinstance(part, collections.abc.Sized) else None


def divided(parts, fraction):
    """Return the arrays of both domains without their last samples, and those.

    Args:
        parts: dict of arrays by domain.
        fraction: share of the samples of each to keep out.
    """
    kept = {name: round(len(part) * (1 - fraction)) for name, part in parts.items()}
    arrays = {name: np.asarray(part) for name, part in parts.items()}
    return (
        {name: array[: kept[name]] for name, array in arrays.items()},
        {name: array[kept[name] :] for name, array in arrays.items()},
    )
