"""Packing: several samples judged as one."""

import keras
import tensorflow as tf
from keras import ops

from keras_gan.utils import arguments


@keras.saving.register_keras_serializable("keras_gan")
class Packing(keras.layers.Layer):
    """Let a discriminator judge several samples at once, side by side on the channel axis.

    The first layer of a discriminator: of every m samples that follow each other it makes one
    input, and the discriminator returns one logit for it. Packs are all real or all generated, as
    the training step runs the discriminator on real and on generated batches apart; nothing else
    of the game changes. A generator that leaves modes out is found out sooner by samples that are
    too much alike. What a loss proves, such as the logged `js`, it proves of packs: a divergence of
    m independent samples from m, which is larger than that of one from one.

    Formula:

    ```
    (x_1, ..., x_N)  ->  N / m packs  [x_1, ..., x_m], [x_{m+1}, ..., x_{2m}], ...
    ```

    of shape `(N / m, ..., m * channels)`, sample after sample on the last axis; vectors of d
    numbers become vectors of m d. A batch of labels, shape `(N,)`, becomes `(N / m, m)`.

    m has to divide every batch, and with several replicas each replica's share of it. `fit` and
    `evaluate` say so before they begin where they can tell. Of datasets with batches of unknown
    size they leave out what m does not divide, as a rule the incomplete last batch.

    Args:
        samples: m, samples in a pack, an integer of at least 1.
        name: the layer's name.

    Input shape:
        `(batch, ..., channels)`, or `(batch,)`.

    Output shape:
        `(batch / samples, ..., samples * channels)`, or `(batch / samples, samples)`.

    Raises:
        ValueError: when `samples` is not a positive integer, or does not divide the batch.

    Example:

    >>> packs = keras_gan.layers.Packing(samples=2)(np.array([[1, 2], [3, 4], [5, 6], [7, 8]]))
    >>> keras.ops.convert_to_numpy(packs)
    array([[1, 2, 3, 4],
           [5, 6, 7, 8]])

    Reference:
        - [Lin et al., 2018](https://arxiv.org/abs/1712.04086)
    """

    def __init__(self, samples=2, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.samples = arguments.whole("samples", samples)

    def call(self, inputs):
        """Return the packs."""
        if len(inputs.shape) == 1:
            inputs = ops.expand_dims(inputs, -1)
        count, *inner, channels = ops.shape(inputs)
        self._check(inputs.shape[0])
        with tf.control_dependencies(self._assertions(inputs)):
            packs = count // self.samples
            apart = ops.reshape(inputs, (packs, self.samples, *inner, channels))
        beside = ops.moveaxis(apart, 1, -2)
        return ops.reshape(beside, (packs, *inner, self.samples * channels))

    def _assertions(self, inputs):
        """Return what checks a batch whose size is known only when it comes."""
        if inputs.shape[0] is not None:
            return []
        left_over = tf.shape(inputs)[0] % self.samples
        return [tf.debugging.assert_equal(left_over, 0, message=does_not_divide(self.samples))]

    def _check(self, count):
        if count is not None and count % self.samples:
            raise ValueError(does_not_divide(self.samples, f"a batch of {count} samples"))

    def compute_output_shape(self, input_shape):
        """Return the shape of the packs."""
        if len(input_shape) == 1:
            input_shape = (*input_shape, 1)
        count, *inner, channels = input_shape
        self._check(count)
        packs = None if count is None else count // self.samples
        return (packs, *inner, None if channels is None else self.samples * channels)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "samples": self.samples}


def does_not_divide(samples, received="a batch that leaves some samples over"):
    """Return what to say of a batch that can't be packed.

    Args:
        samples: how many make a pack.
        received: what came instead, in words.
    """
    return (
        f"The discriminator judges packs of {samples} samples (Packing(samples={samples})): "
        f"expected batches, and shares of each replica, that {samples} divides. Choose the batch "
        "size so, and leave the incomplete last batch out: `dataset.batch(..., "
        f"drop_remainder=True)`. Received: {received}"
    )
