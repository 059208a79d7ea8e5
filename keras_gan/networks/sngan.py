"""The residual networks of SNGAN, without labels or with a projection discriminator."""

from keras import layers

from keras_gan.networks import conditions, images, resnet_blocks
from keras_gan.utils import arguments

LARGEST = 128
STYLE = resnet_blocks.Style(
    within=resnet_blocks.large_glorot,
    beside=resnet_blocks.glorot,
    normalizes_generator=False,
    wide=False,
    epsilon=2e-5,
)


def sngan(
    image_shape,
    latent_dim=128,
    width=32,
    discriminator_width=None,
    num_classes=None,
    head="projection",
    condition_dim=None,
):
    """Build SNGAN's residual generator and spectrally normalized discriminator.

    Images up to 32 pixels have `width` channels in all maps, and four blocks in the discriminator.
    Larger ones have `width` channels beside the image, twice as many in each smaller map, at most
    16 times as many. The discriminator has no batch normalization; it adds up its last map.

    With classes the generator's batch normalizations are conditional, and the discriminator uses
    the label by projection: cGANs with projection discriminator.

    The published forms are `sngan((32, 32, 3), width=256, discriminator_width=128)`, 4,276,739 and
    1,053,825 weights that are trained, with `num_classes=10` 4,304,387 and 1,055,105; and
    `sngan((48, 48, 3), width=64)`, 4,878,083 and 10,141,441; and `sngan((64, 64, 3), width=64)`,
    12,220,675 and 10,141,441. They were trained with the hinge loss, Adam of 2e-4, β 0 and 0.9,
    and five discriminator steps. On a CPU: `width=32` up to 32 pixels, `width=8` for 64.

    Args:
        image_shape: `(height, width, channels)`, with sides from 8 to 128 pixels that halve evenly
            to a map whose smaller side has 4 to 7: such as 28, 32, 48, 64, 96 and 128.
        latent_dim: length of the latent vector.
        width: channels of the generator's last map.
        discriminator_width: channels of the discriminator's first map; by default `width`.
        num_classes: number of classes. When given, the generator takes an integer label in
            `[0, num_classes)` as second input, and with projection the discriminator too.
        head: what the discriminator makes of classes: `"projection"`, or `"classifier"`, which
            tells the class of an image beside its logit, as in AC-GAN.
        condition_dim: in place of classes, the length of a vector that both networks take as second
            input: attributes, or an embedding. A linear function of it stands where a label's
            learned vector would.

    Returns:
        `(generator, discriminator)`, two Functional `keras.Model`s: `latents -> images` in
        [-1, 1] and `images -> logits` of shape `(batch, 1)`; with classes,
        `[latents, labels] -> images` and `[images, labels] -> logits`, or, of a classifier,
        `images -> {"logits", "classes"}`, whose classes are logits of shape
        `(batch, num_classes)`.

    Raises:
        TypeError: when a shape is no tuple.
        ValueError: when a side is outside 8 to 128 or does not halve evenly (the nearest that do
            are named), a size is below 1, `num_classes` is below 2 or given with `condition_dim`,
            `head` is another one, or a classifier has no classes.

    Example:

    >>> generator, discriminator = keras_gan.networks.sngan((28, 28, 1), width=8)
    >>> generator.output_shape, discriminator.output_shape
    ((None, 28, 28, 1), (None, 1))

    Reference: [Miyato et al., 2018](https://arxiv.org/abs/1802.05957), Appendix B.4;
    [Miyato & Koyama, 2018](https://arxiv.org/abs/1802.05637), by their code.
    """
    condition = conditions.chosen(num_classes, condition_dim)
    return pair(image_shape, latent_dim, width, discriminator_width, condition, head, STYLE)


def pair(
    image_shape,
    latent_dim,
    width,
    discriminator_width,
    condition,
    head,
    style,
    smallest=resnet_blocks.SMALLEST,
    attention=lambda image_shape: (None, None),
):
    """Build both networks in a style, after a check of what users give.

    Args:
        image_shape: as of `sngan`.
        latent_dim: as of `sngan`.
        width: as of `sngan`.
        discriminator_width: as of `sngan`.
        condition: what `conditions.chosen` returns.
        head: as of `sngan`.
        style: `resnet_blocks.Style`.
        smallest: the smallest side.
        attention: function of the shape that returns the sides of the maps, the generator's and the
            discriminator's, behind which self-attention stands.
    """
    shape = images.sized_shape(image_shape, smallest, LARGEST)
    latent_dim = arguments.whole("latent_dim", latent_dim)
    head = conditions.head_of(head, condition)
    widths, judged, halved = resnet_blocks.sngan_widths(
        shape, *resnet_blocks.both_widths(width, discriminator_width)
    )
    made, seen = attention(shape)
    latents = layers.Input((latent_dim,), name="latents")
    given = condition.input() if condition else None
    normalize = resnet_blocks.batch_normalization(style, given, condition)
    generator = resnet_blocks.generator(
        shape,
        latents if given is None else [latents, given],
        latents,
        widths,
        [normalize] * (len(widths) - 1),
        style,
        made,
    )
    return generator, resnet_blocks.discriminator(
        shape, judged, halved, style, condition, head, seen
    )
