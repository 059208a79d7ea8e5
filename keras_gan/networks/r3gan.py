"""R3GAN's networks: grouped convolutions in residual blocks, without any normalization."""

import math

from keras import Input, Model, initializers, layers

from keras_gan.layers import FIRDownsampling2D, FIRUpsampling2D, GroupedConv2D, LearnedConstant
from keras_gan.networks import conditions, images
from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown

SLOPE = 0.2
SMALLEST, LARGEST, SMALL_MAP = 16, 256, 4
# Channels in the middle of a block, as a multiple of those at its ends.
EXPANSION = 2
# Of the default form: channels at the image, which double with each halving up to the most.
NARROWEST, WIDEST = 32, 128


def r3gan(
    image_shape,
    latent_dim=64,
    widths=None,
    blocks=1,
    group_size=16,
    num_classes=None,
    condition_dim=None,
):
    """Build R3GAN's generator and discriminator (Config E), which mirror each other.

    Both are stages of residual blocks at 4 by 4 pixels, 8 by 8 and so on up to the image. A block
    takes C channels to 2 C by a convolution of 1 pixel, convolves these in groups by 3 by 3 pixels,
    and takes them back to C; biases and leaky ReLUs stand before and behind the grouped
    convolution, and nothing else. Between stages a FIR filter resamples, beside a convolution of 1
    pixel where the number of channels changes.

    - The generator multiplies a learned map of 4 by 4 pixels, channel by channel, by a linear
      function of the latents. Its images are a linear function of the last features: they are not
      bounded, and are clipped where they are shown.
    - The discriminator ends in a depthwise convolution of 4 by 4 pixels and a linear function.
    - With classes, the generator has a linear function of the one-hot label beside the latents, and
      the logit is the inner product of the features with a linear function of the label.

    Every weight starts at N(0, g^2 / inputs), with g = 1; within blocks g = sqrt(2 / 1.04) B^(-1/4)
    for a network of B blocks, and the last convolution of a block starts at 0. Every block is the
    identity then.

    The forms of the paper, with `blocks=2` each:

    | data, pixels | `widths` | `group_size` | `num_classes` | weights of both |
    |---|---|---|---|---|
    | CIFAR-10, 32 | `(768,) * 4` | 16 | 10 | 20,781,952 and 21,280,512 |
    | ImageNet, 32 | `(1536,) * 4` | 32 | 1000 | 82,914,304 and 86,548,992 |
    | ImageNet, 64 | `(1536,) * 5` | 32 | 1000 | 103,570,432 and 107,205,120 |
    | FFHQ, 64 | `(768,) * 4 + (384,)` | 16 | | 22,429,824 and 22,381,440 |
    | FFHQ, 256 | `(768,) * 4 + (384, 192, 96)` | 16 | | 23,057,952 and 23,009,568 |

    The default is one for CPUs: 274,912 and 266,848 weights for color images of 32 pixels.

    The paper trains it by `loss="relativistic_pairing"` and the terms `R1` and `R2` in every step.
    Five settings follow one cosine each and then stay; for CIFAR-10, in batches of 512 and over the
    first 20 million images: gamma of both terms from 0.05 to 0.005; the learning rate from 2e-4 to
    5e-5, and beta_2 from 0.9 to 0.99, of `keras_gan.schedules.ScheduledAdam` with beta_1 0; the
    half-life of `keras_gan.GeneratorAverage` from 0 to 5 million images; and the probability of
    augmentations from 0 to 0.55. Gamma depends on the data: 2 to 0.2 for FFHQ at 64 pixels, 150 to
    15 at 256.

    Args:
        image_shape: `(side, side, channels)`, with a side of 16, 32, 64, 128 or 256 pixels.
        latent_dim: length of the latent vector, and of the label's beside it.
        widths: channels of each stage, from 4 by 4 pixels to the image's. By default 32 at the
            image, doubled with each halving up to 128.
        blocks: residual blocks in each stage.
        group_size: channels in one group of the grouped convolutions; it divides twice each width.
        num_classes: number of classes. When given, both networks take an integer label in
            `[0, num_classes)` as second input.
        condition_dim: in place of classes, the length of a vector that both networks take as second
            input: attributes, or an embedding. It stands where a label's one-hot row would.

    Returns:
        `(generator, discriminator)`, two Functional `keras.Model`s: `latents -> images` and
        `images -> logits` of shape `(batch, 1)`; with classes, `[latents, labels] -> images` and
        `[images, labels] -> logits`.

    Raises:
        TypeError: when a shape is no tuple.
        ValueError: when the sides are not equal, or none of those; when there is not one width for
            each stage, `group_size` does not divide twice a width, a size is below 1, or
            `num_classes` is below 2 or given with `condition_dim`.

    Example:

    >>> generator, discriminator = keras_gan.networks.r3gan((32, 32, 3))
    >>> generator.count_params(), discriminator.count_params()
    (274912, 266848)

    Reference: [Huang et al., 2024](https://arxiv.org/abs/2501.05441), Section 3;
    the start of the weights, [Zhang et al., 2019](https://arxiv.org/abs/1901.09321).
    """
    image_shape = _image_shape(image_shape)
    latent_dim = arguments.whole("latent_dim", latent_dim)
    blocks = arguments.whole("blocks", blocks)
    group_size = arguments.whole("group_size", group_size)
    widths = _widths(widths, image_shape[0], group_size)
    condition = conditions.chosen(num_classes, condition_dim)
    gain = math.sqrt(2 / (1 + SLOPE**2)) * (blocks * len(widths)) ** -0.25

    def stage(x, width):
        for _ in range(blocks):
            x = _block(x, width, group_size, gain)
        return x

    generator = _generator(image_shape[2], latent_dim, widths, stage, condition)
    return generator, _discriminator(image_shape, widths, stage, condition)


