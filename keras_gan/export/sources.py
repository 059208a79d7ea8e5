"""Sources of translations: the images and masks that a generator without latents is given."""

import numpy as np
import tensorflow as tf

from keras_gan.data.adapting import is_mask
from keras_gan.data.examples import example
from keras_gan.export import pngs
from keras_gan.utils import nests

_KINDS = {1: "grey", 3: "RGB", 4: "RGBA"}


def of_model(model, labels):
    """Return the `Source` of each input of the condition that is of images, by name.

    Args:
        model: a built `GAN`.
        labels: names of inputs whose numbers are labels.
    """
    if model.latents is not None:
        return {}
    parts = nests.names(model.condition.structure())
    return {
        name: Source(spec, part)
        for part, (name, spec) in zip(parts, model.condition.specs().items(), strict=True)
        if is_image(spec) and spec.dtype.is_floating and name not in labels
    }


def is_image(spec):
    """Tell whether a tensor or spec is of images that a PNG can hold."""
    return spec.shape.rank == 4 and spec.shape[-1] in _KINDS


class Source:
    """One input of a translation: floats of the network, which requests bring in 8 bits.

    Args:
        spec: `tf.TensorSpec` of what the network takes.
        part: the name of this part of the condition, "" for all of it.

    Attributes:
        is_mask: whether it is 0 and 1 rather than images.
        levels: the spec of arrays, uint8.
        files: the spec of PNG files.
        sides: height and width, `None` for one of any length.
    """

    def __init__(self, spec, part):
        self._spec, self._part = spec, part
        self.is_mask = is_mask(part, spec)
        self.levels = tf.TensorSpec(spec.shape, tf.uint8, name=spec.name)
        self.files = tf.TensorSpec((None,), tf.string, name=spec.name)
        self.sides = tuple(spec.shape[1:3])

    def decoded(self, files):
        """Return the uint8 pixels of PNG files of one size, whose headers were looked at."""
        with tf.name_scope(self._spec.name):
            return tf.ensure_shape(pngs.decoded(files, self._spec.shape[-1]), self._spec.shape)

    def floats(self, levels, adapter):
        """Return what the network takes for uint8 pixels.

        Args:
            levels: tensor of the form of `levels`.
            adapter: the model's `Adapter`, which `generate` scales such pixels by.
        """
        return tf.cast(adapter.scaled(levels, self._part), self._spec.dtype)

    def example(self, side):
        """Return an array of one black PNG file.

        Args:
            side: length of sides that may be of any size.
        """
        (pixels,) = example(self.levels, side=side)
        return np.array([tf.io.encode_png(pixels).numpy()], object)

    def meaning(self, dtype):
        """Return in words what a request brings, as an array or as files."""
        kind = "masks: 255 where the network takes 1, else 0" if self.is_mask else "images"
        if dtype == tf.string:
            return f"PNG files of {kind}; read as {_KINDS[self._spec.shape[-1]]}"
        return kind if self.is_mask else f"{kind} in 0 to 255"
