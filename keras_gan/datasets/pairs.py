"""Pairs of images in folders: source and target by file name, or side by side in one file."""

import tensorflow as tf

from keras_gan.datasets import images as image_tools
from keras_gan.datasets.epochs import check_batching, gathered, indexed
from keras_gan.datasets.folder import IMAGES
from keras_gan.datasets.reading import Reader
from keras_gan.utils.arguments import choice

_SHOWN = 3  # Files that an error names.


def from_folders(source, target, batch_size=64, seed=0, shuffle=True, image_size=None):
    """Make a dataset of pairs of images from two folders.

    A pair is two files of the same name without its ending: `edges/7.png` and `photos/7.jpg`.
    Files are read as by `from_folder`, those of either folder as grayscale where all of them are.

    Args:
        source: Path of the folder of images to translate.
        target: Path of the folder of what they are to become.
        batch_size: Pairs in a batch. Where there are fewer, they make one batch.
        seed: Integer from 0 to 2**32 - 1.
        shuffle: Whether to shuffle each epoch and drop its incomplete last batch.
        image_size: Side, or `(height, width)`, in pixels to stretch all images to, with an
            antialiased filter. Needed where the images differ in size.

    Returns:
        A `tf.data.Dataset` of `(target, source)`, float32 in [-1, 1], with a `seek(epoch)` method.

    Raises:
        ValueError: If a folder is not there or holds no images, a file has no partner, an image
            cannot be read, or sizes differ and there is no `image_size`. The error names the
            files.

    Example:
    >>> dataset = keras_gan.datasets.from_folders("photos", "photos", batch_size=2, image_size=64)
    >>> photo, sketch = next(iter(dataset))
    >>> photo.shape, sketch.shape
    (TensorShape([2, 64, 64, 3]), TensorShape([2, 64, 64, 3]))
    """
    batch_size, seed = check_batching(batch_size, seed)
    image_size = image_tools.check_image_size(image_size)
    sources = _by_stem(IMAGES.flat("source", source))
    targets = _by_stem(IMAGES.flat("target", target))
    _check_partners(sources, targets)
    readers = [
        Reader([files[s] for s in sorted(files)], image_size) for files in (targets, sources)
    ]
    _check_sizes(*readers)
    return _read(readers, lambda target, source: (target, source), batch_size, seed, shuffle)


def from_side_by_side(path, source, batch_size=64, seed=0, shuffle=True, image_size=None):
    """Make a dataset of pairs of images, each pair side by side in one file.

    So are the sets of pix2pix: the left half of a file of 512 x 256 pixels is one image, the
    right half the other. Both are read with as many channels.

    Args:
        path: Path of the folder.
        source: "left" or "right": the half to translate. The other is what it is to become.
        batch_size: Pairs in a batch. Where there are fewer, they make one batch.
        seed: Integer from 0 to 2**32 - 1.
        shuffle: Whether to shuffle each epoch and drop its incomplete last batch.
        image_size: Side, or `(height, width)`, in pixels to stretch each half to, with an
            antialiased filter, after they are cut apart. Needed where the files differ in size.

    Returns:
        A `tf.data.Dataset` of `(target, source)`, float32 in [-1, 1], with a `seek(epoch)` method.

    Raises:
        ValueError: If there are no images, an image cannot be read or has an odd width, or sizes
            differ and there is no `image_size`. The error names the file.

    Example:
    >>> import os, PIL.Image
    >>> os.mkdir("facades")
    >>> PIL.Image.new("RGB", (512, 256)).save("facades/1.jpg")
    >>> dataset = keras_gan.datasets.from_side_by_side("facades", source="right")
    >>> photo, labels = next(iter(dataset))
    >>> photo.shape
    TensorShape([1, 256, 256, 3])

    Reference:
        Isola et al., [Image-to-image translation with conditional adversarial networks](
        https://arxiv.org/abs/1611.07004), 2017; its data.
    """
    batch_size, seed = check_batching(batch_size, seed)
    image_size = image_tools.check_image_size(image_size)
    choice("source", source, ("left", "right"))

    def pair(images):
        left, right = tf.split(images, 2, axis=2)
        return (right, left) if source == "left" else (left, right)

    reader = Reader(IMAGES.flat("path", path), image_size, halves=True)
    return _read([reader], pair, batch_size, seed, shuffle)


def _by_stem(files):
    stems = {}
    for file in files:
        if file.stem in stems:
            raise ValueError(
                f"{str(stems[file.stem])!r} and {str(file)!r} have one name but for its ending, "
                "by which their partner is found. Rename or remove one."
            )
        stems[file.stem] = file
    return stems


def _check_partners(sources, targets):
    lonely = [sources[stem] for stem in sorted(sources.keys() - targets.keys())]
    lonely += [targets[stem] for stem in sorted(targets.keys() - sources.keys())]
    if lonely:
        names = ", ".join(repr(str(file)) for file in lonely[:_SHOWN])
        more = f" and {len(lonely) - _SHOWN} more" if len(lonely) > _SHOWN else ""
        raise ValueError(
            "Expected every file to have a partner of the same name, but for the ending, in the "
            f"other folder. Without one: {names}{more}. For domains without pairs, see "
            "`keras_gan.datasets.unpaired`."
        )


def _check_sizes(target, source):
    if target.shape[:2] != source.shape[:2]:
        sizes = [
            f"{str(reader.files[0])!r} is {reader.shape[0]} x {reader.shape[1]}"
            for reader in (source, target)
        ]
        raise ValueError(
            f"The images of a pair differ in size: {sizes[0]} pixels (height x width) and "
            f"{sizes[1]}. Pass image_size= to resize them all. Pairs whose sizes are meant to "
            "differ, such as for super-resolution, are `datasets.zip((targets, sources))` of two "
            "datasets of `from_folder` with the same seed and files of the same names."
        )


def _read(readers, pair, batch_size, seed, shuffle):
    """Return the dataset of what a function makes of the scaled images of each reader."""
    count = len(readers[0].files)
    if all(image_tools.fits_in_memory(len(readers) * count, reader.shape) for reader in readers):

        def scaled(batch):
            return pair(*map(image_tools.scale, batch))

        arrays = [reader.read_all() for reader in readers]
        return gathered(arrays, batch_size, seed, shuffle, scaled)

    def batch(index):
        return pair(*(reader.read_batch(index) for reader in readers))

    return indexed(batch, count, batch_size, seed, shuffle)
