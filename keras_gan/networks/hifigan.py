"""HiFi-GAN's networks: a vocoder, and the eight heads that judge its waveforms."""

import keras
import tensorflow as tf
from keras import Input, Model, layers

from keras_gan.layers import GroupedConv2D, SpectralNormalization, WeightNormalization
from keras_gan.networks import activations
from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown

SLOPE = 0.1
# Of the generator's last activation, which its authors left at PyTorch's default.
LAST_SLOPE = 0.01
DEVIATION = 0.01
# Kernel and dilations of each stack of residual convolutions.
STACKS = (3, (1, 3, 5)), (7, (1, 3, 5)), (11, (1, 3, 5))
# Of a head's convolutions: channels as divisors of the widest, and strides.
_PERIOD = (32, 3), (8, 3), (2, 3), (1, 3), (1, 1)
# Channels as divisors of the widest, kernels, groups and strides.
_SCALE = (
    (8, 15, 1, 1),
    (8, 41, 4, 2),
    (4, 41, 16, 2),
    (2, 41, 16, 4),
    (1, 41, 16, 4),
    (1, 41, 16, 1),
    (1, 5, 1, 1),
)
_LEAST_WIDTH = 128


def hifigan(
    num_mel_bins=80,
    rates=(8, 8, 2, 2),
    width=512,
    stacks=STACKS,
    convolutions=2,
    periods=(2, 3, 5, 7, 11),
    scales=3,
    discriminator_width=1024,
):
    """Build HiFi-GAN's generator and discriminator: spectrograms to waveforms.

    The generator lengthens its input by transposed convolutions, and has the mean of some stacks of
    residual convolutions behind each, every one with a span of its own. Each head of the
    discriminator sees every second, third, ... step as a row of a picture (`periods`), or the
    waveform at one resolution (`scales`). All kernels are normalized by
    `keras_gan.layers.WeightNormalization`; those of the first scale are spectrally normalized.

    Both take sounds of any length. The inputs are frames of `prod(rates)` steps each, such as
    `keras_gan.layers.LogMelSpectrogram(sequence_stride=256)` makes them.

    | form | call | weights of the generator |
    |---|---|---|
    | V1 | `hifigan()` | 13,926,017 |
    | V2 | `hifigan(width=128)` | 925,985 |
    | V3 | `hifigan(80, (8, 8, 4), 256, ((3, (1, 2)), (5, (2, 6)), (7, (3, 12))), 1)` | 1,462,273 |

    The discriminator has 70,702,792. These are kernels and biases, as they are counted once a
    network is trained and the lengths of its kernels are multiplied in; while it is trained there
    is one number more for each output channel.

    Args:
        num_mel_bins: numbers in a frame.
        rates: how many times longer each transposed convolution makes its input.
        width: channels of the first convolution, which each rate halves.
        stacks: `(kernel size, dilations)` of each stack of residual convolutions.
        convolutions: in each residual block, 1 or 2; the second has no dilation.
        periods: of the discriminator's heads.
        scales: number of its heads that see the waveform, half as fast from one to the next.
        discriminator_width: its widest convolution; 128 or a multiple.

    Returns:
        `(generator, discriminator)`, two Functional `keras.Model`s: `frames -> waveforms`, from
        `(batch, frames, num_mel_bins)` to `(batch, steps, 1)` in [-1, 1]; and `waveforms ->
        logits`, a list with a tensor of every head.

    Raises:
        TypeError: when an argument is no number, or no list of numbers.
        ValueError: when one is out of range, or `width` can't be halved so often.

    Example:

    >>> generator, discriminator = keras_gan.networks.hifigan(
    ...     64, (8, 4, 4), 64, periods=(2, 3, 5), scales=1, discriminator_width=128
    ... )
    >>> generator(keras.KerasTensor((8, 32, 64))).shape
    (8, 4096, 1)

    Reference: [Kong et al., 2020](https://arxiv.org/abs/2010.05646), Section 2, Appendix A, and its
    code.
    """
    bins = arguments.whole("num_mel_bins", num_mel_bins)
    rates = _numbers("rates", rates)
    width = arguments.whole("width", width)
    if width % 2 ** len(rates):
        raise ValueError(
            f"Expected `width` to be halved {len(rates)} times, once for each of `rates`: a "
            f"multiple of {2 ** len(rates)}. Received: width={width}"
        )
    convolutions = arguments.choice("convolutions", convolutions, (1, 2))
    generator = _generator(bins, rates, width, _stacks(stacks), convolutions)
    periods, scales = _numbers("periods", periods), arguments.whole("scales", scales, least=0)
    widest = arguments.whole("discriminator_width", discriminator_width)
    if widest % _LEAST_WIDTH:
        raise ValueError(
            f"Expected `discriminator_width` to be a multiple of {_LEAST_WIDTH}, by which its "
            f"groups of channels are even. Received: discriminator_width={widest}"
        )
    return generator, _discriminator(periods, scales, widest)


def _numbers(name, value):
    if not isinstance(value, (tuple, list)) or not value:
        raise TypeError(
            f"Expected `{name}` to be a tuple of positive integers. Received: {name}={shown(value)}"
        )
    return [arguments.whole(f"{name}[{place}]", each) for place, each in enumerate(value)]


