"""Euclidean distances between many rows, block by block: the whole matrix is never kept."""

import numpy as np

_BLOCK = 2**22  # Distances in a block: 32 MiB.
# Rows nearer than rounding can tell, for their size, are equal.
_ROUNDING = 1e-13


def squared_distances(rows, references):
    """Yield the squared distances of rows to all references, block by block.

    In float64 and around the references' mean, so that little is lost by cancellation; a row
    that is among the references is at distance 0 from itself.

    Args:
        rows: array of shape `(n, d)`.
        references: array of shape `(m, d)`.

    Yields:
        Tuples of a slice of the rows and a float64 array of shape `(rows in it, m)`.
    """
    centre = np.mean(references, axis=0, dtype="float64")
    references = references - centre
    lengths = np.einsum("ij,ij->i", references, references)
    step = max(1, _BLOCK // len(references))
    for first in range(0, len(rows), step):
        part = slice(first, first + step)
        block = rows[part] - centre
        sums = np.einsum("ij,ij->i", block, block)[:, None] + lengths
        squares = block @ references.T
        squares *= -2
        squares += sums
        sums *= _ROUNDING
        squares[squares < sums] = 0
        yield part, squares


def nearest_squares(rows, references):
    """Return the squared distance of each row to its nearest reference, shape `(n,)`."""
    return np.concatenate([s.min(axis=1) for _, s in squared_distances(rows, references)])


def neighbour_squares(rows, k):
    """Return the squared distance of each row to its k-th nearest other row, shape `(n,)`."""
    found = []
    for part, squares in squared_distances(rows, rows):
        own = np.arange(len(rows))[part]
        squares[np.arange(len(own)), own] = np.inf
        squares.partition(k - 1, axis=1)
        found.append(squares[:, k - 1].copy())  # A view would keep the whole block.
    return np.concatenate(found)
