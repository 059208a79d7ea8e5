"""Errors of pixels between each real image and its generated one: PSNR and L1."""

import keras
import numpy as np

from keras_gan.metrics.checks import check_images
from keras_gan.metrics.luminance import limited
from keras_gan.metrics.paired import PairedMetric
from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown


def psnr(real, fake, luminance=False, crop=0):
    """Return the peak signal-to-noise ratio of images, in decibels.

    Formula: `10 log10(L² / MSE)`, L = 2 being the width of [-1, 1]

    Args:
        real: array of shape `(n, height, width, channels)` with values in [-1, 1].
        fake: the same of generated images, in the same order.
        luminance: see `PSNR`.
        crop: see `PSNR`.

    Returns:
        Dict of floats: `pooled`, of the mean squared error of all images, and `mean`, the mean
        over images of each one's own ratio; see `PSNR`.

    Raises:
        ValueError: for arrays of different shapes, or values out of range.

    Example:

    >>> real = np.zeros((2, 8, 8, 1))
    >>> fake = np.stack([np.full((8, 8, 1), 0.2), np.full((8, 8, 1), 0.02)])
    >>> keras_gan.metrics.psnr(real, fake)
    {'pooled': 22.96..., 'mean': 30.0}
    """
    metric = PSNR(luminance, crop)
    metric.update_state(real, fake)
    return metric.result()


def l1(real, fake):
    """Return the mean absolute difference between real and generated samples.

    Args:
        real: array of real samples, batch axis first.
        fake: the same of generated samples, in the same order.

    Returns:
        The mean, a float in units of the samples.

    Raises:
        ValueError: for arrays of different shapes.

    Example:

    >>> keras_gan.metrics.l1([[0.0, 1.0]], [[0.5, 1.0]])
    0.25
    """
    metric = L1()
    metric.update_state(real, fake)
    return metric.result()


class _PixelError(PairedMetric):
    """Sums of an error over the pixels of each pair, and how many values they are of.

    Args:
        mask: key of the condition under which a mask is, whose pixels above 0 count alone; `None`
            for all pixels.
        name: key in the logs.
    """

    value_range = (-1.0, 1.0)

    def __init__(self, mask=None, name=None):
        super().__init__(name=name)
        if not isinstance(mask, str | None):
            raise TypeError(
                "Expected `mask` to be None or a key of the data's condition. "
                f"Received: mask={shown(mask)}"
            )
        self.mask = mask

    def compare(self, real, fake, source=None):
        """Return the sum of each pair's errors, and the number of values it is of."""
        errors = self.errors(real, fake)
        counted = True if self.mask is None else _mask_of(source, self.mask, errors.shape)
        pair = errors, np.broadcast_to(counted, errors.shape)
        errors, counted = (self.cropped(side).reshape(len(real), -1) for side in pair)
        return np.stack([np.where(counted, errors, 0).sum(axis=1), counted.sum(axis=1)], axis=1)

    def errors(self, real, fake):
        """Return the error of every value of pairs, in float64."""
        raise NotImplementedError

    def cropped(self, values):
        """Return the values, of all, that are of pixels to compare."""
        return values

    def summarize(self, kept):
        """Return what `figures` makes of the pairs of which something counts."""
        kept = kept[kept[:, 1] > 0]
        if not len(kept):
            raise ValueError(
                f"Expected a mask with pixels above 0 for {self.name!r}, in one image at least. "
                f"Received: mask={self.mask!r}, which is 0 in all of them"
            )
        return self.figures(*kept.T)

    def figures(self, sums, counts):
        """Return the result from each pair's sum of errors and number of values."""
        raise NotImplementedError

    def get_config(self):
        """Return the constructor's arguments."""
        return {"name": self.name, "mask": self.mask}


