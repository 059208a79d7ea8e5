"""Loading of models from `.keras` files, which may come from anyone."""

import contextlib
import os
import tempfile
import warnings

import keras
import tensorflow as tf

from keras_gan.utils import archives, files


def load_model(filepath, custom_objects=None, compile=True):
    """Load a model from a `.keras` file that may come from an untrusted source.

    The same as `keras.saving.load_model`, without the arguments that switch its protection off:
    Lambda layers and classes that are not of a model are refused. So is, before anything of it is
    made, a file that is damaged, that leads outside of itself, or that says it has more than it
    holds. So are layers of more weights than are in it: docs/resume.md.

    Args:
        filepath: path of the `.keras` file.
        custom_objects: dict from names to classes and functions of your own that are not
            registered.
        compile: whether to compile the model, if it was when saved.

    Returns:
        The model, a `GAN` in general.

    Raises:
        ValueError: when the file is missing, damaged or none of Keras's.
        TypeError: for classes that are not known here: import, and register, your own first.

    Example:

    >>> model.save("digits.keras")
    >>> model = keras_gan.load_model("digits.keras")
    """
    filepath = files.path_of("filepath", filepath)
    if os.path.isdir(filepath) or not filepath.endswith(".keras"):
        raise ValueError(
            "Expected a file that `save` has written, which ends in `.keras`. Weights alone are "
            "loaded by `model.load_weights`, an export by `tf.saved_model.load`. "
            f"Received: filepath={filepath!r}"
        )
    try:
        with (
            local(filepath) as path,
            archives.variables_within(archives.check(path)),
            optimizers_whole(True),
        ):
            return keras.saving.load_model(path, custom_objects, compile=compile, safe_mode=True)
    except Exception as error:  # Of a file that anyone may have made.
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"The file {str(filepath)!r} can't be loaded: it is damaged, was not written by "
            "`save`, or needs classes of your own, which are to be imported and registered before. "
            f"The reason: {_shortened(str(error))}"
        ) from error


def _shortened(text):
    """Return the beginning and the end of a text, where Keras puts what the reason is."""
    return text if len(text) < 1500 else f"{text[:700]} [...] {text[-700:]}"


@contextlib.contextmanager
def optimizers_whole(whole):
    """Return a context in which Keras may not leave out the state of an optimizer with a warning.

    It comes to each optimizer twice. What went wrong the first time it forgets at the second, where
    it finds nothing in the file and warns of that.

    Args:
        whole: whether to raise; else the warning stays one.
    """
    with warnings.catch_warnings():
        if whole:
            warnings.filterwarnings("error", "Skipping variable loading for optimizer")
        yield


@contextlib.contextmanager
def local(filepath):
    """Give the path of a file, or of a copy here of one that lies elsewhere."""
    if "://" not in filepath or filepath.endswith(".json"):  # Whose shards Keras finds.
        yield filepath
        return
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, os.path.basename(filepath))
        tf.io.gfile.copy(filepath, path)
        yield path
