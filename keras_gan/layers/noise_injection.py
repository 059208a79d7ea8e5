"""Noise injection: what is random in an image beside its content, such as the lie of hairs."""

import keras
from keras import initializers, ops


@keras.saving.register_keras_serializable("keras_gan")
class NoiseInjection(keras.layers.Layer):
    """Add one map of noise to all channels, times a strength that is learned.

    Formula, with n of N(0, 1) in every pixel:

    ```
    y = x + strength n,    strength 0 at the start
    ```

    Called on a map of features alone, it draws noise for each sample in training. At inference it
    adds a fixed map, drawn once and saved with the layer, so that a sample depends on its latents
    alone; the sides must then be fixed. Called on `[x, noise]` it adds the noise that it is given,
    in training and at inference: noise that is part of the latents.

    Args:
        name: the layer's name.

    Input shape:
        `(batch, height, width, channels)`; or a pair of it and `(batch, height, width, 1)`.

    Output shape:
        That of the features.

    Raises:
        ValueError: when there is no noise and a side is not fixed, or the noise has another shape.

    Example:

    >>> features = keras.Input((8, 8, 16))
    >>> keras_gan.layers.NoiseInjection()(features).shape
    (None, 8, 8, 16)

    Reference:
        - [Karras et al., 2019](https://arxiv.org/abs/1812.04948), Section 3.2
        - [Karras et al., 2020](https://arxiv.org/abs/1912.04958), with one strength for a layer
    """

    def __init__(self, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.seed_generator = keras.random.SeedGenerator()

    def build(self, input_shape):
        """Create the strength, and the fixed noise where none is given."""
        self.strength = self.add_weight((), "zeros", name="strength")
        self.fixed = None
        if not _is_pair(input_shape):
            noise = (*_checked(input_shape), 1)
            unit = initializers.RandomNormal(stddev=1.0)
            self.fixed = self.add_weight(noise, unit, trainable=False, name="fixed")

    def call(self, inputs, training=False):
        """Return the features with noise."""
        if isinstance(inputs, (list, tuple)):
            x, noise = inputs
            self.compute_output_shape([tuple(x.shape), tuple(noise.shape)])
        elif training:
            x = inputs
            places = (*ops.shape(x)[:-1], 1)
            noise = keras.random.normal(places, dtype=x.dtype, seed=self.seed_generator)
        else:
            x, noise = inputs, self.fixed
        return x + noise * self.strength

    def compute_output_shape(self, input_shape):
        """Return the shape of the features."""
        if not _is_pair(input_shape):
            return tuple(input_shape)
        features, noise = input_shape
        pairs = zip(features[:-1], noise[:-1], strict=False)
        fits = all(one == other or None in (one, other) for one, other in pairs)
        if len(features) != len(noise) or noise[-1] != 1 or not fits:
            raise ValueError(
                "Expected noise with the sides of the features and one channel. "
                f"Received: features of shape {features} and noise of shape {noise}"
            )
        return features


def _is_pair(shape):
    return isinstance(shape[0], (list, tuple))


def _checked(shape):
    """Return the sides of a map of features, if they are fixed."""
    if None in shape[1:-1]:
        raise ValueError(
            "Expected features of fixed sides, for noise that is the same in every call at "
            "inference. Give the noise as a second input, `[x, noise]`, or fix the sides. "
            f"Received: an input of shape {tuple(shape)}"
        )
    return shape[1:-1]
