"""Habits of building and compiling: each row is what a user writes."""

import keras

import keras_gan
from keras_gan import latents, losses

from . import small
from .habits import (
    Habit,
    compiled,
    image_networks,
    one_hot_networks,
    plain,
    played,
    refused,
    works,
)


def made(*networks, **options):
    return keras_gan.GAN(*(networks or small.networks()), **options)


def compile_with(**options):
    return lambda: compiled(**options)


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
]


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
        for what, loss in [("loss=(g_loss, d_loss)", (len, len)), ("loss=f", len)]
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

test_models = played(MODELS)


test_compile = played(COMPILE)


def test_summary_shows_networks_and_optimizers():
    lines = []
    compiled(generator_optimizer=keras.optimizers.SGD(0.25)).summary(print_fn=lines.append)
    text = "\n".join(map(str, lines))
    for part in ("generator (", "critic (", "SGD, learning rate 0.25", "Adam, learning rate"):
        assert part in text


def test_one_hot_networks_say_their_classes():
    assert made(*one_hot_networks(), num_classes=3).num_classes == 3
