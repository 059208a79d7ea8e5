"""The network of ESRGAN: dense blocks within residual blocks within a residual network."""

from keras import Model, layers

from keras_gan.layers import PixelUnshuffle
from keras_gan.networks import activations, images
from keras_gan.utils import arguments

SLOPE = 0.2
# What a block adds is scaled by this, as the paper has it: training stays stable.
SHARE = 0.2
# How many times the source is made smaller, by a pixel unshuffle, before it is made 4 times larger.
UNSHUFFLES = {4: 1, 2: 2, 1: 4}


def rrdb(
    source_shape,
    scale=4,
    channels=None,
    width=64,
    blocks=23,
    growth=32,
    name="generator",
):
    """Build ESRGAN's generator, which makes images `scale` times larger.

    Each block holds three dense ones of five convolutions, each of which sees all features before
    it. There is no normalization. The map is doubled twice by nearest upsampling and a
    convolution. For a scale of 2 the source's blocks of 2x2 pixels become channels first, and for
    1, a restoration, those of 4x4.

    ESRGAN's form is `rrdb((None, None, 3))`, 16,697,987 weights; the small one of Real-ESRGAN has
    `blocks=6`, 4,467,779. On a CPU: `width=32, blocks=2, growth=16`.

    Nothing bounds the images: values may be a little outside of [-1, 1]. PNG and 8-bit outputs of
    an export, and the pictures of `SampleGrid`, are clipped.

    Args:
        source_shape: `(height, width, channels)` of the source; sides may be `None`. Any side
            fits for a scale of 4; for 2 they are even, for 1 multiples of 4.
        scale: how many times larger the images are: 4, 2 or 1.
        channels: channels of the images; by default those of the source.
        width: channels of the features between blocks.
        blocks: number of blocks of three dense blocks.
        growth: channels of each convolution within a dense block.
        name: the network's name.

    Returns:
        A Functional `keras.Model`: `source -> images`.

    Raises:
        TypeError: when a shape is no tuple.
        ValueError: when `scale` is another one, a side does not fit it (the nearest that do are
            named), or a size is below 1.

    Example:

    >>> generator = keras_gan.networks.rrdb((16, 16, 3), width=8, blocks=1, growth=4)
    >>> generator.output_shape
    (None, 64, 64, 3)

    Reference: [Wang et al., 2018](https://arxiv.org/abs/1809.00219), Section 3.1; scales of 2 and
    1, [Wang et al., 2021](https://arxiv.org/abs/2107.10833), Section 3.3.
    """
    source_shape = images.shape_of("source_shape", source_shape)
    unshuffle = UNSHUFFLES[arguments.choice("scale", scale, UNSHUFFLES)]
    channels = images.channels_of(channels, source_shape)
    width = arguments.whole("width", width)
    blocks = arguments.whole("blocks", blocks)
    growth = arguments.whole("growth", growth)
    received = f"source_shape={source_shape}, scale={scale}"
    images.check_sides(source_shape[:2], unshuffle, unshuffle, received)
    source, x = images.image_input("source", source_shape, unshuffle, unshuffle)
    if unshuffle > 1:
        x = PixelUnshuffle(unshuffle)(x)
    first = x = layers.Conv2D(width, 3, 1, "same")(x)
    for block in range(1, blocks + 1):
        inner = x
        for _ in range(3):
            inner = _dense(inner, width, growth)
        x = _added(x, inner, name=f"block_{block}")
    x = layers.Add()([first, layers.Conv2D(width, 3, 1, "same")(x)])
    for _ in range(2):
        x = layers.UpSampling2D(2, interpolation="nearest")(x)
        x = activations.LeakyReLU(negative_slope=SLOPE)(layers.Conv2D(width, 3, 1, "same")(x))
    x = activations.LeakyReLU(negative_slope=SLOPE)(layers.Conv2D(width, 3, 1, "same")(x))
    x = layers.Conv2D(channels, 3, 1, "same")(x)
    return Model(source, images.output(x, "linear"), name=name)


def _dense(x, width, growth):
    maps = [x]
    for _ in range(4):
        maps.append(activations.LeakyReLU(negative_slope=SLOPE)(_small(growth)(_joined(maps))))
    return _added(x, _small(width)(_joined(maps)))


def _joined(maps):
    return layers.Concatenate()(maps) if len(maps) > 1 else maps[0]


def _added(x, change, name=None):
    return layers.Add(name=name)([x, layers.Rescaling(SHARE)(change)])


def _small(size):
    return layers.Conv2D(size, 3, 1, "same", kernel_initializer=images.small_kernel())
