"""Versions in the directory that a model server watches: each complete or absent."""

import contextlib
import pathlib

import tensorflow as tf

from keras_gan.utils import arguments, files


class Versions:
    """The numbered versions of one model: TensorFlow Serving's layout, `<base>/<version>/`.

    Args:
        filepath: the base directory; made by the first `writing`.

    Raises:
        ValueError: for a remote path, the path of a version, or one that is a file.
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
        if self.name.isdecimal():
            raise ValueError(
                "Expected a base directory, which holds numbered versions. A path that ends in a "
                f"number is a version's: export({str(self.base.parent)!r}, "
                f"version={self.name}). Received: {str(filepath)!r}"
            )
        if self.base.exists() and not self.base.is_dir():
            raise ValueError(
                f"Expected a directory to export to; it is a file. Received: {filepath}"
            )

    @property
    def name(self):
        """The model's name, as a server's configuration has it: the base directory's."""
        return self.base.resolve().name

    def numbers(self):
        """Return the existing versions, in order."""
        if not self.base.exists():
            return []
        return sorted(int(path.name) for path in self.base.iterdir() if path.name.isdecimal())

    def path(self, number):
        """Return the directory of a version."""
        return self.base / str(number)

    def choose(self, version):
        """Return the number for `"next"` or an integer.

        Raises:
            ValueError: when it is neither, or exists already.
        """
        if isinstance(version, str) and version == "next":
            return 1 + max(self.numbers(), default=0)
        version = arguments.whole("version", version, other="'next'")
        if self.path(version).exists():
            raise ValueError(
                f"Version {version} exists already in {str(self.base)!r}, and a server may be "
                "using it. Choose another, or version='next'. "
                f"Received: version={version}"
            )
        return version

    @contextlib.contextmanager
    def writing(self, number):
        """Yield a directory to write a version into; it is renamed when all is written.

        Raises:
            OSError: when it can't be written; nothing of it is left then.
        """
        target = self.path(number)
        try:
            self.base.mkdir(parents=True, exist_ok=True)
            files.remove_partial(self.base, r"\d+")
            with files.whole_directory(target) as partial:
                yield partial
        except (OSError, tf.errors.OpError) as error:
            raise OSError(
                f"The export to {str(target)!r} could not be written, and nothing of it was left "
                "there; other versions are as they were. Make room on the disk, or export to "
                f"another directory. Received: {error}"
            ) from error

    def prune(self, keep, latest):
        """Remove all but the `keep` versions of the largest numbers, and never `latest`.

        Each is renamed before its files are removed: a server never finds half of one.
        """
        for number in self.numbers()[: -arguments.whole("keep", keep)]:
            if number == latest:
                continue
            files.remove_directory(self.path(number))
