"""Images as inputs and outputs of networks: shapes, sides that fit, first and last layers."""

import keras
import tensorflow as tf
from keras import layers

from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown

# Of the convolutions of translators and patch discriminators, as they were published.
DEVIATION = 0.02


def kernel():
    """Return an initializer of kernels, N(0, 0.02): one for each layer, or they would be equal."""
    return keras.initializers.RandomNormal(stddev=DEVIATION)


def small_kernel():
    """Return an initializer of kernels, a tenth of He's: what residual blocks add starts small."""
    return keras.initializers.VarianceScaling(2 * 0.1**2, "fan_in", "untruncated_normal")


def shape_of(name, value):
    """Return an argument as `(height, width, channels)`, where sides may be `None`.

    Args:
        name: what the argument is called.
        value: what it was given, without the batch axis.

    Raises:
        TypeError: when it is no tuple or list.
        ValueError: when it does not have three numbers, or one is no positive integer.
    """
    if not isinstance(value, (tuple, list)):
        raise TypeError(
            f"Expected `{name}` to be a tuple (height, width, channels), without the batch axis. "
            f"Received: {name}={shown(value)}"
        )
    if len(value) != 3:
        raise ValueError(
            f"Expected `{name}` to be (height, width, channels); a side may be None. "
            f"Received: {name}={shown(value)}"
        )
    sides = (
        side if side is None else arguments.whole(f"{name}[{axis}]", side, other="None")
        for axis, side in enumerate(value[:2])
    )
    return (*sides, arguments.whole(f"{name}[2]", value[2]))


def sized_shape(image_shape, smallest, largest):
    """Return an argument as `(height, width, channels)`, if its sides are within a range.

    Args:
        image_shape: what it was given, without the batch axis.
        smallest: the smallest side.
        largest: the largest side.

    Raises:
        TypeError: when it is no tuple or list.
        ValueError: when it does not have three numbers, or a side is out of range.
    """
    shape = arguments.shape("image_shape", image_shape)
    if len(shape) != 3 or not all(smallest <= side <= largest for side in shape[:2]):
        raise ValueError(
            "`image_shape` must be (height, width, channels) with sides from "
            f"{smallest} to {largest} pixels. Received: image_shape={image_shape}"
        )
    return shape


def channels_of(channels, source_shape):
    """Return the number of channels that a translation has: the source's, if it is not given."""
    return source_shape[2] if channels is None else arguments.whole("channels", channels)


def check_sides(sides, multiple, least, received):
    """Raise for sides that a network can't take, with the nearest ones that it can.

    Args:
        sides: height and width; `None` is not checked.
        multiple: what has to divide them.
        least: the smallest one that it takes.
        received: the argument in words, `name=value`.
    """
    for side in sides:
        if side is None or (side % multiple == 0 and side >= least):
            continue
        below = side // multiple * multiple
        smallest = _smallest(multiple, least)
        nearest = sorted({max(size, smallest) for size in (below, below + multiple)})
        raise ValueError(
            f"Expected {_fitting(multiple, least)}. Nearest to {side}: "
            f"{' and '.join(map(str, nearest))}. Pad, crop or resize. Received: {received}"
        )


def _smallest(multiple, least):
    return -(-least // multiple) * multiple


def _fitting(multiple, least):
    """Return which sides fit, in words."""
    multiples = "" if multiple == 1 else f"that {multiple} divides, "
    return f"sides {multiples}of at least {_smallest(multiple, least)} pixels"


def image_input(name, shape, multiple, least):
    """Return an Input of images, and what it is after the check of sides that are not fixed.

    Args:
        name: that of the input.
        shape: `(height, width, channels)`, with sides that were checked.
        multiple: what has to divide the sides.
        least: the smallest side.
    """
    image = layers.Input(shape, name=name)
    if None not in shape[:2] or (multiple, least) == (1, 1):
        return image, image
    return image, FittingSides(multiple, least, name=f"{name}_sides")(image)


def judged_inputs(image_shape, source_shape, multiple, least):
    """Return a discriminator's inputs, and its images with the source beside them on the channels.

    Args:
        image_shape: `(height, width, channels)` of the images.
        source_shape: the same of the source, or `None` for a discriminator without one.
        multiple: what has to divide the sides.
        least: the smallest side.

    Raises:
        ValueError: when images and source have different sides.
    """
    image, x = image_input("images", image_shape, multiple, least)
    if source_shape is None:
        return image, x
    source_shape = shape_of("source_shape", source_shape)
    if source_shape[:2] != image_shape[:2]:
        raise ValueError(
            "Expected a source of the height and width of the images. Received: "
            f"image_shape={image_shape}, source_shape={source_shape}"
        )
    source = layers.Input(source_shape, name="source")
    return [image, source], layers.Concatenate(name="images_and_source")([x, source])


def output(x, activation="tanh", name="images"):
    """Return a network's images or logits, in float32 under a mixed precision policy too."""
    return layers.Activation(activation, dtype="float32", name=name)(x)


@keras.saving.register_keras_serializable("keras_gan")
class FittingSides(layers.Layer):
    """Refuse images whose sides a network can't take, and return all others as they are.

    Sides that are known before images come are refused with the nearest that fit.

    Args:
        multiple: what has to divide the sides.
        least: the smallest side.
        name: the layer's name.
    """

    def __init__(self, multiple, least=1, name=None, **kwargs):
        # Not in the compute dtype: what passes here may go to the output.
        super().__init__(name=name, autocast=False, **kwargs)
        self.multiple, self.least = multiple, least

    def call(self, images):
        """Return the images."""
        sides = tuple(images.shape[1:3])
        check_sides(sides, self.multiple, self.least, f"images of shape {tuple(images.shape)}")
        if None not in sides:
            return images
        found = tf.shape(images)[1:3]
        fits = tf.reduce_all((found % self.multiple == 0) & (found >= self.least))
        message = f"Expected {_fitting(self.multiple, self.least)}. Received:"
        with tf.control_dependencies([tf.debugging.Assert(fits, [message, found])]):
            return tf.identity(images)

    def compute_output_shape(self, input_shape):
        """Return the shape of the images."""
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "multiple": self.multiple, "least": self.least}


@keras.saving.register_keras_serializable("keras_gan")
class Enlarged(layers.UpSampling2D):
    """`UpSampling2D` by interpolation, in graphs that are traced for any size too.

    Keras's own compares the sides with 0, which such a graph does not know.
    """

    def call(self, inputs):
        """Return the images, their sides longer by the layer's factors."""
        if None not in inputs.shape[1:3]:
            return super().call(inputs)
        sides = tf.shape(inputs)[1:3] * self.size
        return tf.cast(tf.image.resize(inputs, sides, self.interpolation), inputs.dtype)
