"""Images in a folder, or in one folder per class."""

import collections
import concurrent.futures
import pathlib
import warnings

import numpy as np
import tensorflow as tf

from keras_gan.datasets import images as image_tools
from keras_gan.datasets.epochs import check_batching, gathered, indexed
from keras_gan.utils import arguments
from keras_gan.utils.files import path_of

# Formats that Pillow knows by name, and that it can't decode by itself.
_NOT_DECODED = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
_FOLDERS = "folders"
_CHANNELS = {1: "L", 3: "RGB", 4: "RGBA"}


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
    files, labels = _list_images(pathlib.Path(path_of("path", path)))
    image_size = image_tools.check_image_size(image_size)
    if channels != "auto":
        channels = arguments.choice("channels", channels, _CHANNELS)
    reader = _Reader(files, image_size, channels, _color(background))
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
    left_out = collections.Counter()
    flat = _images_in(folder, left_out)
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if flat and classes:
        raise ValueError(
            f"{str(folder)!r} holds both images and subfolders: put the images in the folder "
            "itself, or all of them in one subfolder per class."
        )
    if flat or not classes:
        files, labels = _not_empty(flat, folder), None
    else:
        del left_out[_FOLDERS]  # They are the classes.
        groups = [_not_empty(_images_in(group, left_out), group) for group in classes]
        files = [file for group in groups for file in group]
        labels = np.repeat(np.arange(len(groups), dtype="int32"), [len(g) for g in groups])
    if left_out:
        kinds = ", ".join(f"{kind} ({count})" for kind, count in sorted(left_out.items()))
        warnings.warn(
            f"{str(folder)!r}: images read: {len(files)}, left out: {sum(left_out.values())}, by "
            f"kind: {kinds}.",
            stacklevel=3,
        )
    return files, labels


def _images_in(folder, left_out):
    """Return the image files of a folder, sorted, and count what else is in it."""
    endings = _endings()
    files = []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            left_out["hidden"] += 1
        elif entry.is_dir():
            left_out[_FOLDERS] += 1
        elif entry.suffix.lower() in endings:
            files.append(entry)
        else:
            left_out[entry.suffix or "without ending"] += 1
    return files


def _endings():
    """Return the endings of the files that Pillow decodes."""
    from PIL import Image

    formats = Image.registered_extensions().items()
    return {end for end, name in formats if name in Image.OPEN and name not in _NOT_DECODED}


def _not_empty(files, folder):
    if not files:
        raise ValueError(
            f"{str(folder)!r} holds no images. Expected image files, such as .png or .jpg, or one "
            "subfolder of them per class."
        )
    return files


def _color(background):
    """Return a color as Pillow takes it, checked."""
    from PIL import ImageColor

    try:
        if isinstance(background, str):
            return ImageColor.getrgb(background)[:3]
        red, green, blue = background
        levels = [arguments.whole("background", v, least=0, most=255) for v in (red, green, blue)]
        return tuple(levels)
    except (TypeError, ValueError):
        raise ValueError(
            "Expected `background` to be the name of a color, such as 'white' or '#ff8000', or a "
            "tuple (red, green, blue) of whole numbers from 0 to 255. "
            f"Received: background={arguments.shown(background)}"
        ) from None


class _Reader:
    """Read images with as many channels as chosen, of the first one's size unless one is given."""

    def __init__(self, files, image_size, channels, background):
        self.first, self.image_size, self.background = files[0], image_size, background
        if channels == "auto":
            with concurrent.futures.ThreadPoolExecutor() as pool:
                channels = 1 if all(pool.map(_is_gray, files)) else 3
        self.mode = _CHANNELS[channels]
        with _open(self.first) as image:
            height, width = image_size or _upright(image, self.first).size[::-1]
        self.shape = (height, width, channels)

    def read(self, file):
        """Return one image as a uint8 array of `self.shape`."""
        from PIL import Image

        with _open(file) as image:
            image = self._converted(_upright(image, file))
            size = (self.shape[1], self.shape[0])
            if self.image_size:
                image = image.resize(size, Image.Resampling.BICUBIC)
            if image.size != size:
                self._refuse_size(file, image)
            return np.asarray(image, "uint8").reshape(self.shape)

    def _converted(self, image):
        """Return an image in the mode chosen, on the background where it is transparent."""
        from PIL import Image

        if self.mode != "RGBA" and image.has_transparency_data:
            image = image.convert("RGBA")
            behind = Image.new("RGBA", image.size, (*self.background, 255))
            image = Image.alpha_composite(behind, image)
        return image.convert(self.mode)

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
    if image.mode in ("I", "F"):
        image.close()
        raise ValueError(
            f"{str(file)!r} has pixels without a range (mode {image.mode!r}). Convert the images "
            "to 8 or 16 bits, or read them into an array and use `from_arrays`."
        )
    return image


def _is_gray(file):
    """Tell whether a file holds a grayscale image, by its head alone."""
    with _open(file) as image:
        return image.mode in ("1", "L", "LA") or image.mode.startswith("I;16")


def _upright(image, file):
    """Return an image decoded, of 8 bits, and turned as its EXIF orientation says."""
    from PIL import Image, ImageOps

    try:
        image.load()
        image = ImageOps.exif_transpose(image)
    except (OSError, SyntaxError) as error:
        raise _unreadable(file, error) from error
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) / 257).round().astype("uint8"))
    return image


def _unreadable(file, error):
    return ValueError(f"{str(file)!r} cannot be read as an image: {error}. Repair or remove it.")
