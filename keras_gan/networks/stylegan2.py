"""StyleGAN2's networks: images drawn by styles, from a constant, without progressive growing."""

import math

from keras import Input, Model, layers, ops

from keras_gan.layers import (
    EqualizedDense,
    LearnedConstant,
    MeanStyle,
    MinibatchStdDev,
    ScaledLeakyReLU,
    StyleMixing,
)
from keras_gan.networks import conditions, images, style_blocks
from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown

SMALLEST, LARGEST, SMALL_MAP = 16, 1024, 4
NOISES = "constant", "latents", None


def stylegan2(
    image_shape,
    latent_dim=64,
    style_dim=None,
    channel_base=1024,
    max_channels=64,
    mapping_layers=2,
    num_classes=None,
    noise="constant",
    mixing=0.9,
    residual=True,
    label_mapping_layers=8,
    condition_dim=None,
):
    """Build StyleGAN2's generator and discriminator.

    A mapping network turns latents into styles, and these scale the kernels of all convolutions of
    the generator, which begins with a learned constant of 4 by 4 pixels. Each doubling of the sides
    adds colors to the image of half the sides. The discriminator halves the image by residual
    blocks, and sees how much the samples of a group differ. All weights have an equalized learning
    rate. Images are not bounded, and are clipped where they are shown.

    The generator returns its styles as a side output, for `terms.PathLength(of="styles")`, and
    `model.generate(truncation=0.7)` draws them towards their mean, of each class where there are
    classes. Style mixing is done in training alone; the second latents are those of the sample
    before in the batch.

    The forms of the paper and of its code, each with `style_dim=512`, `latent_dim=512`,
    `max_channels=512` (weights of the generator and of the discriminator):

    | data, side | options | weights |
    |---|---|---|
    | CIFAR-10, 32 | `channel_base=32768, residual=False, mixing=0.0` | 19,947,539; 20,720,641 |
    | the same, `num_classes=10` | | 20,215,315; 23,089,664 |
    | FFHQ, 256 | `channel_base=16384, mapping_layers=8` | 24,767,458; 24,001,089 |
    | FFHQ, 1024 | `channel_base=32768, mapping_layers=8` | 30,370,060; 29,012,513 |

    The default is one for CPUs, 263,987 and 288,993 weights for color images of 32 pixels.

    The paper trains with `"non_saturating"`, `terms=[R1(gamma, interval=16),
    PathLength(of="styles", interval=4)]` and an average of the generator. gamma is 10 for FFHQ at
    1024 pixels; the code's rule is 0.0002 side² / batch, and 0.01 for CIFAR-10, there without path
    lengths.

    Args:
        image_shape: `(side, side, channels)`, with a side of 16, 32, 64 and so on up to 1024.
        latent_dim: length of the latent vector z.
        style_dim: length of a style, by default `latent_dim`.
        channel_base: number of channels times side, for both networks: a map of 32 pixels has
            `channel_base / 32` channels.
        max_channels: the most channels that a map has.
        mapping_layers: layers of the generator's mapping network.
        num_classes: number of classes. When given, both networks take an integer label in
            `[0, num_classes)` as second input.
        noise: what the maps of noise come from that the generator's layers add: `"constant"`,
            which is drawn anew in training and one for all samples at inference; `"latents"`, with
            which each sample's seed names its noise too; or `None`, without noise.
        mixing: probability of style mixing in a batch of training.
        residual: whether the discriminator's blocks have shortcuts.
        label_mapping_layers: with a condition, layers of the discriminator's mapping network of it.
        condition_dim: in place of classes, the length of a vector that both networks take as second
            input: attributes, or an embedding. It stands where a label's one-hot row would.

    Returns:
        `(generator, discriminator)`, two Functional `keras.Model`s. The generator maps `latents`,
        or `[latents, labels]`, to a dict: `"samples"`, the images, and `"styles"` of shape
        `(batch, 2 log2(side) - 2, style_dim)`. With `noise="latents"` its latents are a dict of
        `"z"` and `"noise"`, one vector of all maps of noise of a sample. The discriminator maps
        `images`, or `[images, labels]`, to logits of shape `(batch, 1)`.

    Raises:
        TypeError: when a shape is no tuple, `mixing` no number, or `residual` not True or False.
        ValueError: when the sides are not equal, or none of those; when a number is out of range,
            `noise` is none of the three, or `num_classes` is below 2 or given with `condition_dim`.

    Example:

    >>> generator, discriminator = keras_gan.networks.stylegan2((32, 32, 3))
    >>> generator.output["samples"].shape, generator.output["styles"].shape
    ((None, 32, 32, 3), (None, 8, 64))

    Reference: [Karras et al., 2020](https://arxiv.org/abs/1912.04958); styles, mixing and
    truncation, [Karras et al., 2019](https://arxiv.org/abs/1812.04948); classes and the form for
    CIFAR-10, [Karras et al., 2020b](https://arxiv.org/abs/2006.06676).
    """
    image_shape = _image_shape(image_shape)
    latent_dim = arguments.whole("latent_dim", latent_dim)
    style_dim = latent_dim if style_dim is None else arguments.whole("style_dim", style_dim)
    condition = conditions.chosen(num_classes, condition_dim)
    mapping_layers = arguments.whole("mapping_layers", mapping_layers)
    told = condition.size if condition else None
    mapping = style_blocks.mapping(latent_dim, told, style_dim, mapping_layers)
    channels = _channels(image_shape[0], channel_base, max_channels)
    noise = _noise(channels, arguments.choice("noise", noise, NOISES))
    mixing = arguments.number("mixing", mixing, high=1)
    judge = None
    if condition:
        depth = arguments.whole("label_mapping_layers", label_mapping_layers)
        judge = style_blocks.mapping(None, told, channels[SMALL_MAP], depth)
    residual = arguments.flag("residual", residual)
    return (
        _generator(image_shape, mapping, channels, noise, mixing, condition),
        _discriminator(image_shape, channels, residual, judge, condition),
    )


