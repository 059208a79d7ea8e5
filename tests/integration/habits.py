"""A habit: what a user does, and what happens."""

import contextlib
import dataclasses
import functools
import re
import warnings
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan

from . import small

X = small.points(16)
Y = small.labels(16)
BYTES = np.random.default_rng(0).integers(256, size=(16, 8, 8, 1), dtype="uint8")
IMAGES = BYTES.astype("float32") / 127.5 - 1


@dataclasses.dataclass(frozen=True)
class Habit:
    """What a user does, and what happens.

    Attributes:
        what: the habit, in words or code.
        do: function that does it, in an empty directory.
        outcome: context that the habit is played in, which asserts what happens.
        before: whether it was so before these tables were made; all others failed.
    """

    what: str
    do: Callable
    outcome: Callable
    before: bool = False


def works():
    """Expect no error and no warning."""

    @contextlib.contextmanager
    def outcome():
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            yield

    return outcome


def refused(error, *texts):
    """Expect an error whose text has all of some texts, and is short."""

    @contextlib.contextmanager
    def outcome():
        with pytest.raises(error) as caught:
            yield
        assert type(caught.value) is error
        message = str(caught.value)
        assert len(message) < 1000, message
        for text in texts:
            assert re.search(text, message, re.DOTALL), message

    return outcome


def warned(*texts):
    """Expect one warning that has all of some texts."""

    @contextlib.contextmanager
    def outcome():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        messages = [str(each.message) for each in caught]
        saying = [m for m in messages if all(re.search(text, m, re.DOTALL) for text in texts)]
        assert len(set(saying)) == 1, messages

    return outcome


def played(habits):
    """Return the test of a table: each user's habit is done, and happens as the table says."""

    @pytest.mark.parametrize("habit", [pytest.param(h, id=h.what) for h in habits])
    def test(habit, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with habit.outcome():
            habit.do()

    return test


def compiled(model=None, **options):
    """Return a compiled model of vectors, run op by op: nothing is traced."""
    model = model or small.gan()
    model.compile(**{"run_eagerly": True, **options})
    return model


@functools.cache
def plain():
    """Return a compiled model without conditions, the same for all."""
    return compiled()


@functools.cache
def labelled():
    """Return a compiled model of three classes, the same for all."""
    return compiled(small.gan(classes=3))


def one_hot_networks(latent_dim=3, classes=3):
    """Return networks that take labels as one-hot rows."""
    z, x = keras.Input((latent_dim,)), keras.Input((2,))
    y = [keras.Input((classes,)) for _ in range(2)]
    dense, join = keras.layers.Dense, keras.layers.Concatenate
    return (
        keras.Model([z, y[0]], dense(2)(join()([z, y[0]]))),
        keras.Model([x, y[1]], dense(1)(join()([x, y[1]]))),
    )


@functools.cache
def one_hot():
    """Return a compiled model that takes labels as one-hot rows, the same for all."""
    keras.utils.set_random_seed(0)
    return compiled(keras_gan.GAN(*one_hot_networks(), num_classes=3, seed=0))


def image_networks(channels=1, last="tanh"):
    """Return networks of images of 8 by 8 pixels, dense ones."""
    z, x = keras.Input((3,)), keras.Input((8, 8, channels))
    made = keras.layers.Dense(64 * channels, activation=last)(z)
    made = keras.layers.Reshape((8, 8, channels))(made)
    return (
        keras.Model(z, made),
        keras.Model(x, keras.layers.Dense(1)(keras.layers.Flatten()(x))),
    )


@functools.cache
def pictured(last="tanh"):
    """Return a compiled model of images, the same for all."""
    keras.utils.set_random_seed(0)
    return compiled(keras_gan.GAN(*image_networks(last=last), seed=0))


def trained(model, *data, **options):
    """Train a model for an epoch; return its logs."""
    return model.fit(*data, **{"verbose": 0, **options}).history


@functools.cache
def stepped(make, data):
    """Return what a new model is after a training step, the same for all.

    Args:
        make: function that returns a compiled model.
        data: function that returns what `fit` is given.
    """
    model = make()
    trained(model, *data())
    return small.state(model)


def same_step(make, data, *others):
    """Assert that one training step on each of some data comes to the same weights.

    Args:
        make: function that returns a new compiled model.
        data: function that returns what `fit` is given as it should be.
        *others: lists of what `fit` may be given in its place.
    """
    for other in others:
        model = make()
        trained(model, *other)
        small.assert_equal_states(stepped(make, data), small.state(model))


def arrays():
    return X, Y


def batches():
    return (sliced(X, Y),)


def images():
    return (IMAGES,)


def batches_of_images():
    return (sliced(IMAGES),)


def sliced(*arrays, batch=16):
    """Return a plain `tf.data.Dataset`, of one batch unless it is said otherwise."""
    data = tf.data.Dataset.from_tensor_slices(arrays[0] if len(arrays) == 1 else arrays)
    return data.batch(batch) if batch else data


def fresh_labelled():
    return compiled(small.gan(classes=3))
