"""Class labels as an input of a generator and of a discriminator."""

from keras import Input, layers

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


def join_label(latents, labels, num_classes, size):
    """Return the latents with a learned vector of `size` numbers for the label beside them."""
    embedded = layers.Embedding(num_classes, size, name="label_embedding")(labels)
    return layers.Concatenate(name="latents_and_label")([latents, embedded])


def logits(features, labels=None, num_classes=None, normalized=as_it_is):
    """Return logits of shape (batch, 1) from a vector of features.

    With labels this is the projection head: a linear score of the features, plus the inner
    product of the features with a learned vector for the label. `normalized` wraps both layers.

    Reference: [Miyato & Koyama, 2018](https://arxiv.org/abs/1802.05637).
    """
    # The logits stay in float32 under a mixed precision policy: the losses need their range.
    score = layers.Dense(1, dtype="float32", name="logits" if labels is None else "score")
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
