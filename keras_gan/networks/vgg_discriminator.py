"""The discriminators of SRGAN and ESRGAN: convolutions in pairs, and a verdict on whole images."""

from typing import NamedTuple

from keras import Model, layers

from keras_gan.networks import activations, images, normalization
from keras_gan.utils import arguments

SLOPE = 0.2
WIDEST = 8
SMALLEST = 8


class _Form(NamedTuple):
    """What tells one published form from another."""

    halving_kernel: int
    halvings: int
    smallest_map: int
    hidden: int
    bias: bool


FORMS = {
    # As many halvings as leave four pixels or fewer.
    "esrgan": _Form(halving_kernel=4, halvings=99, smallest_map=4, hidden=100, bias=False),
    "srgan": _Form(halving_kernel=3, halvings=4, smallest_map=4, hidden=1024, bias=True),
}


def vgg_discriminator(image_shape, width=64, form="esrgan", name="discriminator"):
    """Build the discriminator of ESRGAN or SRGAN, which judges whole images.

    Pairs of convolutions, of which the second halves the map and the next doubles the channels,
    then two Dense layers. All but the first are normalized over the batch, as published.

    ESRGAN's forms are `vgg_discriminator((128, 128, 3))`, 14,499,401 weights that are trained, and
    the same for 256 pixels, 21,055,049; SRGAN's is
    `vgg_discriminator((96, 96, 3), form="srgan")`, 23,565,505. On a CPU, for 32 pixels:
    `width=16`.

    Args:
        image_shape: `(height, width, channels)` of the images, the larger ones; any sides of at
            least 8 pixels.
        width: channels of the first pair, which double to at most 8 times this.
        form: `"esrgan"`, which halves the smaller side to 4 pixels or fewer, or `"srgan"`, which
            halves 4 times at most and has a hidden layer ten times larger.
        name: the network's name.

    Returns:
        A Functional `keras.Model`: `images -> logits` of shape `(batch, 1)`.

    Raises:
        TypeError: when a shape is no tuple.
        ValueError: when a side is too small or not fixed, `width` is below 1, or `form` is
            another one.

    Example:

    >>> keras_gan.networks.vgg_discriminator((32, 32, 3), width=8).output_shape
    (None, 1)

    Reference: [Ledig et al., 2017](https://arxiv.org/abs/1609.04802), Section 2.1;
    [Wang et al., 2018](https://arxiv.org/abs/1809.00219), by its code.
    """
    shape = images.shape_of("image_shape", image_shape)
    width = arguments.whole("width", width)
    form = FORMS[arguments.choice("form", form, FORMS)]
    if None in shape[:2]:
        raise ValueError(
            "Expected fixed sides: whole images are judged. `networks.patch` and "
            f"`networks.unet_discriminator` take any. Received: image_shape={shape}"
        )
    images.check_sides(shape[:2], 1, SMALLEST, f"image_shape={shape}")
    image = x = layers.Input(shape, name="images")
    for pair in range(_pairs(min(shape[:2]), form)):
        size = width * min(2**pair, WIDEST)
        x = _convolved(x, size, 3, 1, form, normalizes=pair > 0)
        x = _convolved(x, size, form.halving_kernel, 2, form, normalizes=True)
    x = layers.Dense(form.hidden)(layers.Flatten()(x))
    x = activations.LeakyReLU(negative_slope=SLOPE)(x)
    return Model(image, layers.Dense(1, dtype="float32", name="logits")(x), name=name)


def _pairs(side, form):
    """Return how many pairs there are."""
    pairs = 0
    while side > form.smallest_map and pairs < form.halvings:
        side, pairs = -(-side // 2), pairs + 1
    return pairs


def _convolved(x, size, kernel_size, strides, form, normalizes):
    bias = form.bias or not normalizes
    x = layers.Conv2D(size, kernel_size, strides, "same", use_bias=bias)(x)
    if normalizes:
        x = normalization.normalize(x, "batch")
    return activations.LeakyReLU(negative_slope=SLOPE)(x)
