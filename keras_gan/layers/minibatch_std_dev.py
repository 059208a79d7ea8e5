"""Minibatch standard deviation: how much samples differ, as one more feature of each."""

import keras
from keras import ops

from keras_gan.utils import arguments

_EPSILON = 1e-8  # StyleGAN2's: a square root has no gradient at 0.


@keras.saving.register_keras_serializable("keras_gan")
class MinibatchStdDev(keras.layers.Layer):
    """Show a discriminator how much the samples of a batch differ, on one more channel.

    A generator that makes few different samples is found out by that number, which no sample by
    itself tells. It belongs before the last layers of a discriminator.

    Formula, for a group of samples `x_1, ..., x_G` and features j, all that are in a sample:

    ```
    s = mean_j sqrt(mean_i (x_ij - mean_i x_ij)^2 + 1e-8)
    ```

    s is one number for each group, and fills one channel more on the last axis of its samples. A
    batch of N samples has M = N // group_size groups, at least one; sample i belongs to group
    i mod M. As in StyleGAN2 where group_size divides N. Where it does not, some groups have more
    samples, and a batch smaller than group_size is one group: any batch can be judged.

    - The groups are of one batch and, with several replicas, of each replica's share, as those of
      StyleGAN2 are of one GPU's. Logits depend on who else is in the batch: judge samples in
      batches of the size of training, in random order. What a loss bounds, such as the logged
      `js`, is then no divergence of single samples.
    - Statistics are computed in float32 in mixed precision too.

    Args:
        group_size: samples in a group, an integer of at least 1; with 1 the channel says nothing.
        name: the layer's name.

    Input shape:
        `(batch, ..., channels)`, of rank 2 or more.

    Output shape:
        `(batch, ..., channels + 1)`.

    Raises:
        ValueError: when `group_size` is not a positive integer, or the input has no features.

    Example:

    >>> features = keras_gan.layers.MinibatchStdDev(group_size=2)(np.array([[1.0], [3.0]]))
    >>> keras.ops.convert_to_numpy(features)
    array([[1., 1.],
           [3., 1.]], dtype=float32)

    Reference:
        - [Karras et al., 2018](https://arxiv.org/abs/1710.10196), Section 3
        - [Karras et al., 2020](https://arxiv.org/abs/1912.04958), whose code has groups of 4
    """

    def __init__(self, group_size=4, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.group_size = arguments.whole("group_size", group_size)

    def call(self, inputs):
        """Return the inputs with the group's mean standard deviation beside them."""
        _check_rank(inputs.shape)
        count = ops.shape(inputs)[0]
        deviation = ops.cast(self._deviation(inputs, count), inputs.dtype)
        one_channel = (*ops.shape(inputs)[:-1], 1)
        deviation = ops.reshape(deviation, (count, *(1 for _ in one_channel[1:])))
        return ops.concatenate([inputs, ops.broadcast_to(deviation, one_channel)], axis=-1)

    def _deviation(self, inputs, count):
        """Return the number s of each sample's group, shape `(batch,)`."""
        dtype = "float64" if inputs.dtype == "float64" else "float32"
        features = ops.size(inputs) // ops.maximum(count, 1)
        samples = ops.reshape(ops.cast(inputs, dtype), (count, features))
        groups = ops.maximum(count // self.group_size, 1)
        rows = -(-count // groups)
        # The last row is not full where groups are uneven: what fills it counts for nothing.
        full = ops.concatenate([samples, ops.zeros((rows * groups - count, features), dtype)])
        table = ops.reshape(full, (rows, groups, features))
        there = ops.reshape(ops.arange(rows * groups) < count, (rows, groups, 1))
        share = ops.cast(there, dtype)
        share /= ops.sum(share, axis=0)
        centred = table - ops.sum(share * table, axis=0)
        variance = ops.sum(share * ops.square(centred), axis=0)
        deviation = ops.mean(ops.sqrt(variance + _EPSILON), axis=-1)
        return ops.tile(deviation, (rows,))[:count]

    def compute_output_shape(self, input_shape):
        """Return the input's shape with one channel more."""
        _check_rank(input_shape)
        channels = input_shape[-1]
        return (*input_shape[:-1], None if channels is None else channels + 1)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "group_size": self.group_size}


def _check_rank(shape):
    if len(shape) < 2:
        raise ValueError(
            "Expected samples with features, batch axis first. "
            f"Received: an input of shape {tuple(shape)}"
        )
