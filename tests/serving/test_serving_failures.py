"""What the client of a served export says of what can't be answered, and that all goes on."""

import re
import sys
import types

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver

from . import model_server
from .clients import LATENTS, ROWS, TRANSPORTS, at, connect, sample, seeds, statement

ENDS = {"seed_a": np.arange(2), "seed_b": np.arange(2)}
BAD = {
    "too many rows": ("sample", seeds(ROWS + 1), f"of 1 to {ROWS} rows. Received: .{ROWS + 1}"),
    "no rows": ("sample", seeds(0), "."),
    "unequal rows": ("sample", seeds(3, [1, 1]), "."),
    "out of range": ("sample", seeds(2, [1, 0]), "truncation to be above 0. Received: .0"),
    "not finite": (
        "serving_default",
        {"latents": np.full((2, LATENTS), np.nan, "float32")},
        "latents to be finite",
    ),
    "position": (
        "interpolate",
        {**ENDS, "position": np.array([0, 1.5], "float32")},
        "position to be from 0 to 1",
    ),
    "another name": (
        "interpolate",
        {**ENDS, "where": np.zeros(2, "float32")},
        r"Missing named input: position|alias: position\(feed name",
    ),
    "one missing": (
        "interpolate",
        ENDS,
        "Missing named input: position|2!=3 .* Missing but required: {position}",
    ),
    "dtype": ("sample", {**seeds(2), "seed": np.array([0.5, 1.5], "float32")}, "int64"),
    "shape": ("serving_default", {"latents": np.zeros((2, LATENTS + 1), "float32")}, "."),
    "signature": ("samples", seeds(2), '"samples" not found'),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_bad_request_is_refused_and_the_next_is_answered(script, served, transport, case):
    signature, inputs, message = BAD[case]
    server = connect(script, served, transport)
    with pytest.raises(script.Refused) as refused:
        server.predict(signature, "images", inputs)
    code = refused.value.code
    unknown = case == "signature" and transport == "grpc"
    assert code == ("FAILED_PRECONDITION" if unknown else "INVALID_ARGUMENT")
    assert re.search(message, script.readable(refused.value.message))
    assert script.explain(refused.value, server).startswith("The server refused the request")
    assert sample(script, server).text["Comment"] == statement(1)


def test_only_grpc_lets_defaults_be_left_out(script, served):
    """Which is why the client sends all rows of truncation."""
    images = connect(script, served, "grpc").predict("sample", "images", {"seed": np.arange(3)})
    same = connect(script, served, "rest").predict("sample", "images", seeds(3))
    np.testing.assert_array_equal(images, same)
    with pytest.raises(script.Refused, match="Missing named input: truncation"):
        connect(script, served, "rest").predict("sample", "images", {"seed": np.arange(3)})


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_bad_flags_are_explained(refusal, served, transport):
    where = at(served, transport)
    assert "Expected truncation to be above 0. Received: [-1]" in refusal(*where, "--truncation=-1")
    text = refusal(*where, "--seeds=101", "--batch_size=101")
    assert "--batch_size" in text and "of 1 to 100 rows. Received: [101]" in text
    wanted = "'sample_png', {'seed': 'int64', 'truncation': 'float32'}: pass --condition"
    assert wanted in refusal(*where, "--condition=1")
    text = refusal(*where, "--interpolate=1,2", "--truncation=1")
    assert "{'position': 'float32', 'seed_a': 'int64', 'seed_b': 'int64'}: pass" in text
    assert "--interpolate to be of 2 integers" in refusal(*where, "--interpolate=1")
    assert "can be written to" in refusal(*where, "--output=no/such/grid.png")
    assert "--version or --version_label" in refusal(*where, "--version=1", "--version_label=a")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_model_that_is_not_there_is_explained(run, refusal, local, tmp_path, transport):
    where, output = at(local, transport), f"--output={tmp_path / 'grid.png'}"
    text = refusal(*at(local, transport, "digitz"), output)
    assert "has no model 'digitz'" in text and "--model_name" in text
    text = refusal(*where, "--version=7", output)
    assert "no such version" in text and "1 AVAILABLE" in text
    text = refusal(*where, "--version_label=canary", output)
    assert "Unrecognized servable version label: canary" in text
    for chosen in ("--version=1", "--version_label=stable"):
        assert statement(1) in run(*where, chosen, output)
    local.model.ready = False
    for chosen in ((), ("--version=1",), ("--version_label=stable",)):
        text = refusal(*where, *chosen, output)
        assert "not ready (1 LOADING): try again in a moment" in text


@pytest.mark.slow
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_server_that_takes_too_long_is_explained(script, refusal, local, transport):
    sample(script, connect(script, local, transport))  # Loaded and run, which takes longer.
    server = connect(script, local, transport, timeout=1)
    local.model.delay = 2
    assert "within 0.2 seconds: pass a larger --timeout" in refusal(
        *at(local, transport), "--timeout=0.2"
    )
    with pytest.raises(script.Refused) as refused:
        sample(script, server, rows=1)
    assert refused.value.code == "DEADLINE_EXCEEDED"
    local.model.delay = 0
    # The next request's own answer, not the late one.
    sample(script, server, rows=3)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_no_server_is_explained(refusal, local, transport):
    text = refusal(f"--transport={transport}", *at_port(*model_server.free_ports(1)))
    assert "No model server answers at localhost:" in text and "onnection refused" in text
    assert 'docker run -p 8500:8500 -p 8501:8501 -v "$PWD/export:/models/digits"' in text
    # The other transport's port.
    other = {"rest": local.grpc, "grpc": local.rest}[transport]
    text = refusal(f"--transport={transport}", *at_port(other))
    assert "8501 for REST and 8500 for gRPC" in text and text.isprintable()


def at_port(port):
    return f"--port={port}", "--model=digits"


def test_a_missing_package_is_named(refusal, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving", None)
    text = refusal("--transport=grpc", "--model=digits")
    assert 'pip install "keras-gan[serving]"' in text and "--transport=rest" in text


@pytest.mark.parametrize(
    ("signatures", "message"),
    [
        ({"sample": {"seed": "int64"}}, r"the signature 'sample_png'.* with \['sample'\]"),
        ({"sample_png": {"seed": "int64", "condition": "string"}}, "Expected numbers .*'string'"),
    ],
)
def test_models_beyond_the_client_are_refused(script, signatures, message):
    server = types.SimpleNamespace(signatures=lambda: signatures)
    given = {name: np.zeros(2) for name in ("seed", "condition")}
    with flagsaver.flagsaver(), pytest.raises(ValueError, match=message):
        flags.FLAGS(["serving_client.py", "--model=points"])
        script.fill(server, "sample_png", **given)
