"""What serving/requests.lua says of requests, beside what the server's own parsers make of them."""

import json
import pathlib

import lupa.lua54
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_serving.apis import predict_pb2

REQUESTS = pathlib.Path(__file__).parents[2] / "serving" / "requests.lua"
LARGEST, DEEPEST = 65536, 16
# Bodies over REST, and whether they are let through.
JSON = {
    "rows": (b'{"instances": [{"seed": 1}]}', True),
    "columns": (b'{"inputs": {"seed": [1, 2], "truncation": [Infinity, 1e5]}}', True),
    "blanks around": (b' \t\r\n{"inputs": [[1]]}\n ', True),
    "lists in texts": (rb'{"signature_name": "[]", "inputs": "\"[ ]}\\"}', True),
    "a nest as deep as it may be": (b'{"inputs": ' + b"[" * 15 + b"1" + b"]" * 15 + b"}", True),
    "as large as it may be": (b'{"inputs": [1]}'.ljust(LARGEST), True),
    "no rows": (b'{"instances": []}', False),
    "columns without rows": (b'{"inputs": {"seed": [1], "truncation": []}}', False),
    "blanks in between": (b'{"inputs": {"seed": [ \t\r\n]}}', False),
    "rows without columns": (b'{"inputs": {"latents": [[]]}}', False),
    "rows without columns behind others": (b'{"inputs": {"latents": [[1], []]}}', False),
    "the first of two keys": (b'{"inputs": {"seed": []}, "inputs": {"seed": [1]}}', False),
    "behind a text that ends in a backslash": (rb'{"a": "\\", "inputs": []}', False),
    "too deep": (b'{"inputs": ' + b"[" * 16 + b"1" + b"]" * 16 + b"}", False),
    "far too deep": (b"[" * LARGEST, False),
    "far too deep, of objects": (b'{"a":' * 13000 + b"1" + b"}" * 500, False),
    "deep behind closed lists": (b'{"a": ' + b"[[1]," * 9000, False),
    "too large": (b'{"inputs": [1]}'.ljust(LARGEST + 1), False),
    "cut off": (b'{"inputs": [1', False),
    "cut off in a text": (b'{"signature_name": "sam', False),
    "cut off behind a backslash": (b'{"signature_name": "sam\\', False),
    "more behind it": (b'{"inputs": [1]} {"inputs": [1]}', False),
    "more behind a zero byte": (b'{"inputs": [1]}\0{"inputs": []}', False),
    "no object": (b"[1, 2]", False),
    "a byte order mark": (b'\xef\xbb\xbf{"inputs": [1]}', False),
    "packed": (b"\x1f\x8b\x08\x00", False),
    "nothing": (b"", False),
    "blanks": (b"  ", False),
}


@pytest.fixture(scope="module")
def lua():
    """Return the functions of the file, which is given bytes and not texts."""
    runtime = lupa.lua54.LuaRuntime(encoding=None)
    found = runtime.execute(REQUESTS.read_bytes())
    return {name.decode(): found[name] for name in found}


@pytest.mark.parametrize("case", JSON)
def test_json(lua, case):
    text, passes = JSON[case]
    assert lua["is_json_of_rows"](text) is passes


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=20,
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(values, st.sampled_from([None, 0, 2]), st.booleans())
def test_json_is_let_through_when_no_list_is_empty(lua, value, indent, ascii):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii)
    passes = isinstance(value, dict) and not empty(value) and depth(value) <= DEEPEST
    assert lua["is_json_of_rows"](text.encode(errors="replace")) is passes


def empty(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value == [] or any(empty(each) for each in inner)


def depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, dict | list) + max([0, *map(depth, inner)])


def predict_request(**shapes):
    """Return a request of tensors of some shapes."""
    message = predict_pb2.PredictRequest()
    message.model_spec.name, message.model_spec.signature_name = "digits", "sample"
    message.output_filter.append("images")
    for name, shape in shapes.items():
        message.inputs[name].CopyFrom(tf.make_tensor_proto(np.ones(shape, "int64")))
    return message


def framed(message, compressed=0):
    """Return a message behind the five bytes that gRPC puts before it."""
    return bytes([compressed]) + len(message).to_bytes(4, "big") + message


def passes(lua, message):
    return lua["is_message_of_rows"](framed(message))


@pytest.mark.parametrize("shape", [(), (1,), (7,), (300, 1), (2, 3, 4, 5)], ids=str)
def test_tensors_of_rows_pass(lua, shape):
    request = predict_request(seed=(4,), latents=shape)
    assert passes(lua, request.SerializeToString())


@pytest.mark.parametrize("shape", [(0,), (0, 5), (5, 0), (2, 3, 0)], ids=str)
@pytest.mark.parametrize("name", ["a", "z"])
def test_empty_tensors_do_not(lua, shape, name):
    request = predict_request(m=(4,), **{name: shape})
    assert not passes(lua, request.SerializeToString())


@pytest.mark.parametrize(
    "dimension",
    [
        "12 00",
        "12 02 08 00",
        "12 04 08 05 08 00",
        "12 03 08 80 00",
        "12 02 12 00",
        "12 02 10 05",
        "12 0b 08 80 80 80 80 80 80 80 80 80 02",
        "92 00 02 08 00",
        "12 80 00",
    ],
)
def test_zero_in_any_spelling(lua, dimension):
    shape = bytes.fromhex(dimension)
    assert not passes(lua, nested(shape))
    assert not passes(lua, nested(bytes.fromhex("12 02 08 05") + shape))
    assert passes(lua, nested(bytes.fromhex("12 02 08 05")))


def nested(shape):
    """Return a request whose only tensor is of a shape, written by hand."""
    for tag in (0x12, 0x12, 0x12):
        shape = bytes([tag, len(shape)]) + shape
    return shape


def test_what_is_no_whole_message(lua):
    good = predict_request(seed=(4,)).SerializeToString()
    for body in (b"", b"\0" * 4, framed(good)[:-1], framed(good) + b"\0", framed(good, 1)):
        assert not lua["is_message"](body)
        assert not lua["is_message_of_rows"](body)
    assert lua["is_message"](framed(b"")) and lua["is_message"](framed(b"x" * (LARGEST - 5)))
    assert not lua["is_message"](framed(b"x" * (LARGEST - 4)))
    for end in range(1, len(good)):
        assert not passes(lua, good[:end]) or parsed(good[:end]) is not None


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_request_with_an_empty_tensor_passes(lua, data):
    """Whole or with some bytes changed: what passes is broken to the server, or full."""
    shapes = st.lists(st.integers(0, 3), max_size=3)
    chosen = data.draw(st.dictionaries(st.sampled_from("abc"), shapes, min_size=1))
    request = predict_request(**chosen)
    message = bytearray(request.SerializeToString())
    assert passes(lua, bytes(message)) is all(0 not in shape for shape in chosen.values())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(message) - 1))
        message[at] = data.draw(st.integers(0, 255))
    if passes(lua, bytes(message)):
        found = parsed(bytes(message))
        assert found is None or not any(
            dim.size == 0 for tensor in found.inputs.values() for dim in tensor.tensor_shape.dim
        )


def parsed(message):
    try:
        return predict_pb2.PredictRequest.FromString(message)
    except DecodeError:
        return None
