"""SN-PatchGAN, the discriminator of free-form inpainting: every feature is a logit."""

from keras import Model, layers

from keras_gan.networks import activations, images
from keras_gan.networks.normalization import spectrally_normalized
from keras_gan.utils import arguments

SLOPE = 0.2
WIDEST = 4


def sn_patch(image_shape, source_shape=None, width=64, depth=6, name="discriminator"):
    """Build DeepFill's discriminator, for inpaintings and for any other images.

    It is nothing but `depth` convolutions of 5x5 pixels that halve the map, spectrally normalized.
    All features of the last one are logits: each channel in each place judges a patch by something
    of its own. DeepFill's form is `sn_patch((256, 256, 3), (256, 256, 1))`, 5,946,816 weights that
    are trained; on a CPU, for 32 pixels, `width=16, depth=3`.

    The code of the paper ends in a leaky ReLU, by which logits below 0 count a fifth. Here they
    are what the last convolution makes.

    Args:
        image_shape: `(height, width, channels)` of the images that are judged; sides may be
            `None`.
        source_shape: the same of the mask, for a `keras_gan.GAN` with
            `discriminator_condition="mask"`, or of another source. The sides are those of the
            images.
        width: channels of the first convolution, which double at each one to at most 4 times this.
        depth: number of convolutions.
        name: the network's name.

    Returns:
        A Functional `keras.Model`: `images -> logits`, or `[images, source] -> logits`, of shape
        `(batch, rows, columns, channels)`.

    Raises:
        TypeError: when a shape is no tuple.
        ValueError: when a size is below 1, or images and source have different sides.

    Example:

    >>> discriminator = keras_gan.networks.sn_patch((32, 32, 1), (32, 32, 1), width=8, depth=3)
    >>> discriminator.output_shape
    (None, 4, 4, 32)

    Reference: [Yu et al., 2019](https://arxiv.org/abs/1806.03589), Section 3.2.
    """
    image_shape = images.shape_of("image_shape", image_shape)
    width = arguments.whole("width", width)
    depth = arguments.whole("depth", depth)
    inputs, x = images.judged_inputs(image_shape, source_shape, 1, 1)
    for stage in range(depth):
        if stage:
            x = activations.LeakyReLU(negative_slope=SLOPE)(x)
        size = width * min(2**stage, WIDEST)
        x = spectrally_normalized(layers.Conv2D(size, 5, 2, "same"))(x)
    return Model(inputs, images.output(x, "linear", name="logits"), name=name)
