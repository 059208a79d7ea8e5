"""Habits of building, compiling, saving and exporting: each row is what a user writes."""

import copy
import pathlib
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan import callbacks, datasets, latents, losses, terms

from . import small
from .habits import (
    Habit,
    X,
    compiled,
    image_networks,
    labelled,
    one_hot_networks,
    pictured,
    plain,
    played,
    refused,
    trained,
    warned,
    works,
)


def made(*networks, **options):
    return keras_gan.GAN(*(networks or small.networks()), **options)


def compile_with(**options):
    return lambda: compiled(**options)


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


def rescaled_range():
    z = keras.Input((3,))
    made = keras.layers.Reshape((8, 8, 1))(keras.layers.Dense(64, activation="tanh")(z))
    generator = keras.Model(z, keras.layers.Rescaling(127.5, 127.5)(made))
    assert keras_gan.GAN(generator, image_networks()[1]).value_range == (0, 255)


def label_first():
    z, x, y = keras.Input((3,)), keras.Input((2,)), [keras.Input((1,)) for _ in range(2)]
    dense, join = keras.layers.Dense, keras.layers.Concatenate()
    keras_gan.GAN(
        keras.Model([y[0], z], dense(2)(join([y[0], z]))),
        keras.Model([y[1], x], dense(1)(join([y[1], x]))),
    )


MODELS = [
    Habit(
        "GAN(latent_dim=)",
        lambda: made(latent_dim=8),
        refused(TypeError, "`GAN` has no argument `latent_dim`", r"latents.Normal\(latent_dim\)"),
    ),
    Habit("GAN(foo=)", lambda: made(foo=1), refused(TypeError, "`foo`", "generator, discrim")),
    Habit(
        "swapped networks",
        lambda: made(*small.networks()[::-1]),
        refused(ValueError, "swapped", r"GAN\(generator, discriminator\)"),
    ),
    Habit(
        "swapped dcgan",
        lambda: made(*keras_gan.networks.dcgan((8, 8, 1), latent_dim=4, width=4)[::-1]),
        refused(ValueError, "swapped", "generator='discriminator'"),
    ),
    Habit(
        "GAN(None, None)",
        lambda: made(None, None),
        refused(TypeError, "Keras model", "None"),
        before=True,
    ),
    Habit(
        "layers for networks",
        lambda: made(keras.layers.Dense(2), keras.layers.Dense(1)),
        refused(TypeError, "Keras model", "Dense"),
        before=True,
    ),
    Habit("GAN(seed='x')", lambda: made(seed="x"), refused(ValueError, "seed", "integer", "'x'")),
    Habit("GAN(seed=1.5)", lambda: made(seed=1.5), refused(ValueError, "seed", "integer")),
    Habit(
        "GAN(value_range=(0, 'a'))",
        lambda: made(value_range=(0, "a")),
        refused(ValueError, "value_range", "pair"),
    ),
    Habit(
        "GAN(latents='normal')",
        lambda: made(latents="normal"),
        refused(ValueError, r"latents.Normal\(64\)"),
        before=True,
    ),
    Habit(
        "latents of another size",
        lambda: made(latents=latents.Normal(9)),
        refused(ValueError, r"\(3,\)", r"\(9,\)"),
        before=True,
    ),
    Habit(
        "summary before compile", lambda: small.gan().summary(print_fn=str), works(), before=True
    ),
    Habit("summary after compile", lambda: plain().summary(print_fn=str), works()),
    Habit("the range of a generator that ends in Rescaling", rescaled_range, works()),
    Habit(
        "networks that take the label first",
        label_first,
        refused(ValueError, "samples to come first", r"\[x, condition\]"),
    ),
    Habit("the served bytes of a sigmoid generator", export_levels, works(), before=True),
]


class Mine(keras_gan.GAN):
    """A model of one's own."""


