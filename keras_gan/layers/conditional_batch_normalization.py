"""Conditional batch normalization: a batch normalization whose scale and offset a label chooses."""

import keras
from keras import ops

from keras_gan.layers.spectral_normalization import SpectralNormalization
from keras_gan.utils import arguments


@keras.saving.register_keras_serializable("keras_gan")
class ConditionalBatchNormalization(keras.layers.Layer):
    """Normalize over the batch, then scale and shift each sample as its condition says.

    Formula, for a sample x with the condition c, over all places but per channel:

    ```
    y = gamma (x - mean) / sqrt(variance + epsilon) + beta
    gamma = 1 + W_gamma c,    beta = W_beta c
    ```

    Mean and variance are those of the whole batch, whatever the conditions in it; at inference
    they are moving averages, as in `keras.layers.BatchNormalization`.

    With `num_classes` the condition is a label, and c its one-hot row: each class has a gamma and
    a beta of its own, at the start 1 and 0, so that the layer starts as a plain batch
    normalization (SNGAN with projection, SAGAN). Without it the condition is a vector, such as an
    embedding beside a part of the latents (BigGAN).

    With several replicas each normalizes its own share of the batch.

    Args:
        num_classes: number of classes, or `None` for conditions that are vectors.
        momentum: of the moving averages: the share that stays at each step, from 0 to 1.
        epsilon: what is added to the variance.
        kernel_initializer: initializer of W_gamma and W_beta. By default zeros with classes, and
            orthogonal for vectors.
        spectral_norm: whether W_gamma and W_beta of a vector are wrapped in
            `keras_gan.layers.SpectralNormalization`.
        name: the layer's name.

    Input shape:
        `[x, condition]`: `(batch, ..., channels)`, and `(batch,)` or `(batch, 1)` of labels, or
        `(batch, numbers)`.

    Output shape:
        That of x.

    Raises:
        TypeError: when `momentum` or `epsilon` is no number, or `spectral_norm` no flag.
        ValueError: when `num_classes` is below 2, `momentum` is out of range, `epsilon` not above
            0, `spectral_norm` is asked for with classes, or the input is no such pair.

    Example:

    >>> x, label = keras.Input((8, 8, 16)), keras.Input((), dtype="int32")
    >>> keras_gan.layers.ConditionalBatchNormalization(num_classes=10)([x, label]).shape
    (None, 8, 8, 16)

    Reference:
        - [Dumoulin et al., 2017](https://arxiv.org/abs/1610.07629), Section 2.2
        - [Miyato & Koyama, 2018](https://arxiv.org/abs/1802.05637), in a generator
        - [Brock et al., 2019](https://arxiv.org/abs/1809.11096), Appendix B, for vectors
    """

    def __init__(
        self,
        num_classes=None,
        momentum=0.9,
        epsilon=1e-5,
        kernel_initializer=None,
        spectral_norm=False,
        name=None,
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        if num_classes is not None:
            num_classes = arguments.whole("num_classes", num_classes, least=2)
        self.num_classes = num_classes
        self.momentum = arguments.number("momentum", momentum, high=1)
        self.epsilon = arguments.number("epsilon", epsilon, above=0)
        self.spectral_norm = arguments.flag("spectral_norm", spectral_norm)
        if spectral_norm and num_classes:
            raise ValueError(
                "Expected `spectral_norm` for conditions that are vectors: the table of a label "
                f"starts from zeros. Received: spectral_norm=True, num_classes={num_classes}"
            )
        if kernel_initializer is None:
            kernel_initializer = "zeros" if num_classes else "orthogonal"
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.normalization = keras.layers.BatchNormalization(
            momentum=self.momentum,
            epsilon=self.epsilon,
            center=False,
            scale=False,
            dtype=self.dtype_policy,
            name="normalization",
        )

    def build(self, input_shape):
        """Build the normalization, and the maps from a condition to gamma and beta."""
        shape, condition = self._checked(input_shape)
        self.normalization.build(shape)
        self.scale, self.offset = (self._map(name, shape[-1]) for name in ("gamma", "beta"))
        for layer in (self.scale, self.offset):
            layer.build(condition)

    def _map(self, name, channels):
        # A copy for each: an initializer with a seed would make them equal.
        initializer = self.kernel_initializer.clone()
        options = {"dtype": self.dtype_policy, "name": name}
        if self.num_classes:
            return keras.layers.Embedding(self.num_classes, channels, initializer, **options)
        layer = keras.layers.Dense(
            channels, use_bias=False, kernel_initializer=initializer, **options
        )
        return SpectralNormalization(layer, name=name) if self.spectral_norm else layer

    def call(self, inputs, training=None):
        """Return x, normalized, scaled and shifted."""
        x, condition = inputs
        if self.num_classes:
            condition = ops.reshape(ops.cast(condition, "int32"), (-1,))
        x = self.normalization(x, training=training)
        places = (-1, *[1] * (len(x.shape) - 2), x.shape[-1])
        gamma, beta = (
            ops.reshape(ops.cast(each(condition), x.dtype), places)
            for each in (self.scale, self.offset)
        )
        return x + x * gamma + beta

    def _checked(self, input_shape):
        """Return the shapes of x and of the condition."""
        shapes = list(input_shape) if isinstance(input_shape, (tuple, list)) else []
        pair = len(shapes) == 2 and all(isinstance(shape, (tuple, list)) for shape in shapes)
        if pair:
            x, condition = (tuple(shape) for shape in shapes)
            if self.num_classes and len(x) > 1 and condition[1:] in ((), (1,)):
                return x, condition
            if not self.num_classes and len(x) > 1 and len(condition) == 2:
                return x, condition
        wanted = "labels of shape (batch,)" if self.num_classes else "vectors (batch, numbers)"
        raise ValueError(
            f"Expected `[x, condition]`: features (batch, ..., channels) and {wanted}. "
            f"Received: num_classes={self.num_classes} and inputs of shape {input_shape}"
        )

    def compute_output_shape(self, input_shape):
        """Return the shape of x."""
        return self._checked(input_shape)[0]

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "spectral_norm": self.spectral_norm,
        }
