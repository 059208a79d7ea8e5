"""The network of free-form inpainting: gated convolutions, one pass or two."""

from keras import Model, initializers, layers, ops

from keras_gan.layers import ContextualAttention, GatedConv2D
from keras_gan.networks import images
from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown

STAGES = 1, 2
# Variance of kernels by which the mean square of normal features stays as it is: that of
# elu(a) * sigmoid(b), where a and b are normal of variance 5, is 1.
_GAIN = 5.0


def gated_inpainter(image_shape, width=48, stages=2, dilations=(2, 4, 8, 16), name="generator"):
    """Build DeepFill's generator, which fills the holes of images.

    It takes a dict: the image, and a mask that is 1 in the hole. What the image has in the hole
    does not matter. The last operation puts the known pixels back: they are those of the input,
    to the bit.

    The first stage paints the whole image, and the second once more, now with attention to what
    is known (`keras_gan.layers.ContextualAttention`). DeepFill's form is
    `gated_inpainter((256, 256, 3))`, 4,052,478 weights. On a CPU, for 32 pixels:
    `width=32, stages=1, dilations=(2, 4)`.

    Args:
        image_shape: `(height, width, channels)`, with sides that 4 divides, with two stages 8.
            Sides may be `None`.
        width: channels of the first convolution, a multiple of 4. Half of the channels of each
            gated convolution are gates, as the paper's code counts them.
        stages: 1, or 2.
        dilations: of the convolutions of the innermost map, one for each.
        name: the network's name.

    Returns:
        A Functional `keras.Model`: `{"image", "mask"} -> images` in [-1, 1] in the hole; with two
        stages `{"image", "mask"} -> {"samples", "coarse"}`, of which the second is all that the
        first stage painted, a side output for terms.

    Raises:
        TypeError: when a shape is no tuple.
        ValueError: when a side does not fit (the nearest that do are named), `width` is no
            multiple of 4, `stages` is another number, or `dilations` no list of whole numbers.

    Example:

    >>> generator = keras_gan.networks.gated_inpainter((32, 32, 1), width=8, stages=1)
    >>> image, mask = np.ones((1, 32, 32, 1), "float32"), np.zeros((1, 32, 32, 1), "float32")
    >>> bool(np.all(generator({"image": image, "mask": mask}) == image))
    True

    Reference: [Yu et al., 2019](https://arxiv.org/abs/1806.03589), Section 3.4, by its code.
    """
    shape = images.shape_of("image_shape", image_shape)
    width = arguments.whole("width", width, least=4)
    if width % 4:
        raise ValueError(f"Expected `width` to be a multiple of 4. Received: width={width}")
    stages = arguments.choice("stages", stages, STAGES)
    if not isinstance(dilations, (tuple, list)):
        raise ValueError(
            "Expected `dilations` to be a tuple of whole numbers. "
            f"Received: dilations={shown(dilations)}"
        )
    dilations = [arguments.whole("dilations", rate) for rate in dilations]
    multiple = 4 * stages
    images.check_sides(shape[:2], multiple, multiple, f"image_shape={shape}, stages={stages}")
    image, x = images.image_input("image", shape, multiple, multiple)
    mask = layers.Input((*shape[:2], 1), name="mask")
    inputs = {"image": image, "mask": mask}
    hole = mask > 0
    known = ops.where(hole, ops.zeros_like(x), x)
    coarse = _coarse(known, ops.cast(hole, "float32"), width, dilations, shape[2])
    if stages == 1:
        return Model(inputs, ops.where(hole, coarse, x), name=name)
    painted = _refined(ops.where(hole, coarse, x), mask, width, dilations, shape[2])
    return Model(inputs, {"samples": ops.where(hole, painted, x), "coarse": coarse}, name=name)


def _coarse(known, hole, width, dilations, channels):
    """Return the image that the first stage paints."""
    x = layers.Concatenate()([known, ops.ones_like(hole), hole])
    x = _gated(x, width, 5)
    x = _gated(_gated(x, 2 * width, strides=2), 2 * width)
    x = _gated(_gated(_gated(x, 4 * width, strides=2), 4 * width), 4 * width)
    return _painted(_dilated(x, 4 * width, dilations), width, channels, "coarse")


def _refined(x, mask, width, dilations, channels):
    """Return the image that the second stage paints of a composite."""
    wide = _gated(_gated(_gated(x, width, 5), width, strides=2), 2 * width)
    wide = _gated(_gated(_gated(wide, 2 * width, strides=2), 4 * width), 4 * width)
    wide = _dilated(wide, 4 * width, dilations)
    near = _gated(_gated(_gated(x, width, 5), width, strides=2), 2 * width)
    near = _gated(_gated(near, 4 * width, strides=2), 4 * width)
    near = _gated(near, 4 * width, activation="relu")
    near = ContextualAttention()([near, layers.MaxPooling2D(4, dtype="float32")(mask)])
    near = _gated(_gated(near, 4 * width), 4 * width)
    return _painted(layers.Concatenate()([wide, near]), width, channels, "painted")


def _painted(x, width, channels, name):
    """Return the image that is made of an innermost map."""
    x = _gated(_gated(x, 4 * width), 4 * width)
    for size in (2 * width, width):
        x = _gated(layers.UpSampling2D(2, interpolation="nearest")(x), size)
        x = _gated(x, size if size > width else width // 2)
    return images.output(layers.Conv2D(channels, 3, 1, "same")(x), name=name)


def _dilated(x, width, dilations):
    for rate in dilations:
        x = _gated(x, width, dilation=rate)
    return x


def _gated(x, width, kernel_size=3, strides=1, dilation=1, activation="elu"):
    convolution = GatedConv2D(
        width // 2,
        kernel_size,
        strides,
        dilation_rate=dilation,
        activation=activation,
        kernel_initializer=initializers.VarianceScaling(_GAIN, "fan_in", "untruncated_normal"),
    )
    return convolution(x)
