"""WaveGAN's networks: one-dimensional convolutions for sound and other long series."""

from keras import Input, Model, layers

from keras_gan.layers import PhaseShuffle
from keras_gan.networks import conditions
from keras_gan.networks.normalization import as_it_is
from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown

SLOPE = 0.2
# Steps of the map that the generator begins with, and the stride of each convolution.
SHORT_MAP, STRIDE = 16, 4


def wavegan(
    shape=(16384, 1),
    latent_dim=100,
    width=64,
    kernel_size=25,
    phase_shuffle=2,
    num_classes=None,
    head="projection",
    condition_dim=None,
):
    """Build WaveGAN's generator and discriminator for waveforms.

    The generator lengthens 16 steps of features by transposed convolutions of stride 4 and ends in
    tanh. The discriminator mirrors it; after each of its convolutions but the last, features are
    shifted at random in training (`keras_gan.layers.PhaseShuffle`). Neither normalizes anything.

    The paper's latents are uniform: give `latents=keras_gan.latents.Uniform(100)` to `GAN`. It
    trains with `keras_gan.recipes.wavegan()`.

    | `shape` | weights of both |
    |---|---|
    | `(16384, 1)`, one second at 16 kHz | 19,065,345 and 17,427,969 |
    | `(4096, 1)`, with `width=16`, for CPUs | 476,161 and 271,489 |

    Args:
        shape: `(steps, channels)` of a sample; steps are 16 times a power of 2, from 64 on. Where
            they are no power of 4 times 16, one stride is 2.
        latent_dim: length of the latent vector.
        width: channels beside the waveform; they double at each convolution.
        kernel_size: steps that a convolution spans.
        phase_shuffle: largest shift, in steps of each map of features; 0 for none.
        num_classes: number of classes. When given, the generator takes an integer label in
            `[0, num_classes)` as second input, and with projection the discriminator too.
        head: what the discriminator makes of classes: `"projection"`, or `"classifier"`, which
            tells the class of a sample beside its logit.
        condition_dim: in place of classes, the length of a vector that both networks take as second
            input.

    Returns:
        `(generator, discriminator)`, two Functional `keras.Model`s: `latents -> waveforms` in
        [-1, 1] and `waveforms -> logits` of shape `(batch, 1)`; with classes,
        `[latents, labels] -> waveforms` and `[waveforms, labels] -> logits`, or, of a classifier,
        `waveforms -> {"logits", "classes"}`.

    Raises:
        TypeError: when `shape` is no tuple.
        ValueError: when there are other steps, a size is below 1, `num_classes` is below 2 or given
            with `condition_dim`, `head` is another one, or a classifier has no classes.

    Example:

    >>> generator, discriminator = keras_gan.networks.wavegan((4096, 1), width=16)
    >>> generator.output_shape, discriminator.output_shape
    ((None, 4096, 1), (None, 1))

    Reference: [Donahue et al., 2019](https://arxiv.org/abs/1802.04208), Tables 4 and 5. Classes are
    not in the paper.
    """
    shape = arguments.shape("shape", shape)
    strides = _strides(shape)
    width = arguments.whole("width", width)
    channels = [width * 2**stage for stage in range(len(strides))]
    kernel_size = arguments.whole("kernel_size", kernel_size)
    latent_dim = arguments.whole("latent_dim", latent_dim)
    condition = conditions.chosen(num_classes, condition_dim)
    head = conditions.head_of(head, condition)
    generator = _generator(shape, latent_dim, strides, channels, kernel_size, condition)
    radius = arguments.whole("phase_shuffle", phase_shuffle, least=0)
    return generator, _discriminator(shape, strides, channels, kernel_size, radius, condition, head)


def _strides(shape):
    """Return the strides of the convolutions, the innermost last."""
    steps = shape[0]
    halvings = (steps // SHORT_MAP).bit_length() - 1
    if len(shape) != 2 or halvings < 2 or steps != SHORT_MAP * 2**halvings:
        raise ValueError(
            "Expected `shape`, (steps, channels), whose steps are 16 times a power of 2, from 64 "
            "on: cut series, or fill them up with silence. "
            f"Received: shape={shown(shape)}"
        )
    return [STRIDE] * (halvings // 2) + [2] * (halvings % 2)


def _generator(shape, latent_dim, strides, channels, kernel_size, condition):
    inputs = x = Input((latent_dim,), name="latents")
    if condition:
        inputs = [x, condition.input()]
        x = conditions.joined(*inputs, condition, latent_dim)
    x = layers.Dense(SHORT_MAP * channels[-1])(x)
    x = layers.ReLU()(layers.Reshape((SHORT_MAP, channels[-1]))(x))
    # The stride of 2, if there is one, is at the waveform.
    for size, stride in zip(channels[-2::-1], strides[:-1], strict=True):
        x = layers.Conv1DTranspose(size, kernel_size, stride, "same")(x)
        x = layers.ReLU()(x)
    x = layers.Conv1DTranspose(shape[1], kernel_size, strides[-1], "same")(x)
    outputs = layers.Activation("tanh", dtype="float32", name="waveforms")(x)
    return Model(inputs, outputs, name="generator")


def _discriminator(shape, strides, channels, kernel_size, radius, condition, head):
    waveform = x = Input(shape, name="waveforms")
    for stage, (size, stride) in enumerate(zip(channels, strides, strict=True)):
        x = layers.Conv1D(size, kernel_size, stride, "same")(x)
        x = layers.LeakyReLU(negative_slope=SLOPE)(x)
        if radius and stage < len(channels) - 1:
            x = PhaseShuffle(radius)(x)
    return conditions.judging(waveform, layers.Flatten()(x), condition, head, as_it_is)
