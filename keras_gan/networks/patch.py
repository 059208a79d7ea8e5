"""The patch discriminator of pix2pix: a map of logits, each of which judges one patch."""

from keras import Model, layers

from keras_gan.networks import activations, images
from keras_gan.networks import normalization as norms
from keras_gan.utils import arguments

SLOPE = 0.2
WIDEST = 8
KERNEL = 4
# Zeros around the input of each convolution. `None` is Keras's own "same".
PADDINGS = {"same": None, "exact": 1, "wide": 2}
NORMALIZATIONS = (*norms.KINDS, "spectral")


def patch(
    image_shape,
    source_shape=None,
    depth=3,
    width=64,
    scales=1,
    normalization="instance",
    padding="same",
    features=False,
    name="discriminator",
):
    """Build a discriminator of patches, for translations and for any other images.

    It halves the image `depth` times by 4x4 convolutions, and ends in two that don't. Each logit
    sees a square patch of the image, whose side is the receptive field: 1, 16, 34, 70, 142 or 286
    pixels for a depth of 0 to 5. A patch as large as the image is a plain discriminator: at 32
    pixels use a depth of 1 or 2, on a CPU with `width=32`.

    pix2pix's form is `patch((256, 256, 3), (256, 256, 3), normalization="batch",
    padding="exact")`, with 2,768,705 weights that are trained; CycleGAN's
    `patch((256, 256, 3), padding="exact")`; pix2pixHD's
    `patch((512, 1024, 3), (512, 1024, 36), scales=2, padding="wide", features=True)`.

    Args:
        image_shape: `(height, width, channels)` of the images that are judged; sides may be
            `None`.
        source_shape: the same of the source, for a discriminator that is called on
            `[images, source]`; or of the mask of an inpainting, for a `keras_gan.GAN` with
            `discriminator_condition="mask"`. The sides are those of the images.
        depth: number of halvings; with 0 every pixel is judged by itself.
        width: channels of the first convolution, which double at each one to at most 8 times this.
        scales: number of discriminators of this form. The second sees the image at half its size,
            the third at a quarter.
        normalization: `"instance"`, `"affine_instance"`, `"batch"` or `None`, of all features but
            the first; or `"spectral"`, of all kernels: `keras_gan.layers.SpectralNormalization`.
        padding: of the convolutions: `"same"`; `"exact"`, one zero all around as in PyTorch, by
            which 256 pixels become 30x30 logits and not 32x32; or `"wide"`, two zeros.
        features: whether the features of each layer are outputs too, for terms that compare them.
        name: the network's name.

    Returns:
        A Functional `keras.Model`: `images -> logits`, or `[images, source] -> logits`, a map of
        shape `(batch, rows, columns, 1)`. With several scales the logits are a list of maps. With
        `features` it returns a dict of `"logits"` and `"layer_1"`, `"layer_2"`, ..., with several
        scales `"scale_1_layer_1"` and so on.

    Raises:
        TypeError: when a shape is no tuple, or `features` neither True nor False.
        ValueError: when a side is too small (the smallest is named), a size is out of range, or
            images and source have different sides.

    Example:

    >>> discriminator = keras_gan.networks.patch((32, 32, 1), (32, 32, 1), depth=2, width=8)
    >>> discriminator.output_shape
    (None, 8, 8, 1)

    Reference: [Isola et al., 2017](https://arxiv.org/abs/1611.07004), Section 6.1.2; `scales`,
    [Wang et al., 2018](https://arxiv.org/abs/1711.11585), Section 3.2.
    """
    image_shape = images.shape_of("image_shape", image_shape)
    depth = arguments.whole("depth", depth, least=0)
    width = arguments.whole("width", width)
    scales = arguments.whole("scales", scales)
    kind = arguments.choice("normalization", normalization, NORMALIZATIONS)
    around = PADDINGS[arguments.choice("padding", padding, PADDINGS)]
    features = arguments.flag("features", features)
    least = _least_side(depth, around, kind) << (scales - 1)
    images.check_sides(image_shape[:2], 1, least, f"image_shape={image_shape}, depth={depth}")
    inputs, x = images.judged_inputs(image_shape, source_shape, 1, least)
    outputs = []
    for scale in range(scales):
        if scale:
            x = layers.AveragePooling2D(3, 2, "same")(x)
        outputs.append(_tower(x, depth, width, kind, around))
    return Model(inputs, _named(outputs, features), name=name)


def _named(outputs, features):
    """Return the outputs of a network: logits of each scale, with features if they are wanted."""
    heads = [logits for _, logits in outputs]
    heads = heads if len(heads) > 1 else heads[0]
    if not features:
        return heads
    named = {
        f"scale_{scale}_layer_{layer}" if len(outputs) > 1 else f"layer_{layer}": x
        for scale, (maps, _) in enumerate(outputs, 1)
        for layer, x in enumerate(maps, 1)
    }
    return {"logits": heads, **named}


def _tower(x, depth, width, kind, around):
    """Return the features of each layer, and the logits."""
    kernel, around = (KERNEL, around) if depth else (1, None)
    maps = []
    for layer in range(max(depth, 1) + 1):
        size, strides = width * min(2**layer, WIDEST), 2 if layer < depth else 1
        x = _convolved(x, size, kernel, strides, kind, around, bias=layer == 0)
        if layer and kind != "spectral":
            x = norms.normalize(x, kind)
        x = activations.LeakyReLU(negative_slope=SLOPE)(x)
        maps.append(x)
    # The published code of single pixels has no bias here where it normalizes over the batch.
    x = _convolved(x, 1, kernel, 1, kind, around, bias=depth > 0)
    return maps, images.output(x, "linear", name=None)


def _convolved(x, size, kernel, strides, kind, around, bias):
    if around is not None:
        x = layers.ZeroPadding2D(around)(x)
    convolution = layers.Conv2D(
        size,
        kernel,
        strides,
        "same" if around is None else "valid",
        use_bias=bias or norms.has_bias(kind),
        kernel_initializer=images.kernel(),
    )
    return norms.wrapper(kind == "spectral")(convolution)(x)


def _least_side(depth, around, kind):
    """Return the smallest side of which logits are left, and no normalized map of one pixel."""
    least = 1
    while not _fits(least, depth, around, kind):
        least += 1
    return least


def _fits(side, depth, around, kind):
    normalizes = kind not in (None, "spectral")
    if depth == 0:
        return side > normalizes
    for layer in range(depth + 2):
        strides = 2 if layer < depth else 1
        if around is None:
            side = -(-side // strides)
        else:
            side = (side + 2 * around - KERNEL) // strides + 1
        if side < 1 or (normalizes and 0 < layer <= depth and side == 1):
            return False
    return True
