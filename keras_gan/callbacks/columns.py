"""Columns of a picture of translations: sources, what was made of them, and the targets."""

import keras
import numpy as np

from keras_gan.utils import nests


def columns_of(model, samples, condition=None, targets=None):
    """Return what stands side by side in a picture, as `(name, images)` from left to right.

    Args:
        model: the `GAN`.
        samples: nest of generated samples, of which images are shown.
        condition: what they were made from, a nest of arrays, or `None`.
        targets: nest of the real samples that they should be like, or `None`.

    Returns:
        List of pairs of a name and images of shape `(n, height, width, channels)`.
    """
    made = images_of(samples)
    if model.condition.of_samples:
        return _between_parts(images_of(condition), made)
    sources = _sources(model, condition, made.values())
    wanted = {} if targets is None else images_of(targets)
    columns = [*_named("source", sources), *_named("output", made), *_named("target", wanted)]
    # What stands alone needs no name.
    return columns if sources or wanted else [("", images) for _, images in columns]


def images_of(samples):
    """Return the parts of samples that are images, by name."""
    return {name: part for name, part in nests.named(samples).items() if is_image(part)}


def is_image(part):
    """Tell whether an array is a batch of images."""
    return part.ndim == 4 and part.shape[-1] in (1, 3, 4) and part.dtype.kind == "f"


def _between_parts(sources, made):
    """Return the columns of a translation: each part beside what was made of the other one."""
    if len(sources) == len(made) == 2:
        a, b = made
        return [
            *((a, sources[a]), (f"{a} to {b}", made[b])),
            *((b, sources[b]), (f"{b} to {a}", made[a])),
        ]
    return [*sources.items(), *((f"to {name}", images) for name, images in made.items())]


def _sources(model, condition, made):
    """Return the images in a condition that are of the form of what was made, by name.

    Of an image with a mask the image alone, the hole in grey.
    """
    if isinstance(condition, dict) and {"image", "mask"} <= condition.keys():
        grey = np.float32(sum(model.value_range) / 2)
        image = np.where(condition["mask"] > 0, grey, condition["image"])
        condition = {key: part for key, part in condition.items() if key != "mask"}
        condition["image"] = image
    parts = {} if condition is None else nests.named(condition)
    return {name: part for each in made for name, part in parts.items() if _is_like(part, each)}


def _is_like(part, made):
    """Tell whether a part is of images whose sides are those of what was made, or divide them."""
    if len(part.shape) != 4 or part.shape[-1] not in (1, 3):
        return False
    if not keras.backend.is_float_dtype(part.dtype):
        return False
    (height, width), (own_height, own_width) = made.shape[1:3], part.shape[1:3]
    same_form = height * own_width == width * own_height
    return same_form and own_height <= height and height % own_height == 0


def _named(what, images):
    """Return columns by what they are, and by their names too where there are several."""
    if len(images) == 1:
        return [(what, each) for each in images.values()]
    return [(f"{what} {name}", each) for name, each in images.items()]
