"""Bad input gets an error that says what was expected, what came and what to do, and loses nothing.

Each row is a call that must fail; the table is the promise.
"""

import os
import re
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan import losses, terms

from . import small

X = small.points(16)
Y = small.labels(16)


class Counted:
    """Make datasets that count the elements that were read from them."""

    def __init__(self):
        self.read = 0

    def __call__(self, *arrays, batch_size=4):
        def count(*element):
            def see(first):
                self.read += 1
                return first

            first, *rest = element
            seen = tf.numpy_function(see, [first], first.dtype)
            seen.set_shape(first.shape)
            return (seen, *rest) if rest else seen

        arrays = arrays if len(arrays) > 1 else arrays[0]
        return tf.data.Dataset.from_tensor_slices(arrays).batch(batch_size).map(count)


def compiled(model=None, **options):
    model = model or small.gan()
    model.compile(**{"run_eagerly": True, **options})
    return model


def labelled(**options):
    return compiled(small.gan(classes=3), **options)


def critic(*layers):
    return keras.Sequential([keras.Input((2,)), *layers])


def with_critic(network):
    return lambda: keras_gan.GAN(small.networks()[0], network)


# Errors of the constructor and of compile: (id, call, error, what the text must say).
BUILD = [
    (
        "shapes of generator and discriminator",
        lambda: keras_gan.GAN(small.networks()[0], small.networks(shape=(3,))[1]),
        ValueError,
        [r"\(2,\)", r"\(3,\)", "generator's output", "discriminator's input"],
    ),
    (
        "ranks of generator and discriminator",
        lambda: keras_gan.GAN(small.networks(shape=(4, 4, 1))[0], small.networks(shape=(16,))[1]),
        ValueError,
        [r"\(4, 4, 1\)", r"\(16,\)"],
    ),
    (
        "latents of another size",
        lambda: small.gan(latents=keras_gan.latents.Normal(5)),
        ValueError,
        [r"latents", r"\(3,\)", r"\(5,\)", "Received"],
    ),
    (
        "latents by name",
        lambda: small.gan(latents="normal"),
        ValueError,
        ["Normal", "Received: latents='normal'"],
    ),
    (
        "latents of a wrong kind",
        lambda: small.gan(latents=64),
        (TypeError, ValueError),
        ["latents", "Received", "64"],
    ),
    (
        "sigmoid activation",
        with_critic(critic(keras.layers.Dense(1, activation="sigmoid"))),
        ValueError,
        ["sigmoid", "logits", "[Dd]rop", "gradient"],
    ),
    (
        "sigmoid layer",
        with_critic(critic(keras.layers.Dense(1), keras.layers.Activation("sigmoid"))),
        ValueError,
        ["sigmoid", "logits", "[Dd]rop"],
    ),
    (
        "sigmoid before a reshape",
        with_critic(critic(keras.layers.Dense(1, activation="sigmoid"), keras.layers.Reshape(()))),
        ValueError,
        ["sigmoid", "logits"],
    ),
    (
        "sigmoid in an inner model",
        with_critic(critic(critic(keras.layers.Dense(1, activation="sigmoid")))),
        ValueError,
        ["sigmoid", "logits"],
    ),
    (
        "no network",
        lambda: keras_gan.GAN(lambda z: z, small.networks()[1]),
        TypeError,
        ["Keras model", "generator"],
    ),
    (
        "no latents and no condition",
        lambda: small.gan(latents=None, conditional=False),
        ValueError,
        ["condition", "latents"],
    ),
    (
        "unknown loss",
        lambda: small.gan().compile(loss="non_saturatin"),
        ValueError,
        ["non_saturatin", "Did you mean 'non_saturating'", "least_squares", "minimax"],
    ),
    (
        "a Keras loss",
        lambda: small.gan().compile(loss=keras.losses.BinaryCrossentropy()),
        TypeError,
        ["AdversarialLoss", "non_saturating", "Received"],
    ),
    (
        "a loss's class",
        lambda: small.gan().compile(loss=losses.NonSaturating),
        TypeError,
        ["instance", "Received"],
    ),
    (
        "unknown term",
        lambda: small.gan().compile(terms=["r11"]),
        ValueError,
        ["r11", "Did you mean 'r1'", "Known"],
    ),
    (
        "terms with one name",
        lambda: small.gan().compile(terms=[terms.R1(1.0), terms.R1(2.0)]),
        ValueError,
        ["r1", "name"],
    ),
    ("gamma", lambda: terms.R1(gamma=-1), ValueError, ["gamma", "Received: gamma=-1"]),
    (
        "discriminator_steps 0",
        lambda: small.gan().compile(discriminator_steps=0),
        ValueError,
        ["discriminator_steps", "positive", "Received: discriminator_steps=0"],
    ),
    (
        "discriminator_steps 1.5",
        lambda: small.gan().compile(discriminator_steps=1.5),
        (TypeError, ValueError),
        ["discriminator_steps", "integer", "1.5"],
    ),
    (
        "update",
        lambda: small.gan().compile(update="both"),
        ValueError,
        ["alternating", "simultaneous", "Received: update='both'"],
    ),
    (
        "ema 1",
        lambda: small.gan().compile(ema=1.0),
        ValueError,
        ["ema", r"\[0, 1\)", "1.0"],
    ),
    ("ema below 0", lambda: small.gan().compile(ema=-0.1), ValueError, ["ema", "-0.1"]),
    ("ema of a wrong kind", lambda: small.gan().compile(ema="0.9"), TypeError, ["ema", "'0.9'"]),
    (
        "half-life and decay",
        lambda: keras_gan.GeneratorAverage(decay=0.9, half_life=10),
        ValueError,
        ["half_life", "decay", "Received"],
    ),
    (
        "one optimizer for both",
        lambda: (lambda sgd: small.gan().compile("minimax", sgd, sgd))(keras.optimizers.SGD()),
        ValueError,
        ["optimizer", "each player"],
    ),
    (
        "no optimizer",
        lambda: small.gan().compile(generator_optimizer=3),
        (TypeError, ValueError),
        ["optimizer", "3"],
    ),
    (
        "augmentation of a wrong kind",
        lambda: small.gan().compile(augmentation="color"),
        (TypeError, ValueError),
        ["augmentation", "color"],
    ),
    (
        "metrics of a wrong kind",
        lambda: small.gan().compile(metrics=["accuracy"]),
        TypeError,
        ["metrics", "accuracy"],
    ),
]


