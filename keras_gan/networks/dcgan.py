"""Convolutional networks for images of 8 to 256 pixels a side."""

import math

from keras import Input, Model, layers

from keras_gan.layers import MinibatchStdDev
from keras_gan.networks import conditions, images, normalization
from keras_gan.utils import arguments

SLOPE = 0.2
SMALLEST, LARGEST = 8, 256
# A network's widest layer has this many times `width` channels, as in the paper.
WIDEST = 8
SMALL_MAP = 4
# Of the generator's running statistics: Keras's 0.99 lags behind a generator that learns fast.
MOMENTUM = 0.9


def dcgan(
    image_shape,
    latent_dim=64,
    width=32,
    num_classes=None,
    dropout=0.0,
    depth=None,
    kernel_size=4,
    batch_normalization=True,
    spectral_norm=False,
    minibatch_std=False,
    head="projection",
    condition_dim=None,
):
    """Build a convolutional generator and discriminator for images.

    The generator doubles a small map of features up to the image and ends in tanh. The
    discriminator halves the image down to a small map, scored by one Dense layer. Sides that do
    not halve evenly are cropped from the next ones that do. The discriminator has no batch
    normalization, so a gradient penalty concerns each sample alone.

    Args:
        image_shape: `(height, width, channels)`, with sides from 8 to 256 pixels that may differ.
        latent_dim: length of the latent vector.
        width: channels beside the image; they double at each halving, to at most 8 times this.
        num_classes: number of classes. When given, the generator takes an integer label in
            `[0, num_classes)` as second input, and with projection the discriminator too.
        dropout: fraction of the discriminator's hidden values dropped in training.
        depth: number of halvings. By default as many as bring the smaller side to 4 pixels or
            fewer, and at least two.
        kernel_size: side of the convolution kernels, in pixels. An even side spreads each of the
            generator's inputs over its outputs evenly.
        batch_normalization: whether the generator normalizes its hidden values over the batch.
        spectral_norm: whether the discriminator's layers are wrapped in
            `keras_gan.layers.SpectralNormalization`.
        minibatch_std: whether the discriminator sees how much samples differ, before its last
            convolution: `keras_gan.layers.MinibatchStdDev` with groups of 4. The logits, and
            gradient penalties, then depend on the other samples of a group.
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
        TypeError: when a shape is no tuple, or `dropout` no number.
        ValueError: when a side is outside 8 to 256, a size is below 1, `num_classes` is below 2 or
            given with `condition_dim`, `dropout` is outside [0, 1), the smaller side can't be
            halved `depth` times, `head` is another one, or a classifier has no classes.

    Example:

    >>> generator, discriminator = keras_gan.networks.dcgan((28, 28, 1), latent_dim=64)
    >>> generator.output_shape, discriminator.output_shape
    ((None, 28, 28, 1), (None, 1))

    Reference: [Radford et al., 2016](https://arxiv.org/abs/1511.06434); projection,
    [Miyato & Koyama, 2018](https://arxiv.org/abs/1802.05637); classifier,
    [Odena et al., 2017](https://arxiv.org/abs/1610.09585); `spectral_norm`,
    [Miyato et al., 2018](https://arxiv.org/abs/1802.05957); `minibatch_std`,
    [Karras et al., 2018](https://arxiv.org/abs/1710.10196).
    """
    image_shape = images.sized_shape(image_shape, SMALLEST, LARGEST)
    latent_dim = arguments.whole("latent_dim", latent_dim)
    condition = conditions.chosen(num_classes, condition_dim)
    head = conditions.head_of(head, condition)
    dropout = arguments.number("dropout", dropout, below=1)
    kernel_size = arguments.whole("kernel_size", kernel_size, least=2)
    channels = _channels(image_shape, arguments.whole("width", width), depth)
    generator = _generator(
        image_shape, latent_dim, channels[::-1], condition, kernel_size, batch_normalization
    )
    normalized = normalization.wrapper(spectral_norm)
    return generator, _discriminator(
        image_shape, channels, condition, head, kernel_size, dropout, normalized, minibatch_std
    )


def _channels(image_shape, width, depth):
    """Return the discriminator's channels after each halving."""
    side = min(image_shape[:2])
    if depth is None:
        depth = max(2, math.ceil(math.log2(side / SMALL_MAP)))
    depth = arguments.whole("depth", depth)
    if 2**depth > side:
        raise ValueError(
            f"`depth` halves the image more often than its smaller side allows: at most "
            f"{side.bit_length() - 1} for {side} pixels. Received: depth={depth}"
        )
    return [width * min(2**stage, WIDEST) for stage in range(depth)]


def _generator(image_shape, latent_dim, channels, condition, kernel_size, normalize):
    inputs = x = Input((latent_dim,), name="latents")
    if condition:
        inputs = [x, condition.input()]
        x = conditions.joined(*inputs, condition, latent_dim)
    rows, columns = (-(-side // 2 ** len(channels)) for side in image_shape[:2])
    # Before a normalization a bias would do nothing: it is subtracted with the mean.
    x = layers.Dense(rows * columns * channels[0], use_bias=not normalize)(x)
    x = _activate(layers.Reshape((rows, columns, channels[0]))(x), normalize)
    for size in channels[1:]:
        x = layers.Conv2DTranspose(size, kernel_size, 2, "same", use_bias=not normalize)(x)
        x = _activate(x, normalize)
    x = layers.Conv2DTranspose(image_shape[2], kernel_size, 2, "same")(x)
    x = _crop(x, image_shape)
    outputs = layers.Activation("tanh", dtype="float32", name="images")(x)
    return Model(inputs, outputs, name="generator")


def _activate(x, normalize):
    if normalize:
        x = layers.BatchNormalization(momentum=MOMENTUM)(x)
    return layers.ReLU()(x)


def _crop(x, image_shape):
    rows, columns = (have - want for have, want in zip(x.shape[1:3], image_shape[:2], strict=True))
    if not rows and not columns:
        return x
    margins = ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2))
    return layers.Cropping2D(margins)(x)


def _discriminator(
    image_shape, channels, condition, head, kernel_size, dropout, normalized, minibatch_std
):
    image = x = Input(image_shape, name="images")
    # On CPUs TensorFlow's graph optimizer tries to fuse a convolution, its bias and a leaky ReLU,
    # fails in training and prints so. Hence no bias but the last, which Flatten sets apart; without
    # any, the logits would be linear in the contrast of an image.
    for size in channels[:-1]:
        x = normalized(layers.Conv2D(size, kernel_size, 2, "same", use_bias=False))(x)
        x = _leak(x, dropout)
    if minibatch_std:
        x = MinibatchStdDev()(x)
    x = normalized(layers.Conv2D(channels[-1], kernel_size, 2, "same"))(x)
    x = _leak(layers.Flatten()(x), dropout)
    return conditions.judging(image, x, condition, head, normalized)


def _leak(x, dropout):
    x = layers.LeakyReLU(negative_slope=SLOPE)(x)
    return layers.Dropout(dropout)(x) if dropout else x
