"""Real photographs that ship with other packages, and patches of photographs."""

import importlib.util
import pathlib

import numpy as np

from keras_gan.utils.arguments import choice, number, shown, whole

# Of each package the photographs in color whose licence it states. "china" and "flower" are
# CC BY 2.0, by danielbuechele and vultilion on Flickr; "astronaut" (NASA) and "rocket" (SpaceX)
# are in the public domain; "chelsea" (Stefan van der Walt) and "coffee" (Rachel Michetti) are CC0.
PHOTOS = {
    "china": ("sklearn", "datasets/images/china.jpg"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
    "astronaut": ("skimage", "data/astronaut.png"),
    "chelsea": ("skimage", "data/chelsea.png"),
    "coffee": ("skimage", "data/coffee.png"),
    "rocket": ("skimage", "data/rocket.jpg"),
}
SPLITS = ("train", "test", "all")


def load_photos(split="train", names=None):
    """Return photographs in color that ship with installed packages. Nothing is downloaded.

    scikit-learn has "china" and "flower" (427 x 640 pixels, CC BY 2.0: who shows them names
    danielbuechele and vultilion); scikit-image, where it is installed, "astronaut" (512 x 512),
    "chelsea" (300 x 451), "coffee" (400 x 600) and "rocket" (427 x 640), which are free to use.

    Args:
        split: "train" for the left three quarters of each, "test" for the right one, "all" for
            whole ones. No pixel is in both.
        names: Names of photographs, for the same ones wherever a program runs; by default those
            of all packages that are installed.

    Returns:
        List of uint8 arrays `(height, width, 3)`, in the order of the names above or of `names`.

    Raises:
        ValueError: If there is no such split or photograph.
        ImportError: If the package of a photograph in `names` is not installed.

    Example:
    >>> photos = keras_gan.datasets.load_photos("all", names=["china", "flower"])
    >>> [photo.shape for photo in photos]
    [(427, 640, 3), (427, 640, 3)]
    """
    choice("split", split, SPLITS)
    if names is None:
        names = [name for name, (package, _) in PHOTOS.items() if _directory(package)]
    photos = [_read(choice("names", name, PHOTOS)) for name in _listed(names)]
    if split == "all":
        return photos
    return [_side(photo, split) for photo in photos]


def patches(images, side, stride=None, least_deviation=0.0):
    """Cut square patches out of images.

    Args:
        images: List of arrays `(height, width, channels)`, or one array of them: uint8, or float
            in [-1, 1].
        side: Side of the patches in pixels.
        stride: Pixels from one patch to the next, along both axes; by default `side`: they do
            not overlap.
        least_deviation: Flat patches are left out: those whose standard deviation, the mean of
            the channels', is less than this, in levels of 255. 8 leaves out skies.

    Returns:
        Float32 array `(n, side, side, channels)` in [-1, 1], image by image, row by row.

    Raises:
        ValueError: If no patch is left, an image is no such array, or images differ in channels.

    Example:
    >>> photos = keras_gan.datasets.load_photos("test", names=["china", "flower"])
    >>> keras_gan.datasets.patches(photos, 32, least_deviation=8).shape
    (47, 32, 32, 3)
    """
    side = whole("side", side)
    stride = side if stride is None else whole("stride", stride)
    least_deviation = number("least_deviation", least_deviation)
    found = [_patches_of(_scaled(image), side, stride) for image in images]
    if len({each.shape[-1] for each in found}) > 1:
        raise ValueError(
            "Expected images of as many channels each. Received: images of "
            f"{sorted({each.shape[-1] for each in found})} channels"
        )
    kept = np.concatenate(found) if found else np.empty((0, side, side, 3), "float32")
    kept = kept[kept.std(axis=(1, 2), dtype="float64").mean(-1) * 127.5 >= least_deviation]
    if not len(kept):
        raise ValueError(
            f"There is no patch of {side} x {side} pixels that varies by {least_deviation:g} "
            f"levels. Received: images of shapes {sorted({np.shape(image) for image in images})}"
        )
    return kept


def _patches_of(image, side, stride):
    height, width, channels = image.shape
    if min(height, width) < side:
        return np.empty((0, side, side, channels), "float32")
    windows = np.lib.stride_tricks.sliding_window_view(image, (side, side), axis=(0, 1))
    windows = windows[::stride, ::stride].transpose(0, 1, 3, 4, 2)
    return windows.reshape(-1, side, side, channels)


def _scaled(image):
    image = np.asarray(image)
    if image.ndim != 3 or image.dtype.name not in ("uint8", "float32", "float64"):
        raise ValueError(
            "Expected images of shape (height, width, channels), uint8 or float in [-1, 1]. "
            f"Received: {image.dtype} of shape {image.shape}"
        )
    return (image / 127.5 - 1 if image.dtype.kind == "u" else image).astype("float32")


def _side(photo, split):
    middle = photo.shape[1] * 3 // 4
    return photo[:, :middle] if split == "train" else photo[:, middle:]


def _listed(names):
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"Expected `names` to be a list of names. Received: names={shown(names)}")
    return list(names)


def _directory(package):
    """Return where a package lies, or `None`, without importing it."""
    found = importlib.util.find_spec(package)
    return pathlib.Path(found.submodule_search_locations[0]) if found else None


def _read(name):
    """Return a photograph as it lies in its package: scikit-image's own function may download."""
    from PIL import Image

    package, path = PHOTOS[name]
    directory = _directory(package)
    if directory is None or not (directory / path).is_file():
        raise ImportError(
            f"The photograph {name!r} ships with {package}, which is not installed, or without "
            'it. `pip install "keras-gan[translation]"` brings both packages, or choose among '
            f"the others: {', '.join(PHOTOS)}."
        )
    with Image.open(directory / path) as image:
        return np.asarray(image.convert("RGB"))
