"""Images in a folder, or in one folder per class."""

import tensorflow as tf

from keras_gan.datasets import images as image_tools
from keras_gan.datasets.epochs import check_batching, gathered, indexed
from keras_gan.datasets.listing import Kind
from keras_gan.datasets.reading import CHANNELS, Reader, color
from keras_gan.utils import arguments

# Formats that Pillow knows by name, and that it can't decode by itself.
_NOT_DECODED = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}


def from_folder(
    path,
    batch_size=64,
    seed=0,
    shuffle=True,
    image_size=None,
    channels="auto",
    background="white",
):
    """Make a dataset of the images in a folder.

    A folder of images gives `x`. A folder of folders gives `(x, label)`: one class per
    subfolder, numbered in the sorted order of their names. Files are read in sorted order, in
    every format that Pillow decodes, the way up that their EXIF orientation says, and of an
    animation the first frame. Images of 16 bits are brought to 8. What is no image is left out: a
    warning counts it by kind.

    Args:
        path: Path of the folder.
        batch_size: Images in a batch. Where there are fewer, they make one batch.
        seed: Integer from 0 to 2**32 - 1.
        shuffle: Whether to shuffle each epoch and drop its incomplete last batch.
        image_size: Side, or `(height, width)`, in pixels to stretch the images to, with an
            antialiased filter. Needed where the images differ in size.
        channels: 1 for grayscale, 3 for RGB, 4 for RGB and opacity. `"auto"` is 1 where all
            images are grayscale, and else 3.
        background: What shows through transparent pixels where `channels` is not 4: the name of a
            color, such as `"white"` or `"#ff8000"`, or a tuple `(red, green, blue)` from 0 to 255.

    Returns:
        A `tf.data.Dataset` of float32 images in [-1, 1], or of `(images, int32 labels)`, with a
        `seek(epoch)` method. Up to 2 GiB of decoded images are kept in memory; larger folders
        are read as they are used. Either way the shuffle is over the whole folder.

    Raises:
        ValueError: If there are no images, an image cannot be read (the error names it), or
            sizes differ and there is no `image_size`.

    Example:
    >>> dataset = keras_gan.datasets.from_folder("photos", batch_size=2, image_size=64)
    >>> next(iter(dataset)).shape
    TensorShape([2, 64, 64, 3])
    """
    batch_size, seed = check_batching(batch_size, seed)
    files, labels = IMAGES.by_class(path)
    image_size = image_tools.check_image_size(image_size)
    if channels != "auto":
        channels = arguments.choice("channels", channels, CHANNELS)
    reader = Reader(files, image_size, channels, color(background))
    if image_tools.fits_in_memory(len(files), reader.shape):
        arrays = reader.read_all() if labels is None else (reader.read_all(), labels)
        scale = image_tools.on_images(image_tools.scale)
        return gathered(arrays, batch_size, seed, shuffle, scale)

    def batch(index):
        images = reader.read_batch(index)
        return images if labels is None else (images, tf.gather(labels, index))

    return indexed(batch, len(files), batch_size, seed, shuffle)


def _endings():
    """Return the endings of the files that Pillow decodes."""
    from PIL import Image

    formats = Image.registered_extensions().items()
    return {end for end, name in formats if name in Image.OPEN and name not in _NOT_DECODED}


IMAGES = Kind("images", ".png or .jpg", _endings)
