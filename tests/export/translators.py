"""Models from images to images, small, and PNG files in every form that people have them in."""

import io
import struct
import zlib

import keras
import numpy as np
from keras import layers, ops
from PIL import Image

import keras_gan
from tests.integration.seeding import seeded


def inpainting(shape=(None, None, 3), activation="tanh", classes=None):
    """Return a GAN that fills holes in images, and leaves known pixels as they are.

    Args:
        shape: of an image.
        activation: its last one, which says the range of values.
        classes: how many labels it takes too; `None` for none.
    """
    seeded(2)
    image, mask = keras.Input(shape, name="image"), keras.Input((*shape[:2], 1), name="mask")
    condition = {"image": image, "mask": mask}
    hidden = layers.Conv2D(8, 3, padding="same", activation="relu")(
        layers.Concatenate()([image, mask])
    )
    if classes:
        condition["label"] = keras.Input((), dtype="int32", name="label")
        moved = layers.Embedding(classes, 8, "normal")(condition["label"])
        hidden = layers.Add()([hidden, layers.Reshape((1, 1, 8))(moved)])
    made = layers.Conv2D(shape[2], 3, padding="same", activation=activation)(hidden)
    whole = keras.Model(condition, ops.where(mask > 0, made, image))
    x = keras.Input(shape)
    critic = keras.Model(x, layers.Conv2D(1, 3)(x))
    value_range = (-1, 1) if activation == "tanh" else (0, 1)
    return keras_gan.GAN(
        whole,
        critic,
        latents=None,
        conditional="generator",
        num_classes=classes,
        value_range=value_range,
        seed=0,
    )


def enlarging(channels=3, scale=2):
    """Return a GAN of super-resolution: receptive field of radius 3 and 1 / scale."""
    seeded(3)
    source, x = keras.Input((None, None, channels)), keras.Input((None, None, channels))
    hidden = layers.Conv2D(8, 5, padding="same", activation="relu")(source)
    hidden = layers.Conv2D(8, 3, padding="same", activation="relu")(hidden)
    hidden = layers.UpSampling2D(scale)(hidden)
    made = layers.Conv2D(channels, 3, padding="same", activation="tanh")(hidden)
    critic = keras.Model(x, layers.Conv2D(1, 3)(x))
    return keras_gan.GAN(
        keras.Model(source, made), critic, latents=None, conditional="generator", seed=0
    )


def levels(floats, value_range=(-1, 1)):
    """Return floats of a range of values as levels from 0 to 255, not yet rounded."""
    low, high = value_range
    return (np.asarray(floats, "float64") - low) * (255 / (high - low))


def png(image, **options):
    """Return the PNG file of an image: an array, or Pillow's."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    file = io.BytesIO()
    image.save(file, "png", **options)
    return file.getvalue()


def pngs(images):
    """Return an array of the PNG files of images."""
    return np.array([png(image) for image in images], object)


def pixels(file, mode=None):
    """Return the pixels of an image file as Pillow reads it."""
    image = Image.open(io.BytesIO(file))
    array = np.asarray(image.convert(mode) if mode else image)
    return array if array.ndim == 3 else array[..., None]


def chunk(name, data):
    """Return a chunk of a PNG file."""
    checksum = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def written(image, depth=8, interlaced=False):
    """Return the RGB PNG file that the specification says, which Pillow can't write.

    Args:
        image: uint8 array of shape `(height, width, 3)`; in 16 bits each value is there twice.
        depth: 8 or 16 bits.
        interlaced: whether its rows come in the seven passes of Adam7.
    """
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    passes = [*passes, (1, 0, 2, 1)] if interlaced else [(0, 0, 1, 1)]
    rows = b""
    for y, x, down, right in passes:
        part = image[y::down, x::right].repeat(depth // 8, axis=-1)
        rows += b"".join(b"\0" + row.tobytes() for row in part if row.size)
    sides = struct.pack(">II", image.shape[1], image.shape[0])
    header = chunk(b"IHDR", sides + bytes([depth, 2, 0, 0, interlaced]))
    start = b"\x89PNG\r\n\x1a\n"
    return start + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def with_texts(file, count=5, size=2**20):
    """Return a PNG file with compressed texts at its start and its end, all small."""
    packed = zlib.compress(b"a" * size, 9)
    texts = chunk(b"zTXt", b"k\0\0" + packed) + chunk(b"iTXt", b"k\0\1\0\0\0" + packed)
    return file[:33] + texts * count + file[33:-12] + texts * count + file[-12:]
