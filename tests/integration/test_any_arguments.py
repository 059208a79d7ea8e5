"""Any arguments of the public calls: each is taken, or refused in words a user can act on.

No call ends in an AttributeError, a KeyError, an IndexError or an error of TensorFlow, no message
is longer than 1,000 characters, and none shows data.
"""

import functools
import inspect
import warnings

import hypothesis
import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

import keras_gan
from keras_gan import metrics
from keras_gan.export import exporter

from . import small
from .habits import X, Y, compiled

# A number that no message may show: all arrays hold it.
MARK = 0.12345678
ARRAYS = [
    np.full(shape, MARK, dtype)
    for shape in [(), (4,), (4, 2), (4, 3), (4, 2, 2), (0, 2), (4, 8, 8, 1), (1, 2)]
    for dtype in ("float32", "float64")
] + [
    np.array([0, 1, 2, 1]),
    np.array([[0], [1], [2], [1]]),
    np.array([0, 1, 7, -1]),
    np.eye(3, dtype="float32")[[0, 1, 2, 1]],
    np.array(["a", "b", "c", "d"]),
    np.array([None] * 4),
    np.full((4, 2), np.nan),
    np.zeros((4, 2), "uint8"),
    np.array([True, False, True, True]),
]
OBJECTS = [
    None,
    object(),
    len,
    lambda x: x,
    dict,
    keras.layers.Dense(2),
    keras.optimizers.Adam,
    keras.losses.BinaryCrossentropy(),
    keras.metrics.Mean(),
    keras_gan.losses.Hinge,
    keras_gan.terms.R1,
    keras_gan.latents.Normal(9),
    tf.constant([MARK, MARK]),
    tf.data.Dataset.from_tensor_slices(np.full((4, 2), MARK, "float32")),
    tf.data.Dataset.from_tensor_slices(np.full((4, 2), MARK, "float32")).batch(2),
    tf.data.Dataset.from_tensor_slices({"image": np.full((4, 2), MARK), "label": Y[:4]}).batch(2),
    tf.data.Dataset.from_tensor_slices((X[:4], Y[:4], Y[:4])).batch(2),
    tf.ragged.constant([[MARK, 2.0], [MARK]]),
]
WORDS = [
    "auto", "adam", "fid", "frechet_distance", "wgan-gp", "hinge", "r1", "gp", "adaptive", "next",
    "samples", "generator", "alternating", "unrolled", "onnx", "float16", "m", "~", "m/1", "",
    "a.keras", "gs://bucket", "both", "simultaneous", "yes", "auto ",
]  # fmt: skip
SIMPLE = st.one_of(
    st.sampled_from(ARRAYS),
    st.sampled_from(OBJECTS),
    st.sampled_from(WORDS),
    st.booleans(),
    st.integers(-3, 8),
    st.sampled_from([2**31, 2**63, -(2**63), 2**70, 10**9]),
    st.floats(),
    st.text(max_size=3),
)
ANYTHING = st.one_of(
    SIMPLE,
    st.lists(SIMPLE, max_size=4),
    st.tuples(SIMPLE, SIMPLE),
    st.dictionaries(st.sampled_from(["image", "label", "a", "samples"]), SIMPLE, max_size=3),
)
# Where a large number would be taken at its word, and take long.
COUNT = st.one_of(st.integers(-2, 4), st.none(), st.floats(), st.text(max_size=2))
COUNTS = {
    "n", "epochs", "batch_size", "steps_per_epoch", "initial_epoch", "validation_steps", "steps",
    "discriminator_steps", "unrolled_steps", "metric_samples", "steps_per_execution", "replay",
    "validation_freq", "validation_batch_size",
}  # fmt: skip