@pytest.mark.parametrize("call, error, texts", [r[1:] for r in BUILD], ids=[r[0] for r in BUILD])
def test_networks_and_choices(call, error, texts):
    with pytest.raises(error) as caught:
        call()
    assert_says(caught.value, texts)


# Errors of fit: (id, model, data from a counter, error, what the text must say).
FIT = [
    (
        "width of the data",
        compiled,
        lambda new: new(np.zeros((8, 3), "float32")),
        ["dataset's samples", r"\(3,\)", r"\(2,\)"],
    ),
    (
        "rank of the data",
        compiled,
        lambda new: new(np.zeros((8, 4, 4, 1), "float32")),
        ["dataset's samples", r"\(4, 4, 1\)", r"\(2,\)"],
    ),
    ("missing condition", labelled, lambda new: new(X), [r"\(x, condition\)", "Received"]),
    (
        "shape of the condition",
        labelled,
        lambda new: new(X, np.zeros((16, 5), "int32")),
        ["condition", r"\(5,\)", r"\(\)"],
    ),
    ("integer images", compiled, lambda new: new(X.astype("uint8")), ["uint8", "127.5"]),
    (
        "sample weights in the data",
        labelled,
        lambda new: new(X, Y, np.ones(16, "float32")),
        ["sample_weight", "Received"],
    ),
    ("empty dataset", compiled, lambda new: new(X[:0]), ["empty", "at least one"]),
    (
        "more steps than batches",
        lambda: compiled(discriminator_steps=5),
        lambda new: new(X),
        ["5", "4 batches", "discriminator_steps"],
    ),
    (
        "not compiled",
        small.gan,
        lambda new: new(X),
        [r"compile\(\)", r"fit\(\)"],
    ),
]


