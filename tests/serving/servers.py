"""Model servers in this process, gRPC and REST, that answer as TensorFlow Serving does.

These hold to its source, down to the texts of its errors, as far as a client of exports meets it.
They load a version when it is first asked for, not in the background, and batch nothing.
"""

import base64
import concurrent.futures
import contextlib
import dataclasses
import http.server
import json
import pathlib
import re
import sys
import threading
import time
import urllib.parse

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

HOST = "127.0.0.1"
HTTP = {3: 400, 4: 504, 5: 404, 9: 400, 14: 503}  # Statuses of gRPC's codes, as Serving maps them.
CODES = {code.value[0]: code for code in grpc.StatusCode}
URL = re.compile(
    r"/v1/models/(?P<name>[^/:]+)(/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
    r"(?P<what>/metadata|:predict)?"
)


@dataclasses.dataclass
class Running:
    """A server's ports, and the `Model` it serves where that is in this process."""

    rest: int
    grpc: int
    model: "Model | None" = None


class Model:
    """The versions in a base directory, as a server sees it.

    Args:
        name: what requests call the model.
        base: the directory above the versions'.
        labels: dict of versions by label.

    Attributes:
        ready: whether it answers; else its versions are loading.
        delay: seconds that each answer takes longer.
        answered: how many predictions it was asked for.
        together: how many of them at the same time at most.
    """

    def __init__(self, name, base, labels=None):
        self.name, self.base, self.labels = name, pathlib.Path(base), labels or {}
        self.ready, self.delay, self.answered, self.together = True, 0.0, 0, 0
        self._running = 0
        self._loaded, self._lock = {}, threading.Lock()

    def version(self, name, version=None, label=None):
        """Return the number and the `Version` that a request is for: by default the newest."""
        if label is not None and label not in self.labels:
            raise invalid(f"Unrecognized servable version label: {label}")
        asked = self.labels[label] if label is not None else version
        numbers = self._numbers() if name == self.name and self.ready else []
        number = max(numbers, default=None) if asked is None else asked
        if number not in numbers:
            wanted = f"Latest({name})" if asked is None else f"Specific({name}, {asked})"
            raise absent(f"Servable not found for request: {wanted}")
        with self._lock:
            if number not in self._loaded:
                self._loaded[number] = Version(self.base / str(number))
        return number, self._loaded[number]

    def status(self, name):
        """Return the states of all versions, as a response."""
        if name != self.name:
            raise absent(f"Could not find any versions of model {name}")
        response = get_model_status_pb2.GetModelStatusResponse()
        for number in sorted(self._numbers(), reverse=True):
            state = "AVAILABLE" if self.ready else "LOADING"
            response.model_version_status.add(version=number, state=state)
        return response

    def predict(self, loaded, signature, inputs):
        """Return the outputs of a signature, arrays by name."""
        with self._lock:
            self.answered += 1
            self._running += 1
            self.together = max(self.together, self._running)
        try:
            time.sleep(self.delay)
            return loaded.run(signature, inputs)
        finally:
            with self._lock:
                self._running -= 1

    def _numbers(self):
        return [int(path.name) for path in self.base.iterdir() if path.name.isdecimal()]


class Version:
    """A SavedModel that is run by its signatures.

    Args:
        path: its directory.
    """

    def __init__(self, path):
        self._loaded = tf.saved_model.load(str(path))
        saved = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
        self.signatures = dict(saved.meta_graphs[0].signature_def)

    def run(self, name, inputs):
        """Return a signature's outputs for inputs: arrays by name, for tensors by name."""
        definition = self.signatures[name]
        tensors = {
            key: inputs[key] if key in inputs else tf.constant(tf.make_ndarray(default))
            for key, default in {**dict.fromkeys(definition.inputs), **definition.defaults}.items()
        }
        for key, tensor in tensors.items():
            _check(key, tensor, definition.inputs[key])
        outputs = self._loaded.signatures[name](**tensors)
        return {key: tensor.numpy() for key, tensor in outputs.items()}


def invalid(message):
    return tf.errors.InvalidArgumentError(None, None, message)


def absent(message):
    return tf.errors.NotFoundError(None, None, message)


def _check(name, tensor, info):
    """Refuse a tensor of another dtype or shape, as a session that is fed it does."""
    dtype, shape = tf.as_dtype(info.dtype), tf.TensorShape(info.tensor_shape)
    if tensor.dtype != dtype:
        wanted, received = dtype.name, tensor.dtype.name
        raise invalid(f"Expects arg[0] to be {wanted} but {received} is provided")
    if not shape.is_compatible_with(tensor.shape):
        raise invalid(
            f"Cannot feed value of shape {tensor.shape} for Tensor {info.name!r}, "
            f"which has shape {shape}"
        )


