"""Contextual attention: a hole in a map, filled with patches of what is known around it."""

import keras
import tensorflow as tf
from keras import ops

_KERNEL = 3  # Of the patches that are compared, at half the size.
_SHARPNESS = 10.0
_TINY = 1e-4


@keras.saving.register_keras_serializable("keras_gan")
class ContextualAttention(keras.layers.Layer):
    """Replace each patch of a map by a mean of its known patches, weighted by their likeness.

    Patches of 3x3 pixels are compared at half the size. The score of a known patch is the product
    of its unit vector with the patch that is replaced. Scores of neighbours that move together add
    up, so that larger patches are preferred. A softmax over all patches without a hole weights the
    4x4 patches at full size, which are added up where they overlap and divided by 4.

    It has no weights. Its memory grows as the square of the number of pixels: a map of 64x64
    compares 1024 patches with 1024. It computes in float32 in mixed precision too.

    Input shape:
        `[features, mask]`: `(batch, height, width, channels)` with even sides, and
        `(batch, height, width, 1)`, not 0 in the hole.

    Output shape:
        That of the features.

    Raises:
        ValueError: when the input is no such pair.

    Example:

    >>> features, mask = keras.Input((16, 16, 8)), keras.Input((16, 16, 1))
    >>> keras_gan.layers.ContextualAttention()([features, mask]).shape
    (None, 16, 16, 8)

    Reference:
        - [Yu et al., 2018](https://arxiv.org/abs/1801.07892), Section 4.1
    """

    def call(self, inputs):
        """Return the features made of known patches."""
        features, mask = inputs
        self.compute_output_shape([features.shape, mask.shape])
        x = ops.cast(features, "float32")
        small = x[:, ::2, ::2]
        batch, rows, columns, _ = (ops.shape(small)[axis] for axis in range(4))
        compared = _patches(small, _KERNEL, 1)
        alike = ops.matmul(compared, ops.swapaxes(_unit(compared), 1, 2))
        alike = _fused(_fused(alike, batch, rows, columns), batch, columns, rows)
        # One pixel of a hole makes a patch unknown.
        holes = ops.max_pool(ops.cast(mask != 0, "float32"), 2, 2)
        known = ops.cast(_patches(holes, _KERNEL, 1) == 0, "float32")
        known = ops.min(known, axis=-1)[:, None, :]
        weights = ops.softmax(_SHARPNESS * alike * known, axis=-1) * known
        pasted = ops.matmul(weights, _patches(x, 4, 2))
        pasted = ops.reshape(pasted, (batch, rows, columns, 4, 4, x.shape[-1]))
        return ops.cast(_overlapped(pasted) / 4.0, features.dtype)

    def compute_output_shape(self, input_shape):
        """Return the shape of the features."""
        features, mask = input_shape if len(input_shape) == 2 else ((), ())
        fits = len(features) == len(mask) == 4 and mask[-1] == 1
        if not fits or any(side is not None and side % 2 for side in features[1:3]):
            raise ValueError(
                "Expected `[features, mask]`: a map with even sides, and one channel that is not 0 "
                f"in the hole. Received: inputs of shape {input_shape}"
            )
        return tuple(features)


def _patches(x, size, strides):
    """Return all patches of a map as `(batch, patches, size * size * channels)`."""
    found = tf.image.extract_patches(
        x, (1, size, size, 1), (1, strides, strides, 1), (1, 1, 1, 1), "SAME"
    )
    return ops.reshape(found, (ops.shape(x)[0], -1, size**2 * x.shape[-1]))


def _unit(vectors):
    norm = ops.sqrt(ops.maximum(ops.sum(vectors**2, axis=-1, keepdims=True), _TINY**2))
    return vectors / norm


def _fused(alike, batch, rows, columns):
    """Return scores summed over neighbours in a row that move together, rows and columns swapped.

    Args:
        alike: scores of `rows * columns` patches with as many others.
        batch: number of images.
        rows: of patches.
        columns: of patches.
    """
    padded = ops.pad(alike, ((0, 0), (1, 1), (1, 1)))
    fused = padded[:, :-2, :-2] + alike + padded[:, 2:, 2:]
    fused = ops.reshape(fused, (batch, rows, columns, rows, columns))
    count = rows * columns
    return ops.reshape(ops.transpose(fused, (0, 2, 1, 4, 3)), (batch, count, count))


def _overlapped(patches):
    """Return the map of patches of 4x4 pixels, 2 apart, which are added where they overlap."""
    batch, rows, columns = (ops.shape(patches)[axis] for axis in range(3))
    total = 0.0
    for top in (0, 2):
        for left in (0, 2):
            quarter = patches[:, :, :, top : top + 2, left : left + 2]
            quarter = ops.reshape(quarter, (batch, rows, columns, 4 * patches.shape[-1]))
            quarter = tf.nn.depth_to_space(quarter, 2)
            total += ops.pad(quarter, ((0, 0), (top, 2 - top), (left, 2 - left), (0, 0)))
    return total[:, 1:-1, 1:-1]
