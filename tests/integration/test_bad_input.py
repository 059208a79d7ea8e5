"""Bad input gets an error that says what was expected, what came and what to do, and loses nothing.

Each row is a call that must fail; the table is the promise.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan import losses, terms

from . import small
from .refusals import X, Y, assert_says, compiled, labelled


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
        ["discriminator_steps", "at least 1", "Received: discriminator_steps=0"],
    ),
    (
        "discriminator_steps 1.5",
        lambda: small.gan().compile(discriminator_steps=1.5),
        (TypeError, ValueError),
        ["discriminator_steps", "whole number", "1.5"],
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
        ["ema", "below 1", "1.0"],
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
        lambda: small.gan().compile(augmentation="colours"),
        (TypeError, ValueError),
        ["augmentation", "colours"],
    ),
    (
        "a metric of a classifier",
        lambda: small.gan().compile(metrics=["accuracy"]),
        ValueError,
        ["metric", "accuracy", "frechet_distance"],
    ),
    (
        "a metric that needs arguments",
        lambda: small.gan().compile(metrics=["inception_score"]),
        ValueError,
        ["inception_score", r"InceptionScore\(classifier\)"],
    ),
    (
        "metrics of a wrong kind",
        lambda: small.gan().compile(metrics=[keras_gan.metrics.FrechetDistance]),
        TypeError,
        ["metric", "forget to call it"],
    ),
    (
        "a metric that is no list",
        lambda: small.gan().compile(metrics="frechet_distance"),
        TypeError,
        ["list", "frechet_distance"],
    ),
    (
        "a metric of Keras",
        lambda: small.gan().compile(metrics=[keras.metrics.MeanSquaredError()]),
        TypeError,
        ["metric", "mean_squared_error"],
    ),
    (
        "a metric under the key of a loss",
        lambda: small.gan().compile(metrics=[keras_gan.metrics.FrechetDistance(name="d_loss")]),
        ValueError,
        ["distinct names", "d_loss"],
    ),
    (
        "two metrics of one name",
        lambda: small.gan().compile(metrics=["kernel_distance", "kernel_distance"]),
        ValueError,
        ["distinct names", "kernel_distance"],
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
    (
        "ragged labels",
        labelled,
        {"x": X[:2], "y": [[0], [1, 2]]},
        TypeError,
        ["one length", "y=list"],
    ),
    ("objects", compiled, {"x": X[:2], "y": [object(), 1]}, TypeError, ["numbers, or of texts"]),
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
