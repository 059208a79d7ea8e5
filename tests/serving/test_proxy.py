"""The proxy that is shipped, in front of a server in this process: what passes and what does not.

Skipped, but for what needs no proxy, where HAProxy is not installed.
"""

import json
import pathlib
import socket
import time

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from . import proxies, servers
from .clients import TRANSPORTS, at, statement
from .proxies import ask

DIGITS = pathlib.Path(__file__).parents[2] / "saved_models" / "digits"
MODEL = "/v1/models/digits"
GOOD = json.dumps({"signature_name": "sample", "inputs": {"seed": [7], "truncation": [1.0]}})


@pytest.fixture(scope="module")
def served():
    with servers.in_process("digits", DIGITS, labels={"stable": 1}) as running:
        yield running


@pytest.fixture(scope="module")
def proxied(served, tmp_path_factory):
    with proxies.haproxy(served, tmp_path_factory.mktemp("proxy")) as ports:
        yield ports


@pytest.fixture(scope="module")
def stubs(proxied):
    options = [("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(f"{servers.HOST}:{proxied.grpc}", options) as channel:
        yield (
            prediction_service_pb2_grpc.PredictionServiceStub(channel),
            model_service_pb2_grpc.ModelServiceStub(channel),
        )


def request(rows, signature="sample"):
    """Return a gRPC request for the images of some seeds."""
    message = predict_pb2.PredictRequest()
    message.model_spec.name, message.model_spec.signature_name = "digits", signature
    message.inputs["seed"].CopyFrom(tf.make_tensor_proto(np.arange(rows)))
    message.inputs["truncation"].CopyFrom(tf.make_tensor_proto(np.ones(rows, "float32")))
    return message


def refused(method, message, **options):
    """Return the status code and the words with which a call is refused."""
    with pytest.raises(grpc.RpcError) as error:
        method(message, timeout=30, **options)
    return error.value.code().name, error.value.details()


@pytest.mark.parametrize("version", ["", "/versions/1", "/labels/stable"])
def test_predictions_pass(proxied, served, version):
    status, body = ask(proxied.rest, "POST", f"{MODEL}{version}:predict", GOOD)
    assert status == 200
    assert json.loads(body) == json.loads(ask(served.rest, "POST", f"{MODEL}:predict", GOOD)[1])


@pytest.mark.parametrize("path", ["", "/metadata", "/versions/1", "/labels/stable/metadata"])
def test_what_there_is_to_know_passes(proxied, path):
    assert ask(proxied.rest, "GET", f"{MODEL}{path}")[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{MODEL}:classify"),
        ("POST", f"{MODEL}:regress"),
        ("POST", "/v1/models/other:predict"),
        ("POST", f"{MODEL}:predict/"),
        ("POST", f"{MODEL}%3Apredict"),
        ("POST", f"{MODEL}/labels/%73table:predict"),
        ("POST", f"{MODEL}"),
        ("GET", f"{MODEL}:predict"),
        ("PUT", f"{MODEL}:predict"),
        ("DELETE", f"{MODEL}"),
        ("OPTIONS", f"{MODEL}:predict"),
        ("GET", "/v1/models"),
        ("GET", "/v1/models/other"),
        ("GET", f"{MODEL}/../other"),
        ("GET", "/monitoring/prometheus/metrics"),
        ("GET", "/"),
    ],
)
def test_nothing_else_is_there(proxied, served, method, path):
    before = served.model.answered
    status, body = ask(proxied.rest, method, path, GOOD if method == "POST" else None)
    assert status == 404
    assert b"nothing here for clients" in body
    assert served.model.answered == before


BAD = {
    "no rows": ({"body": '{"instances": []}'}, 400, "without empty lists"),
    "no rows in a column": (
        {"body": '{"signature_name": "sample", "inputs": {"seed": [], "truncation": []}}'},
        400,
        "without empty lists",
    ),
    "too deep": ({"body": "[" * 60000}, 400, "at most 16 deep"),
    "an object behind a zero byte": ({"body": f'{GOOD}\0{{"inputs": []}}'}, 400, "JSON object"),
    "nothing": ({"body": ""}, 400, "JSON object"),
    "too large": ({"body": GOOD.ljust(65537)}, 413, "at most 64 KiB"),
    "much too large": ({"headers": {"Content-Length": str(2**40)}}, 413, "at most 64 KiB"),
    "without a length": (
        {"headers": {"Transfer-Encoding": "chunked"}, "body": b""},
        411,
        "says its length",
    ),
    "packed": ({"body": GOOD, "headers": {"Content-Encoding": "gzip"}}, 415, "without an encoding"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_bodies_never_reach_the_server(proxied, served, case):
    given, expected, words = BAD[case]
    before = served.model.answered
    status, body = ask(proxied.rest, "POST", f"{MODEL}:predict", **given)
    assert (status, words in json.loads(body)["error"]) == (expected, True)
    assert served.model.answered == before


def test_the_largest_body_passes(proxied):
    assert ask(proxied.rest, "POST", f"{MODEL}:predict", GOOD.ljust(65536))[0] == 200


def test_what_the_graph_refuses_is_still_the_graphs_to_refuse(proxied):
    bad = json.dumps({"signature_name": "sample", "inputs": {"seed": [1], "truncation": [-1]}})
    status, body = ask(proxied.rest, "POST", f"{MODEL}:predict", bad)
    assert status == 400 and b"truncation" in body


def test_grpc_predictions_pass(stubs):
    found = stubs[0].Predict(request(9), timeout=30)
    assert tf.make_ndarray(found.outputs["images"]).shape == (9, 8, 8, 1)


def test_grpc_knowledge_passes(stubs):
    status = get_model_status_pb2.GetModelStatusRequest()
    status.model_spec.name = "digits"
    assert stubs[1].GetModelStatus(status, timeout=30).model_version_status[0].version == 1
    metadata = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    metadata.model_spec.name = "digits"
    assert stubs[0].GetModelMetadata(metadata, timeout=30).model_spec.version.value == 1


@pytest.mark.parametrize(
    ("rows", "options", "words"),
    [
        (0, {}, "at least one row"),
        (3, {"compression": grpc.Compression.Gzip}, "without compression"),
        (9000, {}, "at most 64 KiB"),
    ],
    ids=["no rows", "compressed", "too large"],
)
def test_bad_messages_never_reach_the_server(stubs, served, rows, options, words):
    before = served.model.answered
    code, said = refused(stubs[0].Predict, request(rows), **options)
    assert (code, words in said) == ("INVALID_ARGUMENT", True)
    assert served.model.answered == before


def test_a_message_of_megabytes_is_cut_off(stubs, served):
    before = served.model.answered
    assert refused(stubs[0].Predict, request(10**6))[0] in ("INVALID_ARGUMENT", "CANCELLED")
    assert served.model.answered == before
    assert stubs[0].Predict(request(1), timeout=30)


def test_no_client_configures_the_server(stubs):
    reload = model_management_pb2.ReloadConfigRequest()
    assert refused(stubs[1].HandleReloadConfigRequest, reload)[0] == "UNIMPLEMENTED"
    assert refused(stubs[0].Classify, classification_pb2.ClassificationRequest())[0] == (
        "UNIMPLEMENTED"
    )


@pytest.mark.slow
def test_a_slow_body_is_not_waited_for(served, tmp_path):
    changes = {
        "wait-for-body time 10s": "wait-for-body time 1s",
        "http-request 10s": "http-request 1s",
    }
    with proxies.haproxy(served, tmp_path, **changes) as ports:
        begin = time.monotonic()
        with socket.create_connection((servers.HOST, ports.rest), 20) as client:
            head = f"POST {MODEL}:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n"
            client.sendall(f"{head}{{".encode())
            assert b" 408 " in client.recv(100)
        assert time.monotonic() - begin < 10


@pytest.mark.slow
def test_too_many_requests_are_refused(served, tmp_path):
    with proxies.haproxy(served, tmp_path, **{"gt 500 }": "gt 20 }"}) as ports:
        statuses = [ask(ports.rest, "GET", MODEL)[0] for _ in range(30)]
    assert statuses[:10] == [200] * 10
    assert statuses[-5:] == [429] * 5


@pytest.mark.slow
def test_nothing_is_sent_to_a_server_that_is_not_ready(tmp_path):
    """Its status answers 200 in any state; what the proxy asks for does not."""
    with (
        servers.in_process("digits", DIGITS, labels={"stable": 1}) as running,
        proxies.haproxy(running, tmp_path, **{"inter 5s": "inter 100ms"}) as ports,
    ):
        running.model.ready = False
        assert ask(running.rest, "GET", MODEL)[0] == 200
        assert eventually(ports, 503)
        running.model.ready = True
        assert eventually(ports, 200)


def eventually(ports, status, seconds=15):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if ask(ports.rest, "POST", f"{MODEL}:predict", GOOD)[0] == status:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_client_gets_through(run, proxied, tmp_path, transport):
    path = tmp_path / "grid.png"
    more = "--version_label=stable", "--seeds=4", f"--output={path}"
    assert run(*at(proxied, transport), *more) == f"Wrote 4 images to {path}\n{statement(1)}\n"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_client_explains_what_the_proxy_refuses(refusal, proxied, tmp_path, transport):
    output = f"--output={tmp_path / 'grid.png'}"
    large = refusal(*at(proxied, transport), "--seeds=9000", "--batch_size=9000", output)
    assert "change the flag that it is about (--batch_size" in large and "64 KiB" in large


@pytest.mark.slow
def test_the_client_explains_that_it_asks_too_often(refusal, served, tmp_path):
    with proxies.haproxy(served, tmp_path, **{"gt 500 }": "gt 20 }"}) as ports:
        for _ in range(30):
            ask(ports.rest, "GET", MODEL)
        text = refusal(*at(ports, "rest"), f"--output={tmp_path / 'grid.png'}")
    assert "asked for too much at a time: wait a while" in text
