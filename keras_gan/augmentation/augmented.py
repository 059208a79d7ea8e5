"""The augmented view of samples and conditions that the discriminator has in training."""

from keras_gan.augmentation.augmentation import Augmentation, following
from keras_gan.augmentation.together import check_sizes, is_geometric, is_image, together
from keras_gan.utils import nests
from keras_gan.utils.keras_internals import layers_within


class Augmented:
    """Layers that samples, real and generated alike, pass on their way to the discriminator.

    Layers that move pixels move all images of a sample by the same draw: its parts, and the image
    conditions that the discriminator is shown with it.

    Args:
        layers: list of Keras layers.
        condition: the model's `Condition`, or `None` where the discriminator sees samples alone.

    Attributes:
        layers: the layers.
        following: the augmentations among them, and in them, that follow training.
    """

    def __init__(self, layers, condition=None):
        self.layers = layers
        self.following = following(layers)
        self._condition = condition

    def __call__(self, samples, condition=None):
        """Return samples and condition as the discriminator sees them in training.

        Args:
            samples: nest of samples.
            condition: their condition, or `None`.
        """
        return self.by(self.layers, samples, condition)

    def by(self, layers, samples, condition):
        """Return samples and condition transformed by other layers; see `__call__`."""
        if not layers:
            return samples, condition
        parts, seen = nests.leaves(samples), self._seen(condition)
        shown = nests.leaves(seen)
        places = [place for place, part in enumerate(shown) if is_image(part)]
        images = [shown[place] for place in places]
        for layer in layers:
            parts, images = together(layer, parts, images)
        samples = nests.pack_as(samples, parts)
        if not places:
            return samples, condition
        for place, image in zip(places, images, strict=True):
            shown[place] = image
        seen = nests.pack_as(seen, shown)
        return samples, self._condition.replaced("discriminator", condition, seen)

    def _seen(self, condition):
        """Return the parts of a condition that the discriminator is shown."""
        if condition is None or self._condition is None or not self._condition.judged:
            return ()
        return self._condition.seen_by("discriminator", condition)

    def check(self, signature):
        """Raise what the networks' signature tells of data that the layers can't transform.

        Args:
            signature: the networks' `Signature`.

        Raises:
            ValueError: for samples that are no images, where a layer transforms images; or for
                images of different sizes, where a layer can't move these alike.
        """
        if signature.samples is None:
            return
        samples, judged = nests.leaves(signature.samples), []
        if self._condition is not None and self._condition.judged:
            judged = nests.leaves(signature.discriminator_condition)
        images = [*samples, *(part for part in judged if is_image(part))]
        for layer in self.layers:
            for nested in layers_within(layer):
                if isinstance(nested, Augmentation):
                    nests.map(nested.check, samples)
                if len(images) > 1 and _needs_one_size(nested):
                    check_sizes(nested, images)


def _needs_one_size(layer):
    if isinstance(layer, Augmentation):
        return layer.moves and type(layer).together is Augmentation.together
    return len(list(layers_within(layer))) == 1 and is_geometric(layer)
