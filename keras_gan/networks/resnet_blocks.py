"""Residual blocks of SNGAN, SAGAN and BigGAN, and the two networks that are chains of them."""

from collections.abc import Callable
from typing import NamedTuple

from keras import Model, initializers, layers

from keras_gan.layers import ConditionalBatchNormalization, SelfAttention
from keras_gan.networks import activations, conditions, images
from keras_gan.networks.normalization import as_it_is, spectrally_normalized
from keras_gan.utils import arguments

# Of the generators' moving averages, in all three papers' codes.
MOMENTUM = 0.9
SMALLEST = 8
# Of images up to this side all maps have as many channels.
EVEN_WIDTH = 32
# The generator's first map has a smaller side of at most this.
FIRST_MAP = 7
BLOCKS, WIDEST, MOST_HALVINGS = 4, 16, 5


class Style(NamedTuple):
    """What tells the blocks of one paper from those of another.

    Attributes:
        within: function that returns an initializer for the kernels of 3 pixels within blocks.
        beside: the same for all other kernels.
        normalizes_generator: whether the generator's kernels are spectrally normalized too.
        wide: whether the first convolution of a discriminator's block has as many channels as its
            output, rather than its input.
        epsilon: of batch normalizations.
    """

    within: Callable
    beside: Callable
    normalizes_generator: bool
    wide: bool
    epsilon: float


def glorot():
    """Return an initializer, Glorot's uniform one."""
    return initializers.GlorotUniform()


def large_glorot():
    """Return an initializer, Glorot's uniform one times the square root of 2."""
    return initializers.VarianceScaling(2.0, "fan_avg", "uniform")


def doublings(image_shape):
    """Return how often a generator doubles its first map, whose smaller side has 4 to 7 pixels.

    Raises:
        ValueError: when a side can't be halved as often; the nearest that can are named.
    """
    sides, times = image_shape[:2], 1
    while min(sides) >> times > FIRST_MAP:
        times += 1
    images.check_sides(sides, 2**times, SMALLEST, f"image_shape={image_shape}")
    return times


