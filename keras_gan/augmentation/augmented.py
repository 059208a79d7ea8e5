"""The augmented view of samples and conditions that the discriminator has in training."""

from keras_gan.augmentation.augmentation import following
from keras_gan.utils import nests


class Augmented:
    """Layers that samples, real and generated alike, pass on their way to the discriminator.

    Args:
        layers: list of Keras layers.
        judged: whether the discriminator is shown the condition too.

    Attributes:
        layers: the layers.
        following: the augmentations among them, and in them, that follow training.
    """

    def __init__(self, layers, judged=False):
        self.layers = layers
        self.judged = judged
        self.following = following(layers)

    def __call__(self, samples, condition=None):
        """Return samples and condition as the discriminator sees them in training.

        Args:
            samples: nest of samples, each part transformed by itself.
            condition: their condition, or `None`.
        """
        return self.by(self.layers, samples, condition)

    def by(self, layers, samples, condition):
        """Return samples and condition transformed by other layers; see `__call__`."""
        for layer in layers:
            samples = nests.map(lambda part: layer(part, training=True), samples)  # noqa: B023
        return samples, condition
