"""Image files on their way to arrays: upright, of 8 bits, of one size and number of channels."""

import concurrent.futures

import numpy as np
import tensorflow as tf

from keras_gan.datasets import images as image_tools
from keras_gan.utils import arguments

CHANNELS = {1: "L", 3: "RGB", 4: "RGBA"}


class Reader:
    """Read images with as many channels as chosen, of the first one's size unless one is given.

    Attributes:
        files: List of paths.
        shape: `(height, width, channels)` of every image read.

    Args:
        files: List of paths.
        image_size: `(height, width)` to stretch the images to, or `None`.
        channels: 1, 3, 4 or "auto".
        background: Color behind transparent pixels, as Pillow takes it.
        halves: whether a file holds two images side by side. They are of one size, stretched each
            by itself, and stay side by side.
    """

    def __init__(
        self, files, image_size=None, channels="auto", background=(255,) * 3, halves=False
    ):
        self.files, self.image_size, self.background = files, image_size, background
        self.halves = halves
        if channels == "auto":
            with concurrent.futures.ThreadPoolExecutor() as pool:
                channels = 1 if all(pool.map(_is_gray, files)) else 3
        self.mode = CHANNELS[channels]
        height, width = self._sides = image_size or self._parts(files[0])[0].size[::-1]
        self.shape = (height, 2 * width if halves else width, channels)

    def read(self, file):
        """Return one image as a uint8 array of `self.shape`."""
        parts = [self._fitted(self._converted(part), file) for part in self._parts(file)]
        return np.concatenate(parts, axis=1).reshape(self.shape)

    def _parts(self, file):
        """Return the image of a file, decoded and upright, or both of its halves."""
        with _open(file) as opened:
            image = _upright(opened, file)
            return _halves_of(image, file) if self.halves else [image]

    def _fitted(self, image, file):
        """Return the pixels of an image in the size of all."""
        from PIL import Image

        size = self._sides[::-1]
        if self.image_size:
            image = image.resize(size, Image.Resampling.BICUBIC)
        if image.size != size:
            self._refuse_size(file, image)
        return np.asarray(image, "uint8")

    def _converted(self, image):
        """Return an image in the mode chosen, on the background where it is transparent."""
        from PIL import Image

        if self.mode != "RGBA" and image.has_transparency_data:
            image = image.convert("RGBA")
            behind = Image.new("RGBA", image.size, (*self.background, 255))
            image = Image.alpha_composite(behind, image)
        return image.convert(self.mode)

    def _refuse_size(self, file, image):
        height, width = self._sides
        raise ValueError(
            f"The images differ in size: {str(self.files[0])!r} is {height} x {width} pixels "
            f"(height x width) and {str(file)!r} is {image.height} x {image.width}. Pass "
            "image_size= to resize them all."
        )

    def read_all(self):
        """Return all images as one uint8 array; Pillow decodes outside the interpreter lock."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            images = np.empty((len(self.files), *self.shape), "uint8")
            for row, image in enumerate(pool.map(self.read, self.files)):
                images[row] = image
        return images

    def read_batch(self, index):
        """Return, in a pipeline, the scaled images of the files at a tensor of indices."""

        def read(rows):
            return np.stack([self.read(self.files[row]) for row in rows])

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


def _halves_of(image, file):
    middle, odd = divmod(image.width, 2)
    if odd or not middle:
        raise ValueError(
            f"{str(file)!r} does not hold two images side by side: it is {image.width} pixels "
            "wide, which is no even number."
        )
    return [image.crop((left, 0, left + middle, image.height)) for left in (0, middle)]


def _unreadable(file, error):
    return ValueError(f"{str(file)!r} cannot be read as an image: {error}. Repair or remove it.")


def color(background):
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
