"""Habits of saving, loading and exporting: each row is what a user writes."""

import copy
import pathlib
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan import callbacks, datasets, terms

from . import small
from .habits import (
    Habit,
    X,
    compiled,
    labelled,
    pictured,
    plain,
    played,
    refused,
    trained,
    warned,
    works,
)


class Unregistered(terms.Term):
    """A term of the user's own that Keras's registry does not know."""

    player = "generator"

    def __call__(self, step):
        return tf.zeros(())


class UnregisteredLayer(keras.layers.Layer):
    """A layer of the user's own that Keras's registry does not know."""

    def call(self, inputs):
        return inputs


def own_activation(x):
    """An activation of the user's own."""
    return x


def unregistered():
    return compiled(terms=[Unregistered()])


def with_own(layer):
    """Return a model whose discriminator begins with a layer."""
    generator, critic = small.networks()
    x = keras.Input((2,))
    return keras_gan.GAN(generator, keras.Model(x, critic(layer(x))))


def loaded_with_custom_objects():
    model = unregistered()
    model.save_weights("before.weights.h5")
    model.save("model.keras")
    again = keras_gan.load_model("model.keras", custom_objects={"Unregistered": Unregistered})
    np.testing.assert_array_equal(again.generate(2, seed=0), model.generate(2, seed=0))


def load_weights_of(saved, loading):
    """Return a function that loads the file of one model's weights into another.

    Args:
        saved: function that returns the one.
        loading: function that returns the other.
    """

    def do():
        saved().save_weights("a.weights.h5")
        loading().load_weights("a.weights.h5")

    return do


def of_networks(**options):
    """Return a compiled model of vectors with networks of its own."""
    return compiled(keras_gan.GAN(*keras_gan.networks.mlp((2,), **options)))


def same_samples(copied):
    """Return a function that copies a model, and asserts that the copy makes what the model does.

    Args:
        copied: function that returns a copy of a model.
    """

    def do():
        found, expected = (m.generate(2, seed=0) for m in (copied(plain()), plain()))
        np.testing.assert_array_equal(found, expected)

    return do


def home(function):
    """Return a function that is played with the current directory as `~`."""

    def do():
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HOME", str(pathlib.Path.cwd()))
            function()

    return do


def save_at_home():
    plain().save("~/model.keras")
    assert pathlib.Path("model.keras").is_file()
    plain().save_weights("~/model.weights.h5")
    plain().load_weights("~/model.weights.h5")
    assert keras_gan.load_model("~/model.keras").built


def export_at_home():
    assert plain().export("~/served") == str(pathlib.Path.cwd() / "served" / "1")


def keep_at_home():
    trained(compiled(), X, callbacks=[callbacks.Backup("~/backup")])
    assert any(pathlib.Path("backup").iterdir())


def draw_at_home():
    trained(compiled(), X, callbacks=[callbacks.SampleGrid("~/pictures")])
    assert pathlib.Path("pictures", "epoch_0001.png").is_file()


def read_at_home():
    pathlib.Path("photos").mkdir()
    keras.utils.save_img("photos/a.png", np.zeros((4, 4, 3)))
    assert len(datasets.from_folder("~/photos")) == 1


def export_levels():
    """The pictures of a sigmoid generator are its floats times 255."""
    model = pictured("sigmoid")
    served = tf.saved_model.load(model.export("served")).signatures["sample"]
    found = served(
        seed=tf.constant([0, 1], tf.int64), truncation=tf.constant([np.inf, np.inf], tf.float32)
    )
    wanted = np.rint(model.generate(2, seed=0) * 255)
    np.testing.assert_allclose(found["images"].numpy(), wanted, atol=1)
    assert wanted.max() - wanted.min() > 20


class Mine(keras_gan.GAN):
    """A model of one's own."""


