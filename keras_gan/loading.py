"""Files from strangers: a GAN is loaded without running their code or writing to their paths."""

import pathlib
import stat
import zipfile

import keras


def load_model(filepath):
    """Load a model from a `.keras` file that somebody else may have made.

    The same as `keras.saving.load_model`, without the arguments that switch its protection off:
    Lambda layers and classes that are not of a model are refused, and so is, before anything of it
    is read, an archive with members whose paths lead outside of it. Of such members
    `keras.saving.load_model` writes none, yet does not say a word.

    Args:
        filepath: path of the `.keras` file.

    Returns:
        The model, a `GAN` in general, compiled if it was when saved.

    Raises:
        ValueError: when the archive has such members, or the file is none of Keras's.
        TypeError: for classes that are not known here: import, and register, your own first.

    Example:

    >>> model = keras_gan.load_model("digits.keras")  # doctest: +SKIP
    """
    check_members(filepath)
    return keras.saving.load_model(filepath, safe_mode=True)


def check_members(filepath):
    """Refuse an archive with members that lead outside of it.

    Args:
        filepath: path of a file, which may be no archive at all.

    Raises:
        ValueError: for absolute paths, paths with `..`, and links.
    """
    if not zipfile.is_zipfile(filepath):
        return
    with zipfile.ZipFile(filepath) as archive:
        # As it stands in the archive: `filename` ends at a null character.
        escaping = [info.orig_filename for info in archive.infolist() if _leads_outside(info)]
    if escaping:
        raise ValueError(
            "Expected an archive whose members stay inside it. This one was not made by Keras: "
            f"don't load it. Received: {str(filepath)!r}, with {escaping}"
        )


def _leads_outside(info):
    # Windows' rules are the stricter ones: backslashes and drives count as well.
    path = pathlib.PureWindowsPath(info.orig_filename)
    link = stat.S_ISLNK(info.external_attr >> 16)
    return link or bool(path.anchor) or ".." in path.parts
