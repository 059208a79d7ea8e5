r"""Ask TensorFlow Serving for images of an exported model, and write them as one picture.

    docker run -p 8500:8500 -p 8501:8501 -v "$PWD/saved_models/digits:/models/digits" \
        -e MODEL_NAME=digits tensorflow/serving
    python examples/serving_client.py --model=digits --seeds=64 --output=grid.png
    python examples/serving_client.py --model=digits --interpolate=3,8 --output=strip.png
    python examples/serving_client.py --model=winter --translate=photo.png --output=snow.png
    python examples/serving_client.py --model=repair --translate=image=photo.png,mask=hole.png

Over REST it takes NumPy, Pillow and absl-py. --transport=grpc, which is faster, takes
`pip install "keras-gan[serving]"`.

The server makes PNG files which say that they are synthetic, and by which model and version. The
picture that they are pasted into says so too.
"""

import base64
import dataclasses
import http.client
import io
import json
import math
import os
import pathlib
import re
import sys
import threading
import urllib.parse

import numpy as np
from absl import app, flags
from PIL import Image, PngImagePlugin

_HOST = flags.DEFINE_string("host", "localhost", "Where the server runs.")
_TRANSPORT = flags.DEFINE_enum("transport", "rest", ["rest", "grpc"], "How to talk to it.")
_PORT = flags.DEFINE_integer("port", None, "Its port; 8501 for REST, 8500 for gRPC by default.")
_MODEL = flags.DEFINE_string("model", None, "The model's name on the server.")
_VERSION = flags.DEFINE_integer("version", None, "Its version; the newest by default.")
_VERSION_LABEL = flags.DEFINE_string("version_label", None, "A version by its label, for --version")
_FIRST_SEED = flags.DEFINE_integer("first_seed", 0, "Seed of the first image.", lower_bound=0)
_SEEDS = flags.DEFINE_integer(
    "seeds", None, "How many images; 64 by default, from one seed to another 10.", lower_bound=1
)
_TRUNCATION = flags.DEFINE_float("truncation", None, "Bound on the latents; none by default.")
_CONDITION = flags.DEFINE_list("condition", None, "Label of all images, or one for each: 0,1,2.")
_INTERPOLATE = flags.DEFINE_list("interpolate", None, "Two seeds a,b: the images from a to b.")
_TRANSLATE = flags.DEFINE_list(
    "translate", None, "PNG file to translate, or files by the condition's parts: image=a.png,..."
)
_SIGNATURE = flags.DEFINE_string(
    "signature", "translate_png", "What translates it, such as a_to_b_png between two domains."
)
_OUTPUT = flags.DEFINE_string("output", "grid.png", "PNG file to write.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 64, "Images in a request at most.", lower_bound=1)
_TIMEOUT = flags.DEFINE_float("timeout", 30.0, "Seconds to wait for an answer.", lower_bound=0.001)

PORTS = {"rest": 8501, "grpc": 8500}
CODES = {
    400: "INVALID_ARGUMENT",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",  # Of the proxy in serving/haproxy.cfg.
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
SIDE = 512  # Pixels that a picture of small images is enlarged towards.
LINE = 2  # Pixels between images.


class Refused(Exception):
    """What came instead of an answer: the name of a gRPC status code, and what was said."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


@dataclasses.dataclass(frozen=True)
class Target:
    """Which model is asked, and where."""

    host: str
    port: int
    model: str
    version: int | str | None = None  # A text is a label.
    timeout: float = 30.0


class Rest:
    """TensorFlow Serving's REST API: a connection for each thread, kept open."""

    def __init__(self, target):
        self.target, self._kept = target, threading.local()
        self._path = self._model = f"/v1/models/{urllib.parse.quote(target.model, safe='')}"
        if target.version is not None:
            kind = "labels" if isinstance(target.version, str) else "versions"
            self._path += f"/{kind}/{urllib.parse.quote(str(target.version), safe='')}"

    def predict(self, signature, output, inputs):
        """Return one output of a signature, an array or a list of bytes, for arrays by name."""
        columns = {name: in_json(array.tolist()) for name, array in inputs.items()}
        body = {"signature_name": signature, "inputs": columns}
        outputs = self._ask("POST", f"{self._path}:predict", body)["outputs"]
        # An only output comes without its name.
        found = outputs[output] if isinstance(outputs, dict) else outputs
        if output.endswith("_bytes"):
            return [base64.b64decode(row["b64"]) for row in found]
        return np.array(found)

    def signatures(self):
        """Return the inputs of each signature: their dtypes by name."""
        found = self._ask("GET", f"{self._path}/metadata")["metadata"]["signature_def"]
        return {
            signature: {name: dtype_of(i["dtype"]) for name, i in each.get("inputs", {}).items()}
            for signature, each in found["signature_def"].items()
        }

    def states(self):
        """Return the state of each version that the server knows of, by number."""
        found = self._ask("GET", self._model)["model_version_status"]
        return {int(status["version"]): status["state"] for status in found}

    def _ask(self, method, path, body=None):
        if not hasattr(self._kept, "connection"):
            where = self.target.host, self.target.port
            self._kept.connection = http.client.HTTPConnection(*where, timeout=self.target.timeout)
        connection = self._kept.connection
        try:
            connection.request(method, path, body and json.dumps(body).encode())
            response = connection.getresponse()
            found = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()  # The next request opens it again.
            code = "DEADLINE_EXCEEDED" if isinstance(error, TimeoutError) else "UNAVAILABLE"
            # What is no HTTP, or no JSON, is nothing to show.
            said = error if isinstance(error, OSError) else type(error).__name__
            raise Refused(code, said) from error
        if response.status != http.HTTPStatus.OK:
            code = CODES.get(response.status, f"HTTP {response.status}")
            raise Refused(code, found.get("error", found))
        return found


class Grpc:
    """TensorFlow Serving's gRPC API."""

    def __init__(self, target):
        try:
            import grpc
            import tensorflow as tf
            from tensorflow_serving import apis
            from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
        except ImportError as error:
            raise ImportError(
                "--transport=grpc takes the package tensorflow-serving-api: install it with "
                f'`pip install "keras-gan[serving]"`, or use --transport=rest. Received: {error}'
            ) from error
        self.target, self._grpc, self._tf, self._apis = target, grpc, tf, apis
        # Many large images are more than the default of 4 MB. As over REST, no proxy.
        options = [("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0)]
        channel = grpc.insecure_channel(f"{target.host}:{target.port}", options)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(channel)

    def predict(self, signature, output, inputs):
        """Return one output of a signature, an array or a list of bytes, for arrays by name."""
        request = self._request(self._apis.predict_pb2.PredictRequest())
        request.model_spec.signature_name = signature
        request.output_filter.append(output)
        for name, array in inputs.items():
            request.inputs[name].CopyFrom(self._tf.make_tensor_proto(array))
        response = self._call(self._predictions.Predict, request)
        found = self._tf.make_ndarray(response.outputs[output])
        return found.tolist() if output.endswith("_bytes") else found

    def signatures(self):
        """Return the inputs of each signature: their dtypes by name."""
        apis = self._apis.get_model_metadata_pb2
        request = self._request(apis.GetModelMetadataRequest(metadata_field=["signature_def"]))
        found = apis.SignatureDefMap()
        response = self._call(self._predictions.GetModelMetadata, request)
        response.metadata["signature_def"].Unpack(found)
        as_dtype = self._tf.as_dtype
        return {
            signature: {name: as_dtype(info.dtype).name for name, info in each.inputs.items()}
            for signature, each in found.signature_def.items()
        }

    def states(self):
        """Return the state of each version that the server knows of, by number."""
        apis = self._apis.get_model_status_pb2
        request = apis.GetModelStatusRequest()
        request.model_spec.name = self.target.model
        found = self._call(self._models.GetModelStatus, request).model_version_status
        return {each.version: apis.ModelVersionStatus.State.Name(each.state) for each in found}

    def _request(self, request):
        request.model_spec.name = self.target.model
        if isinstance(self.target.version, str):
            request.model_spec.version_label = self.target.version
        elif self.target.version is not None:
            request.model_spec.version.value = self.target.version
        return request

    def _call(self, method, request):
        try:
            return method(request, timeout=self.target.timeout)
        except self._grpc.RpcError as error:
            raise Refused(error.code().name, error.details()) from error


def in_json(value):
    """Return a value or a list of them as JSON has it: bytes as base64, which the server reads."""
    if isinstance(value, list):
        return [in_json(each) for each in value]
    return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def dtype_of(name):
    """Return NumPy's name of a dtype that has TensorFlow's: int64 for DT_INT64."""
    name = name.removeprefix("DT_").lower()
    return {"float": "float32", "double": "float64"}.get(name, name)


def explain(refused, server):
    """Return the sentence that says why there is no answer, and what to do."""
    target, said = server.target, readable(refused.message)
    where = f"{target.host}:{target.port}"
    if refused.code == "DEADLINE_EXCEEDED":
        return (
            f"{where} has not answered within {target.timeout:g} seconds: pass a larger --timeout, "
            "or ask for less at a time with a smaller --batch_size."
        )
    if refused.code == "NOT_FOUND":
        return explain_absence(server, said)
    if refused.code in ("INVALID_ARGUMENT", "FAILED_PRECONDITION"):
        return (
            "The server refused the request, so change the flag that it is about (--batch_size "
            f"where it is about rows): {said}"
        )
    if refused.code == "RESOURCE_EXHAUSTED":
        return f"The server is asked for too much at a time: wait a while, and try again: {said}"
    if refused.code != "UNAVAILABLE":
        return f"The server failed, and its log may say why: {refused.code}: {said}"
    return (
        f"No model server answers at {where} ({said}): wait if it is still loading or busy; "
        "pass its --host and --port, which is 8501 for REST and 8500 for gRPC unless it was told "
        "otherwise; or start one with `docker run -p 8500:8500 -p 8501:8501 "
        f'-v "$PWD/export:/models/{target.model}" -e MODEL_NAME={target.model} '
        "tensorflow/serving`, where export is the directory above the versions'."
    )


def explain_absence(server, said):
    """Return the sentence on a model that is unknown, loading, or of other versions."""
    target = server.target
    try:
        states = server.states()
    except Refused:
        return (
            f"The server has no model {target.model!r} ({said}): pass as --model the --model_name "
            "it was started with, which is MODEL_NAME in its docker image."
        )
    known = ", ".join(f"{number} {state}" for number, state in sorted(states.items()))
    # Which version a label is of, the states don't say.
    named = isinstance(target.version, int)
    asked = [states.get(target.version)] if named else states.values()
    if {"START", "LOADING"} & {*asked}:
        return (
            f"The model {target.model!r} is not ready ({known}): try again in a moment, and if "
            "this stays so read the server's log."
        )
    return (
        f"The model {target.model!r} has no such version ({said}): leave --version and "
        f"--version_label out, or pass an available one, of these: {known}."
    )


def readable(message):
    """Return what a person wants to read of a message: not the node of the graph it came from."""
    message = re.split(r"\s*\[\[\{\{", str(message))[0].strip()
    failed = re.search(r"assertion failed: \[(.*?)\] (.*)", message, re.DOTALL)
    return " ".join(failed.groups() if failed else [message])


def connect():
    """Return the server that the flags name."""
    if not _MODEL.value:
        raise ValueError("Expected --model, the model's name on the server. Received: none")
    version, label = _VERSION.value, _VERSION_LABEL.value
    if None not in (version, label):
        raise ValueError("Expected --version or --version_label. Received: both")
    port = PORTS[_TRANSPORT.value] if _PORT.value is None else _PORT.value
    version = label if version is None else version
    target = Target(_HOST.value, port, _MODEL.value, version, _TIMEOUT.value)
    return (Rest if _TRANSPORT.value == "rest" else Grpc)(target)


def integers(flag, counts):
    """Return a flag's integers, which are as many as one of the counts."""
    try:
        found = np.array([int(text) for text in flag.value], "int64")
    except (ValueError, OverflowError):
        found = ()
    if len(found) not in counts:
        raise ValueError(
            f"Expected --{flag.name} to be of {' or '.join(map(str, counts))} integers, with "
            f"commas between. Received: --{flag.name}={','.join(flag.value)}"
        )
    return found


def labels(rows):
    """Return the label of each row, as inputs by name: none where no --condition is given."""
    if _CONDITION.value is None:
        return {}
    return {"condition": np.broadcast_to(integers(_CONDITION, (1, rows)), rows)}


def fill(server, signature, **given):
    """Return the inputs of a signature, a row of each for every image, as the server wants them."""
    signatures = server.signatures()
    if signature not in signatures:
        raise ValueError(
            f"Expected a model with the signature {signature!r}, as exports of images have it. "
            f"Received: --model={_MODEL.value}, with {sorted(signatures)}"
        )
    wanted, rows = signatures[signature], len(next(iter(given.values())))
    # Though it may be left out: REST knows no defaults, and servers that batch want equal rows.
    if "truncation" in wanted or _TRUNCATION.value is not None:
        bound = math.inf if _TRUNCATION.value is None else _TRUNCATION.value
        given["truncation"] = np.full(rows, bound)
    if given.keys() != wanted.keys() or "string" in wanted.values():
        raise ValueError(
            f"Expected numbers for the inputs of {signature!r}, {dict(sorted(wanted.items()))}: "
            "pass --condition and --truncation where they are among these, and only there. "
            f"Received: {sorted(given)}"
        )
    return {name: array.astype(wanted[name]) for name, array in given.items()}


def ask(server, signature, output, **given):
    """Return one output's rows, asked for in requests of --batch_size rows at most."""
    inputs, size = fill(server, signature, **given), _BATCH_SIZE.value
    rows = len(next(iter(inputs.values())))
    found = []
    for first in range(0, rows, size):
        batch = {name: array[first : first + size] for name, array in inputs.items()}
        found += [*server.predict(signature, output, batch)]
    return found


def sample(server, seeds, condition):
    """Return the images of seeds, from the PNG files that the server makes."""
    files = ask(server, "sample_png", "image_bytes", seed=seeds, **condition)
    return [Image.open(io.BytesIO(data)) for data in files]


def interpolate(server, ends, condition, count):
    """Return the images from one seed to another."""
    seed_a, seed_b = (np.full(count, end) for end in ends)
    given = {"seed_a": seed_a, "seed_b": seed_b, "position": np.linspace(0, 1, count), **condition}
    arrays = ask(server, "interpolate", "images", **given)
    arrays = [array.astype("uint8") for array in arrays]  # Over REST they come as lists.
    return [Image.fromarray(a[..., 0] if a.shape[-1] == 1 else a) for a in arrays]


def sources(server):
    """Return the PNG files that --translate names, as inputs by name."""
    signatures, signature = server.signatures(), _SIGNATURE.value
    wanted = sorted(signatures.get(signature, ()))
    named = [text.rpartition("=") for text in _TRANSLATE.value]
    # An only file needs no name: there is one input that it can be.
    keys = [f"condition_{key}" if key or len(wanted) != 1 else wanted[0] for key, _, _ in named]
    if not wanted or sorted(keys) != wanted:
        raise ValueError(
            "Expected a --signature that takes PNG files, and a file for each of its inputs. "
            f"Received: --signature={signature}, which takes {wanted}, "
            f"--translate={','.join(_TRANSLATE.value)}; there are {sorted(signatures)}"
        )
    files = [pathlib.Path(path).read_bytes() for _, _, path in named]
    return {key: np.array([file], object) for key, file in zip(keys, files, strict=True)}


def output_path():
    """Return the file to write, or say that it can't be written: before the work."""
    path = pathlib.Path(_OUTPUT.value)
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"Expected a directory that can be written to. Received: --output={path}")
    return path


def translate(server):
    """Write what the server makes of the file that the flags name, as it comes."""
    path = output_path()
    part = _SIGNATURE.value.removesuffix("_png").rpartition("_to_")[2]
    output = "image_bytes" if part == "translate" else f"image_{part}_bytes"
    (file,) = server.predict(_SIGNATURE.value, output, sources(server))
    path.write_bytes(file)
    print(f"Wrote {path}")
    print(Image.open(io.BytesIO(file)).text.get("Comment", "It does not say that it is synthetic."))


def tile(images, columns):
    """Return images as one picture, row by row, small ones enlarged by a whole factor."""
    width, height = images[0].size
    rows = math.ceil(len(images) / columns)
    scale = max(1, SIDE // max(rows * height, columns * width))
    step_x, step_y = width * scale + LINE, height * scale + LINE
    picture = Image.new(images[0].mode, (columns * step_x + LINE, rows * step_y + LINE), "white")
    for i, image in enumerate(images):
        enlarged = image.resize((width * scale, height * scale), Image.Resampling.NEAREST)
        picture.paste(enlarged, (LINE + i % columns * step_x, LINE + i // columns * step_y))
    return picture


def carried(images):
    """Return what images say of themselves: their PNG texts by keyword, each once."""
    texts = {}
    for image in images:
        for key, text in image.text.items():
            if text not in texts.setdefault(key, text):
                texts[key] += f"; {text}"
    return texts


def draw(server):
    """Write the picture that the flags ask for, and say where it is and what it says of itself."""
    path = output_path()
    if _INTERPOLATE.value is None:
        count = _SEEDS.value or 64
        seeds = np.arange(_FIRST_SEED.value, _FIRST_SEED.value + count)
        images = marked = sample(server, seeds, labels(count))
        columns = math.ceil(math.sqrt(count))
    else:
        ends, columns = integers(_INTERPOLATE, (2,)), _SEEDS.value or 10
        condition = labels(columns)
        images = interpolate(server, ends, condition, columns)
        # These come as numbers, which say nothing of themselves: the ends' files do.
        marked = sample(server, ends, {key: rows[[0, -1]] for key, rows in condition.items()})
    texts, info = carried(marked), PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    tile(images, columns).save(path, format="png", pnginfo=info)
    print(f"Wrote {len(images)} images to {path}")
    print(texts.get("Comment", "Nothing in them says that they are synthetic: say it with them."))


def reach(use):
    """Call a function on the server that the flags name, and end with what stops it."""
    try:
        server = connect()
        try:
            use(server)
        except Refused as refused:
            sys.exit(f"error: {explain(refused, server)}")
    except (ImportError, OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)  # As shells report it.


def main(_):
    reach(draw if _TRANSLATE.value is None else translate)


if __name__ == "__main__":
    app.run(main)
