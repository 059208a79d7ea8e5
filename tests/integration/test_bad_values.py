"""Bad values, seen only as they pass, and what generate and export refuse; nothing is lost."""

import os
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan

from . import small
from .refusals import X, assert_says, compiled, labelled

# Values can be seen only as they pass: the step stops before it uses them.


@pytest.mark.representatives("1-False")
@pytest.mark.parametrize("steps, jit_compile", [(1, False), (2, False), (1, True)])
def test_nan_in_a_dataset_stops_before_the_update(steps, jit_compile):
    model = small.gan()
    model.compile(discriminator_steps=steps, jit_compile=jit_compile, **small.adams())
    before = small.weights(model)
    dataset = tf.data.Dataset.from_tensors(np.full((4, 2), np.nan, "float32")).repeat(steps)
    with pytest.raises(ValueError, match=r"NaN(?s:.*)finite"):
        model.fit(dataset, verbose=0)
    small.assert_unchanged(before, model)


@pytest.mark.representatives("3-False")
@pytest.mark.parametrize("label, jit_compile", [(-1, False), (3, False), (3, True)])
def test_labels_out_of_range_in_a_dataset_stop_before_the_update(label, jit_compile):
    model = small.gan(classes=3)
    model.compile(jit_compile=jit_compile, **small.adams())
    before = small.weights(model)
    dataset = tf.data.Dataset.from_tensors((X[:4], np.array([0, 1, 2, label], "int32")))
    with pytest.raises(ValueError, match=rf"0 to 2(?s:.*)Received(?s:.*){label}"):
        model.fit(dataset, verbose=0)
    small.assert_unchanged(before, model)


def test_a_dataset_that_turns_out_empty():
    model = compiled()
    dataset = tf.data.Dataset.from_tensor_slices(X).batch(4).filter(lambda x: False)
    with pytest.raises(ValueError, match="empty"):
        model.fit(dataset, verbose=0)


def test_a_dataset_that_turns_out_to_have_too_few_batches():
    model = compiled(discriminator_steps=3)
    dataset = tf.data.Dataset.from_tensor_slices(X).batch(8).filter(lambda x: True)
    with pytest.raises(ValueError, match="discriminator_steps"):
        model.fit(dataset, verbose=0)


def ending_in(*layers, run_eagerly=False):
    generator = keras.Sequential([keras.Input((3,)), *layers])
    return compiled(keras_gan.GAN(generator, small.networks()[1]), run_eagerly=run_eagerly)


TANH = {
    "an activation": [keras.layers.Dense(2), keras.layers.Activation("tanh")],
    "a layer's activation": [keras.layers.Dense(2, activation="tanh")],
    "before a reshape": [keras.layers.Dense(2, activation="tanh"), keras.layers.Reshape((2,))],
}


@pytest.mark.representatives(1)
@pytest.mark.parametrize(
    "kind, layers",
    # What ends in tanh is found out before the data is looked at, whatever kind that is.
    [*(("array", layers) for layers in TANH), ("dataset", "an activation")],
)
def test_images_outside_the_range_of_tanh_warn_with_the_range(kind, layers):
    x = np.linspace(0, 255, 32, dtype="float32").reshape(16, 2)
    data = x if kind == "array" else tf.data.Dataset.from_tensors(x)
    model = ending_in(*TANH[layers], run_eagerly=kind == "array")
    with pytest.warns(UserWarning, match=r"tanh(?s:.*)\[0, 255\]"):
        model.fit(data, batch_size=None if kind == "dataset" else 16, verbose=0)


@pytest.mark.representatives(1)
@pytest.mark.parametrize("activation, scale", [("tanh", 1), ("linear", 100)])
def test_images_that_fit_do_not_warn(activation, scale):
    x = scale * np.linspace(-1, 1, 32, dtype="float32").reshape(16, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        ending_in(keras.layers.Dense(2, activation=activation)).fit(x, verbose=0)


def test_a_refused_compile_leaves_the_model_as_it_was():
    model = compiled(ema=0.9, terms=["r1"], loss="minimax")
    before = small.state(model)
    with pytest.raises(TypeError):
        model.compile(loss="least_squares", ema="0.9")
    assert model.loss.name == "minimax"
    assert [term.name for term in model.terms] == ["r1"]
    small.assert_equal_states(before, small.state(model))
    model.fit(X, verbose=0)


GENERATE = [
    ("no samples", compiled, {"n": 0}, ["`n`", "n=0"]),
    ("no condition", labelled, {"n": 2}, ["condition", "2 samples"]),
    ("rows of a list", labelled, {"n": 2, "condition": [0, 1, 2]}, ["n=2", "3 rows"]),
    ("rows", labelled, {"n": 2, "condition": small.labels(3)}, ["n=2", "3 rows"]),
    ("labels", labelled, {"n": 2, "condition": np.array([0, 3])}, ["0 to 2", "3 classes"]),
    ("seed", compiled, {"n": 2, "seed": 0.5}, ["seed", "0.5"]),
    ("truncation", compiled, {"n": 2, "truncation": -1.0}, ["truncation", "positive", "-1"]),
    ("batch size", compiled, {"n": 2, "batch_size": 0}, ["batch_size", "at least 1"]),
]


@pytest.mark.parametrize(
    "make, arguments, texts", [r[1:] for r in GENERATE], ids=[r[0] for r in GENERATE]
)
def test_generate_says_what_it_needs(make, arguments, texts):
    with pytest.raises(ValueError) as caught:
        make().generate(**arguments)
    assert_says(caught.value, texts)


@pytest.mark.slow
def test_export_to_a_file(tmp_path):
    path = tmp_path / "taken"
    path.write_text("precious")
    with pytest.raises(ValueError, match=r"directory(?s:.*)file(?s:.*)taken"):
        small.gan().export(str(path))
    assert path.read_text() == "precious"


@pytest.mark.slow
def test_export_of_a_version_that_exists(tmp_path):
    (tmp_path / "3").mkdir()
    (tmp_path / "3" / "saved_model.pb").write_text("precious")
    with pytest.raises(ValueError, match=r"3(?s:.*)exists(?s:.*)'next'"):
        small.gan().export(str(tmp_path), version=3)
    assert (tmp_path / "3" / "saved_model.pb").read_text() == "precious"
    assert os.listdir(tmp_path) == ["3"]


@pytest.mark.slow
def test_another_backend_is_refused_at_import():
    # The other backends need packages of their own: only the answer is theirs here.
    program = "import keras; keras.backend.backend = lambda: 'jax'; import keras_gan"
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode != 0
    assert "ImportError" in run.stderr
    assert "KERAS_BACKEND=tensorflow" in run.stderr
    assert "Received: backend='jax'" in run.stderr
