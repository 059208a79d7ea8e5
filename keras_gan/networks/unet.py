"""The U-Net of pix2pix: halved to one pixel or a few, doubled again, with skips between."""

from keras import Model, layers

from keras_gan.networks import images
from keras_gan.networks import normalization as norms
from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown

SLOPE = 0.2
# The widest stage has this many times `width` channels, as in the paper.
WIDEST = 8
# The largest map that an image is halved to, unless `depth` says otherwise.
SMALL_MAP = 15


def unet(
    source_shape,
    channels=None,
    width=64,
    depth=None,
    normalization="instance",
    dropout=0.5,
    name="generator",
):
    """Build pix2pix's generator, which translates images to images of the same size.

    Each stage of the encoder halves the map by a 4x4 convolution; each of the decoder doubles it
    by a transposed one, whose kernel 2 divides: no checkerboard. Maps of equal size are joined
    by skips, so that edges of the source stay where they are. There is no normalization in the
    first and in the innermost stage, so none on a map of one pixel. pix2pix's form for 256 pixels
    is `unet((256, 256, 3), normalization="batch")`, with 54,413,955 weights that are trained.

    On a CPU, for 32 pixels: `unet((32, 32, 1), width=(32, 64, 128, 128))`, 1.0 million weights.

    Args:
        source_shape: `(height, width, channels)` of the source. A side may be `None`; `depth` is
            needed then.
        channels: channels of the translation; by default those of the source.
        width: channels of the first stage, which double at each halving to at most 8 times this.
            Or the channels of each stage, one number a halving.
        depth: number of halvings, each of which has to come out even. By default as many as both
            sides allow.
        normalization: `"instance"`, the same at any batch size, in training and after it;
            `"affine_instance"`, with a factor and an offset that are learned; `"batch"`, the
            paper's; or `None`.
        dropout: fraction of the features that is dropped between stages of full width, in
            training. Never at inference, where the paper has it on: a source has one translation.
        name: the network's name.

    Returns:
        A Functional `keras.Model`: `source -> images` in [-1, 1].

    Raises:
        TypeError: when a shape is no tuple, or `dropout` no number.
        ValueError: when a side does not halve evenly (the nearest that do are named), a size is
            below 1, `dropout` is outside [0, 1), or `depth` and `width` disagree.

    Example:

    >>> generator = keras_gan.networks.unet((32, 32, 1), width=(8, 16, 32, 32))
    >>> generator.input_shape, generator.output_shape
    ((None, 32, 32, 1), (None, 32, 32, 1))

    Reference: [Isola et al., 2017](https://arxiv.org/abs/1611.07004), Section 6.1.1.
    """
    source_shape = images.shape_of("source_shape", source_shape)
    channels = images.channels_of(channels, source_shape)
    widths = _widths(width, depth, source_shape)
    kind = arguments.choice("normalization", normalization, norms.KINDS)
    dropout = arguments.number("dropout", dropout, below=1)
    multiple = 2 ** len(widths)
    received = f"source_shape={source_shape}, depth={len(widths)}"
    images.check_sides(source_shape[:2], multiple, multiple, received)
    source, x = images.image_input("source", source_shape, multiple, multiple)
    maps = _encoded(x, widths, kind)
    x = _decoded(maps, widths, kind, dropout)
    x = layers.ReLU()(x)
    x = layers.Conv2DTranspose(
        channels, 4, 2, "same", kernel_initializer=images.kernel(), name="up_1"
    )(x)
    return Model(source, images.output(x), name=name)


def _encoded(x, widths, kind):
    """Return the map of each stage, the innermost last."""
    maps = []
    for stage, size in enumerate(widths, 1):
        x = layers.Conv2D(
            size,
            4,
            2,
            "same",
            use_bias=norms.has_bias(kind),
            kernel_initializer=images.kernel(),
            name=f"down_{stage}",
        )(x)
        if 1 < stage < len(widths):
            x = norms.normalize(x, kind)
        # What leaves a stage goes through ReLU in the decoder, whatever this makes of it.
        if stage < len(widths):
            x = layers.LeakyReLU(negative_slope=SLOPE)(x)
        maps.append(x)
    return maps


def _decoded(maps, widths, kind, dropout):
    """Return the map from which the last stage makes the image."""
    x = maps[-1]
    for stage in range(len(widths), 1, -1):
        x = layers.ReLU()(x)
        x = layers.Conv2DTranspose(
            widths[stage - 2],
            4,
            2,
            "same",
            use_bias=norms.has_bias(kind),
            kernel_initializer=images.kernel(),
            name=f"up_{stage}",
        )(x)
        x = norms.normalize(x, kind)
        between = stage < len(widths) and widths[stage - 2] == widths[stage - 1] == max(widths)
        if between and dropout:
            x = layers.Dropout(dropout)(x)
        x = layers.Concatenate()([maps[stage - 2], x])
    return x


def _widths(width, depth, source_shape):
    """Return the channels of each stage of the encoder."""
    if isinstance(width, (tuple, list)):
        widths = [arguments.whole("width", size) for size in width]
        if len(widths) < 2 or depth not in (None, len(widths)):
            raise ValueError(
                "Expected `width` to be a number, or the channels of each of two halvings or more, "
                f"without `depth`. Received: width={shown(width)}, depth={shown(depth)}"
            )
        return widths
    width = arguments.whole("width", width)
    depth = _depth(source_shape) if depth is None else arguments.whole("depth", depth, least=2)
    return [width * min(2**stage, WIDEST) for stage in range(depth)]


def _depth(source_shape):
    """Return how often both sides can be halved, if that makes a small map of them."""
    sides = source_shape[:2]
    if None in sides:
        raise ValueError(
            "Expected `depth`, the number of halvings, for sides that are not fixed: images are "
            f"to be multiples of 2 ** depth. Received: source_shape={source_shape}, depth=None"
        )
    least = 2
    while min(sides) >> least > SMALL_MAP:
        least += 1
    images.check_sides(sides, 2**least, 2**least, f"source_shape={source_shape}, depth=None")
    return min((side & -side).bit_length() - 1 for side in sides)
