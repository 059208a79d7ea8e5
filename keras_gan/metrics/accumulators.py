"""Accumulators of one side's samples: all rows, or their moments alone."""

import numpy as np

_BLOCK = 1024  # Rows widened to float64, and multiplied, at a time.


class Rows:
    """All rows of one side, in the order they came.

    Attributes:
        count: how many.
    """

    def __init__(self):
        self._parts = []
        self.count = 0

    def add(self, rows):
        """Take in an array of rows."""
        self._parts.append(np.array(rows))
        self.count += len(rows)

    def merge(self, other):
        """Take in the rows of another side, after these."""
        self._parts.extend(other._parts)
        self.count += other.count

    @property
    def values(self):
        """All rows as one array."""
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        return self._parts[0]

    def arrays(self):
        """Return the state as a dict of arrays, as `restore` takes it."""
        return {"rows": self.values}

    def restore(self, rows):
        """Take on a state that `arrays` returned, in place of one's own."""
        self._parts, self.count = [rows], len(rows)


class Moments:
    """Count, mean and scatter of rows: memory of d², however many rows there were.

    Sums are taken around the mean of the first rows, in float64: a mean far from 0 cancels
    nothing. Rows wait until there are enough of them for a matrix product to be worth its d²
    additions.

    Attributes:
        count: rows so far.

    Reference:
        - [Chan et al., 1983](https://doi.org/10.1080/00031305.1983.10483115), shifted data
    """

    def __init__(self):
        self.count = 0
        self._waiting, self._waiting_count = [], 0
        self._shift = self._sum = self._products = None

    def add(self, rows):
        """Take in an array of rows of shape `(n, d)`."""
        for first in range(0, len(rows), _BLOCK):
            block = rows[first : first + _BLOCK]
            self._waiting.append(np.array(block))
            self._waiting_count += len(block)
            self.count += len(block)
            if self._waiting_count >= _BLOCK:
                self._sum_up()

    def merge(self, other):
        """Take in the rows that another `Moments` has seen."""
        if not other.count:
            return
        if not self.count:
            self.restore(**other.arrays())
            return
        both, total = self.arrays(), self.count + other.count
        offset = other.mean - self.mean
        scatter = both["scatter"] + other.arrays()["scatter"]
        scatter += np.multiply.outer(offset, offset) * (self.count * other.count / total)
        self.restore(total, self.mean + offset * (other.count / total), scatter)

    @property
    def mean(self):
        """float64 array of shape `(d,)`."""
        self._sum_up()
        return self._shift + self._sum / self.count

    @property
    def covariance(self):
        """Unbiased covariance, float64 array of shape `(d, d)`; of two rows at least."""
        return self.arrays()["scatter"] / (self.count - 1)

    def arrays(self):
        """Return the state as a dict of arrays, as `restore` takes it."""
        mean = self.mean
        offset = mean - self._shift
        scatter = self._products - self.count * np.multiply.outer(offset, offset)
        return {"count": np.asarray(self.count), "mean": mean, "scatter": scatter}

    def restore(self, count, mean, scatter):
        """Take on a state that `arrays` returned, in place of one's own."""
        self.count = int(count)
        self._waiting, self._waiting_count = [], 0
        self._shift, self._sum, self._products = mean, np.zeros_like(mean), scatter

    def _sum_up(self):
        if not self._waiting:
            return
        rows = np.concatenate(self._waiting).astype("float64")
        self._waiting, self._waiting_count = [], 0
        if self._shift is None:
            self._shift = rows.mean(axis=0)
            self._sum, self._products = 0.0, 0.0
        rows -= self._shift
        self._sum += rows.sum(axis=0)
        self._products += rows.T @ rows
