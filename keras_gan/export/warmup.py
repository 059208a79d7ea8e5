"""Warm-up requests, which a model server runs before a version is ready."""

import importlib.util

import numpy as np
import tensorflow as tf

from keras_gan.data.examples import example
from keras_gan.utils.arguments import shown

PATH = ("assets.extra", "tf_serving_warmup_requests")


def is_wanted(warmup):
    """Tell whether to write requests.

    Args:
        warmup: `"auto"` where the package that writes them is installed, `True` or `False`.

    Raises:
        ImportError: when they are asked for and the package is missing.
        ValueError: for another value.
    """
    there = importlib.util.find_spec("tensorflow_serving") is not None
    if isinstance(warmup, str) and warmup == "auto":
        return there
    if not isinstance(warmup, bool):
        raise ValueError(
            f"Expected `warmup` to be 'auto', True or False. Received: warmup={shown(warmup)}"
        )
    if warmup and not there:
        raise ImportError(
            "Warm-up requests are written by the package tensorflow-serving-api, which is not "
            'installed. Install it with `pip install "keras-gan[serving]"`, or pass warmup=False.'
        )
    return warmup


def requests(functions, example=example):
    """Return inputs of one row for each signature, as a client might send them.

    Args:
        functions: the signatures, as `tf.function`s by name.
        example: function from an input's spec to an array of one row; see `Limits.example`.

    Returns:
        Dict of dicts of arrays by the inputs' names.
    """
    given = {"position": np.array([0.5], "float32"), "truncation": np.array([1.0], "float32")}
    return {
        name: {
            spec.name: given[spec.name] if spec.name in given else example(spec)
            for spec in tf.nest.flatten(function.get_concrete_function().structured_input_signature)
        }
        for name, function in functions.items()
    }


def write(directory, name, inputs):
    """Write the requests where TensorFlow Serving looks for them.

    Args:
        directory: the version's, a `pathlib.Path`.
        name: the model's name.
        inputs: what `requests` returned.

    Reference:
        - [SavedModel warmup](https://www.tensorflow.org/tfx/serving/saved_model_warmup)
    """
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    path = directory.joinpath(*PATH)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, arrays in inputs.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.name = name
            request.model_spec.signature_name = signature
            for key, array in arrays.items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(array))
            log = prediction_log_pb2.PredictionLog(
                predict_log=prediction_log_pb2.PredictLog(request=request)
            )
            writer.write(log.SerializeToString())
