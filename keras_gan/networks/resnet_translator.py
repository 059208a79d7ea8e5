"""The residual translator of CycleGAN and pix2pixHD: halved a little, changed, doubled again."""

from keras import Model, layers

from keras_gan.layers import ReflectionPadding2D
from keras_gan.networks import images
from keras_gan.networks import normalization as norms
from keras_gan.utils import arguments

UPSAMPLINGS = "nearest", "transposed"


def resnet_translator(
    source_shape,
    channels=None,
    width=64,
    blocks=9,
    depth=2,
    normalization="instance",
    upsampling="nearest",
    name="generator",
):
    """Build CycleGAN's generator, which translates images to images of the same size.

    A 7x7 convolution, `depth` halvings that double the channels, residual blocks, as many
    doublings, and a 7x7 convolution to the image. Borders are padded by reflection. All of it is
    convolutional: it can be trained on crops, and used on images of any size that `2 ** depth`
    divides.

    CycleGAN's form is `resnet_translator((256, 256, 3), upsampling="transposed")`, 11,378,179
    weights, with `blocks=6` for 128 pixels; pix2pixHD's
    `resnet_translator((512, 1024, 36), 3, depth=4, upsampling="transposed")`. On a CPU, for 32
    pixels: `width=16, blocks=3`.

    Args:
        source_shape: `(height, width, channels)` of the source; sides may be `None`.
        channels: channels of the translation; by default those of the source.
        width: channels of the first convolution.
        blocks: number of residual blocks.
        depth: number of halvings.
        normalization: `"instance"`, `"affine_instance"`, `"batch"` or `None`.
        upsampling: `"nearest"` doubles the map and convolves it; `"transposed"` is the published
            3x3 transposed convolution of stride 2, with as many weights and a quarter of the
            work, whose kernel 2 does not divide: a checkerboard until training has removed it.
        name: the network's name.

    Returns:
        A Functional `keras.Model`: `source -> images` in [-1, 1]. Its layers `down_1` to
        `down_<depth>` and `block_1` to `block_<blocks>` are features that terms can compare.

    Raises:
        TypeError: when a shape is no tuple.
        ValueError: when `2 ** depth` does not divide a side, or it is too small (the nearest that
            fit are named), or a size is below 1.

    Example:

    >>> generator = keras_gan.networks.resnet_translator((None, None, 3), width=8, blocks=2)
    >>> generator(np.zeros((1, 24, 40, 3))).shape
    TensorShape([1, 24, 40, 3])

    Reference: [Zhu et al., 2017](https://arxiv.org/abs/1703.10593), Appendix 7.2; `depth`,
    [Wang et al., 2018](https://arxiv.org/abs/1711.11585).
    """
    source_shape = images.shape_of("source_shape", source_shape)
    channels = images.channels_of(channels, source_shape)
    width = arguments.whole("width", width)
    blocks = arguments.whole("blocks", blocks)
    depth = arguments.whole("depth", depth)
    kind = arguments.choice("normalization", normalization, norms.KINDS)
    up = arguments.choice("upsampling", upsampling, UPSAMPLINGS)
    # The innermost map has to be reflected, and normalized: two pixels. An image of four or more,
    # which is what they come from, can be reflected by the three of a 7x7 convolution.
    multiple, least = 2**depth, 2 * 2**depth
    images.check_sides(source_shape[:2], multiple, least, f"source_shape={source_shape}")
    source, x = images.image_input("source", source_shape, multiple, least)
    x = _activated(_reflected(x, width, 7, norms.has_bias(kind)), kind, "first")
    for stage in range(1, depth + 1):
        x = layers.ZeroPadding2D(1)(x)
        x = _convolution(width * 2**stage, 3, norms.has_bias(kind), strides=2)(x)
        x = _activated(x, kind, f"down_{stage}")
    for block in range(1, blocks + 1):
        x = _block(x, kind, f"block_{block}")
    double = _nearest if up == "nearest" else _transposed
    for stage in reversed(range(depth)):
        x = _activated(double(x, width * 2**stage, norms.has_bias(kind)), kind, f"up_{stage + 1}")
    return Model(source, images.output(_reflected(x, channels, 7)), name=name)


def _activated(x, kind, name):
    return layers.ReLU(name=name)(norms.normalize(x, kind))


def _convolution(size, kernel_size, bias=True, strides=1):
    return layers.Conv2D(
        size, kernel_size, strides, use_bias=bias, kernel_initializer=images.kernel()
    )


def _reflected(x, size, kernel_size, bias=True):
    """Return the map, convolved to one of the same sides, with borders that are reflected."""
    x = ReflectionPadding2D(kernel_size // 2)(x)
    return _convolution(size, kernel_size, bias)(x)


def _block(x, kind, name):
    size, bias = x.shape[-1], norms.has_bias(kind)
    change = layers.ReLU()(norms.normalize(_reflected(x, size, 3, bias), kind))
    change = norms.normalize(_reflected(change, size, 3, bias), kind)
    return layers.Add(name=name)([x, change])


def _nearest(x, size, bias):
    return _reflected(layers.UpSampling2D(2, interpolation="nearest")(x), size, 3, bias)


def _transposed(x, size, bias):
    x = layers.Conv2DTranspose(
        size, 3, 2, "valid", use_bias=bias, kernel_initializer=images.kernel()
    )(x)
    # PyTorch's padding of 1: what the halving's first row and column of zeros stand for.
    return layers.Cropping2D(((1, 0), (1, 0)))(x)
