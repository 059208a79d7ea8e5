"""Blocks of StyleGAN2: the mapping network, layers that styles modulate, and halving blocks."""

from keras import Input, Model, layers, ops

from keras_gan.layers import (
    EqualizedConv2D,
    EqualizedDense,
    FIRBlur2D,
    FIRDownsampling2D,
    FIRUpsampling2D,
    ModulatedConv2D,
    NoiseInjection,
    PixelNormalization,
    ScaledLeakyReLU,
)

# Of the weights in mapping networks.
SLOWNESS = 0.01
# Of a block's two branches: their sum has the scale of one.
HALVED_POWER = 0.5**0.5


def mapping(latent_dim, told, size, depth):
    """Return a mapping network, in float32 under every dtype policy.

    Args:
        latent_dim: length of the latent vector, `None` for a network of the condition alone.
        told: length of the condition, such as a label's one-hot row; `None` for a network of
            latents alone.
        size: length of what comes out, and of all between.
        depth: number of layers.

    Returns:
        A model `latents -> styles`, `row -> styles` or `[latents, row] -> styles`. As rows of
        numbers, labels can be mixed.
    """
    inputs, parts = [], []
    if latent_dim:
        inputs.append(Input((latent_dim,), name="mapped_latents"))
        parts.append(PixelNormalization(dtype="float32")(inputs[-1]))
    if told:
        inputs.append(Input((told,), name="mapped_condition"))
        embedded = EqualizedDense(size, dtype="float32", name="condition_embedding")(inputs[-1])
        parts.append(PixelNormalization(dtype="float32")(embedded))
    x = layers.Concatenate(dtype="float32")(parts) if len(parts) > 1 else parts[0]
    for i in range(1, depth + 1):
        dense = EqualizedDense(size, lr_multiplier=SLOWNESS, dtype="float32", name=f"dense_{i}")
        x = ScaledLeakyReLU(dtype="float32")(dense(x))
    return Model(inputs if len(inputs) > 1 else inputs[0], x, name="mapping")


class Noise:
    """What the noise of a generator's layers comes from, layer by layer.

    Args:
        sides: of the maps of all layers that have noise, in their order.
        kind: `"constant"`, `"latents"` or `None`.

    Attributes:
        size: length of the vector that holds all maps, where noise comes from latents.
    """

    def __init__(self, sides, kind):
        self.kind = kind
        self.size = sum(side * side for side in sides)
        self._maps = None
        self._sides = sides

    def take(self, vector):
        """Cut the maps out of one vector for each sample."""
        ends = [sum(side * side for side in self._sides[:i]) for i in range(1, len(self._sides))]
        flat = ops.split(vector, ends, axis=1)
        self._maps = [
            layers.Reshape((side, side, 1))(part)
            for side, part in zip(self._sides, flat, strict=True)
        ]

    def added(self, x, name):
        """Return features with the next map of noise."""
        if self.kind is None:
            return x
        inputs = x if self.kind == "constant" else [x, self._maps.pop(0)]
        return NoiseInjection(name=name)(inputs)


def modulated(x, style, filters, noise, name, upsampling=False):
    """Return features behind one layer of a generator."""
    x = ModulatedConv2D(filters, 3, upsampling=upsampling, name=f"{name}_conv")([x, style])
    return ScaledLeakyReLU()(noise.added(x, f"{name}_noise"))


def painted(image, x, style, channels, name):
    """Return the image of features, on what the image of half the sides was enlarged to."""
    colors = ModulatedConv2D(channels, 1, demodulate=False, name=name)([x, style])
    if image is None:
        return colors
    # Sums of many colors, in float32 under a mixed precision policy too.
    return layers.Add(dtype="float32")([FIRUpsampling2D(dtype="float32")(image), colors])


def convolved(x, filters, name, side=3):
    """Return features behind one convolution of a discriminator."""
    return ScaledLeakyReLU()(EqualizedConv2D(filters, side, name=name)(x))


def halved(x, filters, residual, name):
    """Return features of half the sides: of two convolutions, with a shortcut if residual."""
    shortcut, x = x, convolved(x, x.shape[-1], f"{name}_conv_1")
    x = FIRBlur2D(padding=2)(x)
    smaller = EqualizedConv2D(filters, 3, strides=2, padding="valid", name=f"{name}_conv_2")
    x = ScaledLeakyReLU()(smaller(x))
    if not residual:
        return x
    straight = EqualizedConv2D(filters, 1, use_bias=False, name=f"{name}_shortcut")
    both = layers.Add()([straight(FIRDownsampling2D()(shortcut)), x])
    return layers.Rescaling(HALVED_POWER)(both)