@pytest.mark.parametrize("make, data, texts", [r[1:] for r in FIT], ids=[r[0] for r in FIT])
def test_data_that_does_not_fit_is_not_read(make, data, texts):
    model, new = make(), Counted()
    before = small.weights(model)
    with pytest.raises(ValueError) as caught:
        model.fit(data(new), verbose=0)
    assert_says(caught.value, texts)
    assert new.read == 0
    small.assert_unchanged(before, model)


class Pairs(keras.utils.PyDataset):
    """Batches of four of the samples it is given."""

    def __init__(self, x):
        super().__init__()
        self.x = x

    def __len__(self):
        return len(self.x) // 4

    def __getitem__(self, i):
        return self.x[4 * i : 4 * i + 4]


NAN = np.where(np.arange(32).reshape(16, 2) == 9, np.nan, X).astype("float32")

# Errors of fit on arrays and other kinds of input.
ARRAYS = [
    ("integers", compiled, {"x": X.astype("int32")}, ValueError, ["int32", "127.5"]),
    ("empty", compiled, {"x": X[:0]}, ValueError, ["empty"]),
    ("empty PyDataset", compiled, {"x": Pairs(X[:0])}, ValueError, ["empty"]),
    ("NaN", compiled, {"x": NAN}, ValueError, ["NaN", "finite"]),
    ("infinite", compiled, {"x": np.where(NAN == NAN, X, np.inf)}, ValueError, ["infinite"]),
    ("shape", compiled, {"x": np.zeros((8, 3))}, ValueError, [r"\(3,\)", r"\(2,\)"]),
    ("PyDataset's shape", compiled, {"x": Pairs(np.zeros((8, 3)))}, ValueError, [r"\(3,\)"]),
    ("no condition", labelled, {"x": X}, ValueError, [r"\(x, condition\)"]),
    (
        "labels too high",
        labelled,
        {"x": X, "y": Y + 1},
        ValueError,
        ["0 to 2", "1 to 3", "3 classes"],
    ),
    ("labels below 0", labelled, {"x": X, "y": Y - 1}, ValueError, ["0 to 2", "-1 to 1"]),
    ("fewer labels", labelled, {"x": X, "y": Y[:9]}, ValueError, ["16", "9"]),
    ("not data", compiled, {"x": object()}, TypeError, ["Dataset", "array", "object"]),
    ("nothing", compiled, {}, TypeError, ["Dataset", "array", "None"]),
    ("sample_weight", compiled, {"x": X, "sample_weight": Y}, ValueError, ["sample_weight"]),
    ("class_weight", compiled, {"x": X, "class_weight": {0: 1.0}}, ValueError, ["class_weight"]),
    (
        "too few batches",
        lambda: compiled(discriminator_steps=3),
        {"x": X, "batch_size": 8},
        ValueError,
        ["discriminator_steps=3", "2 batches"],
    ),
    (
        "y beside a dataset",
        compiled,
        {"x": tf.data.Dataset.from_tensors(X), "y": Y},
        ValueError,
        [r"\(x, condition\)"],
    ),
    (
        "validation_split of a dataset",
        compiled,
        {"x": tf.data.Dataset.from_tensors(X), "validation_split": 0.5},
        ValueError,
        ["validation_split", "validation_data"],
    ),
    (
        "validation_split out of range",
        compiled,
        {"x": X, "validation_split": 1.0},
        ValueError,
        ["validation_split", "1.0"],
    ),
    (
        "validation data of another shape",
        compiled,
        {"x": X, "validation_data": np.zeros((8, 3), "float32")},
        ValueError,
        [r"\(3,\)", r"\(2,\)"],
    ),
    (
        "validation data without condition",
        labelled,
        {"x": X, "y": Y, "validation_data": X},
        ValueError,
        ["condition"],
    ),
    (
        "integer validation data",
        compiled,
        {"x": X, "validation_data": X.astype("uint8")},
        ValueError,
        ["uint8"],
    ),
]