COMPILE = [
    *[
        Habit(f"compile({name}=)", compile_with(**{name: value}), refused(TypeError, name, meant))
        for name, value, meant in [
            ("d_optimizer", "adam", "Write `discriminator_optimizer=`"),
            ("g_optimizer", "adam", "Write `generator_optimizer=`"),
            ("optimizer", "adam", "`generator_optimizer=` and `discriminator_optimizer=`"),
            ("loss_fn", "hinge", "Write `loss=`"),
            ("n_critic", 5, "Write `discriminator_steps=`"),
            ("gp_weight", 10.0, r"GradientPenalty\(gp_weight\)"),
            ("loss_weights", [1], "terms"),
            ("latent_dim", 64, "generator's input"),
            ("discriminator_loss", len, "Write `loss=`, which says what both players minimize"),
            ("generator_loss", len, "Write `loss=`, which says what both players minimize"),
            ("d_loss", len, "Write `loss=`, which says what both players minimize"),
            ("g_loss", len, "Write `loss=`, which says what both players minimize"),
            ("gradient_penalty", 10, r"terms=\[keras_gan.terms.GradientPenalty\(gradient_penalty"),
            ("critic_steps", 5, "Write `discriminator_steps=`"),
            ("generator_steps", 2, "one update of the generator to a step"),
            ("dicriminator_steps", 2, "Write `discriminator_steps=`"),
        ]
    ],
    *[
        Habit(
            f"loss={name!r}",
            compile_with(loss=name),
            refused(ValueError, f"Did you mean {meant}"),
            before=name == "NonSaturating",
        )
        for name, meant in [
            ("binary_crossentropy", "'non_saturating'"),
            ("wgan-gp", r"'wasserstein', with `terms=\[\"gradient_penalty\"\]`"),
            ("WGAN", "'wasserstein'"),
            ("mse", "'least_squares'"),
            ("NonSaturating", "'non_saturating'"),
            ("bce", "'non_saturating'"),
            ("wasserstein_hinge", "'hinge'"),
            ("modified", "'non_saturating'"),
            ("gan", "'non_saturating'"),
            ("vanilla_gan", "'non_saturating'"),
            ("ns", "'non_saturating'"),
            ("logistic", "'non_saturating'"),
            ("lsgan", "'least_squares'"),
        ]
    ],
    *[
        Habit(what, compile_with(loss=loss), refused(TypeError, "subclass .*AdversarialLoss"))
        for what, loss in [("loss=(g_loss, d_loss)", (own_activation,) * 2), ("loss=f", len)]
    ],
    Habit(
        "compile('adam', 'non_saturating')",
        lambda: small.gan().compile("adam", "non_saturating"),
        refused(ValueError, r"The loss comes first.*compile\(loss, generator_optimizer"),
    ),
    Habit(
        "compile(Adam())",
        lambda: small.gan().compile(keras.optimizers.Adam()),
        refused(TypeError, "The loss comes first"),
    ),
    Habit(
        "loss=BinaryCrossentropy()",
        compile_with(loss=keras.losses.BinaryCrossentropy(from_logits=True)),
        refused(TypeError, "labels with predictions", "'non_saturating'"),
    ),
    Habit(
        "loss=Hinge, a class",
        compile_with(loss=losses.Hinge),
        refused(TypeError, "forget to call"),
        before=True,
    ),
    *[
        Habit(
            f"metrics=[{name!r}]",
            compile_with(metrics=[name]),
            refused(ValueError, f"Did you mean {meant}"),
        )
        for name, meant in [
            ("fid", "'frechet_distance'"),
            ("FID", "'frechet_distance'"),
            ("kid", "'kernel_distance'"),
            ("IS", "'inception_score'"),
            ("accuracy", r"`compile\(balance=True\)`"),
        ]
    ],
    Habit(
        "metrics='fid'",
        compile_with(metrics="fid"),
        refused(TypeError, "list of metrics"),
        before=True,
    ),
    Habit(
        "metrics=[keras.metrics.Mean()]",
        compile_with(metrics=[keras.metrics.Mean()]),
        refused(TypeError, r"update_state\(real=None, fake=None\)"),
    ),
    Habit(
        "terms=['gp']",
        compile_with(terms=["gp"]),
        refused(ValueError, "Did you mean 'gradient_penalty'"),
    ),
    Habit("terms='r1'", compile_with(terms="r1"), works(), before=True),
    Habit(
        "generator_optimizer='adamm'",
        compile_with(generator_optimizer="adamm"),
        refused(TypeError, "`generator_optimizer`", "'adamm'"),
    ),
    Habit(
        "generator_optimizer=1e-4",
        compile_with(generator_optimizer=1e-4),
        refused(TypeError, "`generator_optimizer`", "0.0001"),
    ),
    Habit(
        "generator_optimizer=Adam, a class",
        compile_with(generator_optimizer=keras.optimizers.Adam),
        refused(TypeError, "forget to call"),
    ),
    Habit(
        "steps_per_execution=0",
        compile_with(steps_per_execution=0),
        refused(ValueError, "steps_per_execution", "at least 1"),
    ),
    Habit(
        "jit_compile='yes'",
        compile_with(jit_compile="yes"),
        refused(TypeError, "jit_compile", "True or False"),
    ),
    Habit(
        "run_eagerly='no'",
        compile_with(run_eagerly="no"),
        refused(TypeError, "run_eagerly", "True or False"),
    ),
    Habit(
        "balance='yes'", compile_with(balance="yes"), refused(TypeError, "balance", "True or False")
    ),
]

FILES = [
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
        lambda: (
            plain().generator.save_weights("a.weights.h5"),
            plain().load_weights("a.weights.h5"),
        ),
        refused(ValueError, r"`model\.generator\.load_weights"),
    ),
    Habit(
        "load_weights('a.h5')",
        lambda: plain().load_weights("a.h5"),
        refused(ValueError, r"`\.weights\.h5`", "a.h5"),
    ),
    Habit(
        "load_weights of other networks",
        lambda: (
            compiled(keras_gan.GAN(*keras_gan.networks.mlp((2,), width=8))).save_weights(
                "a.weights.h5"
            ),
            compiled(keras_gan.GAN(*keras_gan.networks.mlp((2,), depth=9))).load_weights(
                "a.weights.h5"
            ),
        ),
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
    Habit(
        "copy.deepcopy",
        lambda: np.testing.assert_array_equal(
            copy.deepcopy(plain()).generate(2, seed=0), plain().generate(2, seed=0)
        ),
        works(),
        before=True,
    ),
    Habit(
        "pickle",
        lambda: np.testing.assert_array_equal(
            pickle.loads(pickle.dumps(plain())).generate(2, seed=0), plain().generate(2, seed=0)
        ),
        works(),
        before=True,
    ),
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


test_models = played(MODELS)


test_compile = played(COMPILE)


test_files = played(FILES)


def test_summary_shows_networks_and_optimizers():
    lines = []
    compiled(generator_optimizer=keras.optimizers.SGD(0.25)).summary(print_fn=lines.append)
    text = "\n".join(map(str, lines))
    for part in ("generator (", "critic (", "SGD, learning rate 0.25", "Adam, learning rate"):
        assert part in text


def test_one_hot_networks_say_their_classes():
    assert made(*one_hot_networks(), num_classes=3).num_classes == 3