FILES = [
    Habit("the served bytes of a sigmoid generator", export_levels, works(), before=True),
    Habit("~ in save, load and weights", home(save_at_home), works()),
    Habit("~ in export", home(export_at_home), works()),
    Habit("~ in Backup", home(keep_at_home), works()),
    Habit("~ in SampleGrid", home(draw_at_home), works()),
    Habit("~ in from_folder", home(read_at_home), works()),
    Habit("save(None)", lambda: plain().save(None), refused(TypeError, "`filepath`", "path")),
    Habit("save('a.h5')", lambda: plain().save("a.h5"), refused(ValueError, r"\.keras", "a.h5")),
    Habit(
        "save_weights('a.keras')",
        lambda: plain().save_weights("a.keras"),
        refused(ValueError, r"\.weights\.h5"),
        before=True,
    ),
    Habit(
        "export(verbose=)",
        lambda: plain().export("m", verbose=0),
        refused(TypeError, "`GAN.export` has no argument `verbose`"),
    ),
    Habit(
        "export('m.keras')",
        lambda: plain().export("m.keras"),
        refused(ValueError, "directory", "`save`"),
    ),
    Habit(
        "export('m/1')",
        lambda: plain().export("m/1"),
        refused(ValueError, "base directory", "version=1"),
    ),
    Habit("export(3)", lambda: plain().export(3), refused(TypeError, "`filepath`")),
    Habit(
        "load_model of a file that is not there",
        lambda: keras_gan.load_model("nothing.keras"),
        refused(ValueError, "nothing.keras"),
        before=True,
    ),
    Habit(
        "load_weights of a file that is not there",
        lambda: plain().load_weights("nothing.weights.h5"),
        refused(ValueError, "nothing.weights.h5"),
        before=True,
    ),
    Habit(
        "save into a directory that is not there",
        lambda: plain().save("nowhere/a.keras"),
        refused(FileNotFoundError, "no such directory", "nowhere'$"),
    ),
    Habit(
        "save over a directory",
        lambda: (pathlib.Path("a.keras").mkdir(), plain().save("a.keras")),
        refused(IsADirectoryError, r"a\.keras'$"),
        before=True,
    ),
    Habit("Backup(3)", lambda: callbacks.Backup(3), refused(TypeError, "`directory`", "path")),
    Habit(
        "save('model')",
        lambda: plain().save("model"),
        refused(ValueError, r"`\.keras`", "filepath='model'$"),
    ),
    Habit(
        "load_weights of a generator's own file",
        load_weights_of(lambda: plain().generator, plain),
        refused(ValueError, r"`model\.generator\.load_weights"),
    ),
    Habit(
        "load_weights('a.h5')",
        lambda: plain().load_weights("a.h5"),
        refused(ValueError, r"`\.weights\.h5`", "a.h5"),
    ),
    Habit(
        "load_weights of other networks",
        load_weights_of(lambda: of_networks(width=8), lambda: of_networks(depth=9)),
        refused(ValueError, "weights of shapes"),
    ),
    Habit(
        "load_model(compile=False)",
        lambda: (plain().save("a.keras"), keras_gan.load_model("a.keras", compile=False)),
        works(),
    ),
    Habit(
        "load_model of a directory",
        lambda: (pathlib.Path("m").mkdir(), keras_gan.load_model("m")),
        refused(ValueError, "tf.saved_model.load", "filepath='m'$"),
    ),
    Habit(
        "load_model of weights",
        lambda: (plain().save_weights("a.weights.h5"), keras_gan.load_model("a.weights.h5")),
        refused(ValueError, "model.load_weights"),
    ),
    Habit(
        "save a model of an unregistered class",
        lambda: Mine(*small.networks(), seed=0).save("a.keras"),
        warned("your own Mine", "register_keras_serializable"),
    ),
    Habit(
        "save with an unregistered term",
        lambda: unregistered().save("a.keras"),
        warned("own Unregistered", "register_keras_serializable", "custom_objects"),
    ),
    Habit(
        "save with an unregistered layer",
        lambda: with_own(UnregisteredLayer()).save("a.keras"),
        warned("own UnregisteredLayer", "register_keras_serializable"),
    ),
    Habit(
        "save with an activation of one's own",
        lambda: with_own(keras.layers.Dense(2, activation=own_activation)).save("a.keras"),
        warned("own own_activation", "register_keras_serializable"),
    ),
    Habit(
        "save with a Lambda",
        lambda: with_own(keras.layers.Lambda(lambda x: x)).save("a.keras"),
        warned("Lambda layers", "load_model"),
    ),
    Habit(
        "load_model(custom_objects=)",
        loaded_with_custom_objects,
        warned("own Unregistered"),
    ),
    Habit("copy.deepcopy", same_samples(copy.deepcopy), works(), before=True),
    Habit("pickle", same_samples(lambda m: pickle.loads(pickle.dumps(m))), works(), before=True),
    Habit(
        "set_weights(get_weights())",
        lambda: plain().set_weights(plain().get_weights()),
        works(),
        before=True,
    ),
    Habit(
        "clone_model",
        lambda: keras.models.clone_model(plain()).generate(2, seed=0),
        works(),
        before=True,
    ),
    Habit(
        "model_from_json(to_json())",
        lambda: keras.models.model_from_json(labelled().to_json()).generate(2, condition=1),
        works(),
        before=True,
    ),
]


test_files = played(FILES)
