"""Style mixing: the styles of all layers of a generator, in training of two latents at times."""

import keras
from keras import ops

from keras_gan.utils import arguments


@keras.saving.register_keras_serializable("keras_gan")
class StyleMixing(keras.layers.Layer):
    """Give every layer of a generator its style; in training, later layers those of other latents.

    The input is a pair of styles, first and second. At inference all layers have the first. In
    training, with the given probability for a whole batch, one of the layers 1 to num_styles - 1
    is drawn, all as likely, and it and all behind it have the second: layers then can't rely on
    each other's styles.

    Args:
        num_styles: number of styles that the generator's layers take, at least 1.
        probability: of mixing in a batch, from 0 to 1; with 0 or one style there is none.
        name: the layer's name.

    Input shape:
        `[first, second]`, each `(batch, style_dim)`.

    Output shape:
        `(batch, num_styles, style_dim)`.

    Raises:
        ValueError: when a number is out of range, or the input is no pair of equal shapes.
        TypeError: when `probability` is no number.

    Example:

    >>> first, second = keras.Input((64,)), keras.Input((64,))
    >>> keras_gan.layers.StyleMixing(num_styles=8)([first, second]).shape
    (None, 8, 64)

    Reference:
        - [Karras et al., 2019](https://arxiv.org/abs/1812.04948), Section 3.1
    """

    def __init__(self, num_styles, probability=0.9, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.num_styles = arguments.whole("num_styles", num_styles)
        self.probability = arguments.number("probability", probability, high=1)
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, inputs, training=False):
        """Return one style for each layer."""
        first, second = inputs
        self.compute_output_shape([first.shape, second.shape])
        styles = ops.repeat(first[:, None], self.num_styles, axis=1)
        if not training or not self.probability or self.num_styles == 1:
            return styles
        own = ops.arange(self.num_styles) < self._cutoff()
        return ops.where(own[:, None], styles, second[:, None])

    def _cutoff(self):
        """Return the first layer that has the second style; num_styles is none."""
        seed = self.seed_generator
        cutoff = keras.random.randint((), 1, self.num_styles, seed=seed)
        mixes = keras.random.uniform((), seed=seed) < self.probability
        return ops.where(mixes, cutoff, self.num_styles)

    def compute_output_shape(self, input_shape):
        """Return the shape of the styles of all layers."""
        shapes = [tuple(shape) for shape in input_shape]
        if [len(shape) for shape in shapes] != [2, 2] or shapes[0][1] != shapes[1][1]:
            raise ValueError(
                "Expected `[first, second]`, two styles of shape (batch, style_dim). "
                f"Received: inputs of shape {shapes}"
            )
        return (shapes[0][0], self.num_styles, shapes[0][1])

    def get_config(self):
        """Return the constructor's arguments."""
        names = "num_styles", "probability"
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
