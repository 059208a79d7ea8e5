"""Styles of a style generator: the images that they make, lines between them, their mixtures."""

import numpy as np

from keras_gan.networks.style_parts import StyleParts
from keras_gan.utils import arguments

_BATCH = 32
_THIRDS = "coarse", "middle", "fine"


def synthesize(generator, styles, noise=None):
    """Make the images of styles: what a style generator does behind its mapping network.

    Args:
        generator: a Functional style generator, such as `networks.stylegan2` makes: its outputs are
            a dict with `"samples"` and `"styles"`. Or a `keras_gan.GAN` of one, which stands for
            the network that it samples from.
        styles: array of shape `(n, num_styles, style_dim)`.
        noise: array of shape `(n, noise_size)`, or `(1, noise_size)` for the same of all images:
            the layers' maps of noise in one vector, in their order. By default the constant maps of
            the generator; one whose noise comes from latents needs it.

    Returns:
        Float32 array of shape `(n, height, width, channels)`.

    Raises:
        TypeError: when `generator` is no Functional model.
        ValueError: when it has no styles, or an array another shape.

    Example:

    >>> generator, _ = keras_gan.networks.stylegan2((16, 16, 1), latent_dim=8, max_channels=8)
    >>> styles = generator(np.ones((2, 8)))["styles"]
    >>> keras_gan.networks.synthesize(generator, styles).shape
    (2, 16, 16, 1)
    """
    parts = StyleParts(generator)
    styles = parts.checked_styles(styles)
    noise = parts.checked_noise(noise, len(styles))
    images = [
        np.asarray(
            parts.drawn(*(None if x is None else x[i : i + _BATCH] for x in (styles, noise)))
        )
        for i in range(0, len(styles), _BATCH)
    ]
    return np.concatenate(images)


def interpolate_styles(start, end, steps):
    """Return styles at even distances on the line from some to others.

    In the space of styles lines are what arcs are in that of normal latents. Noise is kept, or
    interpolated by the same function.

    Args:
        start: array of styles, of any shape.
        end: another of the same shape.
        steps: how many, the two ends included; at least 2.

    Returns:
        Float32 array of shape `(steps, *start.shape)`.

    Raises:
        ValueError: when the shapes differ, or `steps` is below 2.

    Example:

    >>> keras_gan.networks.interpolate_styles(np.zeros((6, 8)), np.ones((6, 8)), 5)[:, 0, 0]
    array([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32)
    """
    start, end = np.asarray(start, np.float32), np.asarray(end, np.float32)
    if start.shape != end.shape:
        raise ValueError(
            "Expected `start` and `end` of one shape. "
            f"Received: start of shape {start.shape}, end of shape {end.shape}"
        )
    shares = np.linspace(0, 1, arguments.whole("steps", steps, least=2), dtype=np.float32)
    shares = shares.reshape(-1, *[1] * start.ndim)
    return (1 - shares) * start + shares * end


def mix_styles(rows, columns, layers="coarse"):
    """Return styles of rows in which some layers have the styles of columns.

    With coarse layers a column gives pose and form, with fine ones colors and strokes.

    Args:
        rows: array of shape `(m, num_styles, style_dim)`.
        columns: array of shape `(n, num_styles, style_dim)`.
        layers: which layers have the columns' styles: `"coarse"`, `"middle"` or `"fine"`, the
            thirds of all (0 to 2, 3 to 5, 6 and 7 of 8), or whole numbers from 0.

    Returns:
        Float32 array of shape `(m, n, num_styles, style_dim)`.

    Raises:
        ValueError: when the shapes don't fit each other, or a layer is none.

    Example:

    >>> rows, columns = np.zeros((1, 8, 4)), np.ones((2, 8, 4))
    >>> keras_gan.networks.mix_styles(rows, columns, "fine")[0, 1, :, 0]
    array([0., 0., 0., 0., 0., 0., 1., 1.], dtype=float32)

    Reference: [Karras et al., 2019](https://arxiv.org/abs/1812.04948), Section 3.1, Figure 3.
    """
    rows, columns = np.asarray(rows, np.float32), np.asarray(columns, np.float32)
    if rows.ndim != 3 or rows.shape[1:] != columns.shape[1:] or columns.ndim != 3:
        raise ValueError(
            "Expected `rows` and `columns` of shape (n, num_styles, style_dim), alike but for n. "
            f"Received: rows of shape {rows.shape}, columns of shape {columns.shape}"
        )
    donated = np.zeros((rows.shape[1], 1), bool)
    donated[_layers_of(layers, rows.shape[1])] = True
    return np.where(donated, columns[None], rows[:, None])


def _layers_of(layers, count):
    if isinstance(layers, str):
        third = _THIRDS.index(arguments.choice("layers", layers, _THIRDS))
        return np.array_split(np.arange(count), 3)[third]
    several = arguments.listed(layers)
    return [arguments.whole("layers", each, least=0, most=count - 1) for each in several]
