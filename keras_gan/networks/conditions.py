"""What generators and discriminators are told beside latents and samples: a label or a vector."""

from keras import Input, Model, initializers, layers

from keras_gan.networks.normalization import as_it_is
from keras_gan.utils import arguments

# Of the learned vectors that stand beside latents, at the start.
SCALE = 0.2
# What a discriminator can make of classes.
HEADS = "projection", "classifier"


class Label:
    """One of some classes, an integer from 0.

    Args:
        num_classes: their number.

    Attributes:
        num_classes: their number.
        size: length of `row`.
    """

    def __init__(self, num_classes):
        self.num_classes = self.size = arguments.whole("num_classes", num_classes, least=2)

    def input(self):
        """Return the Input of one label per sample."""
        return Input((), dtype="int32", name="labels")

    def row(self, label):
        """Return the label as a vector, one-hot."""
        return layers.CategoryEncoding(self.num_classes, "one_hot", name="one_hot_label")(label)

    def table(self, size, initializer, **options):
        """Return the layer of a learned vector of `size` numbers for each class."""
        options = {"name": "label_embedding", **options}
        return layers.Embedding(self.num_classes, size, initializer, **options)

    def beside_latents(self):
        """Return the initializer of a table whose vectors stand beside latents of N(0, 1).

        Where both are of one scale a generator learns one image for each class, and no use for its
        latents. Keras's own embeddings, within 0.05 of zero, are lost beside them, and labels are
        followed less often.
        """
        return initializers.RandomNormal(stddev=SCALE)


class Vector:
    """Attributes, an embedding of a text, or whatever else is a vector.

    Args:
        condition_dim: its length.

    Attributes:
        num_classes: `None`.
        size: its length.
    """

    num_classes = None

    def __init__(self, condition_dim):
        self.size = arguments.whole("condition_dim", condition_dim)

    def input(self):
        """Return the Input of one vector per sample."""
        return Input((self.size,), name="condition")

    def row(self, vector):
        """Return the vector."""
        return vector

    def table(self, size, initializer, **options):
        """Return the layer of a linear function to `size` numbers."""
        options = {"name": "condition_embedding", **options}
        return layers.Dense(size, use_bias=False, kernel_initializer=initializer, **options)

    def beside_latents(self):
        """Return the initializer with which vectors of N(0, 1) count as much as labels."""
        return initializers.VarianceScaling(SCALE**2, "fan_in", "untruncated_normal")


def chosen(num_classes, condition_dim):
    """Return the `Label` or the `Vector` that networks are to be told, `None` for neither."""
    if num_classes is not None and condition_dim is not None:
        raise ValueError(
            "Expected `num_classes`, for labels, or `condition_dim`, for vectors. Put one-hot "
            "labels and attributes into one vector to give both. "
            f"Received: num_classes={arguments.shown(num_classes)}, "
            f"condition_dim={arguments.shown(condition_dim)}"
        )
    if num_classes is not None:
        return Label(num_classes)
    return None if condition_dim is None else Vector(condition_dim)


def head_of(head, condition):
    """Return an argument, if it is one of `HEADS` that a discriminator so told can have."""
    head = arguments.choice("head", head, HEADS)
    if head == "classifier" and (condition is None or not condition.num_classes):
        raise ValueError(
            'Expected `num_classes`, the number of classes that `head="classifier"` tells apart. '
            "Received: num_classes=None"
        )
    return head


def joined(latents, given, condition, size):
    """Return the latents with `size` numbers beside them that are learned for the condition.

    Args:
        latents: symbolic vector.
        given: the condition's Input.
        condition: `Label` or `Vector`.
        size: how many numbers.
    """
    embedded = condition.table(size, condition.beside_latents())(given)
    return layers.Concatenate(name="latents_and_condition")([latents, embedded])


def judging(image, features, condition, head, normalized, kernel_initializer=None):
    """Return a discriminator that ends in one of `HEADS`.

    Args:
        image: its Input of images.
        features: symbolic vector.
        condition: `Label`, `Vector` or `None`.
        head: with a condition, `"projection"`, which needs it as second input, or `"classifier"`,
            which returns logits of classes beside the logits.
        normalized: function that wraps the layers.
        kernel_initializer: function that returns an initializer for each of them; by default
            Glorot's.

    Reference: [Odena et al., 2017](https://arxiv.org/abs/1610.09585), for the classifier.
    """
    given = condition.input() if condition and head == "projection" else None
    kernel_initializer = kernel_initializer or initializers.GlorotUniform
    outputs = logits(features, given, condition, normalized, kernel_initializer)
    if head == "classifier":
        classes = layers.Dense(
            condition.num_classes,
            kernel_initializer=kernel_initializer(),
            dtype="float32",
            name="classes",
        )
        outputs = {"logits": outputs, "classes": normalized(classes)(features)}
    inputs = image if given is None else [image, given]
    return Model(inputs, outputs, name="discriminator")


def logits(
    features,
    given=None,
    condition=None,
    normalized=as_it_is,
    kernel_initializer=initializers.GlorotUniform,
):
    """Return logits of shape (batch, 1) from a vector of features.

    With a condition this is the projection head: a linear score of the features, plus the inner
    product of the features with a vector that is learned for the condition.

    Args:
        features: symbolic vector.
        given: the condition's Input, or `None`.
        condition: `Label` or `Vector`.
        normalized: function that wraps both layers.
        kernel_initializer: function that returns an initializer for each layer.

    Reference: [Miyato & Koyama, 2018](https://arxiv.org/abs/1802.05637).
    """
    # The logits stay in float32 under a mixed precision policy: the losses need their range.
    name = "logits" if given is None else "score"
    score = layers.Dense(1, kernel_initializer=kernel_initializer(), dtype="float32", name=name)
    score = normalized(score)(features)
    if given is None:
        return score
    table = condition.table(features.shape[-1], kernel_initializer(), dtype="float32")
    embedded = normalized(table)(given)
    projection = layers.Dot(axes=-1, dtype="float32", name="projection")([embedded, features])
    return layers.Add(dtype="float32", name="logits")([score, projection])
