"""Files of a published network's weights, which the user brings: where they lie, what they are."""

import functools
import os

from keras_gan.utils.fingerprints import file_fingerprint


def places(file_name):
    """Return the paths at which Keras caches a file of weights, in the order of a search."""
    homes = [os.environ.get("KERAS_HOME"), os.path.join(os.path.expanduser("~"), ".keras")]
    return [os.path.join(home, "models", file_name) for home in homes if home]


def find(file_name):
    """Return the first of `places` where there is such a file, or else the first of all."""
    found = places(file_name)
    return next((path for path in found if os.path.isfile(path)), found[0])


class WeightsFile:
    """A file on disk, by its path and what its SHA-256 must begin with.

    Args:
        path: the file.
        expected: what its SHA-256 must begin with; by default what it does.
        made: what was made with the file, for errors.
    """

    def __init__(self, path, expected=None, made="metric"):
        self.path = path and os.fspath(path)  # Not a number, which names an open file.
        self._expected = expected
        self._made = made

    @functools.cached_property
    def digest(self):
        """The first 16 hexadecimal digits of the file's SHA-256."""
        return file_fingerprint(self.path)[:16]

    def problem(self, how_to_bring):
        """Return `None`, or a sentence that the file is missing or another one.

        Args:
            how_to_bring: a sentence on which file it is and where to get it, for a missing one.
        """
        if not self.path or not os.path.isfile(self.path):
            return f"There is no file {self.path!r}. {how_to_bring}"
        if self._expected and self.digest != self._expected:
            return (
                f"The file {self.path!r} is another one than the {self._made} was made with: its "
                f"SHA-256 begins with {self.digest}, not {self._expected}."
            )
        return None

    @property
    def sha256(self):
        """What the file's SHA-256 begins with, where it lies here or was known before."""
        if self._expected:
            return self._expected
        is_known = "digest" in self.__dict__  # Of a file that may be gone by now.
        return self.digest if is_known or not self.problem("") else "missing"