def message_of(error):
    """Return an error's message as a server has it: without what Python puts around it."""
    message = error.message.split("<stack traces unavailable>\n")[-1]
    return re.sub(r" \[Op:.*", "", message)


class Predictions(prediction_service_pb2_grpc.PredictionServiceServicer):
    """The gRPC service of predictions."""

    def __init__(self, model):
        self._model = model

    def Predict(self, request, context):
        with answering(context):
            number, loaded = self._model.version(*_asked(request.model_spec))
            name = request.model_spec.signature_name or "serving_default"
            _check_names(loaded.signatures, name, request.inputs)
            tensors = {key: tf.constant(tf.make_ndarray(p)) for key, p in request.inputs.items()}
            outputs = self._model.predict(loaded, name, tensors)
            response = predict_pb2.PredictResponse()
            response.model_spec.name, response.model_spec.version.value = self._model.name, number
            for key in request.output_filter or outputs:
                response.outputs[key].CopyFrom(tf.make_tensor_proto(outputs[key]))
            return response

    def GetModelMetadata(self, request, context):
        with answering(context):
            number, loaded = self._model.version(*_asked(request.model_spec))
            return _metadata(self._model.name, number, loaded)


class Models(model_service_pb2_grpc.ModelServiceServicer):
    """The gRPC service of models' states."""

    def __init__(self, model):
        self._model = model

    def GetModelStatus(self, request, context):
        with answering(context):
            return self._model.status(request.model_spec.name)


@contextlib.contextmanager
def answering(context):
    """Make an error the status that a call ends with."""
    try:
        yield
    except tf.errors.OpError as error:
        context.abort(CODES[error.error_code], message_of(error))


def _asked(spec):
    choice = spec.WhichOneof("version_choice")
    return (
        spec.name,
        spec.version.value if choice == "version" else None,
        spec.version_label if choice == "version_label" else None,
    )


def _check_names(signatures, name, given):
    if name not in signatures:
        raise tf.errors.FailedPreconditionError(
            None, None, f'Serving signature key "{name}" not found.'
        )
    wanted, defaults = {*signatures[name].inputs}, {*signatures[name].defaults}
    given = {*given}
    if len(given) > len(wanted) or (len(given) < len(wanted) and not defaults):
        raise invalid(
            f"input size does not match signature: {len(given)}!={len(wanted)} "
            f"len({_set(given)}) != len({_set(wanted)}). Sent extra: {_set(given - wanted)}. "
            f"Missing but required: {_set(wanted - given)}."
        )
    for key in sorted(wanted - given - defaults):
        raise invalid(
            f"Signature input alias: {key}(feed name: {signatures[name].inputs[key].name}) not "
            "found in request and no default value provided. Inputs expected to be in the request "
            f"{_set(given)}, or default input alias set: {','.join(sorted(defaults))}"
        )
    if given - wanted:
        raise invalid(
            f"Inputs contains invalid name. Used request inputs: {','.join(sorted(given & wanted))}"
            f", request input: {','.join(sorted(given))}"
        )


def _set(names):
    return "{" + ",".join(sorted(names)) + "}"


def _metadata(name, number, loaded):
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name, response.model_spec.version.value = name, number
    found = get_model_metadata_pb2.SignatureDefMap()
    for signature, definition in loaded.signatures.items():
        found.signature_def[signature].CopyFrom(definition)
    response.metadata["signature_def"].Pack(found)
    return response


class Handler(http.server.BaseHTTPRequestHandler):
    """The REST API."""

    protocol_version = "HTTP/1.1"  # Connections stay open.
    disable_nagle_algorithm = True  # Or a body waits for the headers' acknowledgement.

    def do_GET(self):
        self._answer(self._get)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(lambda: self._post(body))

    def log_message(self, *_):
        pass

    def _answer(self, make):
        try:
            status, answer = 200, make()
        except tf.errors.OpError as error:
            status, answer = HTTP.get(error.error_code, 500), {"error": message_of(error)}
        data = json.dumps(answer).encode()
        with contextlib.suppress(ConnectionError):  # A client that has waited long enough.
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def _asked(self, *kinds):
        found = URL.fullmatch(self.path)
        if not found or found["what"] not in kinds:
            raise invalid(f"Malformed request: {self.command} {self.path}")
        version = found["version"] and int(found["version"])
        label = found["label"] and urllib.parse.unquote(found["label"])
        return found["what"], urllib.parse.unquote(found["name"]), version, label

    def _get(self):
        what, name, *version = self._asked(None, "/metadata")
        model = self.server.model
        if what is None:
            return _as_json(model.status(name))
        response = _metadata(name, *model.version(name, *version))
        found = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(found)
        spec = _as_json(response.model_spec)
        return {"model_spec": spec, "metadata": {"signature_def": _as_json(found)}}

    def _post(self, body):
        _, name, *version = self._asked(":predict")
        _, loaded = self.server.model.version(name, *version)
        request = _parsed(body)
        signature = request.get("signature_name", "serving_default")
        if signature not in loaded.signatures:
            raise invalid(f'Serving signature name: "{signature}" not found in signature def')
        infos = loaded.signatures[signature].inputs
        by_row = "instances" in request
        read = _rows if by_row else _columns
        tensors = read(request["instances" if by_row else "inputs"], infos)
        outputs = self.server.model.predict(loaded, signature, tensors)
        lists = {key: _in_json(key, array) for key, array in outputs.items()}
        if len(lists) == 1:
            (found,) = lists.values()
        elif by_row:
            found = [
                dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)
            ]
        else:
            found = lists
        return {"predictions" if by_row else "outputs": found}


