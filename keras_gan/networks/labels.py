"""Class labels as an input of a generator and of a discriminator."""

from keras import Input, initializers, layers

from keras_gan.networks.normalization import as_it_is
from keras_gan.utils import arguments


def class_count(num_classes):
    """Return `num_classes` as an int of at least 2, or None for unconditional networks."""
    if num_classes is None:
        return None
    return arguments.whole("num_classes", num_classes, least=2)


def label_input():
    """Return the Input of one class label per sample, an integer from 0."""
    return Input((), dtype="int32", name="labels")


def embedding(labels, num_classes, size):
    """Return a learned vector of `size` numbers for each label, at the start of N(0, 1).

    Latents are of that size too. Keras's own embeddings start within 0.05 of zero: beside latents
    the label is then lost, and explains a five-hundredth of what a generator makes of both.
    """
    unit = initializers.RandomNormal(stddev=1.0)
    return layers.Embedding(num_classes, size, unit, name="label_embedding")(labels)


def join_label(latents, labels, num_classes, size):
    """Return the latents with a learned vector of `size` numbers for the label beside them."""
    embedded = embedding(labels, num_classes, size)
    return layers.Concatenate(name="latents_and_label")([latents, embedded])


def one_hot(labels, num_classes):
    """Return labels as one-hot rows."""
    return layers.CategoryEncoding(num_classes, "one_hot", name="one_hot_label")(labels)


def logits(features, labels=None, num_classes=None, normalized=as_it_is, use_bias=True):
    """Return logits of shape (batch, 1) from a vector of features.

    With labels this is the projection head: a linear score of the features, plus the inner
    product of the features with a learned vector for the label.

    Args:
        features: symbolic vector.
        labels: the Input of labels, or `None`.
        num_classes: their number.
        normalized: function that wraps both layers.
        use_bias: whether the linear score has a bias.

    Reference: [Miyato & Koyama, 2018](https://arxiv.org/abs/1802.05637).
    """
    # The logits stay in float32 under a mixed precision policy: the losses need their range.
    name = "logits" if labels is None else "score"
    score = layers.Dense(1, use_bias=use_bias, dtype="float32", name=name)
    score = normalized(score)(features)
    if labels is None:
        return score
    embedding = layers.Embedding(
        num_classes,
        features.shape[-1],
        embeddings_initializer="glorot_uniform",
        dtype="float32",
        name="label_embedding",
    )
    embedded = normalized(embedding)(labels)
    projection = layers.Dot(axes=-1, dtype="float32", name="projection")([embedded, features])
    return layers.Add(dtype="float32", name="logits")([score, projection])
