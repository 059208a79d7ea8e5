"""Luminance of RGB images: the Y of YCbCr, which papers on super-resolution compare."""

import numpy as np

# ITU-R BT.601, of red, green and blue in [0, 1]: from black to white, 219 of 255 levels.
_WEIGHTS = np.array([65.481, 128.553, 24.966]) / 219
_LEVELS = 219 / 255
_BLACK = 16 / 255


def luminance(images):
    """Return the luminance of images, in the range that they have themselves.

    Args:
        images: array of shape `(n, height, width, 1 or 3)`.

    Returns:
        float64 array of shape `(n, height, width, 1)`; grey images are their own luminance.

    Raises:
        ValueError: for another number of channels.
    """
    if images.shape[-1] not in (1, 3):
        raise ValueError(
            "Expected images of one channel, or of red, green and blue, for their luminance. "
            f"Received: images of shape {images.shape}"
        )
    images = images.astype("float64")
    return images if images.shape[-1] == 1 else images @ _WEIGHTS[:, None]


def limited(images):
    """Return the luminance of images in [-1, 1] as video has it: levels 16 to 235 of 255.

    Args:
        images: see `luminance`.

    Returns:
        float64 array of shape `(n, height, width, 1)`, in which -1 is level 0 and 1 is level 255.
    """
    levels = _BLACK + _LEVELS * (luminance(images) + 1) / 2
    return 2 * levels - 1