def _as_json(message):
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _parsed(body):
    try:
        request = json.loads(body)
    except ValueError as error:
        raise invalid(f"JSON Parse error: {error}") from error
    if not isinstance(request, dict):
        raise invalid(f"JSON Value: {json.dumps(request)} Is not object")
    if ("instances" in request) == ("inputs" in request):
        raise invalid("Missing 'inputs' or 'instances' key")
    return request


def _columns(given, infos):
    """Return tensors of the columnar format. No default stands for an input that is missing."""
    if not isinstance(given, dict):
        if len(infos) > 1:
            raise invalid("inputs is a plain value/list, but expecting an object as multiple input")
        given = {next(iter(infos)): given}
    for name in infos:
        if name not in given:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return {name: _tensor(given[name], info.dtype) for name, info in infos.items()}


def _rows(given, infos):
    """Return tensors of the row format."""
    if not isinstance(given, list) or not given:
        raise invalid("Expecting 'instances' to be an list/array")
    if not isinstance(given[0], dict) or {*given[0]} == {"b64"}:
        if len(infos) > 1:
            raise invalid("instances is a plain list, but expecting list of objects as multiple")
        given = [{next(iter(infos)): value} for value in given]
    for i, row in enumerate(given):
        if {*row} != {*infos}:
            raise invalid(
                f"Failed to process element: {i} of 'instances' list. JSON object: "
                f"{json.dumps(row)} keys must be equal to: {','.join(sorted(infos))}"
            )
    return {n: _tensor([row[n] for row in given], info.dtype) for n, info in infos.items()}


def _tensor(value, dtype):
    dtype = tf.as_dtype(dtype)
    try:
        return tf.constant(_values(value, dtype), dtype)
    except ValueError as error:
        raise invalid(f"Encountered list at unexpected size: {error}") from error


def _values(value, dtype):
    """Return a value or a nest of them, all of which can be of a dtype."""
    if isinstance(value, list):
        return [_values(each, dtype) for each in value]
    if dtype == tf.string and isinstance(value, dict) and {*value} == {"b64"}:
        return base64.b64decode(value["b64"])
    kinds = str if dtype == tf.string else (int, float) if dtype.is_floating else int
    if not isinstance(value, kinds) or isinstance(value, bool):
        kind = {dict: "Object", str: "String", bool: "Bool", type(None): "Null"}.get(type(value))
        raise invalid(
            f"JSON Value: {json.dumps(value)} Type: {kind or 'Number'} is not of expected type: "
            f"{dtype.name}"
        )
    return value


def _in_json(name, array):
    if array.dtype != object:
        return array.tolist()
    if name.endswith("_bytes"):
        return [{"b64": base64.b64encode(value).decode()} for value in array.reshape(-1)]
    return np.vectorize(bytes.decode, otypes=[object])(array).tolist()


class Server(http.server.ThreadingHTTPServer):
    """The REST server of a model."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, model):
        super().__init__((HOST, 0), Handler)
        self.model = model

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):  # Clients may go at any time.
            super().handle_error(request, client_address)


@contextlib.contextmanager
def in_process(name, base, labels=None):
    """Serve a model in this process over both transports, as long as the block runs."""
    model = Model(name, base, labels)
    rest = Server(model)
    threading.Thread(target=rest.serve_forever, kwargs={"poll_interval": 0.05}).start()
    calls = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Predictions(model), calls)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(Models(model), calls)
    port = calls.add_insecure_port(f"{HOST}:0")
    calls.start()
    try:
        yield Running(rest.server_port, port, model)
    finally:
        rest.shutdown()
        rest.server_close()
        calls.stop(None).wait()
