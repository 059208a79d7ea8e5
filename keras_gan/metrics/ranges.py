"""Ranges of image values: those of a model's images, and those that an extractor takes."""

import numpy as np

TOLERANCE = 1e-3


def in_range(samples, given, wanted):
    """Return images mapped linearly from one range of values to another.

    Args:
        samples: array; what is not floating point of rank 4 is no image, and stays as it is.
        given: `(lowest, highest)` value of the samples, or `None` where that is not known.
        wanted: `(lowest, highest)` value to map these to, or `None` to take any.

    Raises:
        ValueError: for images that leave the range they are said to have.
    """
    if given is None or wanted is None or tuple(given) == tuple(wanted):
        return samples
    samples = np.asarray(samples)
    if samples.ndim != 4 or samples.dtype.kind != "f" or not samples.size:
        return samples
    (low, high), (least, most) = given, wanted
    found = float(samples.min()), float(samples.max())
    if found[0] < low - TOLERANCE or found[1] > high + TOLERANCE:
        raise ValueError(
            f"Expected images in [{low:g}, {high:g}], the `value_range` of the model. "
            f"Received: images in [{found[0]:g}, {found[1]:g}]"
        )
    if samples.dtype == np.float16:
        samples = samples.astype("float32")
    return least + (samples - low) * ((most - least) / (high - low))
