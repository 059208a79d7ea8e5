"""The networks of SAGAN: residual blocks, self-attention, spectral normalization in both."""

from keras_gan.networks import conditions, resnet_blocks, sngan

# Smaller images have no map between the first and the image to attend to.
SMALLEST = 16
ATTENDED = 32
STYLE = resnet_blocks.Style(
    within=resnet_blocks.glorot,
    beside=resnet_blocks.glorot,
    normalizes_generator=True,
    wide=True,
    epsilon=1e-5,
)


def sagan(
    image_shape,
    latent_dim=128,
    width=32,
    discriminator_width=None,
    num_classes=None,
    head="projection",
    condition_dim=None,
):
    """Build SAGAN's generator and discriminator: SNGAN's with self-attention on an inner map.

    They are the networks of `networks.sngan`, with three differences. Both have one
    `keras_gan.layers.SelfAttention`; the generator's kernels are spectrally normalized too; and the
    first convolution of a discriminator's block has as many channels as its output.

    Attention stands where maps have at most 32 pixels a side, in both networks: at 32 of 64 and
    128, as published for 128, and at 24 of 48. Of images up to 32 pixels the generator attends at
    half their side, the discriminator at a quarter; of 28 pixels both at 14.

    The published form is `sagan((128, 128, 3), width=64, num_classes=1000)`: 42,078,852 and
    39,463,618 weights that are trained. For CIFAR-10, as others have it:
    `sagan((32, 32, 3), width=256, discriminator_width=128, num_classes=10)`, 4,386,308 and
    1,075,586. It was trained with the hinge loss, Adam of 1e-4 and 4e-4, β 0 and 0.9, and one
    discriminator step. On a CPU: `width=32` up to 32 pixels, `width=8` for 64.

    Args:
        image_shape: `(height, width, channels)`, with sides from 16 to 128 pixels that halve evenly
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
        ValueError: when a side is outside 16 to 128 or does not halve evenly (the nearest that do
            are named), a size is below 1, the map for attention has fewer than 8 channels,
            `num_classes` is below 2 or given with `condition_dim`, `head` is another one, or a
            classifier has no classes.

    Example:

    >>> generator, discriminator = keras_gan.networks.sagan((32, 32, 3), width=8, num_classes=10)
    >>> generator.output_shape, discriminator.output_shape
    ((None, 32, 32, 3), (None, 1))

    Reference: [Zhang et al., 2019](https://arxiv.org/abs/1805.08318), by its code.
    """
    return sngan.pair(
        image_shape,
        latent_dim,
        width,
        discriminator_width,
        conditions.chosen(num_classes, condition_dim),
        head,
        STYLE,
        SMALLEST,
        _attended,
    )


def _attended(image_shape):
    """Return the smaller sides of the maps that attention stands behind."""
    sides = image_shape[:2]
    side = min(sides)
    if side <= resnet_blocks.EVEN_WIDTH:
        # An odd map can't be attended to.
        return side // 2, side // 2 if any(each % 8 for each in sides) else side // 4
    while side > ATTENDED:
        side //= 2
    return side, side
