"""Feature extractors whose network is a file on disk."""

import functools
import os

from keras_gan.metrics.features import caching, images
from keras_gan.metrics.features.extractor import Trunk


class FileTrunk(Trunk):
    """An Inception network from a file; made when it is first used.

    Args:
        path: the file, or `None` when it was not found.
        fingerprint: what the file's SHA-256 must begin with; by default what it does.
    """

    def __init__(self, path, fingerprint=None):
        super().__init__(block_size=64)
        self.path = path and os.fspath(path)  # Not a number, which names an open file.
        self._expected = fingerprint

    def how_to_bring(self):
        """Return a sentence on which file it is and where to get it."""
        raise NotImplementedError

    def read(self):
        """Return the function from levels of RGB images to a dict of outputs.

        Raises:
            ValueError: when the file is not what it should be.
        """
        raise NotImplementedError

    @functools.cached_property
    def _function(self):
        return self.read()

    def run(self, samples):
        """Return the outputs for images."""
        return self._function(images.as_levels(samples))

    @functools.cached_property
    def digest(self):
        """The first 16 hexadecimal digits of the file's SHA-256."""
        return caching.file_fingerprint(self.path)[:16]

    @property
    def unavailable(self):
        """`None`, or that the file is missing or another one."""
        if "_function" in self.__dict__:
            return None
        if not self.path or not os.path.isfile(self.path):
            return f"There is no file {self.path!r}. {self.how_to_bring()}"
        if self._expected and self.digest != self._expected:
            return (
                f"The file {self.path!r} is another one than the metric was made with: its "
                f"SHA-256 begins with {self.digest}, not {self._expected}."
            )
        return None

    @property
    def sha256(self):
        """What the file's SHA-256 begins with, where it lies here or was known before."""
        return self._expected or ("missing" if self.unavailable else self.digest)

    @classmethod
    def from_config(cls, config):
        """Build the trunk from its config."""
        return cls(**config)