def _image_shape(image_shape):
    shape = arguments.shape("image_shape", image_shape)
    fits = len(shape) == 3 and shape[0] == shape[1] and SMALLEST <= shape[0] <= LARGEST
    if not fits or shape[0] & (shape[0] - 1):
        raise ValueError(
            "`image_shape` must be (side, side, channels) with a side of 16, 32, 64, 128, 256, 512 "
            f"or 1024 pixels. Pad, crop or resize. Received: image_shape={shown(image_shape)}"
        )
    return shape


def _channels(side, base, most):
    """Return `{side: channels}` from the smallest map to the image's."""
    most = arguments.whole("max_channels", most)
    base = arguments.whole("channel_base", base, least=side)
    powers = range(int(math.log2(SMALL_MAP)), int(math.log2(side)) + 1)
    return {2**power: min(base // 2**power, most) for power in powers}


def _noise(channels, kind):
    smallest, *larger = channels
    return style_blocks.Noise([smallest, *(side for side in larger for _ in range(2))], kind)


def _generator(image_shape, mapping, channels, noise, mixing, condition):
    latent_dim = mapping.inputs[0].shape[-1]
    z = latents = Input((latent_dim,), name="z" if noise.kind == "latents" else "latents")
    if noise.kind == "latents":
        latents = {"z": z, "noise": Input((noise.size,), name="noise")}
        noise.take(latents["noise"])
    inputs, given = latents, None
    if condition:
        given = condition.input()
        inputs = [latents, given]
    styles = _styles(mapping, z, given, condition, 2 * len(channels), mixing)
    image = _drawn(ops.unstack(styles, axis=1), channels, image_shape[2], noise)
    outputs = {"samples": images.output(image, "linear"), "styles": styles}
    return Model(inputs, outputs, name="generator")


def _styles(mapping, z, given, condition, count, mixing):
    """Return the styles of all layers, in float32 under every dtype policy."""
    rows = [condition.row(given)] if condition else []
    first = mapping([z, *rows] if rows else z)
    second = first
    if mixing and rows:
        second = mapping([ops.roll(z, 1, axis=0), *rows])
    elif mixing:
        second = ops.roll(first, 1, axis=0)
    # The second styles don't count in the mean.
    classes = condition.num_classes if condition else None
    mean = MeanStyle(num_classes=classes, dtype="float32", name="mean_style")
    first = mean([first, given] if classes else first)
    return StyleMixing(count, mixing, dtype="float32", name="styles")([first, second])


def _drawn(styles, channels, colors, noise):
    """Return the image that styles draw; a block's colors share a style with the next block."""
    x = LearnedConstant((SMALL_MAP, SMALL_MAP, channels[SMALL_MAP]), name="constant")(styles[0])
    image, place = None, 0
    for side, filters in channels.items():
        if side > SMALL_MAP:
            up = f"{side}_up"
            x = style_blocks.modulated(x, styles[place], filters, noise, up, upsampling=True)
            place += 1
        x = style_blocks.modulated(x, styles[place], filters, noise, f"{side}")
        place += 1
        image = style_blocks.painted(image, x, styles[place], colors, f"{side}_colors")
    return image


def _discriminator(image_shape, channels, residual, mapping, condition):
    inputs = x = Input(image_shape, name="images")
    sides = list(channels)[::-1]
    x = style_blocks.convolved(x, channels[sides[0]], "from_image", side=1)
    for side in sides[:-1]:
        x = style_blocks.halved(x, channels[side // 2], residual, f"{side}")
    filters = channels[SMALL_MAP]
    x = style_blocks.convolved(
        MinibatchStdDev(4, name="minibatch_std")(x), filters, f"{SMALL_MAP}_conv"
    )
    x = ScaledLeakyReLU()(EqualizedDense(filters, name="dense")(layers.Flatten()(x)))
    if mapping is None:
        outputs = EqualizedDense(1, dtype="float32", name="logits")(x)
        return Model(inputs, outputs, name="discriminator")
    given = condition.input()
    features = EqualizedDense(filters, dtype="float32", name="features")(x)
    embedded = mapping(condition.row(given))
    product = layers.Dot(axes=-1, dtype="float32", name="projection")([features, embedded])
    outputs = layers.Rescaling(filters**-0.5, dtype="float32", name="logits")(product)
    return Model([inputs, given], outputs, name="discriminator")
