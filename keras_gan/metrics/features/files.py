"""Feature extractors whose network is a file on disk."""

import functools

from keras_gan.metrics.features import images
from keras_gan.metrics.features.extractor import Trunk
from keras_gan.utils.weights_files import WeightsFile


class FileTrunk(Trunk):
    """An Inception network from a file; made when it is first used.

    Args:
        path: the file, or `None` when it was not found.
        fingerprint: what the file's SHA-256 must begin with; by default what it does.
    """

    def __init__(self, path, fingerprint=None):
        super().__init__(block_size=64)
        self.file = WeightsFile(path, fingerprint)
        self.path = self.file.path

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

    @property
    def unavailable(self):
        """`None`, or that the file is missing or another one."""
        return None if "_function" in self.__dict__ else self.file.problem(self.how_to_bring())

    @property
    def sha256(self):
        """What the file's SHA-256 begins with, where it lies here or was known before."""
        return self.file.sha256

    @classmethod
    def from_config(cls, config):
        """Build the trunk from its config."""
        return cls(**config)
