"""The U-Net discriminator of Real-ESRGAN: a logit for each pixel, which knows the whole."""

from keras import Model, layers

from keras_gan.networks import images
from keras_gan.networks.normalization import spectrally_normalized
from keras_gan.utils import arguments

SLOPE = 0.2
HALVINGS = 3


def unet_discriminator(image_shape, source_shape=None, width=64, name="discriminator"):
    """Build Real-ESRGAN's discriminator, which judges every pixel by its surroundings.

    Three halvings, three doublings, and skips that add maps of equal size. All kernels but the
    first and the last are spectrally normalized. Its form is `unet_discriminator((256, 256, 3))`,
    4,376,897 weights that are trained; on a CPU `width=16`.

    Args:
        image_shape: `(height, width, channels)` of the images that are judged, with sides that 8
            divides, or `None`.
        source_shape: the same of a source, for a discriminator that is called on
            `[images, source]`. The sides are those of the images.
        width: channels of the first convolution, which double at each halving.
        name: the network's name.

    Returns:
        A Functional `keras.Model`: `images -> logits`, or `[images, source] -> logits`, of shape
        `(batch, height, width, 1)`.

    Raises:
        TypeError: when a shape is no tuple.
        ValueError: when 8 does not divide a side (the nearest that fit are named), `width` is
            below 1, or images and source have different sides.

    Example:

    >>> keras_gan.networks.unet_discriminator((32, 32, 3), width=8).output_shape
    (None, 32, 32, 1)

    Reference: [Wang et al., 2021](https://arxiv.org/abs/2107.10833), Section 3.3.
    """
    image_shape = images.shape_of("image_shape", image_shape)
    width = arguments.whole("width", width)
    multiple = 2**HALVINGS
    images.check_sides(image_shape[:2], multiple, multiple, f"image_shape={image_shape}")
    inputs, x = images.judged_inputs(image_shape, source_shape, multiple, multiple)
    maps = [_leak(layers.Conv2D(width, 3, 1, "same")(x))]
    for stage in range(1, HALVINGS + 1):
        maps.append(_convolved(maps[-1], width * 2**stage, 4, 2))
    x = maps.pop()
    for stage in reversed(range(HALVINGS)):
        x = images.Enlarged(2, interpolation="bilinear")(x)
        x = layers.Add()([_convolved(x, width * 2**stage, 3), maps[stage]])
    for _ in range(2):
        x = _convolved(x, width, 3)
    logits = layers.Conv2D(1, 3, 1, "same", dtype="float32", name="logits")(x)
    return Model(inputs, logits, name=name)


def _convolved(x, size, kernel_size, strides=1):
    convolution = layers.Conv2D(size, kernel_size, strides, "same", use_bias=False)
    return _leak(spectrally_normalized(convolution)(x))


def _leak(x):
    return layers.LeakyReLU(negative_slope=SLOPE)(x)
