"""Networks between two others: weights on the line from one to the other."""

import itertools
import os

import keras
import numpy as np

from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown
from keras_gan.utils.copying import copy_of
from keras_gan.utils.fingerprints import nameless
from keras_gan.utils.keras_internals import layers_within
from keras_gan.utils.loading import load_model


def interpolate(first, second, alpha):
    """Make a network whose weights lie on the line between those of two others.

    Formula, for every weight and statistic (BatchNorm's):

    ```
    (1 - alpha) * first + alpha * second
    ```

    A network that was trained for a small error makes smooth images, one that was trained on from
    it against a discriminator makes sharp ones. Between the two, `alpha` chooses. It works where
    the second was trained on from the first, or both from one; not for two that have begun apart.
    With `alpha` 0 or 1 the result has the weights of one of the two, to the bit.

    Args:
        first: a built Keras model; a `keras_gan.GAN`, which stands for the network that it samples
            from; or the path of a `.keras` file of either.
        second: another of the same architecture, in any of these forms.
        alpha: number from 0 to 1.

    Returns:
        A new Keras model of the architecture and the dtypes of `first`.

    Raises:
        ValueError: when the architectures differ, `alpha` is out of range, or a file can't be
            loaded.
        TypeError: when something is neither a Keras model nor a path.

    Example:

    >>> smooth, sharp = (keras_gan.networks.dcgan((8, 8, 1), 16, width=2)[0] for _ in range(2))
    >>> between = keras_gan.networks.interpolate(smooth, sharp, 0.5)
    >>> between(np.zeros((1, 16))).shape
    TensorShape([1, 8, 8, 1])

    Reference:
        - [Wang et al., 2018](https://arxiv.org/abs/1809.00219), Section 3.4
    """
    alpha = arguments.number("alpha", alpha, high=1)
    (made_like, start), (other, end) = _ends("first", first), _ends("second", second)
    _check_alike(made_like, other)
    network = copy_of(made_like)
    pairs = zip(start.get_weights(), end.get_weights(), strict=True)
    network.set_weights([_between(*pair, alpha) for pair in pairs])
    return network


def _ends(name, given):
    """Return the network whose architecture counts, and the one whose weights do."""
    if isinstance(given, (str, os.PathLike)):
        given = load_model(given, compile=False)
    if not isinstance(given, keras.Model):
        raise TypeError(
            f"Expected `{name}` to be a Keras model, a GAN or the path of a `.keras` file. "
            f"Received: {name}={shown(given)} of type {type(given)}"
        )
    # A GAN's average has the weights, frozen; its generator is the same and can be trained.
    made_like = getattr(given, "generator", given)
    weights = getattr(given, "sampling_network", given)
    if not weights.built:
        raise ValueError(
            f"Expected `{name}` to be built: call it once, or begin a Sequential with "
            f"`keras.Input(...)`. Received: {name}={shown(weights.name)}, without weights"
        )
    return made_like, weights


def _check_alike(first, second):
    """Raise when two networks differ in more than names and weights."""
    forms = _form_of(first), _form_of(second)
    if forms[0] == forms[1]:
        return
    pairs = itertools.zip_longest(*forms, fillvalue=("nothing", {}, []))
    pair = next(pair for pair in pairs if pair[0] != pair[1])
    told = " and ".join(f"{kind} with weights of shapes {shapes}" for kind, _, shapes in pair)
    raise ValueError(
        "Expected two networks of one architecture, the second trained on from the first. They "
        f"differ in a layer's settings or shapes: {told}. "
        f"Received: first={shown(first.name)}, second={shown(second.name)}"
    )


def _form_of(network):
    """Return the kind, settings and weights' shapes of each layer, whatever their names."""
    # Inner layers first: a model's settings are those of all that it holds.
    layers = sorted(layers_within(network), key=lambda layer: isinstance(layer, keras.Model))
    return [
        (
            type(layer).__name__,
            nameless(layer.get_config()),
            [tuple(weight.shape) for weight in layer.weights],
        )
        for layer in layers
    ]


def _between(start, end, alpha):
    if alpha in (0, 1):
        return end if alpha else start
    if start.dtype.kind in "iub":  # Counts and the like: of the nearer.
        return end if alpha > 0.5 else start
    mixed = (1 - alpha) * start.astype(np.float64) + alpha * end.astype(np.float64)
    return mixed.astype(start.dtype)
