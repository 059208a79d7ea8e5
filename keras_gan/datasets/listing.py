"""Files of one kind in a folder, or in one folder per class."""

import collections
import dataclasses
import pathlib
import typing
import warnings

import numpy as np

from keras_gan.utils.files import path_of

_FOLDERS = "folders"


@dataclasses.dataclass(frozen=True)
class Kind:
    """What a folder is to hold.

    Attributes:
        noun: what the files are, such as "images".
        examples: of their endings, in words.
        endings: function that returns the set of endings that can be read.
    """

    noun: str
    examples: str
    endings: typing.Callable

    def flat(self, name, path):
        """Return the files in a folder that holds nothing but files of one class, sorted.

        Args:
            name: What the argument is called.
            path: What it was given.

        Raises:
            ValueError: If there is no such folder, or no such file in it.
        """
        folder, left_out = self._existing(name, path), collections.Counter()
        files = self._not_empty(self._files_in(folder, left_out), folder, "")
        self._tell(folder, files, left_out)
        return files

    def by_class(self, path):
        """Return the files in a folder, sorted, and their labels where it has a folder per class.

        Args:
            path: Of the folder.

        Returns:
            List of paths, and an int32 array of labels or `None`.

        Raises:
            ValueError: If there is no such folder, no such file in it or in one of its folders,
                or both files and folders.
        """
        folder, left_out = self._existing("path", path), collections.Counter()
        flat = self._files_in(folder, left_out)
        classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
        if flat and classes:
            raise ValueError(
                f"{str(folder)!r} holds both {self.noun} and subfolders: put the {self.noun} in "
                "the folder itself, or all of them in one subfolder per class."
            )
        if flat or not classes:
            files, labels = self._not_empty(flat, folder), None
        else:
            del left_out[_FOLDERS]  # They are the classes.
            groups = [self._not_empty(self._files_in(group, left_out), group) for group in classes]
            files = [file for group in groups for file in group]
            sizes = [len(group) for group in groups]
            labels = np.repeat(np.arange(len(groups), dtype="int32"), sizes)
        self._tell(folder, files, left_out)
        return files, labels

    def _existing(self, name, path):
        folder = pathlib.Path(path_of(name, path))
        if not folder.is_dir():
            raise ValueError(
                f"There is no folder of {self.noun} there. Received: {name}={str(folder)!r}"
            )
        return folder

    def _tell(self, folder, files, left_out):
        """Warn of what was left out, as the caller of the caller's caller."""
        if left_out:
            kinds = ", ".join(f"{kind} ({count})" for kind, count in sorted(left_out.items()))
            warnings.warn(
                f"{str(folder)!r}: {self.noun} read: {len(files)}, left out: "
                f"{sum(left_out.values())}, by kind: {kinds}.",
                stacklevel=4,
            )

    def _files_in(self, folder, left_out):
        """Return the files of a folder, sorted, and count what else is in it."""
        endings = self.endings()
        files = []
        for entry in sorted(folder.iterdir()):
            if entry.name.startswith("."):
                left_out["hidden"] += 1
            elif entry.is_dir():
                left_out[_FOLDERS] += 1
            elif entry.suffix.lower() in endings:
                files.append(entry)
            else:
                left_out[entry.suffix or "without ending"] += 1
        return files

    def _not_empty(self, files, folder, otherwise=", or one subfolder of them per class"):
        if not files:
            one = self.noun.removesuffix("s")
            raise ValueError(
                f"{str(folder)!r} holds no {self.noun}. Expected {one} files, such as "
                f"{self.examples}{otherwise}."
            )
        return files