@pytest.mark.parametrize(
    "make, arguments, error, texts", [r[1:] for r in ARRAYS], ids=[r[0] for r in ARRAYS]
)
def test_arrays_that_do_not_fit(make, arguments, error, texts):
    model = make()
    before = small.weights(model)
    with pytest.raises(error) as caught:
        model.fit(**arguments, verbose=0)
    assert_says(caught.value, texts)
    small.assert_unchanged(before, model)


def assert_says(error, texts):
    for text in texts:
        assert re.search(text, str(error)), f"{text!r} is not in: {error}"


# Values can be seen only as they pass: the step stops before it uses them.


@pytest.mark.parametrize("steps, jit_compile", [(1, False), (2, False), (1, True)])
def test_nan_in_a_dataset_stops_before_the_update(steps, jit_compile):
    model = small.gan()
    model.compile(discriminator_steps=steps, jit_compile=jit_compile, **small.adams())
    before = small.weights(model)
    dataset = tf.data.Dataset.from_tensors(np.full((4, 2), np.nan, "float32")).repeat(steps)
    with pytest.raises(ValueError, match=r"NaN(?s:.*)finite"):
        model.fit(dataset, verbose=0)
    small.assert_unchanged(before, model)


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


def ending_in(*layers):
    generator = keras.Sequential([keras.Input((3,)), *layers])
    return compiled(keras_gan.GAN(generator, small.networks()[1]), run_eagerly=False)


TANH = {
    "an activation": [keras.layers.Dense(2), keras.layers.Activation("tanh")],
    "a layer's activation": [keras.layers.Dense(2, activation="tanh")],
    "before a reshape": [keras.layers.Dense(2, activation="tanh"), keras.layers.Reshape((2,))],
}


@pytest.mark.parametrize("layers", TANH.values(), ids=TANH)
@pytest.mark.parametrize("kind", ["array", "dataset"])
def test_images_outside_the_range_of_tanh_warn_with_the_range(kind, layers):
    x = np.linspace(0, 255, 32, dtype="float32").reshape(16, 2)
    data = x if kind == "array" else tf.data.Dataset.from_tensors(x)
    with pytest.warns(UserWarning, match=r"tanh(?s:.*)\[0, 255\]"):
        ending_in(*layers).fit(data, batch_size=None if kind == "dataset" else 16, verbose=0)


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
    ("batch size", compiled, {"n": 2, "batch_size": 0}, ["batch_size", "positive"]),
]


@pytest.mark.parametrize(
    "make, arguments, texts", [r[1:] for r in GENERATE], ids=[r[0] for r in GENERATE]
)
def test_generate_says_what_it_needs(make, arguments, texts):
    with pytest.raises(ValueError) as caught:
        make().generate(**arguments)
    assert_says(caught.value, texts)


def test_export_to_a_file(tmp_path):
    path = tmp_path / "taken"
    path.write_text("precious")
    with pytest.raises(ValueError, match=r"directory(?s:.*)file(?s:.*)taken"):
        small.gan().export(str(path))
    assert path.read_text() == "precious"


def test_export_of_a_version_that_exists(tmp_path):
    (tmp_path / "3").mkdir()
    (tmp_path / "3" / "saved_model.pb").write_text("precious")
    with pytest.raises(ValueError, match=r"3(?s:.*)exists(?s:.*)'next'"):
        small.gan().export(str(tmp_path), version=3)
    assert (tmp_path / "3" / "saved_model.pb").read_text() == "precious"
    assert os.listdir(tmp_path) == ["3"]


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
