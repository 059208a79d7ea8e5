"""The files of an export, by format."""

import contextlib
import importlib.util
import tempfile

import tensorflow as tf
from absl import logging

from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown
from keras_gan.utils.keras_internals import resource_owner

# The file by which a format's directory is recognized.
FILES = {"tf_saved_model": "saved_model.pb", "litert": "model.tflite", "onnx": "model.onnx"}


def check(format):
    """Raise unless a format is known and can be written here.

    Raises:
        ValueError: for another name.
        ImportError: when the package that writes it is missing.
    """
    arguments.choice("format", format, FILES)
    if format == "onnx" and importlib.util.find_spec("tf2onnx") is None:
        raise ImportError(
            "ONNX files are written by the package tf2onnx, which is not installed. Install it "
            'with `pip install "keras-gan[onnx]"`.'
        )


def check_others(format, versions):
    """Raise when a directory has versions of another format.

    Raises:
        ValueError: naming both.
    """
    for number, path in versions.taken().items():
        for other, file in FILES.items():
            if other != format and (path / file).exists():
                raise ValueError(
                    f"Expected a directory for each format: a server takes the largest version. "
                    f"Received: format={shown(format)} for {str(versions.base)!r}, whose version "
                    f"{number} is {other!r}"
                )


def write_saved_model(directory, functions):
    """Write a SavedModel of the signatures and the variables that they read.

    Args:
        directory: where to, a `pathlib.Path`.
        functions: `tf.function`s by the signatures' names.
    """
    with _quiet():
        tf.saved_model.save(holding(functions.values()), str(directory), signatures=functions)


@contextlib.contextmanager
def _quiet():
    """Keep TensorFlow from logging its resources, and a directory that will be renamed."""
    logger = tf.get_logger()
    level, verbosity = logger.level, logging.get_verbosity()
    logger.setLevel("WARNING")
    logging.set_verbosity(min(verbosity, logging.WARNING))
    try:
        yield
    finally:
        logger.setLevel(level)
        logging.set_verbosity(verbosity)


def holding(functions):
    """Return a module of the variables that functions read, and nothing else of the model."""
    module = tf.Module()
    used = []
    for function in functions:
        graph = function.get_concrete_function().graph
        used += [*graph.variables, *(resource_owner(handle) for handle, _ in graph.captures)]
    module.read = list({id(each): each for each in used if each is not None}.values())
    return module


def write_litert(directory, functions):
    """Write the generator as a LiteRT (TensorFlow Lite) file, `model.tflite`.

    Args:
        directory: where to, a `pathlib.Path`.
        functions: `tf.function`s by the signatures' names.
    """
    with tempfile.TemporaryDirectory() as temporary:
        write_saved_model(temporary, functions)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            temporary, signature_keys=list(functions)
        )
        (directory / FILES["litert"]).write_bytes(converter.convert())


def write_onnx(directory, functions):
    """Write the generator as an ONNX file, `model.onnx`.

    Args:
        directory: where to, a `pathlib.Path`.
        functions: `serving_default` alone, a `tf.function` with an input signature.
    """
    import tf2onnx

    function = functions["serving_default"]
    model, _ = tf2onnx.convert.from_function(
        function, input_signature=list(function.input_signature)
    )
    (directory / FILES["onnx"]).write_bytes(model.SerializeToString())


WRITERS = {"tf_saved_model": write_saved_model, "litert": write_litert, "onnx": write_onnx}
