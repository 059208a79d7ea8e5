"""Fully connected networks: for vectors, toy distributions and anything small."""

import math

from keras import Input, Model, layers

from keras_gan.networks import conditions, normalization
from keras_gan.utils import arguments

SLOPE = 0.2


def mlp(
    sample_shape,
    latent_dim=16,
    width=64,
    depth=2,
    num_classes=None,
    dropout=0.0,
    output_activation="linear",
    spectral_norm=False,
    condition_dim=None,
):
    """Build a fully connected generator and discriminator.

    Both are stacks of `depth` Dense layers with leaky ReLU. The generator maps latents to
    samples; the discriminator maps samples to logits and normalizes nothing over the batch, so
    that gradient penalties and per-sample losses mean what they say.

    Args:
        sample_shape: shape of one sample without the batch axis, such as `(2,)`; an integer
            means a vector of that length. Samples of higher rank are flattened.
        latent_dim: length of the latent vector.
        width: units in each hidden layer.
        depth: hidden layers in each network.
        num_classes: number of classes. When given, both networks take an integer label in
            `[0, num_classes)` as second input; the discriminator uses it by projection.
        dropout: fraction of the discriminator's hidden units dropped in training.
        output_activation: activation of the generator's output: `"linear"` for data without
            bounds, `"tanh"` for data in [-1, 1].
        spectral_norm: whether the discriminator's layers are wrapped in
            `keras_gan.layers.SpectralNormalization`.
        condition_dim: in place of classes, the length of a vector that both networks take as second
            input: attributes, or an embedding. A linear function of it stands where a label's
            learned vector would.

    Returns:
        `(generator, discriminator)`, two Functional `keras.Model`s: `latents -> samples` and
        `samples -> logits` of shape `(batch, 1)`; with classes, `[latents, labels] -> samples`
        and `[samples, labels] -> logits`.

    Raises:
        TypeError: when a shape is no tuple, or `dropout` no number.
        ValueError: when a size is below 1, `num_classes` below 2, or given
            with `condition_dim`, or `dropout` outside [0, 1).

    Example:

    >>> generator, discriminator = keras_gan.networks.mlp((2,), latent_dim=8)
    >>> generator.output_shape, discriminator.output_shape
    ((None, 2), (None, 1))

    Reference: projection in the discriminator,
    [Miyato & Koyama, 2018](https://arxiv.org/abs/1802.05637); `spectral_norm`,
    [Miyato et al., 2018](https://arxiv.org/abs/1802.05957).
    """
    sample_shape = arguments.shape("sample_shape", sample_shape)
    latent_dim = arguments.whole("latent_dim", latent_dim)
    units = [arguments.whole("width", width)] * arguments.whole("depth", depth)
    condition = conditions.chosen(num_classes, condition_dim)
    dropout = arguments.number("dropout", dropout, below=1)
    generator = _generator(sample_shape, latent_dim, units, condition, output_activation)
    normalized = normalization.wrapper(spectral_norm)
    return generator, _discriminator(sample_shape, units, condition, dropout, normalized)


def _generator(sample_shape, latent_dim, units, condition, output_activation):
    inputs = x = Input((latent_dim,), name="latents")
    if condition:
        inputs = [x, condition.input()]
        x = conditions.joined(*inputs, condition, latent_dim)
    for size in units:
        x = layers.LeakyReLU(negative_slope=SLOPE)(layers.Dense(size)(x))
    x = layers.Dense(math.prod(sample_shape))(x)
    if len(sample_shape) > 1:
        x = layers.Reshape(sample_shape)(x)
    outputs = layers.Activation(output_activation, dtype="float32", name="samples")(x)
    return Model(inputs, outputs, name="generator")


def _discriminator(sample_shape, units, condition, dropout, normalized):
    inputs = x = Input(sample_shape, name="samples")
    given = None
    if condition:
        given = condition.input()
        inputs = [x, given]
    if len(sample_shape) > 1:
        x = layers.Flatten()(x)
    for size in units:
        x = layers.LeakyReLU(negative_slope=SLOPE)(normalized(layers.Dense(size))(x))
        if dropout:
            x = layers.Dropout(dropout)(x)
    return Model(inputs, conditions.logits(x, given, condition, normalized), name="discriminator")
