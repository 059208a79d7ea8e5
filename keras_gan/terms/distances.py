"""Distances between samples or feature maps, one for each sample."""

from keras import ops

# Of Charbonnier's root: where a difference counts as its absolute value.
EPSILON = 1e-3

# What is taken of a difference, number by number.
_NORMS = {
    "l1": ops.abs,
    "l2": ops.square,
    "charbonnier": lambda difference: ops.sqrt(ops.square(difference) + EPSILON**2),
}
NORMS = tuple(_NORMS)


def distance(norm, first, second):
    """Return the mean of a norm of the differences, for each sample.

    Args:
        norm: one of `NORMS`.
        first: tensor of shape `(batch, ...)`.
        second: the same.

    Returns:
        Tensor of shape `(batch,)`.
    """
    return mean_of_each(_NORMS[norm](first - second))


def mean_of_each(tensor):
    """Return the mean of each sample's numbers: tensor of shape `(batch,)`."""
    return ops.mean(tensor, axis=tuple(range(1, len(tensor.shape))))