def halvings(image_shape, most):
    """Return how often both sides halve evenly to 2 pixels or more, at most so often."""
    times, sides = 0, image_shape[:2]
    while times < most and min(sides) > 2 and not any(side % 2 for side in sides):
        times, sides = times + 1, [side // 2 for side in sides]
    return times


def both_widths(width, discriminator_width):
    """Return the widths of both networks after a check; the discriminator's may be `None`."""
    width = arguments.whole("width", width)
    if discriminator_width is None:
        return width, width
    return width, arguments.whole("discriminator_width", discriminator_width)


def even_widths(image_shape, width, discriminator_width):
    """Return the channels of all maps where they are as many: of images up to 32 pixels.

    Returns:
        `(generator's, discriminator's, halvings)`: the channels of the first map and after each
        block, those after each block, and how many of the discriminator's blocks halve.
    """
    first = [width] * (doublings(image_shape) + 1)
    return first, [discriminator_width] * BLOCKS, halvings(image_shape, 2)


def sngan_widths(image_shape, width, discriminator_width):
    """Return the channels of SNGAN's and SAGAN's maps; those of `even_widths` for larger images."""
    if min(image_shape[:2]) <= EVEN_WIDTH:
        return even_widths(image_shape, width, discriminator_width)
    first = [width * min(2**stage, WIDEST) for stage in range(doublings(image_shape) + 1)]
    halved = halvings(image_shape, MOST_HALVINGS)
    # A block more, which does not halve, unless there are but two pixels a side.
    blocks = halved + (min(image_shape[:2]) >> halved > 2)
    judged = [discriminator_width * min(2**stage, WIDEST) for stage in range(blocks)]
    return first[::-1], judged, halved


def batch_normalization(style, given=None, condition=None, initializer=lambda: "zeros"):
    """Return a function that normalizes a map, as the condition says if there is one.

    Args:
        style: `Style` of the blocks.
        given: the condition's Input, or `None`.
        condition: `conditions.Label` or `conditions.Vector`.
        initializer: function that returns an initializer of what the condition adds.
    """

    def normalize(x):
        if given is None:
            return layers.BatchNormalization(momentum=MOMENTUM, epsilon=style.epsilon)(x)
        return ConditionalBatchNormalization(
            condition.num_classes, MOMENTUM, style.epsilon, initializer()
        )([x, given])

    return normalize


def generator(image_shape, inputs, vector, widths, normalizations, style, attention=None):
    """Build a generator of residual blocks, each of which doubles the map.

    Args:
        image_shape: `(height, width, channels)` of the images.
        inputs: the network's inputs.
        vector: symbolic vector from which the first map is made.
        widths: channels of the first map, and after each block.
        normalizations: for each block, a function that normalizes a map.
        style: `Style` of the blocks.
        attention: smaller side of the map behind which self-attention stands, or `None`.
    """
    normalized = spectrally_normalized if style.normalizes_generator else as_it_is
    rows, columns = (side >> len(normalizations) for side in image_shape[:2])
    first = layers.Dense(rows * columns * widths[0], kernel_initializer=style.beside())
    x = layers.Reshape((rows, columns, widths[0]))(normalized(first)(vector))
    for width, normalize in zip(widths[1:], normalizations, strict=True):
        x = _enlarging_block(x, width, normalize, style, normalized)
        if min(x.shape[1:3]) == attention:
            x = SelfAttention(style.normalizes_generator, style.beside())(x)
    # Not by the label: this one is a plain normalization in all three.
    x = layers.ReLU()(batch_normalization(style)(x))
    x = _convolved(x, image_shape[2], 3, style.beside, normalized)
    return Model(inputs, images.output(x), name="generator")


def _enlarging_block(x, width, normalize, style, normalized):
    # Before pixels are repeated, a convolution of single ones makes the same of fewer.
    shortcut = _convolved(x, width, 1, style.beside, normalized)
    shortcut = layers.UpSampling2D(2)(shortcut)
    x = layers.UpSampling2D(2)(layers.ReLU()(normalize(x)))
    x = _convolved(x, width, 3, style.within, normalized)
    x = layers.ReLU()(normalize(x))
    x = _convolved(x, width, 3, style.within, normalized)
    return layers.Add()([x, shortcut])


def discriminator(image_shape, widths, halved, style, condition, head, attention=None):
    """Build a discriminator of residual blocks, which ends in a sum over all places.

    Args:
        image_shape: `(height, width, channels)` of the images.
        widths: channels after each block.
        halved: how many of the blocks, from the first on, halve the map.
        style: `Style` of the blocks.
        condition: what `conditions.chosen` returns.
        head: one of `conditions.HEADS`.
        attention: smaller side of the map behind which self-attention stands, or `None`. Of
            several it is the first, that of the block that makes this side.
    """
    image = x = layers.Input(image_shape, name="images")
    for stage, width in enumerate(widths):
        x = _judging_block(x, width, style, is_first=stage == 0, halves=stage < halved)
        if stage < halved and min(x.shape[1:3]) == attention:
            x = SelfAttention(kernel_initializer=style.beside())(x)
    features = _sum(activations.relu(x))
    return conditions.judging(
        image, features, condition, head, spectrally_normalized, kernel_initializer=style.beside
    )


def _judging_block(x, width, style, is_first, halves):
    shortcut, inner = x, x.shape[-1]
    if halves:
        # The order of a mean and a convolution of single pixels changes nothing but the work.
        shortcut = layers.AveragePooling2D(2)(shortcut)
    if halves or is_first or inner != width:
        shortcut = _convolved(shortcut, width, 1, style.beside, spectrally_normalized)
    if not is_first:
        x = activations.relu(x)
    inner = width if style.wide or is_first else inner
    x = _convolved(x, inner, 3, style.within, spectrally_normalized)
    x = _convolved(layers.ReLU()(x), width, 3, style.within, spectrally_normalized)
    if halves:
        x = layers.AveragePooling2D(2)(x)
    return layers.Add()([x, shortcut])


def _convolved(x, width, kernel_size, kernel, normalized):
    convolution = layers.Conv2D(width, kernel_size, 1, "same", kernel_initializer=kernel())
    return normalized(convolution)(x)


def _sum(x):
    """Return the sum of a map over its places, in float32."""
    places = x.shape[1] * x.shape[2]
    mean = layers.GlobalAveragePooling2D(dtype="float32")(x)
    return layers.Rescaling(float(places), dtype="float32", name="features")(mean)
