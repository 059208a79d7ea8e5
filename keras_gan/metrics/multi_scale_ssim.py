"""Multi-scale structural similarity between generated images: how little they vary."""

import keras
import numpy as np
import tensorflow as tf

from keras_gan.metrics.checks import check_images
from keras_gan.metrics.metric import QualityMetric
from keras_gan.utils import arguments

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al., 2003, Section 3.2
_FILTER = 11
_BLOCK = 64  # Images at a time: their windows take the memory of several of each.


def multi_scale_ssim(images, pairs=1000, seed=0):
    """Return the mean similarity of random pairs of different images of a set.

    As many of the five scales are used as the images' size allows with the usual filter of 11
    pixels (one below 22 pixels a side, two from 22, three from 44, five from 176), their weights
    rescaled to sum to 1. For images below 11 pixels the filter is the largest odd one that fits.

    Args:
        images: array of shape `(n, height, width, channels)` with values in [-1, 1].
        pairs: how many pairs, drawn at random.
        seed: of the pairs.

    Returns:
        The mean, a float: 1 when all images are equal. The lower, the more they vary.

    Raises:
        ValueError: for fewer than two images, another shape, or values out of range.

    Example:

    >>> keras_gan.metrics.multi_scale_ssim(np.zeros((10, 28, 28, 1)))
    1.0

    Reference:
        - [Wang et al., 2003](https://doi.org/10.1109/ACSSC.2003.1292216)
        - [Odena et al., 2017](https://arxiv.org/abs/1610.09585), Section 4.2, as diversity
    """
    arguments.whole("pairs", pairs)
    images = np.asarray(images)
    check_images(images, "images")
    if len(images) < 2:
        raise ValueError(f"Expected at least 2 images to compare. Received: {len(images)} images")
    generator = np.random.default_rng(seed)
    first = generator.integers(len(images), size=pairs)
    second = (first + generator.integers(1, len(images), size=pairs)) % len(images)
    values = [
        similarity(*(shifted(images[i[part]]) for i in (first, second))) for part in blocks(pairs)
    ]
    return float(np.concatenate(values).mean(dtype="float64"))


def blocks(count):
    """Return slices of so many images as are compared at a time."""
    return [slice(first, first + _BLOCK) for first in range(0, count, _BLOCK)]


def filter_size(images):
    """Return the side of the filter: 11, or for smaller images the largest odd one that fits."""
    side = min(images.shape[1:3])
    return min(_FILTER, side - 1 + side % 2)


def shifted(images):
    """Return images of [-1, 1] in [0, 2]: the luminance term is a ratio, no measure below 0."""
    return tf.constant(images, tf.float32) + 1


@tf.function(autograph=False)
def similarity(first, second):
    """Return the multi-scale similarity of each pair of images, a tensor.

    Args:
        first: float32 images of shape `(n, height, width, channels)` in [0, 2].
        second: the same of the others.
    """
    side, size = min(first.shape[1:3]), filter_size(first)
    scales = next(s for s in range(len(_WEIGHTS), 0, -1) if side // 2 ** (s - 1) >= size)
    weights = np.array(_WEIGHTS[:scales]) / sum(_WEIGHTS[:scales])
    return tf.image.ssim_multiscale(first, second, 2.0, weights.tolist(), filter_size=size)


@keras.saving.register_keras_serializable("keras_gan")
class MultiScaleSSIM(QualityMetric):
    """Similarity of generated images to each other, beside that of real ones.

    Above the value of real images, the generator varies less than the data. Near 1, it makes a
    single image. The metric says nothing about quality: noise scores near 0. All images are kept.

    Args:
        pairs: random pairs of images that are compared, on each side.
        seed: of the pairs.
        name: key in the logs, for the values `fake` and, when real images were seen, `real`.

    Reference:
        - [Odena et al., 2017](https://arxiv.org/abs/1610.09585), Section 4.2
    """

    keys = ("fake", "real")
    value_range = (-1.0, 1.0)
    needed = ()
    own_shape = True

    def __init__(self, pairs=1000, seed=0, name=None):
        super().__init__(name=name)
        self.pairs = arguments.whole("pairs", pairs)
        self.seed = arguments.whole("seed", seed, least=0)

    def compute(self, real, fake):
        """Return the mean similarity of each side that was seen."""
        seen = {name: side for name, side in (("fake", fake), ("real", real)) if side.count}
        if not seen:
            raise ValueError(
                f"The metric {self.name!r} needs samples: call `update_state(fake=...)` first. "
                "Received: 0 images"
            )
        return {
            name: multi_scale_ssim(side.values, self.pairs, self.seed)
            for name, side in seen.items()
        }

    def _check(self, side, rows, shape):
        check_images(rows, side)
        super()._check(side, rows, shape)

    def get_config(self):
        """Return the constructor's arguments."""
        return {"name": self.name, "pairs": self.pairs, "seed": self.seed}
