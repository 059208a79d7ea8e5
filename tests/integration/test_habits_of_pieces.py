"""Habits of making the pieces: losses, terms, metrics, augmentations, networks, callbacks."""

import keras
import numpy as np
import tensorflow as tf

import keras_gan
from keras_gan import losses, terms

from . import small
from .habits import Habit, X, compiled, played, refused, warned, works


def compile_with(**options):
    return lambda: compiled(**options)


def with_first(layer, **options):
    """Return what compiles a model whose discriminator begins with a layer."""

    def do():
        generator, critic = small.networks()
        x = keras.Input((2,))
        keras_gan.GAN(generator, keras.Model(x, critic(layer(x)))).compile(**options)

    return do


class Headed(terms.Term):
    """A term whose head begins without an input."""

    def __init__(self):
        super().__init__()
        self.head = keras.Sequential([keras.layers.Dense(1)])


def own_metric(**methods):
    """Return a metric of the user's own, with other methods, or without those that are None."""
    usual = {
        "name": "own",
        "reset_state": lambda self: None,
        "update_state": lambda self, real=None, fake=None: None,
        "result": lambda self: 0.0,
    }
    kept = {name: value for name, value in {**usual, **methods}.items() if value is not None}
    return type("Own", (), kept)()


def evaluate_with(metric):
    return lambda: compiled(metrics=[metric]).evaluate(X, verbose=0)


MADE = [
    Habit(
        "label_smoothing=0.9",
        lambda: losses.NonSaturating(label_smoothing=0.9),
        refused(ValueError, "For a target of 0.9 write 0.1", "label_smoothing=0.9"),
    ),
    Habit("label_smoothing=0.5", lambda: losses.Minimax(label_smoothing=0.5), works(), before=True),
]

GIVEN = [
    Habit(
        "an own metric without reset_state",
        compile_with(metrics=[own_metric(reset_state=None)]),
        refused(TypeError, "which has no `reset_state`$"),
    ),
    Habit(
        "an own metric of labels and predictions",
        compile_with(metrics=[own_metric(update_state=lambda self, y_true, y_pred: None)]),
        refused(TypeError, r"which has no `update_state\(real=None, fake=None\)`$"),
    ),
    Habit(
        "an own metric of many numbers",
        evaluate_with(own_metric(result=lambda self: np.zeros(3))),
        refused(TypeError, r"`result\(\)` of the metric 'own'", "a number or a dict of numbers"),
    ),
    Habit(
        "an own metric of a dict of arrays",
        evaluate_with(own_metric(result=lambda self: {"a": 1.0, "b": np.zeros(3)})),
        refused(TypeError, r"`result\(\)` of the metric 'own'", "a number or a dict of numbers"),
    ),
    Habit(
        "an own metric of a dict of numbers",
        evaluate_with(own_metric(result=lambda self: {"a": tf.ones(()), "b": np.float32(2)})),
        works(),
        before=True,
    ),
    Habit(
        "gradient penalties and batch normalization",
        with_first(keras.layers.BatchNormalization(), terms=["r1", "r2"]),
        warned("batch normalization", "'r1', 'r2'", "each sample alone", "LayerNormalization"),
    ),
    Habit(
        "a gradient penalty and layer normalization",
        with_first(keras.layers.LayerNormalization(), terms="dragan"),
        works(),
        before=True,
    ),
    Habit(
        "a gradient penalty and frozen batch normalization",
        with_first(keras.layers.BatchNormalization(trainable=False), terms="r1"),
        works(),
        before=True,
    ),
    Habit(
        "other terms and batch normalization",
        with_first(keras.layers.BatchNormalization(), terms="lecam"),
        works(),
        before=True,
    ),
    Habit(
        "a term with an unbuilt Sequential",
        compile_with(terms=[Headed()]),
        refused(ValueError, r"attach\(model\)", r"begin a Sequential with `keras.Input\(...\)`"),
    ),
]


test_made = played(MADE)


test_given = played(GIVEN)