@keras.saving.register_keras_serializable("keras_gan")
class PSNR(_PixelError):
    """Peak signal-to-noise ratio of generated images to the real ones, in decibels.

    The values:

    - `pooled`: of the mean squared error over all images.
    - `mean`: the mean of each image's own ratio, as papers report it. Flat images, which are
      easily right, govern it. An image that is equal to the bit has an infinite ratio and is left
      out; where all are equal, both values are infinite.

    Papers round images to 8 bits first, which matters above 50 dB alone.

    Args:
        luminance: whether to compare the luminance of RGB images alone (ITU-R BT.601, levels 16 to
            235 of 255), as papers on super-resolution do. On the same images it is about 2 dB
            higher than over red, green and blue.
        crop: width in pixels of the border that is left out; of an image enlarged by `r` papers
            leave out `r`.
        mask: key of the condition under which a mask is: pixels where it is above 0 count alone,
            such as the hole that was filled. Images without any are left out.
        name: key in the logs, for the two values.

    Raises:
        ValueError: when `crop` is no whole number of at least 0.
        TypeError: when `mask` is no key, or `luminance` no flag.

    Example:

    >>> metric = keras_gan.metrics.PSNR(luminance=True, crop=4)  # of images enlarged four times
    >>> hole = keras_gan.metrics.PSNR(mask="mask", name="psnr_hole")

    Reference:
        - [Ledig et al., 2017](https://arxiv.org/abs/1609.04802), Section 3.1, on luminance and
          border
    """

    keys = ("pooled", "mean")

    def __init__(self, luminance=False, crop=0, mask=None, name=None):
        super().__init__(mask, name)
        self.luminance = arguments.flag("luminance", luminance)
        self.crop = arguments.whole("crop", crop, least=0)

    def errors(self, real, fake):
        """Return the squared error of every value."""
        real, fake = (compared(images, self.luminance) for images in (real, fake))
        return np.square(real - fake)

    def cropped(self, values):
        """Return the values without those of the border."""
        return without_border(values, self.crop)

    def figures(self, sums, counts):
        """Return the ratio of the pooled error, and the mean of the images' own."""
        ratios = _decibels(sums / counts)
        differing = ratios[np.isfinite(ratios)]
        mean = differing.mean() if len(differing) else np.inf
        return {"pooled": _decibels(sums.sum() / counts.sum()), "mean": mean}

    def _check_samples(self, side, samples):
        check_images(samples, side)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "luminance": self.luminance, "crop": self.crop}


@keras.saving.register_keras_serializable("keras_gan")
class L1(_PixelError):
    """Mean absolute difference between generated samples and the real ones.

    Of samples of any rank. Images of a model with another `value_range` are mapped to [-1, 1]
    first, so that equal pixels score the same.

    Args:
        mask: key of the condition under which a mask is: values where it is above 0 count alone,
            such as the hole that was filled.
        name: key in the logs.

    Raises:
        TypeError: when `mask` is no key.
    """

    def errors(self, real, fake):
        """Return the absolute error of every value."""
        return np.abs(real.astype("float64") - fake.astype("float64"))

    def figures(self, sums, counts):
        """Return the mean over all values of all samples."""
        return sums.sum() / counts.sum()


def compared(images, luminance=False, crop=0):
    """Return what is compared of images in [-1, 1], in float64.

    Args:
        images: array of shape `(n, height, width, channels)`.
        luminance: whether that is their luminance alone.
        crop: width in pixels of the border that is left out.

    Raises:
        ValueError: when nothing is left of them.
    """
    images = without_border(images, crop)
    return limited(images) if luminance else images.astype("float64")


def without_border(images, crop):
    """Return images without a border of some pixels.

    Raises:
        ValueError: when nothing is left of them.
    """
    height, width = images.shape[1:3]
    if min(height, width) <= 2 * crop:
        raise ValueError(
            f"Expected images of more than {2 * crop} pixels a side, of which a border of "
            f"crop={crop} is left out. Received: images of shape {images.shape}"
        )
    return images[:, crop : height - crop, crop : width - crop]


def _decibels(error):
    with np.errstate(divide="ignore"):
        return 10 * np.log10(4 / np.asarray(error))


def _mask_of(source, key, shape):
    """Return which values count of some of a shape, an array that broadcasts to it."""
    there = sorted(source) if isinstance(source, dict) else type(source).__name__
    if not isinstance(source, dict) or key not in source:
        raise ValueError(
            f"Expected a condition that is a dict with the key {key!r}, for `mask={key!r}`. "
            f"Received: a condition of {there}"
        )
    mask = np.asarray(source[key])
    fits = mask.ndim == len(shape) and all(
        own in (1, side) for own, side in zip(mask.shape[1:], shape[1:], strict=True)
    )
    if not fits or len(mask) != shape[0]:
        raise ValueError(
            f"Expected a mask of the samples' shape {shape}, of one channel or as many (one for "
            f"their luminance). Received: a mask of shape {mask.shape}"
        )
    return mask > 0
