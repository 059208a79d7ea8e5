"""The networks of BigGAN: labels and parts of the latents in every block of the generator."""

from keras import initializers, layers, ops

from keras_gan.layers import ConditionalBatchNormalization
from keras_gan.networks import conditions, images, resnet_blocks
from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown

LARGEST = 256
INITIALIZERS = {
    "orthogonal": initializers.Orthogonal,
    "normal": images.kernel,
}
# By how often the generator doubles its first map, of images above 32 pixels: channels after each
# of its blocks, the first map having as many as after the first, and of the discriminator's maps.
GENERATED = {3: (8, 4, 2), 4: (16, 8, 4, 2), 5: (16, 8, 4, 2, 1), 6: (16, 8, 8, 4, 2, 1)}
JUDGED = {3: (1, 2, 4, 8), 4: (1, 2, 4, 8, 16), 5: (1, 2, 4, 8, 16, 16), 6: (1, 2, 4, 8, 8, 16, 16)}
# Of smaller ones all maps have this.
EVEN = 4


def biggan(
    image_shape,
    latent_dim=120,
    width=16,
    discriminator_width=None,
    num_classes=None,
    head="projection",
    hierarchical=True,
    embedding_dim=128,
    attention=None,
    initializer="orthogonal",
    condition_dim=None,
):
    """Build BigGAN's generator and discriminator.

    They are chains of residual blocks, spectrally normalized in both networks. The latents are cut
    into one part for the first map and one for each block. The generator embeds the label once, and
    each of its blocks normalizes by this vector and its own part of the latents, as
    `keras_gan.layers.ConditionalBatchNormalization` does; its last normalization is a plain one.
    The discriminator uses the label by projection.

    The paper's form for ImageNet is
    `biggan((128, 128, 3), width=96, num_classes=1000, attention=64)`, 70,433,988 and 87,982,370
    weights that are trained. Its authors' form for CIFAR-10 is `biggan((32, 32, 3), 128, 64,
    num_classes=10, hierarchical=False, initializer="normal")`, 4,304,387 and 4,207,361; StudioGAN's
    `biggan((32, 32, 3), 80, 96, num_classes=10, attention=16)`, 9,416,196 and 9,641,090. On a CPU,
    for 32 pixels: `biggan((32, 32, 3), 80, num_classes=10, embedding_dim=32, attention=16)`,
    302,788 and 270,530.

    Classes can be mixed, by a network that takes the embedded label. Make it of a copy: Keras can
    no longer save a network that another one branches off.

    ```python
    generator, _ = keras_gan.networks.biggan((8, 8, 1), width=2, num_classes=10)
    copy = keras.models.clone_model(generator)
    copy.set_weights(generator.get_weights())
    embedding = copy.get_layer("label_embedding")
    mixing = keras.Model([copy.inputs[0], embedding.output], copy.output)
    ```

    Args:
        image_shape: `(height, width, channels)`, with sides from 8 to 256 pixels that halve evenly
            to a map whose smaller side has 4 to 7: such as 28, 32, 48, 64, 96, 128 and 256.
        latent_dim: length of the latent vector. A hierarchical one is cut to the nearest multiple
            of its parts below.
        width: channels per unit of the paper's tables. Images up to 32 pixels have 4 times as many
            in all maps, larger ones 1 to 16 times as many.
        discriminator_width: the same for the discriminator; by default `width`.
        num_classes: number of classes. When given, the generator takes an integer label in
            `[0, num_classes)` as second input, and with projection the discriminator too.
        head: what the discriminator makes of classes: `"projection"`, or `"classifier"`, which
            tells the class of an image beside its logit, as in AC-GAN.
        hierarchical: whether every block sees a part of the latents, and the embedded label is
            shared. Otherwise the first map is made of all latents, and each normalization has a
            scale and an offset for each class.
        embedding_dim: length of the embedded label, where it is shared.
        attention: side of the maps behind which `keras_gan.layers.SelfAttention` stands, the
            smaller side where they differ, or `None`.
        initializer: of all kernels and embeddings: `"orthogonal"`, or `"normal"`, N(0, 0.02).
        condition_dim: in place of classes, the length of a vector that both networks take as second
            input: attributes, or an embedding. A linear function of it stands where a label's
            learned vector would.

    Returns:
        `(generator, discriminator)`, two Functional `keras.Model`s: `latents -> images` in
        [-1, 1] and `images -> logits` of shape `(batch, 1)`; with classes,
        `[latents, labels] -> images` and `[images, labels] -> logits`, or, of a classifier,
        `images -> {"logits", "classes"}`, whose classes are logits of shape
        `(batch, num_classes)`.

    Raises:
        TypeError: when a shape is no tuple, or `hierarchical` no flag.
        ValueError: when a side is outside 8 to 256 or does not halve evenly (the nearest that do
            are named), a size is below 1, there are fewer latents than parts, `num_classes` is
            below 2 or given with `condition_dim`, no map has the side `attention`, `head` or
            `initializer` is another one, or a classifier has no classes.

    Example:

    >>> generator, discriminator = keras_gan.networks.biggan((32, 32, 3), width=4, num_classes=10)
    >>> generator.output_shape, discriminator.output_shape
    ((None, 32, 32, 3), (None, 1))

    Reference: [Brock et al., 2019](https://arxiv.org/abs/1809.11096), Appendix B, by its authors'
    code.
    """
    shape = images.sized_shape(image_shape, resnet_blocks.SMALLEST, LARGEST)
    condition = conditions.chosen(num_classes, condition_dim)
    head = conditions.head_of(head, condition)
    hierarchical = arguments.flag("hierarchical", hierarchical)
    embedding_dim = arguments.whole("embedding_dim", embedding_dim)
    kernel = INITIALIZERS[arguments.choice("initializer", initializer, INITIALIZERS)]
    widths, judged, halved = _widths(shape, *resnet_blocks.both_widths(width, discriminator_width))
    blocks = len(widths) - 1
    attention = _attended(attention, shape, blocks, halved)
    latent_dim = _latent_dim(latent_dim, blocks, hierarchical)
    style = resnet_blocks.Style(
        within=kernel, beside=kernel, normalizes_generator=True, wide=True, epsilon=1e-5
    )
    latents = layers.Input((latent_dim,), name="latents")
    given = condition.input() if condition else None
    if hierarchical:
        embedded = condition.table(embedding_dim, kernel())(given) if condition else None
        first, normalizations = _by_parts(latents, embedded, blocks, style)
    else:
        first = latents
        normalize = resnet_blocks.batch_normalization(style, given, condition, style.beside)
        normalizations = [normalize] * blocks
    inputs = [latents, given] if condition else latents
    generator = resnet_blocks.generator(
        shape, inputs, first, widths, normalizations, style, attention
    )
    return generator, resnet_blocks.discriminator(
        shape, judged, halved, style, condition, head, attention
    )


