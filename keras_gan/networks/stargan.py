"""The networks of StarGAN: one translator to many domains, and a discriminator that names them."""

from keras import Model, layers

from keras_gan.layers import LabelPlanes
from keras_gan.networks import activations, images, normalization
from keras_gan.utils import arguments

SLOPE = 0.01
HALVINGS = 2
DEEPEST = 6


def stargan(image_shape, labels, width=64, blocks=6, depth=None):
    """Build StarGAN's generator and discriminator, for translations between many domains.

    The generator takes an image and the label that it is to have, as planes beside the image. The
    discriminator judges images and says which label they have. Labels are vectors: of attributes
    that are 0 or 1, or one-hot for domains that exclude each other.

    All padding is zeros. With reflection, which keeps borders clean, the instance normalization
    would remove the planes of the label: see `keras_gan.layers.LabelPlanes`.

    StarGAN's form is `stargan((128, 128, 3), labels=5)`: 8,430,528 and 44,762,048 weights. On a
    CPU, for 32 pixels: `width=16, blocks=3`.

    In a `keras_gan.GAN` the elements are `(images, {"image", "target", ...})`: pass
    `latents=None`, `generator_condition=["image", "target"]`.

    Args:
        image_shape: `(height, width, channels)`, with sides that `2 ** depth` divides.
        labels: how many numbers a label has.
        width: channels of the first convolutions.
        blocks: number of the generator's residual blocks.
        depth: number of the discriminator's halvings, which double the channels. By default as
            many as leave two pixels or more of the smaller side, at most 6.

    Returns:
        `(generator, discriminator)`, two Functional `keras.Model`s:
        `{"image", "target"} -> images` in [-1, 1], and `images -> {"logits", "classes"}`: a map
        of logits, and one logit for each number of a label, of shape `(batch, labels)`.

    Raises:
        TypeError: when a shape is no tuple.
        ValueError: when a side does not halve evenly (the nearest that do are named) or is not
            fixed, or a size is below 1.

    Example:

    >>> generator, discriminator = keras_gan.networks.stargan((32, 32, 3), labels=4, width=8)
    >>> {name: logits.shape for name, logits in discriminator.output.items()}
    {'logits': (None, 2, 2, 1), 'classes': (None, 4)}

    Reference: [Choi et al., 2018](https://arxiv.org/abs/1711.09020), Appendix 7.2.
    """
    shape = images.shape_of("image_shape", image_shape)
    if None in shape[:2]:
        raise ValueError(
            "Expected fixed sides: the discriminator names the label of whole images. "
            f"Received: image_shape={shape}"
        )
    labels = arguments.whole("labels", labels)
    width = arguments.whole("width", width)
    blocks = arguments.whole("blocks", blocks)
    if depth is None:
        depth = min(max(HALVINGS, min(shape[:2]).bit_length() - 2), DEEPEST)
    depth = arguments.whole("depth", depth, least=HALVINGS)
    received = f"image_shape={shape}, depth={depth}"
    images.check_sides(shape[:2], 2**depth, 2 ** (HALVINGS + 1), received)
    generator = _generator(shape, labels, width, blocks)
    return generator, _discriminator(shape, labels, width, depth)


def _generator(shape, labels, width, blocks):
    inputs = {
        "image": layers.Input(shape, name="image"),
        "target": layers.Input((labels,), name="target"),
    }
    x = LabelPlanes()([inputs["image"], inputs["target"]])
    x = _activated(_convolution(width, 7)(x))
    for stage in range(1, HALVINGS + 1):
        x = _activated(_convolution(width * 2**stage, 4, 2)(x))
    for _ in range(blocks):
        change = _activated(_convolution(x.shape[-1], 3)(x))
        change = _normalized(_convolution(x.shape[-1], 3)(change))
        x = layers.Add()([x, change])
    for stage in reversed(range(HALVINGS)):
        x = layers.Conv2DTranspose(width * 2**stage, 4, 2, "same", use_bias=False)(x)
        x = _activated(x)
    return Model(inputs, images.output(_convolution(shape[2], 7)(x)), name="generator")


def _discriminator(shape, labels, width, depth):
    image = x = layers.Input(shape, name="images")
    for stage in range(depth):
        x = layers.Conv2D(width * 2**stage, 4, 2, "same")(x)
        x = activations.LeakyReLU(negative_slope=SLOPE)(x)
    classes = layers.Conv2D(labels, x.shape[1:3], use_bias=False, dtype="float32")(x)
    outputs = {
        "logits": layers.Conv2D(1, 3, 1, "same", use_bias=False, dtype="float32")(x),
        "classes": layers.Flatten(dtype="float32")(classes),
    }
    return Model(image, outputs, name="discriminator")


def _convolution(size, kernel_size, strides=1):
    return layers.Conv2D(size, kernel_size, strides, "same", use_bias=False)


def _normalized(x):
    return normalization.normalize(x, "affine_instance")


def _activated(x):
    return layers.ReLU()(_normalized(x))
