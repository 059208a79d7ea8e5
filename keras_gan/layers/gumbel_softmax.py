"""Categories drawn within a generator, from latents."""

import keras
from keras import ops

from keras_gan.utils import arguments

# The ends of (0, 1) in float32: at 0 and at 1 there is no logarithm.
_OPEN = 1.2e-38, 1 - 6e-8


@keras.saving.register_keras_serializable("keras_gan")
class GumbelSoftmax(keras.layers.Layer):
    """Draw a category for each row of logits, in a form that has a gradient.

    Formula, u being uniform on (0, 1):

    ```
    y = softmax((logits - log(-log u)) / temperature)
    ```

    The largest entry is a draw from softmax(logits), whatever the temperature. A low temperature
    brings y near one-hot, and makes the gradient vary more.

    u comes as an input, from the latents, so that a seed goes on naming a sample: noise that the
    layer drew by itself would be another at each call. A part of the latents is made for it,
    `latents={"z": Normal(64), "u": Uniform(10, 0, 1)}`.

    Args:
        temperature: above 0; 0.2 in CTGAN.
        hard: whether y is one-hot going forward; backward it has the gradient of the soft one (a
            straight-through estimate).
        name: the layer's name.

    Input shape:
        `[logits, u]`, both `(batch, ..., categories)`.

    Output shape:
        `(batch, ..., categories)`; each row sums to 1.

    Raises:
        ValueError: when `temperature` is not above 0, or the input is no pair of equal shapes.
        TypeError: when `temperature` is no number, or `hard` not True or False.

    Example:

    >>> logits, u = keras.Input((10,)), keras.Input((10,))
    >>> keras_gan.layers.GumbelSoftmax(temperature=0.2)([logits, u]).shape
    (None, 10)

    Reference:
        - [Jang et al., 2017](https://arxiv.org/abs/1611.01144), Eq. (1) and Section 2.2
        - [Maddison et al., 2017](https://arxiv.org/abs/1611.00712)
    """

    def __init__(self, temperature=1.0, hard=False, name=None, **kwargs):
        # In 16 bits numbers near 1 would be 1.
        super().__init__(name=name, autocast=False, **kwargs)
        self.temperature = arguments.number("temperature", temperature, above=0)
        self.hard = arguments.flag("hard", hard)

    def call(self, inputs):
        """Return the drawn categories."""
        logits, uniform = inputs
        self.compute_output_shape([logits.shape, uniform.shape])
        # In float32 whatever the policy: the logarithms need its range.
        logits, uniform = (ops.cast(each, "float32") for each in (logits, uniform))
        gumbel = -ops.log(-ops.log(ops.clip(uniform, *_OPEN)))
        soft = ops.softmax((logits + gumbel) / self.temperature)
        if not self.hard:
            return ops.cast(soft, self.compute_dtype)
        drawn = ops.one_hot(ops.argmax(soft, axis=-1), soft.shape[-1], dtype="float32")
        return ops.cast(ops.stop_gradient(drawn - soft) + soft, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Return the shape of the logits."""
        shapes = [tuple(shape) for shape in input_shape]
        if len(shapes) != 2 or len(shapes[0]) < 2 or shapes[0][1:] != shapes[1][1:]:
            raise ValueError(
                "Expected `[logits, u]`, both of shape (batch, ..., categories). "
                f"Received: inputs of shape {shapes}"
            )
        return shapes[0]

    def get_config(self):
        """Return the constructor's arguments."""
        names = "temperature", "hard"
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