def _image_shape(image_shape):
    shape = arguments.shape("image_shape", image_shape)
    sides = set(shape[:2])
    fits = len(shape) == 3 and len(sides) == 1 and SMALLEST <= shape[0] <= LARGEST
    if not fits or shape[0] & (shape[0] - 1):
        raise ValueError(
            "Expected `image_shape` to be (side, side, channels) with a side of 16, 32, 64, 128 or "
            f"256 pixels. Pad, crop or resize. Received: image_shape={image_shape}"
        )
    return shape


def _widths(widths, side, group_size):
    """Return the channels of each stage, from the smallest map to the image."""
    stages = (side // SMALL_MAP).bit_length()
    if widths is None:
        widths = [min(NARROWEST * 2**halvings, WIDEST) for halvings in reversed(range(stages))]
    widths = arguments.shape("widths", widths)
    if len(widths) != stages:
        raise ValueError(
            f"Expected {stages} widths for images of {side} pixels: one for each stage, from 4 by "
            f"4 pixels to the image. Received: widths={widths}"
        )
    if any(EXPANSION * width % group_size for width in widths):
        raise ValueError(
            "Expected `group_size` to divide twice each of the widths. "
            f"Received: group_size={group_size}, widths={shown(widths)}"
        )
    return widths


def _generator(channels, latent_dim, widths, stage, condition):
    inputs = z = Input((latent_dim,), name="latents")
    if condition:
        inputs = [z, condition.input()]
        embedded = _linear(latent_dim, name="condition_embedding")(condition.row(inputs[1]))
        z = layers.Concatenate(name="latents_and_condition")([z, embedded])
    first, *others = widths
    basis = LearnedConstant((SMALL_MAP, SMALL_MAP, first), name="basis")(z)
    scales = layers.Reshape((1, 1, first))(_linear(first)(z))
    x = stage(layers.Multiply()([basis, scales]), first)
    for width in others:
        x = stage(FIRUpsampling2D()(_to_width(x, width)), width)
    x = _pointwise(channels, dtype="float32")(x)
    return Model(inputs, images.output(x, "linear"), name="generator")


def _discriminator(image_shape, widths, stage, condition):
    inputs = x = Input(image_shape, name="images")
    row = None
    if condition:
        inputs = [x, condition.input()]
        row = condition.row(inputs[1])
    last, *others = widths[::-1]
    x = stage(_pointwise(last)(x), last)
    for width in others:
        x = stage(_to_width(FIRDownsampling2D()(x), width), width)
    width = widths[0]
    # The head is in float32 under a mixed precision policy: the losses need the logits' range.
    single = {"use_bias": False, "kernel_initializer": _normal(), "dtype": "float32"}
    features = layers.Flatten()(GroupedConv2D(width, SMALL_MAP, groups=width, **single)(x))
    logits = _logits(features, row, single)
    return Model(inputs, logits, name="discriminator")


def _logits(features, row, options):
    """Return logits: linear in the features, or their product with a function of the condition."""
    if row is None:
        return layers.Dense(1, **options, name="logits")(features)
    width = features.shape[-1]
    features = layers.Dense(width, **options, name="projection")(features)
    options = {**options, "kernel_initializer": _normal(width**-0.5)}
    embedded = layers.Dense(width, **options, name="condition_embedding")(row)
    return layers.Dot(axes=-1, dtype="float32", name="logits")([features, embedded])


def _block(x, width, group_size, gain):
    """Return a map of features, and what one residual block adds to it."""
    middle = EXPANSION * width
    y = layers.Conv2D(middle, 1, kernel_initializer=_normal(gain))(x)
    y = layers.LeakyReLU(negative_slope=SLOPE)(y)
    groups = middle // group_size
    y = GroupedConv2D(middle, 3, 1, "same", groups, kernel_initializer=_normal(gain))(y)
    y = layers.LeakyReLU(negative_slope=SLOPE)(y)
    y = layers.Conv2D(width, 1, use_bias=False, kernel_initializer="zeros")(y)
    return layers.Add()([x, y])


def _to_width(x, width):
    return x if x.shape[-1] == width else _pointwise(width)(x)


def _pointwise(width, **options):
    return layers.Conv2D(width, 1, use_bias=False, kernel_initializer=_normal(), **options)


def _linear(size, name=None):
    return layers.Dense(size, use_bias=False, kernel_initializer=_normal(), name=name)


def _normal(gain=1.0):
    """Return the initializer N(0, gain^2 / inputs)."""
    return initializers.VarianceScaling(gain**2, "fan_in", "untruncated_normal")
