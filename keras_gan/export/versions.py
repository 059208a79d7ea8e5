"""Versions in the directory that a model server watches: each complete or absent."""

import contextlib
import math
import pathlib
import re

import tensorflow as tf

from keras_gan.export import formats
from keras_gan.utils import arguments, files

# Of TensorFlow Serving, whose versions are 64-bit integers.
LARGEST = 2**63 - 1


class Versions:
    """The numbered versions of one model: TensorFlow Serving's layout, `<base>/<version>/`.

    A server reads the names in the base directory, and no more: a file, a link or `007` is a
    version to it. So a number under which anything lies is taken; but what is removed is exports
    alone, which are directories with a model in them, named by plain numbers.

    Args:
        filepath: the base directory; made by the first `writing`.

    Raises:
        ValueError: for a remote path, the path of a version, one that is a file, or a link that
            leads nowhere.
    """

    def __init__(self, filepath):
        advice = "a remote one can't be renamed in one step. Export locally, and copy the version"
        self.base = pathlib.Path(files.path_of("filepath", filepath, advice))
        if self.base.suffix in (".keras", ".h5", ".hdf5", ".tflite", ".onnx"):
            raise ValueError(
                "Expected a directory, which holds numbered versions: a file of Keras is written "
                "by `save`, other formats are chosen by `format=`. "
                f"Received: filepath={str(filepath)!r}"
            )
        if re.fullmatch("[0-9]+", self.name):
            raise ValueError(
                "Expected a base directory, which holds numbered versions. A path that ends in a "
                f"number is a version's: export({str(self.base.resolve().parent)!r}, "
                f"version={self.name}). Received: {str(filepath)!r}"
            )
        if self.base.is_symlink() and not self.base.exists():
            raise ValueError(
                "Expected a directory to export to; it is a link that leads nowhere. Remove it, or "
                f"make {str(self.base.resolve())!r} first. Received: {filepath}"
            )
        if self.base.exists() and not self.base.is_dir():
            raise ValueError(
                f"Expected a directory to export to; it is a file. Received: {filepath}"
            )

    @property
    def name(self):
        """The model's name, as a server's configuration has it: the base directory's."""
        return self.base.resolve().name

    def taken(self):
        """Return what a server takes for versions, whatever it is: paths by number, in order.

        Raises:
            OSError: when the base directory can't be read.
        """
        if not self.base.exists():
            return {}
        try:
            paths = sorted(self.base.iterdir())
        except OSError as error:
            raise OSError(
                f"The versions in {str(self.base)!r} could not be read, so that none is chosen or "
                "removed. Check the directory's permissions, or export to another one. "
                f"Received: {error}"
            ) from error
        numbered = {number_of(path.name): path for path in paths}
        numbered.pop(None, None)
        return dict(sorted(numbered.items()))

    def numbers(self):
        """Return the versions that are exports, and so may be removed, in order."""
        return [
            number
            for number, path in self.taken().items()
            if number > 0 and path.name == str(number) and _is_export(path)
        ]

    def path(self, number):
        """Return the directory of a version."""
        return self.base / str(number)

    def choose(self, version):
        """Return the number for `"next"` or an integer.

        Raises:
            ValueError: when it is neither, is taken already, or no larger one is left.
            OSError: when the base directory can't be read.
        """
        taken = self.taken()
        if isinstance(version, str) and version == "next":
            number = 1 + max([0, *taken])
        else:
            number = arguments.whole("version", version, most=math.inf, other="'next'")
        if number > LARGEST:
            raise ValueError(
                f"Expected a version of at most {LARGEST}, the largest that a server can read: "
                f"name a smaller one, or export to another directory than {str(self.base)!r}. "
                f"Received: version={version!r}"
            )
        if number in taken:
            raise ValueError(
                f"Version {number} exists already in {str(self.base)!r}: "
                f"{_described(taken[number])}, and a server may be using it. Choose another, or "
                f"version='next'. Received: version={number}"
            )
        return number

    @contextlib.contextmanager
    def writing(self, number):
        """Yield a directory to write a version into; it is renamed when all is written.

        Raises:
            OSError: when it can't be written; nothing of it is left then.
        """
        target = self.path(number)
        try:
            self.base.mkdir(parents=True, exist_ok=True)
            files.remove_partial(self.base, "[0-9]+")
            with files.whole_directory(target) as partial:
                yield partial
                self._refuse_taken(number)
        except (OSError, tf.errors.OpError) as error:
            advice = "Make room on the disk, or export to another directory."
            if isinstance(error, FileExistsError) or number in self._taken_now():
                advice = "Another export has taken the number meanwhile: export again."
            raise OSError(
                f"The export to {str(target)!r} could not be written, and nothing of it was left "
                f"there; other versions are as they were. {advice} Received: {error}"
            ) from error

    def prune(self, keep, latest):
        """Remove all but the `keep` versions of the largest numbers, and never `latest`.

        Each is renamed before its files are removed: a server never finds half of one. What is no
        export (links, files, names such as `007`, other directories) stays, and does not count.
        """
        for number in self.numbers()[: -arguments.whole("keep", keep)]:
            if number == latest:
                continue
            files.remove_directory(self.path(number))

    def _refuse_taken(self, number):
        """Raise when a number was taken since it was chosen: an empty directory would be lost."""
        if path := self.taken().get(number):
            raise FileExistsError(f"{_described(path)} is there by now")

    def _taken_now(self):
        try:
            return self.taken()
        except OSError:
            return {}


def number_of(name):
    """Return the number as which TensorFlow Serving reads a name; `None` if it is no version.

    Its rules are those of `absl::SimpleAtoi` for 64 bits: ASCII digits, a sign and blanks around
    them allowed.
    """
    if not re.fullmatch(r"[ \t-\r]*[+-]?[0-9]+[ \t-\r]*", name):
        return None
    number = int(name)
    return number if -LARGEST - 1 <= number <= LARGEST else None


def _is_export(path):
    """Return whether a path is a directory itself, no link to one, that holds a model."""
    if path.is_symlink() or not path.is_dir():
        return False
    return any((path / file).exists() for file in formats.FILES.values())


def _described(path):
    """Return what a version's path is, for an error's text."""
    if path.is_symlink():
        return f"{path.name!r}, a link"
    return f"{path.name!r}, a directory" if path.is_dir() else f"{path.name!r}, a file"
