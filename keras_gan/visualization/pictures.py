"""Images tiled into pictures, as uint8 arrays."""

import math

import numpy as np

from keras_gan.utils.arguments import whole

COMFORTABLE_SIDE = 512
"""The side, in pixels, that small grids are enlarged towards."""

_WHITE = 255
_CAPTION_SIZE = 18
_NAME_SIZE = 14
_SMALLEST_SIZE = 8


def image_grid(images, columns=None, scale="auto", padding=2, value_range=(-1, 1)):
    """Tile images into one picture, row by row.

    Args:
        images: array of shape `(n, height, width, channels)` with 1 or 3 channels, or with 4:
            RGB and opacity, drawn on white. Values outside of `value_range` are clipped; NaN is
            drawn as mid-grey.
        columns: images per row. By default as many as make the picture about square.
        scale: whole number of pixels per image pixel (nearest neighbour), or "auto": the one that
            brings the longer side of the picture closest to 512 pixels from below, at least 1.
        padding: width in pixels of the white lines around the images.
        value_range: `(lowest, highest)` value of the images, which become 0 and 255.

    Returns:
        A uint8 array of shape `(picture_height, picture_width, channels)`. Places that the
        last row leaves empty are white.

    Raises:
        ValueError: if `images` is not a batch of such images, or an option is out of range.

    Example:
    >>> from keras_gan.visualization import pictures
    >>> images = np.stack([np.full((8, 8, 1), value) for value in (-1.0, 0.0, 1.0)])
    >>> pictures.image_grid(images, columns=3, scale=2, padding=1).shape
    (18, 52, 1)
    """
    pixels = _to_uint8(_opaque(_checked_images(images), value_range), value_range)
    count, height, width, channels = pixels.shape
    columns = square_columns(count, height, width) if columns is None else columns
    whole("columns", columns)
    whole("padding", padding, least=0)
    rows = math.ceil(count / columns)
    if scale == "auto":
        scale = max(1, COMFORTABLE_SIDE // max(rows * height, columns * width))
    whole("scale", scale)
    pixels = pixels.repeat(scale, axis=1).repeat(scale, axis=2)
    step_y, step_x = height * scale + padding, width * scale + padding
    shape = (rows * step_y + padding, columns * step_x + padding, channels)
    picture = np.full(shape, _WHITE, np.uint8)
    for i, image in enumerate(pixels):
        y, x = padding + i // columns * step_y, padding + i % columns * step_x
        picture[y : y + height * scale, x : x + width * scale] = image
    return picture


def side_by_side(*batches, value_range=(-1, 1)):
    """Join batches of images left to right, sample by sample, such as source and translation.

    The largest height sets the size. Smaller images are enlarged by the largest whole number
    that fits (nearest neighbour), with white above and below where that leaves some. One-channel
    images turn grey RGB beside three-channel ones.

    Args:
        *batches: arrays of shape `(n, height, width, channels)`.
        value_range: `(lowest, highest)` value of the images; the highest is white.

    Returns:
        An array of shape `(n, height, sum of widths, channels)`.

    Raises:
        ValueError: if the batches differ in length.

    Example:
    >>> from keras_gan.visualization import pictures
    >>> small, large = np.zeros((4, 8, 8, 1)), np.zeros((4, 16, 16, 3))
    >>> pictures.side_by_side(small, large).shape
    (4, 16, 32, 3)
    """
    batches = [_opaque(_checked_images(batch), value_range) for batch in batches]
    height = max(batch.shape[1] for batch in batches)
    channels = max(batch.shape[3] for batch in batches)
    if len({len(batch) for batch in batches}) > 1:
        raise ValueError(
            "Expected `batches` of equally many images. "
            f"Received: shapes={[batch.shape for batch in batches]}"
        )
    white = value_range[1]
    return np.concatenate([_fitted(batch, height, channels, white) for batch in batches], axis=2)


def crossed(rows, columns, images):
    """Arrange images of a style-mixing sheet: sources above and to the left of what they make.

    Args:
        rows: array of shape `(m, height, width, channels)`, the sources of the rows.
        columns: the same of n sources of the columns.
        images: array of shape `(m, n, height, width, channels)`, of each row with each column.

    Returns:
        An array of shape `((m + 1) (n + 1), height, width, channels)`, row by row, to draw by
        `image_grid(..., columns=n + 1)`. The image in the corner is infinite: white.

    Raises:
        ValueError: if the shapes don't fit each other.

    Example:
    >>> from keras_gan.visualization import pictures
    >>> sources = np.zeros((2, 8, 8, 1))
    >>> pictures.crossed(sources, sources, np.ones((2, 2, 8, 8, 1))).shape
    (9, 8, 8, 1)

    Reference: [Karras et al., 2019](https://arxiv.org/abs/1812.04948), Figure 3.
    """
    rows, columns, images = (np.asarray(each, np.float32) for each in (rows, columns, images))
    shape = (len(rows), len(columns), *rows.shape[1:])
    if images.shape != shape or columns.shape[1:] != rows.shape[1:]:
        raise ValueError(
            "Expected `images` of shape (m, n, height, width, channels), for m `rows` and n "
            "`columns` of such images. Received: shapes="
            f"{[each.shape for each in (rows, columns, images)]}"
        )
    corner = np.full((1, *rows.shape[1:]), np.inf, np.float32)
    above = np.concatenate([corner, columns])[None]
    below = np.concatenate([rows[:, None], images], axis=1)
    return np.concatenate([above, below]).reshape(-1, *rows.shape[1:])


def captioned(picture, caption, column_names=(), padding=2):
    """Put a caption, and a name over each column, above a picture.

    Args:
        picture: uint8 array of shape `(height, width, channels)`, as `image_grid` returns.
        caption: one line of text.
        column_names: one short text per column of the grid, or nothing; in smaller letters where
            columns are narrow.
        padding: the padding the grid was made with, to centre the names.

    Returns:
        A uint8 array as wide as `picture` and a little higher.

    Example:
    >>> from keras_gan.visualization import pictures
    >>> grid = pictures.image_grid(np.zeros((4, 8, 8, 1)), scale=8)
    >>> taller = pictures.captioned(grid, "epoch 1", column_names=["cat", "dog"])
    >>> bool((taller[-len(grid):] == grid).all())
    True
    """
    from PIL import Image, ImageDraw, ImageFont

    width, channels = picture.shape[1:]
    header = _CAPTION_SIZE + 10 + (_NAME_SIZE + 4 if len(column_names) else 0)
    strip = Image.new("L", (width, header), _WHITE)
    draw = ImageDraw.Draw(strip)
    font = ImageFont.load_default(_CAPTION_SIZE)
    draw.text((max(padding, 4), 4), caption, fill=0, font=font)
    cell = (width - padding) / max(1, len(column_names))
    font = _fitting_font(column_names, cell)
    for i, name in enumerate(column_names):
        centre = (padding / 2 + (i + 0.5) * cell, header - 3)
        draw.text(centre, str(name), fill=90, font=font, anchor="ms")
    strip = np.asarray(strip)[..., None].repeat(channels, axis=2)
    return np.concatenate([strip, picture], axis=0)


def _fitting_font(names, width):
    """Return the largest font in which every name fits a width, or the smallest one."""
    from PIL import ImageFont

    sizes = range(_NAME_SIZE, _SMALLEST_SIZE, -1)
    fonts = (ImageFont.load_default(size) for size in sizes)
    fitting = (f for f in fonts if all(f.getlength(str(name)) + 4 < width for name in names))
    return next(fitting, ImageFont.load_default(_SMALLEST_SIZE))


def square_columns(count, height, width):
    """Return how many columns make a grid of `count` images about square."""
    return min(count, max(1, math.ceil(math.sqrt(count * height / width))))


def _checked_images(images):
    images = np.asarray(images, np.float32)
    if images.ndim != 4 or images.shape[-1] not in (1, 3, 4) or 0 in images.shape:
        raise ValueError(
            "`images` must be a batch of shape (n, height, width, channels) with 1, 3 or 4 "
            f"channels. Received: images.shape={images.shape}"
        )
    return images


def _to_uint8(images, value_range):
    low, high = (float(value) for value in value_range)
    images = np.clip(np.nan_to_num(images, nan=(low + high) / 2), low, high)
    return np.rint((images - low) * (255 / (high - low))).astype(np.uint8)


def _opaque(images, value_range):
    """Return images of RGB and opacity as RGB on white, others as they are."""
    if images.shape[-1] != 4:
        return images
    low, high = (float(value) for value in value_range)
    opacity = np.clip((np.nan_to_num(images[..., 3:], nan=high) - low) / (high - low), 0, 1)
    return images[..., :3] * opacity + high * (1 - opacity)


def _fitted(images, height, channels, white):
    scale = height // images.shape[1]
    images = images.repeat(scale, axis=1).repeat(scale, axis=2)
    above = (height - images.shape[1]) // 2
    below = height - images.shape[1] - above
    images = np.pad(images, ((0, 0), (above, below), (0, 0), (0, 0)), constant_values=white)
    return images.repeat(channels // images.shape[3], axis=3)
