"""Residual networks for super-resolution: SRGAN's, and the one without normalization."""

from keras import Model, initializers, layers

from keras_gan.layers import ICNR, PixelShuffle
from keras_gan.networks import activations, images, normalization
from keras_gan.utils import arguments

SLOPE = 0.1
SCALES = 1, 2, 3, 4, 8
FORMS = "modified", "original"


def srresnet(
    source_shape,
    scale=4,
    channels=None,
    width=64,
    blocks=16,
    form="modified",
    name="generator",
):
    """Build a residual network that makes images `scale` times larger.

    The `"modified"` form has no normalization, which leaves blotches, and adds what it computes
    to the bilinear enlargement of the source: it starts near that, and has details alone to learn
    (BasicSR's MSRResNet, 1,517,571 weights for a scale of 4). `"original"` is SRGAN's, with batch
    normalization and no enlargement beside it (1,549,462 weights that are trained). Either makes
    pixels of channels by `PixelShuffle`, and starts without a checkerboard by `ICNR`.

    With a scale of 1 the modified form is a denoiser: it adds to the source what it lacks.

    Nothing bounds the images: values may be a little outside of [-1, 1]. PNG and 8-bit outputs of
    an export, and the pictures of `SampleGrid`, are clipped.

    On a CPU: `width=32, blocks=4`.

    Args:
        source_shape: `(height, width, channels)` of the source; sides may be `None`. Any side
            fits.
        scale: how many times larger the images are: 1, 2, 3, 4 or 8.
        channels: channels of the images; by default those of the source, which is what the
            modified form needs.
        width: channels of all features.
        blocks: number of residual blocks.
        form: `"modified"` or `"original"`.
        name: the network's name.

    Returns:
        A Functional `keras.Model`: `source -> images`.

    Raises:
        TypeError: when a shape is no tuple.
        ValueError: when `scale` or `form` is another one, a size is below 1, or the modified form
            is to change the number of channels.

    Example:

    >>> generator = keras_gan.networks.srresnet((None, None, 3), scale=4, width=8, blocks=2)
    >>> generator(np.zeros((1, 7, 9, 3))).shape
    TensorShape([1, 28, 36, 3])

    Reference: [Ledig et al., 2017](https://arxiv.org/abs/1609.04802), Section 2.1; the modified
    form, [Wang et al., 2018](https://arxiv.org/abs/1809.00219), Section 3.1, whose code has it.
    """
    source_shape = images.shape_of("source_shape", source_shape)
    scale = arguments.choice("scale", scale, SCALES)
    channels = images.channels_of(channels, source_shape)
    width = arguments.whole("width", width)
    blocks = arguments.whole("blocks", blocks)
    source = layers.Input(source_shape, name="source")
    if arguments.choice("form", form, FORMS) == "original":
        x = _original(source, scale, channels, width, blocks)
        return Model(source, images.output(x, "linear"), name=name)
    if channels != source_shape[2]:
        raise ValueError(
            "Expected as many channels as the source has, to which the modified form adds details. "
            f'Use form="original". Received: channels={channels}, source_shape={source_shape}'
        )
    x = images.output(_modified(source, scale, channels, width, blocks), "linear", name="details")
    # In float32 in mixed precision too: bfloat16 has 8 bits, and the base is most of the image.
    base = source
    if scale > 1:
        base = images.Enlarged(scale, interpolation="bilinear", dtype="float32")(source)
    return Model(source, layers.Add(dtype="float32", name="images")([base, x]), name=name)


def _modified(source, scale, channels, width, blocks):
    x = activations.LeakyReLU(negative_slope=SLOPE)(_small(width)(source))
    for block in range(1, blocks + 1):
        change = _small(width)(layers.ReLU()(_small(width)(x)))
        x = layers.Add(name=f"block_{block}")([x, change])
    for factor in _factors(scale):
        x = _shuffled(x, width, factor, images.small_kernel())
        x = activations.LeakyReLU(negative_slope=SLOPE)(x)
    return _small(channels)(activations.LeakyReLU(negative_slope=SLOPE)(_small(width)(x)))


def _original(source, scale, channels, width, blocks):
    first = x = _prelu(layers.Conv2D(width, 9, 1, "same")(source))
    for block in range(1, blocks + 1):
        change = _prelu(_normalized(layers.Conv2D(width, 3, 1, "same")(x)))
        change = _normalized(layers.Conv2D(width, 3, 1, "same")(change))
        x = layers.Add(name=f"block_{block}")([x, change])
    x = layers.Add()([first, _normalized(layers.Conv2D(width, 3, 1, "same")(x))])
    for factor in _factors(scale):
        x = _prelu(_shuffled(x, width, factor, "glorot_uniform"))
    return layers.Conv2D(channels, 9, 1, "same")(x)


def _factors(scale):
    """Return the scales of the shuffles, one after another."""
    return [2] * (scale.bit_length() - 1) if scale != 3 else [3]


def _shuffled(x, width, factor, initializer):
    kernel = ICNR(factor, initializer)
    x = layers.Conv2D(width * factor**2, 3, 1, "same", kernel_initializer=kernel)(x)
    return PixelShuffle(factor)(x)


def _small(size):
    return layers.Conv2D(size, 3, 1, "same", kernel_initializer=images.small_kernel())


def _prelu(x):
    """Return PReLU of a map, with one slope for all of it."""
    return layers.PReLU(shared_axes=[1, 2, 3], alpha_initializer=initializers.Constant(0.25))(x)


def _normalized(x):
    return normalization.normalize(x, "batch")
