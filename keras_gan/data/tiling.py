"""Large images, tile by tile: what a function of images makes of them in bounded memory."""

import dataclasses
import warnings

import keras
import numpy as np

from keras_gan.utils import arguments, nests
from keras_gan.utils.arguments import shown
from keras_gan.utils.progress import progress

# Share of the range of values by which tiles may disagree where they meet.
_VISIBLE = 0.01


def tiled(function, images, overlap, tile=256, multiple=1, verbose=1):
    """Apply a function of images to large images tile by tile, and return the whole results.

    The result is that of `function(images)`, but for rounding, if `overlap` is larger than the
    radius of the function's receptive field: how many pixels away an input pixel may be that still
    changes an output pixel. Of convolutions it is the sum of (k - 1) / 2, each times the strides
    before it and divided by the enlargements before it. Each tile is computed with that margin,
    which is then cut off. Tiles at the images' borders have the padding there that the whole has.

    What depends on the whole image can't be tiled: instance, group and layer normalization, global
    pooling, attention. A warning says when tiles that overlap disagree where they meet, whatever
    the reason.

    Args:
        function: function from images to images, such as a network, `lambda x: model.generate(
            len(x), condition=x)` or, of an export, `lambda x: signature(condition=x)["images"]`.
            It is given slices of `images`, and returns an array or tensor whose sides are as long,
            or longer by a whole factor (super-resolution).
        images: array of shape `(n, height, width, channels)`, or a dict, tuple or list of such
            arrays of one height and width (an image and its mask).
        overlap: pixels of the input that tiles share with their neighbours on each side.
        tile: pixels of a tile's sides, overlaps included. An image that is smaller is one tile.
        multiple: what the sides that the function takes are divisible by, such as 2 to the number
            of times that a network halves them. Images of other sides are mirrored at their bottom
            and right, and the results are cut.
        verbose: 0 for no progress bar.

    Returns:
        NumPy array of shape `(n, scale * height, scale * width, channels)`, of the type of the
        function's results. Beside it memory holds one tile of each image.

    Raises:
        TypeError: when `function` can't be called.
        ValueError: for images of other forms, a tile that is nothing but overlap or no multiple, or
            results of other sides.

    Example:

    >>> photos = np.zeros((1, 300, 400, 3), "float32")
    >>> keras_gan.tiled(lambda x: x[:, ::2, ::2].repeat(4, 1).repeat(4, 2), photos, 8, 128).shape
    (1, 600, 800, 3)
    """
    if not callable(function):
        raise TypeError(
            f"Expected `function` to be a function of images. Received: function={shown(function)}"
        )
    arguments.whole("multiple", multiple)
    arguments.whole("overlap", overlap, least=0)
    _check_tile(arguments.whole("tile", tile), overlap, multiple)
    height, width = _sides(images)
    padded = nests.map(lambda part: _padded(np.asarray(part), multiple), images)
    rows, columns = (
        _spans(side, tile, overlap, multiple) for side in nests.leaves(padded)[0].shape[1:3]
    )
    picture = _Picture(rows[-1].stop, columns[-1].stop)
    with progress(verbose, "tiles", "tile", len(rows) * len(columns)) as bar:
        for row in rows:
            for column in columns:
                place = np.s_[:, row.start : row.stop, column.start : column.stop]
                part = nests.map(lambda array, place=place: array[place], padded)
                picture.paste(keras.ops.convert_to_numpy(function(part)), row, column)
                bar.update()
    picture.warn(overlap)
    return picture.pixels[:, : height * picture.scale, : width * picture.scale]


@dataclasses.dataclass(frozen=True)
class _Span:
    """Where a tile begins and ends on an axis, and from where to where it is pasted."""

    start: int
    stop: int
    first: int
    last: int


