"""Images in a folder, or in one folder per class."""

import concurrent.futures
import pathlib

import numpy as np
import tensorflow as tf

from keras_gan.datasets import images as image_tools
from keras_gan.datasets.epochs import check_batching, gathered, indexed
from keras_gan.utils.files import path_of

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


def from_folder(path, batch_size=64, seed=0, shuffle=True, image_size=None):
    """Make a dataset of the images in a folder.

    A folder of images gives `x`. A folder of folders gives `(x, label)`: one class per
    subfolder, numbered in the sorted order of their names. Files are read in sorted order;
    hidden files and files of other kinds are ignored. The first image decides the number of
    channels for all, one if it is grayscale and else three; transparency is dropped and of an
    animated GIF the first frame is taken.

    Args:
        path: Path of the folder.
        batch_size: Images in a batch. Where there are fewer, they make one batch.
        seed: Integer from 0 to 2**32 - 1.
        shuffle: Whether to shuffle each epoch and drop its incomplete last batch.
        image_size: Side, or `(height, width)`, in pixels to stretch the images to, with an
            antialiased filter. Needed where the images differ in size.

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
    files, labels = _list_images(pathlib.Path(path_of("path", path)))
    image_size = image_tools.check_image_size(image_size)
    reader = _Reader(files[0], image_size)
    if image_tools.fits_in_memory(len(files), reader.shape):
        arrays = reader.read_all(files) if labels is None else (reader.read_all(files), labels)
        scale = image_tools.on_images(image_tools.scale)
        return gathered(arrays, batch_size, seed, shuffle, scale)

    def batch(index):
        images = reader.read_batch(files, index)
        return images if labels is None else (images, tf.gather(labels, index))

    return indexed(batch, len(files), batch_size, seed, shuffle)


def _list_images(folder):
    if not folder.is_dir():
        raise ValueError(f"There is no folder of images there. Received: path={str(folder)!r}")
    flat = _images_in(folder)
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if flat and classes:
        raise ValueError(
            f"{str(folder)!r} holds both images and subfolders: put the images in the folder "
            "itself, or all of them in one subfolder per class."
        )
    if flat or not classes:
        return _not_empty(flat, folder), None
    groups = [_not_empty(_images_in(group), group) for group in classes]
    labels = np.repeat(np.arange(len(groups), dtype="int32"), [len(group) for group in groups])
    return [file for group in groups for file in group], labels


def _images_in(folder):
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in EXTENSIONS and not file.name.startswith(".")
    )


def _not_empty(files, folder):
    if not files:
        raise ValueError(
            f"{str(folder)!r} holds no images. Expected files that end in "
            f"{', '.join(EXTENSIONS)}, or one subfolder of them per class."
        )
    return files


class _Reader:
    """Read images with the channels of the first one, and its size unless one is given."""

    def __init__(self, first, image_size):
        self.first, self.image_size = first, image_size
        with _open(first) as image:
            self.mode = "L" if image.mode in ("1", "L", "LA") else "RGB"
            height, width = image_size or (image.height, image.width)
        self.shape = (height, width, 1 if self.mode == "L" else 3)

    def read(self, file):
        """Return one image as a uint8 array of `self.shape`."""
        from PIL import Image

        with _open(file) as image:
            image = _load(image, file).convert(self.mode)
            size = (self.shape[1], self.shape[0])
            if self.image_size:
                image = image.resize(size, Image.Resampling.BICUBIC)
            if image.size != size:
                self._refuse_size(file, image)
            return np.asarray(image, "uint8").reshape(self.shape)

    def _refuse_size(self, file, image):
        height, width, _ = self.shape
        raise ValueError(
            f"The images differ in size: {str(self.first)!r} is {height} x {width} pixels (height "
            f"x width) and {str(file)!r} is {image.height} x {image.width}. Pass image_size= to "
            "resize them all."
        )

    def read_all(self, files):
        """Return all images as one uint8 array; Pillow decodes outside the interpreter lock."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            images = np.empty((len(files), *self.shape), "uint8")
            for row, image in enumerate(pool.map(self.read, files)):
                images[row] = image
        return images

    def read_batch(self, files, index):
        """Return, in a pipeline, the scaled images of the files at a tensor of indices."""

        def read(rows):
            return np.stack([self.read(files[row]) for row in rows])

        images = tf.numpy_function(read, [index], tf.uint8, stateful=False)
        return image_tools.scale(tf.ensure_shape(images, index.shape + self.shape))


def _open(file):
    from PIL import Image

    try:
        image = Image.open(file)
    except OSError as error:
        raise _unreadable(file, error) from error
    if image.mode[0] in "IF":
        image.close()
        raise ValueError(
            f"{str(file)!r} has more than 8 bits per channel (mode {image.mode!r}). Convert the "
            "images to 8 bits, or read them into an array and use `from_arrays`."
        )
    return image


def _load(image, file):
    try:
        image.load()
    except (OSError, SyntaxError) as error:
        raise _unreadable(file, error) from error
    return image


def _unreadable(file, error):
    return ValueError(f"{str(file)!r} cannot be read as an image: {error}. Repair or remove it.")