def some_of(function, without=(), more=(), wrong=("optimizer", "latent_dim")):
    """Return a strategy of some keyword arguments of a function, and of some that are wrong."""
    names = [name for name in inspect.signature(function).parameters if name not in without]
    values = {
        name: COUNT if name in COUNTS else ANYTHING
        for name in [*names, *more, *wrong]
        if name not in ("self", "kwargs", "unknown", "options", "args")
    }
    return st.fixed_dictionaries({}, optional=values)


@functools.cache
def model(kind):
    """Return a model that all examples of a kind use."""
    return compiled(small.gan(classes=3 if kind == "labelled" else None))


def construct(arguments):
    keras_gan.GAN(*small.networks(), **arguments)


def recompile(arguments):
    model("compiled anew").compile(**{"run_eagerly": True, **arguments})


def fit(arguments):
    kind = arguments.pop("kind")
    model(kind).fit(**{"x": X[:4], "verbose": 0, **arguments})


def generate(arguments):
    kind = arguments.pop("kind")
    model(kind).generate(**{"n": 2, **arguments})


def evaluate(arguments):
    kind = arguments.pop("kind")
    model(kind).evaluate(**{"x": X[:4], "verbose": 0, **arguments})


def judge(arguments):
    metrics.evaluate(**{"metrics": ["sliced_wasserstein"], "verbose": 0, **arguments})


def export(arguments):
    model("plain").export(**{"filepath": "served", **arguments})


KINDS = {"kind": st.sampled_from(["plain", "labelled"])}
FIT = ("callbacks", "verbose")
CALLS = [
    (construct, some_of(keras_gan.GAN.__init__, ["generator", "discriminator"])),
    (recompile, some_of(keras_gan.GAN.compile, ["run_eagerly", "jit_compile"])),
    (fit, some_of(keras_gan.GAN.fit, FIT, ["steps_per_epoch", "initial_epoch"])),
    (generate, some_of(keras_gan.GAN.generate)),
    (evaluate, some_of(keras_gan.GAN.evaluate, FIT, ["steps"])),
    (judge, some_of(metrics.evaluate, ["verbose"], wrong=())),
    (export, some_of(keras_gan.GAN.export, (), ["keep", "max_batch_size", "dtype", "warmup"])),
]


@st.composite
def calls(draw):
    """Draw a call and its arguments."""
    call, arguments = draw(st.sampled_from(CALLS))
    arguments = draw(arguments)
    if call in (fit, generate, evaluate):
        arguments = {**arguments, **draw(st.fixed_dictionaries(KINDS))}
    return call, arguments


# What Python, NumPy, Keras and TensorFlow say of their own insides.
INSIDE = (
    "Exception encountered when calling",
    "function_node",
    "Traceback",
    "truth value",
    "unhashable",
    "not supported between",
    "object is not",
    "unexpected keyword",
    "has no len",
    "cannot be interpreted",
    "could not convert",
)


def play(call, arguments):
    """Make a call; assert that it is taken, or refused well."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(dict(arguments))
    except (ValueError, TypeError, NotImplementedError) as error:
        message = str(error)
        assert type(error) in (ValueError, TypeError, NotImplementedError), type(error)
        assert len(message) < 1000, message
        assert "0.1234567" not in message, message
        for inside in INSIDE:
            assert inside not in message, message


@pytest.fixture
def nothing_written(monkeypatch, tmp_path):
    """Let exports check their arguments, and write nothing: a graph is not the subject."""

    def signatures(*args, **kwargs):
        raise NotImplementedError("No graph is made here.")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(exporter, "Signatures", signatures)


SETTINGS = {
    "deadline": None,
    "database": None,
    "derandomize": True,
    "suppress_health_check": list(hypothesis.HealthCheck),
}


@hypothesis.given(calls())
@hypothesis.settings(max_examples=100, **SETTINGS)
def test_any_arguments(nothing_written, drawn):
    play(*drawn)


@pytest.mark.slow
@hypothesis.given(calls())
@hypothesis.settings(max_examples=2000, **SETTINGS)
def test_many_arguments(nothing_written, drawn):
    play(*drawn)