def _stacks(stacks):
    if not isinstance(stacks, (tuple, list)) or not all(
        isinstance(stack, (tuple, list)) and len(stack) == 2 for stack in stacks
    ):
        raise TypeError(
            "Expected `stacks` to be a tuple of (kernel size, dilations), such as "
            f"((3, (1, 3, 5)), (7, (1, 3, 5))). Received: stacks={shown(stacks)}"
        )
    return [
        (arguments.whole("kernel size", kernel), _numbers("dilations", dilations))
        for kernel, dilations in stacks
    ]


def _generator(bins, rates, width, stacks, convolutions):
    frames = Input((None, bins), name="frames")
    # The ends are of PyTorch's own initializer, the middle of N(0, 0.01).
    x = WeightNormalization(layers.Conv1D(width, 7, padding="same"))(frames)
    for stage, rate in enumerate(rates, 1):
        size = width // 2**stage
        x = layers.LeakyReLU(negative_slope=SLOPE)(x)
        x = WeightNormalization(
            layers.Conv1DTranspose(size, 2 * rate, rate, "same", kernel_initializer=_kernel())
        )(x)
        copies = Copies(len(stacks))(x)
        sides = [
            _stack(copy, size, *stack, convolutions)
            for copy, stack in zip(copies, stacks, strict=True)
        ]
        x = layers.Average()(sides) if len(sides) > 1 else sides[0]
    x = layers.LeakyReLU(negative_slope=LAST_SLOPE)(x)
    last = layers.Conv1D(1, 7, padding="same", kernel_initializer=_kernel())
    x = WeightNormalization(last)(x)
    return Model(frames, layers.Activation("tanh", dtype="float32", name="waveforms")(x))


def _stack(x, size, kernel, dilations, convolutions):
    for dilation in dilations:
        y = x
        for of_this in (dilation, *[1] * (convolutions - 1)):
            y = layers.LeakyReLU(negative_slope=SLOPE)(y)
            options = {"dilation_rate": of_this, "kernel_initializer": _kernel()}
            y = WeightNormalization(layers.Conv1D(size, kernel, padding="same", **options))(y)
        x = layers.Add()([x, y])
    return x


def _kernel():
    return keras.initializers.RandomNormal(stddev=DEVIATION)


def _discriminator(periods, scales, widest):
    waveform = Input((None, 1), name="waveforms")
    *copies, x = Copies(len(periods) + 1)(waveform)
    heads = [
        _period_head(copy, period, widest) for copy, period in zip(copies, periods, strict=True)
    ]
    for scale in range(scales):
        if scale:
            x = layers.AveragePooling1D(4, 2)(layers.ZeroPadding1D(2)(x))
        heads.append(
            _scale_head(x, widest, WeightNormalization if scale else SpectralNormalization)
        )
    return Model(waveform, heads, name="discriminator")


def _period_head(x, period, widest):
    x = Folded(period)(x)
    for divisor, stride in _PERIOD:
        x = layers.ZeroPadding2D(((2, 2), (0, 0)))(x)
        x = WeightNormalization(layers.Conv2D(widest // divisor, (5, 1), (stride, 1)))(x)
        x = activations.LeakyReLU(negative_slope=SLOPE)(x)
    return _logits(x, WeightNormalization)


def _scale_head(x, widest, normalized):
    x = Folded(1)(x)
    for divisor, kernel, groups, stride in _SCALE:
        x = layers.ZeroPadding2D(((kernel // 2, kernel // 2), (0, 0)))(x)
        convolution = GroupedConv2D(widest // divisor, (kernel, 1), stride, groups=groups)
        x = activations.LeakyReLU(negative_slope=SLOPE)(normalized(convolution)(x))
    return _logits(x, normalized)


def _logits(x, normalized):
    x = normalized(layers.Conv2D(1, (3, 1), padding="same"))(x)
    return layers.Activation("linear", dtype="float32")(x)


@keras.saving.register_keras_serializable("keras_gan")
class Folded(layers.Layer):
    """Let steps that lie one period apart be a column: `(rows, period)` from a waveform.

    A waveform whose length is no multiple of the period is extended by reflection.

    Args:
        period: steps in a row.
        name: the layer's name.
    """

    def __init__(self, period, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.period = period

    def call(self, waveforms):
        """Return maps of shape `(batch, rows, period, 1)`."""
        missing = -tf.shape(waveforms)[1] % self.period
        x = tf.pad(waveforms, ((0, 0), (0, missing), (0, 0)), "REFLECT")
        x = tf.reshape(x, (tf.shape(x)[0], -1, self.period, 1))
        return tf.ensure_shape(x, self.compute_output_shape(waveforms.shape))

    def compute_output_shape(self, input_shape):
        """Return the shape of the maps."""
        steps = input_shape[1]
        rows = None if steps is None else -(-steps // self.period)
        return input_shape[0], rows, self.period, 1

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "period": self.period}


@keras.saving.register_keras_serializable("keras_gan")
class Copies(layers.Layer):
    """A list of copies of a tensor, whose gradients are always added in one order.

    TensorFlow adds three or more gradients of one tensor in an order that depends on which of their
    buffers it may reuse, so that two trainings from one state could differ by a rounding. The
    gradient of a stack of copies is a sum along its axis.

    Args:
        number: of copies.
        name: the layer's name.
    """

    def __init__(self, number, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.number = number

    def call(self, x):
        """Return the copies."""
        return tf.unstack(tf.tile(x[None], [self.number] + [1] * len(x.shape)))

    def compute_output_shape(self, input_shape):
        """Return the shapes of the copies."""
        return [tuple(input_shape)] * self.number

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "number": self.number}
