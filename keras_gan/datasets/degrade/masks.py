"""Holes for inpainting: masks of 0 and 1, where 1 is what is to be filled in."""

import math

import tensorflow as tf

from keras_gan.datasets.degrade.checks import check_images
from keras_gan.datasets.images import check_image_size
from keras_gan.utils.arguments import shown

_STROKES, _LEAST_PARTS, _PARTS = 3, 4, 11  # Strokes of a mask, straight parts of a stroke.
_WIDTHS = 12 / 256, 40 / 256  # Of a stroke, as parts of the image's side.
_ANGLE, _SPREAD = 2 * math.pi / 5, 2 * math.pi / 15
_BOX, _SHRUNK = 1 / 2, 1 / 16  # Side of the box; by how much less it is, at most, at each end.


@tf.autograph.experimental.do_not_convert
def masked(images, masks):
    """Make samples and conditions of an inpainter from images and masks.

    Args:
        images: Float32 tensor `(n, height, width, channels)` in [-1, 1].
        masks: Tensor `(n, height, width, 1)` of 0 and 1, of any dtype; 1 is hole.

    Returns:
        `(images, {"image": image, "mask": mask})`: in `image` the hole is filled with 0, and what
        is known is as it was, to the bit; `mask` is float32.

    Raises:
        ValueError: If the masks have another shape, or values that are neither 0 nor 1. In a
            pipeline, values raise TensorFlow's `InvalidArgumentError` with the same text.

    Example:
    >>> degrade = keras_gan.datasets.degrade
    >>> dataset = keras_gan.datasets.from_arrays(np.ones((8, 4, 4, 1), "float32"), batch_size=8)
    >>> holed = keras_gan.datasets.map(dataset, lambda x: degrade.masked(x, degrade.center_mask(x)))
    >>> x, condition = next(iter(holed))
    >>> condition["image"][0, :, :, 0].numpy().tolist()
    [[1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]]
    """
    images, masks = check_images(images), tf.cast(masks, tf.float32)
    if not (masks.shape.rank == 4 and masks.shape.is_compatible_with([*images.shape[:3], 1])):
        raise ValueError(
            "Expected one mask of shape (height, width, 1) for each image. "
            f"Received: images of shape {images.shape} and masks of shape {masks.shape}"
        )
    with tf.control_dependencies(_check_values(masks)):
        masks = tf.identity(masks)
    return images, {"image": tf.where(masks > 0, 0.0, images), "mask": masks}