def _widths(shape, width, discriminator_width):
    """Return the channels of both networks' maps, and how many of the last network's halve."""
    if min(shape[:2]) <= resnet_blocks.EVEN_WIDTH:
        return resnet_blocks.even_widths(shape, EVEN * width, EVEN * discriminator_width)
    doublings = resnet_blocks.doublings(shape)
    made = [width * size for size in GENERATED[doublings]]
    judged = [discriminator_width * size for size in JUDGED[doublings]]
    return [made[0], *made], judged, doublings


def _latent_dim(latent_dim, blocks, hierarchical):
    """Return how many latents there are."""
    if not hierarchical:
        return arguments.whole("latent_dim", latent_dim)
    parts = blocks + 1
    return arguments.whole("latent_dim", latent_dim, least=parts) // parts * parts


def _attended(attention, shape, blocks, halved):
    """Return `attention`, if both networks have maps of this side, which are even."""
    if attention is None:
        return None
    side = min(shape[:2])
    made = {side >> stage for stage in range(blocks)}
    seen = {side >> stage for stage in range(1, halved + 1)}
    times = [(side // each, each) for each in sorted(made & seen)]
    fitting = [each for scale, each in times if not any(x // scale % 2 for x in shape[:2])]
    if isinstance(attention, bool) or attention not in fitting:
        raise ValueError(
            "Expected `attention` to be None or the side of maps that both networks have and that "
            f"is even, for this shape one of {fitting}. Received: attention={shown(attention)}, "
            f"image_shape={shape}"
        )
    return attention


def _by_parts(latents, embedded, blocks, style):
    """Return what the first map is made of, and what normalizes by the label and other parts."""
    first, *parts = ops.split(latents, blocks + 1, axis=-1)
    conditions = parts
    if embedded is not None:
        conditions = [layers.Concatenate()([embedded, part]) for part in parts]

    def normalization(condition):
        def normalize(x):
            return ConditionalBatchNormalization(
                None, resnet_blocks.MOMENTUM, style.epsilon, style.beside(), spectral_norm=True
            )([x, condition])

        return normalize

    return first, [normalization(condition) for condition in conditions]
