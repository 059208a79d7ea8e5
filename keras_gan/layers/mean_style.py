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

    With `num_classes` there is a mean for each class, which moves when a batch has samples of the
    class, by their mean: 0 then gives one sample for each class. One mean of all classes would draw
    every sample towards a mixture of them.

    Args:
        decay: of the mean for each forward in training, from 0 to 1.
        num_classes: number of classes, for a mean of each.

    Input shape:
        `(batch, ..., style_dim)`; with classes a pair of it and integer labels `(batch,)`.

    Output shape:
        That of the styles.

    Raises:
        ValueError: when `decay` is out of range, `num_classes` no integer of at least 2, or labels
            are given without it, or it without labels.
        TypeError: when `decay` is no number.

    Example:

    >>> z = keras.Input((16,))
    >>> styles = keras_gan.layers.MeanStyle()(keras.layers.Dense(8, "relu")(z))
    >>> styles.shape
    (None, 8)

    Reference:
        - [Karras et al., 2019](https://arxiv.org/abs/1812.04948), Appendix B
    """

    def __init__(self, decay=0.995, num_classes=None, **kwargs):
        super().__init__(**kwargs)
        self.decay = arguments.number("decay", decay, high=1)
        self.num_classes = num_classes
        if num_classes is not None:
            self.num_classes = arguments.whole("num_classes", num_classes, least=2)

    def build(self, input_shape):
        """Create the mean."""
        classes = () if self.num_classes is None else (self.num_classes,)
        shape = (*classes, self.compute_output_shape(input_shape)[-1])
        self.mean = self.add_weight(
            shape, "zeros", dtype="float32", trainable=False, autocast=False, name="mean"
        )

    def call(self, inputs, training=False):
        """Return the styles, drawn towards their mean where samples are truncated."""
        styles, labels = (inputs, None) if self.num_classes is None else inputs
        if training:
            batch, moves = self._of_batch(ops.cast(styles, "float32"), labels)
            self.mean.assign(self.mean + (1.0 - self.decay) * moves * (batch - self.mean))
            return styles
        psi = getattr(_SAMPLING, "psi", None)
        if psi is None:
            return styles
        ones = [1] * (len(styles.shape) - 2)
        psi = tf.reshape(tf.cast(psi, styles.dtype), [-1, *ones, 1])
        mean = ops.cast(self.mean, styles.dtype)
        if labels is not None:
            mean = ops.reshape(ops.take(mean, labels, axis=0), (-1, *ones, mean.shape[-1]))
        return mean + psi * (styles - mean)

    def _of_batch(self, styles, labels):
        """Return a batch's mean, or each class's, and a factor: 0 for classes it does not have."""
        styles = ops.mean(styles, axis=tuple(range(1, len(styles.shape) - 1)))
        if labels is None:
            return ops.mean(styles, axis=0), 1.0
        members = ops.one_hot(labels, self.num_classes, axis=0, dtype="float32")
        counts = ops.sum(members, axis=1, keepdims=True)
        means = ops.matmul(members, styles) / ops.maximum(counts, 1.0)
        return means, ops.cast(counts > 0, "float32")

    def compute_output_shape(self, input_shape):
        """Return the shape of the styles."""
        is_pair = isinstance(input_shape[0], (tuple, list))
        if is_pair != (self.num_classes is not None):
            raise ValueError(
                "Expected `[styles, labels]` with `num_classes=`, and styles alone without. "
                f"Received: num_classes={self.num_classes}, inputs of shape {input_shape}"
            )
        return tuple(input_shape[0] if is_pair else input_shape)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "decay": self.decay, "num_classes": self.num_classes}
