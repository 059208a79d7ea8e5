"""Structural similarity between each real image and its generated one, at one or many scales."""

import keras
import numpy as np
import tensorflow as tf

from keras_gan.metrics.checks import check_images
from keras_gan.metrics.multi_scale_ssim import blocks, filter_size, shifted, similarity
from keras_gan.metrics.paired import PairedMetric
from keras_gan.metrics.pixel_errors import compared
from keras_gan.utils import arguments


def ssim(real, fake, luminance=False, crop=0):
    """Return the mean structural similarity of pairs of images.

    Args:
        real: array of shape `(n, height, width, channels)` with values in [-1, 1].
        fake: the same of generated images, in the same order.
        luminance: see `PSNR`.
        crop: see `PSNR`.

    Returns:
        The mean, a float: 1 for equal images, below 0 for opposite ones.

    Raises:
        ValueError: for arrays of different shapes, or values out of range.

    Example:

    >>> real = np.random.uniform(-1, 1, (4, 16, 16, 3))
    >>> keras_gan.metrics.ssim(real, real)
    1.0

    Reference:
        - [Wang et al., 2004](https://doi.org/10.1109/TIP.2003.819861)
    """
    metric = SSIM(luminance, crop)
    metric.update_state(real, fake)
    return metric.result()


def paired_multi_scale_ssim(real, fake):
    """Return the mean multi-scale structural similarity of pairs of images.

    Args:
        real: array of shape `(n, height, width, channels)` with values in [-1, 1].
        fake: the same of generated images, in the same order.

    Returns:
        The mean, a float: 1 for equal images.

    Raises:
        ValueError: for arrays of different shapes, or values out of range.

    Reference:
        - [Wang et al., 2003](https://doi.org/10.1109/ACSSC.2003.1292216)
    """
    metric = PairedMultiScaleSSIM()
    metric.update_state(real, fake)
    return metric.result()


class _Similarity(PairedMetric):
    """The similarity of each pair of images, block by block, and the mean of all pairs."""

    value_range = (-1.0, 1.0)

    def compare(self, real, fake, source=None):
        """Return the similarity of each pair."""
        found = [self.similarity(real[rows], fake[rows]) for rows in blocks(len(real))]
        return np.concatenate(found)

    def similarity(self, real, fake):
        """Return the similarity of each pair of a block."""
        raise NotImplementedError

    def _check_samples(self, side, samples):
        check_images(samples, side)

    def get_config(self):
        """Return the constructor's arguments."""
        return {"name": self.name}


@keras.saving.register_keras_serializable("keras_gan")
class SSIM(_Similarity):
    """Structural similarity of generated images to the real ones, as Wang et al. define it.

    Gaussian windows of 11 pixels (the largest odd number that fits smaller images) and standard
    deviation 1.5, K1 = 0.01, K2 = 0.03, population covariances, windows that lie within the image
    alone; the mean over windows, channels and images. Other programs' defaults differ: a box
    window with sample covariances gives 0.909 where this is 0.862.

    Images in [-1, 1] are shifted to [0, 2] first: the luminance of windows is compared by ratios,
    which mean nothing below 0.

    Args:
        luminance: see `PSNR`.
        crop: see `PSNR`.
        name: key in the logs.

    Raises:
        ValueError: when `crop` is no whole number of at least 0.
        TypeError: when `luminance` is no flag.

    Reference:
        - [Wang et al., 2004](https://doi.org/10.1109/TIP.2003.819861), Section III-B and C
    """

    def __init__(self, luminance=False, crop=0, name=None):
        super().__init__(name=name)
        self.luminance = arguments.flag("luminance", luminance)
        self.crop = arguments.whole("crop", crop, least=0)

    def similarity(self, real, fake):
        """Return the similarity of each pair of a block."""
        pair = [shifted(compared(images, self.luminance, self.crop)) for images in (real, fake)]
        size = filter_size(pair[0])
        return tf.image.ssim(*pair, max_val=2.0, filter_size=size).numpy()

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "luminance": self.luminance, "crop": self.crop}


@keras.saving.register_keras_serializable("keras_gan")
class PairedMultiScaleSSIM(_Similarity):
    """Multi-scale structural similarity of generated images to the real ones.

    As many of the five scales are used as the images' size allows, see `multi_scale_ssim`: values
    of different sizes of images are not comparable. (`MultiScaleSSIM` compares generated images
    with each other, and says how much they vary.)

    Args:
        name: key in the logs.

    Reference:
        - [Wang et al., 2003](https://doi.org/10.1109/ACSSC.2003.1292216), Section 3
    """

    def __init__(self, name=None):
        super().__init__(name=name)

    def similarity(self, real, fake):
        """Return the similarity of each pair of a block."""
        return similarity(*(shifted(images) for images in (real, fake))).numpy()
