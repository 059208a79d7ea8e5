"""The mean of a mapping network's styles, and truncation towards it."""

import contextlib
import threading

import keras
import tensorflow as tf
from keras import ops

from keras_gan.utils import arguments

_SAMPLING = threading.local()


@contextlib.contextmanager
def styles_truncated(psi):
    """Have every `MeanStyle` draw styles towards their mean, as long as the context lasts.

    Args:
        psi: share of the way from the mean, a number or a float tensor of shape `(batch,)` or
            `(1,)`; `None` for styles as they are.
    """
    before = getattr(_SAMPLING, "psi", None)
    _SAMPLING.psi = psi
    try:
        yield
    finally:
        _SAMPLING.psi = before


@keras.saving.register_keras_serializable("keras_gan")
class MeanStyle(keras.layers.Layer):
    """Keep the mean of styles in training, and draw styles towards it when samples are truncated.

    It stands behind a generator's mapping network. `model.generate(truncation=psi)`, and the
    `truncation` of an export, then act on the styles, and no longer on the latents.

    Formula:

    ```
    mean <- decay mean + (1 - decay) E w          in training
    w    <- mean + psi (w - mean)                 when samples are truncated by psi
    ```

    1 changes nothing, 0 gives one and the same sample for all latents. The mean is a weight that no
    optimizer trains, over all axes but the last: saved with the model, averaged over replicas.

    Args:
        decay: of the mean for each forward in training, from 0 to 1.

    Raises:
        ValueError: when `decay` is out of range.
        TypeError: when it is no number.

    Example:

    >>> z = keras.Input((16,))
    >>> styles = keras_gan.layers.MeanStyle()(keras.layers.Dense(8, "relu")(z))
    >>> styles.shape
    (None, 8)

    Reference:
        - [Karras et al., 2019](https://arxiv.org/abs/1812.04948), Appendix B
    """

    def __init__(self, decay=0.995, **kwargs):
        super().__init__(**kwargs)
        self.decay = arguments.number("decay", decay, high=1)

    def build(self, input_shape):
        """Create the mean."""
        self.mean = self.add_weight(
            (input_shape[-1],), "zeros", dtype="float32", trainable=False, name="mean"
        )

    def call(self, styles, training=False):
        """Return the styles, drawn towards their mean where samples are truncated."""
        if training:
            axes = tuple(range(len(styles.shape) - 1))
            batch = ops.mean(ops.cast(styles, "float32"), axis=axes)
            self.mean.assign(self.decay * self.mean + (1.0 - self.decay) * batch)
            return styles
        psi = getattr(_SAMPLING, "psi", None)
        if psi is None:
            return styles
        psi = tf.reshape(tf.cast(psi, styles.dtype), [-1, *[1] * (len(styles.shape) - 1)])
        mean = ops.cast(self.mean, styles.dtype)
        return mean + psi * (styles - mean)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "decay": self.decay}