class _Picture:
    """The results, as far as they are pasted.

    Args:
        height: of the images that are tiled.
        width: the same.

    Attributes:
        pixels: the array, once there is a first tile.
        scale: how many times the images' sides the results' are.
    """

    def __init__(self, height, width):
        self._sides = height, width
        self.pixels, self.scale = None, None
        self._apart, self._low, self._high = 0.0, np.inf, -np.inf

    def paste(self, made, row, column):
        """Paste a tile's result, without its margins.

        Args:
            made: array of shape `(n, height, width, channels)`.
            row: the tile's `_Span` of rows.
            column: that of columns.
        """
        self._check(made, row, column)
        scale = self.scale
        if self.pixels is None:
            shape = (len(made), *(scale * side for side in self._sides), made.shape[-1])
            self.pixels = np.zeros(shape, made.dtype)
        y, x = ((span.first - span.start) * scale for span in (row, column))
        height, width = ((span.last - span.first) * scale for span in (row, column))
        top, left = row.first * scale, column.first * scale
        core = made[:, y : y + height, x : x + width]
        # The last line of the tile before, which this one has computed too.
        if y:
            self._compare(
                self.pixels[:, top - 1, left : left + width], made[:, y - 1, x : x + width]
            )
        if x:
            self._compare(
                self.pixels[:, top : top + height, left - 1], made[:, y : y + height, x - 1]
            )
        # As Python's floats: the types of bytes and booleans can't hold, or have, a difference.
        self._low = min(self._low, float(core.min()))
        self._high = max(self._high, float(core.max()))
        self.pixels[:, top : top + height, left : left + width] = core

    def _compare(self, one, other):
        apart = np.abs(one.astype("float64") - other.astype("float64")).max()
        self._apart = max(self._apart, apart)

    def _check(self, made, row, column):
        sides = row.stop - row.start, column.stop - column.start
        scale = made.shape[1] // sides[0] if made.ndim == 4 else 0
        if (
            not scale
            or self.scale not in (None, scale)
            or made.shape[1:3] != (scale * sides[0], scale * sides[1])
        ):
            raise ValueError(
                "Expected a function whose images have the sides of those that it is given, or a "
                f"whole multiple of them. Received: shape {made.shape} for sides {sides}"
            )
        self.scale = scale

    def warn(self, overlap):
        """Warn when tiles disagree so much where they meet that a seam may show."""
        share = self._apart / max(self._high - self._low, 1e-12)
        if share > _VISIBLE:
            warnings.warn(
                f"Tiles disagree where they meet, by {share:.0%} of the range of values: a seam "
                "may show. Pass a larger overlap, more than the radius of the receptive field; or "
                "what is tiled depends on the whole image, as instance normalization and global "
                f"pooling do. Received: overlap={overlap}",
                stacklevel=3,
            )


def _check_tile(tile, overlap, multiple):
    if tile % multiple or tile < 2 * overlap + multiple:
        raise ValueError(
            f"Expected `tile` to be a multiple of {multiple}, and at least twice the overlap and "
            f"{multiple} more: {2 * overlap + multiple} or a little above. "
            f"Received: tile={tile}, overlap={overlap}, multiple={multiple}"
        )


def _sides(images):
    """Return the height and width that all images have."""
    shapes = [np.shape(part) for part in nests.leaves(images)]
    if {len(shape) for shape in shapes} != {4} or len({shape[:3] for shape in shapes}) != 1:
        raise ValueError(
            "Expected images of shape (n, height, width, channels), or a nest of them of one "
            f"height and width; for a single one add an axis, `image[None]`. Received: {shapes}"
        )
    if 0 in shapes[0]:
        raise ValueError(f"Expected images with pixels in them. Received: shape {shapes[0]}")
    return shapes[0][1:3]


def _padded(images, multiple):
    """Return images whose sides are multiples, mirrored at the bottom and at the right."""
    more = [(0, -side % multiple) for side in images.shape[1:3]]
    return np.pad(images, [(0, 0), *more, (0, 0)], "symmetric") if more != [(0, 0)] * 2 else images


def _spans(side, tile, overlap, multiple):
    """Return the `_Span`s of an axis: tiles of one length, each start a multiple."""
    if side <= tile:
        return [_Span(0, side, 0, side)]
    step = (tile - 2 * overlap) // multiple * multiple
    # The last one begins earlier, so as not to be shorter.
    starts = [*range(0, side - tile, step), side - tile]
    first = [0, *(start + overlap for start in starts[1:])]
    return [
        _Span(start, start + tile, begin, end)
        for start, begin, end in zip(starts, first, [*first[1:], side], strict=True)
    ]
