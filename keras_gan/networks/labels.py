"""Class labels as an input of a generator and of a discriminator."""

from keras import Input, Model, initializers, layers

from keras_gan.networks.normalization import as_it_is
from keras_gan.utils import arguments

# Of the vectors of labels that stand beside latents, at the start.
SCALE = 0.2
# What a discriminator can make of classes.
HEADS = "projection", "classifier"


def class_count(num_classes):
    """Return `num_classes` as an int of at least 2, or None for unconditional networks."""
    if num_classes is None:
        return None
    return arguments.whole("num_classes", num_classes, least=2)


def head_of(head, num_classes):
    """Return an argument, if it is one of `HEADS` that a discriminator of so many classes has."""
    head = arguments.choice("head", head, HEADS)
    if head == "classifier" and num_classes is None:
        raise ValueError(
            'Expected `num_classes`, the number of classes that `head="classifier"` tells apart. '
            "Received: num_classes=None"
        )
    return head


def label_input():
    """Return the Input of one class label per sample, an integer from 0."""
    return Input((), dtype="int32", name="labels")


def embedding(labels, num_classes, size, initializer=None):
    """Return a learned vector of `size` numbers for each label, by default from N(0, 0.2²).

    Beside latents of N(0, 1). Where both are of one scale a generator learns one image for each
    class, and no use for its latents. Keras's own embeddings, within 0.05 of zero, are lost beside
    them, and labels are followed less often.
    """
    initializer = initializer or initializers.RandomNormal(stddev=SCALE)
    return layers.Embedding(num_classes, size, initializer, name="label_embedding")(labels)


def join_label(latents, labels, num_classes, size):
    """Return the latents with a learned vector of `size` numbers for the label beside them."""
    embedded = embedding(labels, num_classes, size)
    return layers.Concatenate(name="latents_and_label")([latents, embedded])


def one_hot(labels, num_classes):
    """Return labels as one-hot rows."""
    return layers.CategoryEncoding(num_classes, "one_hot", name="one_hot_label")(labels)


def judging(image, features, num_classes, head, normalized, kernel_initializer=None):
    """Return a discriminator that ends in one of `HEADS`.

    Args:
        image: its Input of images.
        features: symbolic vector.
        num_classes: number of classes, or `None`.
        head: with classes, `"projection"`, which needs the label as second input, or
            `"classifier"`, which returns logits of classes beside the logits.
        normalized: function that wraps the layers.
        kernel_initializer: function that returns an initializer for each of them; by default
            Glorot's.

    Reference: [Odena et al., 2017](https://arxiv.org/abs/1610.09585), for the classifier.
    """
    label = label_input() if num_classes and head == "projection" else None
    kernel_initializer = kernel_initializer or initializers.GlorotUniform
    outputs = logits(features, label, num_classes, normalized, True, kernel_initializer)
    if head == "classifier":
        classes = layers.Dense(
            num_classes, kernel_initializer=kernel_initializer(), dtype="float32", name="classes"
        )
        outputs = {"logits": outputs, "classes": normalized(classes)(features)}
    inputs = image if label is None else [image, label]
    return Model(inputs, outputs, name="discriminator")


def logits(
    features,
    labels=None,
    num_classes=None,
    normalized=as_it_is,
    use_bias=True,
    kernel_initializer=initializers.GlorotUniform,
):
    """Return logits of shape (batch, 1) from a vector of features.

    With labels this is the projection head: a linear score of the features, plus the inner
    product of the features with a learned vector for the label.

    Args:
        features: symbolic vector.
        labels: the Input of labels, or `None`.
        num_classes: their number.
        normalized: function that wraps both layers.
        use_bias: whether the linear score has a bias.
        kernel_initializer: function that returns an initializer for each layer.

    Reference: [Miyato & Koyama, 2018](https://arxiv.org/abs/1802.05637).
    """
    # The logits stay in float32 under a mixed precision policy: the losses need their range.
    name = "logits" if labels is None else "score"
    score = layers.Dense(
        1,
        use_bias=use_bias,
        kernel_initializer=kernel_initializer(),
        dtype="float32",
        name=name,
    )
    score = normalized(score)(features)
    if labels is None:
        return score
    embedding = layers.Embedding(
        num_classes,
        features.shape[-1],
        embeddings_initializer=kernel_initializer(),
        dtype="float32",
        name="label_embedding",
    )
    embedded = normalized(embedding)(labels)
    projection = layers.Dot(axes=-1, dtype="float32", name="projection")([embedded, features])
    return layers.Add(dtype="float32", name="logits")([score, projection])