@tf.autograph.experimental.do_not_convert
def center_mask(images, hole=None):
    """Return masks with one hole in the middle.

    Args:
        images: Tensor `(n, height, width, channels)`, of which the shape is read.
        hole: Side, or `(height, width)`, of the hole in pixels; by default half of the images'.

    Returns:
        Float32 tensor `(n, height, width, 1)` of 0 and 1.

    Raises:
        ValueError: If the hole is as large as the image.

    Example:
    >>> keras_gan.datasets.degrade.center_mask(tf.zeros((1, 4, 4, 3)))[0, 1, :, 0].numpy().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    images = check_images(images, known=True)
    sides = images.shape[1:3]
    holes = check_image_size(hole) or tuple(side // 2 for side in sides)
    if holes[0] >= sides[0] or holes[1] >= sides[1]:
        raise ValueError(
            f"Expected a hole smaller than the images, {tuple(sides)}. Received: hole={shown(hole)}"
        )
    rows, columns = (
        _between((side - wide) // 2, (side - wide) // 2 + wide, side)
        for side, wide in zip(sides, holes, strict=True)
    )
    mask = tf.cast(rows[:, None] & columns, tf.float32)[None, ..., None]
    return tf.repeat(mask, tf.shape(images)[0], axis=0)


@tf.autograph.experimental.do_not_convert
def free_form_masks(images, seed):
    """Draw masks of brush strokes and a box, another for each sample.

    As DeepFill v2 is trained: one to three strokes of 4 to 11 corners, and a box of up to half the
    side. Widths are of 12 to 40 pixels at a side of 256, and in proportion at others. Three tenths
    of the pixels are hole, on average. Half of the masks are mirrored, as its code means to.

    Args:
        images: Tensor `(n, height, width, channels)`, of which the shape is read.
        seed: Tensor of shape `(2,)`, int64, as `map` gives it.

    Returns:
        Float32 tensor `(n, height, width, 1)` of 0 and 1.

    Example:
    >>> seed = tf.constant([0, 0], tf.int64)
    >>> masks = keras_gan.datasets.degrade.free_form_masks(tf.zeros((8, 32, 32, 3)), seed)
    >>> bool(tf.reduce_all((masks == 0) | (masks == 1)))
    True

    Reference:
        Yu et al., [Free-form image inpainting with gated convolution](
        https://arxiv.org/abs/1806.03589), 2019, section 3.5 and its code.
    """
    images = check_images(images, known=True)
    seeds = tf.random.split(seed, 2, alg="philox")
    boxes = _boxes(images, seeds[0])
    return tf.cast(boxes | _strokes(images, seeds[1]), tf.float32)[..., None]


def _check_values(masks):
    """Return the assertion that masks are of 0 and 1, or raise where they are known not to be."""
    text = (
        "Expected masks of 0 and 1, where 1 is hole. Bytes of 0 and 255 are `mask > 127`, images "
        "in [-1, 1] are `mask > 0`. Received: masks with other values"
    )
    are_binary = tf.reduce_all((masks == 0) | (masks == 1))
    if tf.executing_eagerly():
        if not are_binary:
            raise ValueError(text)
        return []
    return [tf.debugging.Assert(are_binary, [text])]


def _between(first, last, side):
    """Return which places of a line are at least `first` and below `last`."""
    places = tf.range(side)
    return (places >= first) & (places < last)


def _boxes(images, seed):
    """Return bool masks `(n, height, width)` with a box each."""
    count, seeds = tf.shape(images)[0], tf.random.split(seed, 2, alg="philox")
    inside = []
    for side, one in zip(images.shape[1:3], tf.unstack(seeds), strict=True):
        place, less = tf.unstack(tf.random.split(one, 2, alg="philox"))
        wide, shrunk = int(side * _BOX), int(side * _SHRUNK)
        first = _whole(place, [count, 1], 0, side - wide)
        less = _whole(less, [count, 1], 0, shrunk)
        inside.append(_between(first + less, first + wide - less, side))
    return inside[0][:, :, None] & inside[1][:, None, :]


def _strokes(images, seed):
    """Return bool masks `(n, height, width)` with strokes."""
    count, (height, width) = tf.shape(images)[0], images.shape[1:3]
    seeds = tf.unstack(tf.random.split(seed, 3, alg="philox"))
    strokes = _whole(seeds[0], [count, 1], 1, _STROKES)
    parts = _whole(seeds[1], [count, _STROKES], _LEAST_PARTS, _PARTS)
    corners, widths = _corners(count, (width, height), seeds[2])
    is_there = tf.sequence_mask(strokes[:, 0], _STROKES)[..., None]
    is_there &= tf.sequence_mask(parts, _PARTS)
    radii = tf.where(is_there, widths[..., None] / 2, 0.0)

    def drawn(parts):
        there = parts[2] > 0
        starts, ends, radii = (tf.boolean_mask(part, there) for part in parts)
        return tf.reduce_any(_distances(starts, ends, height, width) <= radii[:, None, None], 0)

    parts = corners[:, :, :-1], corners[:, :, 1:], radii
    return tf.map_fn(drawn, parts, fn_output_signature=tf.TensorSpec((height, width), tf.bool))


def _corners(count, sides, seed):
    """Return the corners of all strokes, `(n, strokes, corners, 2)` as (x, y), and their widths."""
    shape, edges = [count, _STROKES], tf.constant(sides, tf.float32)
    seeds = tf.unstack(tf.random.split(seed, 6, alg="philox"))
    radius = math.hypot(*sides) / 8
    spread = _uniform(seeds[0], [*shape, 2], 0, _SPREAD)
    least, most = _ANGLE - spread[..., :1], _ANGLE + spread[..., 1:]
    angles = least + _uniform(seeds[1], [*shape, _PARTS], 0, 1) * (most - least)
    angles *= tf.constant([-1.0, 1.0] * _PARTS)[:_PARTS]  # Mirrored in turn: it zigzags.
    lengths = tf.random.stateless_normal([*shape, _PARTS], seeds[2], radius, radius / 2)
    steps = tf.stack([tf.cos(angles), tf.sin(angles)], axis=-1)
    steps *= tf.clip_by_value(lengths, 0, 2 * radius)[..., None]
    corners = [_uniform(seeds[3], [*shape, 2], 0, 1) * edges]
    for part in range(_PARTS):
        corners.append(tf.clip_by_value(corners[-1] + steps[:, :, part], 0.0, edges))
    # They all go to the right: half of the masks are mirrored.
    is_mirrored = _uniform(seeds[5], [count, 1, 1, 1], 0, 1) < [0.5, 0.0]
    corners = tf.stack(corners, axis=2)
    widths = _uniform(seeds[4], shape, *_WIDTHS) * min(sides)
    return tf.where(is_mirrored, edges - corners, corners), widths


def _distances(starts, ends, height, width):
    """Return how far each pixel's centre is from each line, `(lines, height, width)`."""
    x = tf.range(width, dtype=tf.float32)[None, None, :] + 0.5
    y = tf.range(height, dtype=tf.float32)[None, :, None] + 0.5
    (x0, y0), (x1, y1) = (tf.unstack(p[..., None, None], axis=1) for p in (starts, ends))
    length = tf.maximum((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-6)
    along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length
    along = tf.clip_by_value(along, 0.0, 1.0)
    across = (x - x0 - along * (x1 - x0)) ** 2 + (y - y0 - along * (y1 - y0)) ** 2
    return tf.sqrt(across)


def _whole(seed, shape, least, most):
    return tf.random.stateless_uniform(shape, seed, least, most + 1, tf.int32, alg="philox")


def _uniform(seed, shape, low, high):
    return tf.random.stateless_uniform(shape, seed, low, high, alg="philox")
