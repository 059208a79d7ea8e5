"""Preprocessing of images for the Inception networks."""

import numpy as np


def as_levels(images):
    """Return images in [-1, 1] as the 256 levels of 8-bit images, in float32 and three channels.

    Real images have these levels. Generated ones are rounded to them, as they would be in a PNG
    file, so that the two sides don't differ by it.

    Args:
        images: array of shape `(n, height, width, 1 or 3)`.

    Raises:
        ValueError: for samples of another shape.
    """
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(
            "Expected images of shape (n, height, width, channels), with 1 or 3 channels. "
            f"Received: samples of shape {images.shape}"
        )
    levels = np.rint((images.astype("float32") + 1) * 127.5)
    return np.repeat(levels, 3, axis=-1) if images.shape[-1] == 1 else levels


PROTOCOL = {"value_range": "[-1, 1], rounded to 256 levels", "grey images": "repeated to RGB"}
