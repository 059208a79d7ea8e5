"""Labels and conditions as people have them: what is given to `fit`, `generate` and the rest."""

import keras
import numpy as np
import tensorflow as tf

import keras_gan

from . import small
from .habits import (
    BYTES,
    IMAGES,
    Habit,
    X,
    Y,
    arrays,
    batches,
    compiled,
    fresh_labelled,
    image_networks,
    labelled,
    one_hot,
    one_hot_networks,
    plain,
    played,
    refused,
    same_step,
    sliced,
    trained,
    works,
)

ROWS = np.eye(3, dtype="float32")[Y]


def translator():
    """Return a compiled model from images to images, conditions that both players see."""
    source, image = keras.Input((8, 8, 1)), [keras.Input((8, 8, 1)) for _ in range(2)]
    dense, flat = keras.layers.Dense, keras.layers.Flatten()
    made = keras.layers.Reshape((8, 8, 1))(dense(64, activation="tanh")(flat(source)))
    joined = flat(keras.layers.Concatenate()(image))
    networks = keras.Model(source, made), keras.Model(image, dense(1)(joined))
    return compiled(keras_gan.GAN(*networks, latents=None, seed=0))


def same_bytes():
    """Assert that a condition of bytes is what the floats are, wherever it is given."""
    model = translator()
    for call in (
        lambda c: model.generate(16, condition=c),
        lambda c: model.predict(c, verbose=0),
        lambda c: model.discriminate(IMAGES, c),
        lambda c: model.test_on_batch(IMAGES, c),
        lambda c: model.evaluate(IMAGES, c, verbose=0),
    ):
        np.testing.assert_allclose(call(BYTES), call(IMAGES), rtol=1e-5, atol=1e-6)


def same_labels():
    """Assert that labels are the same in whatever form, wherever they are given."""
    model = labelled()
    for call in (
        lambda y: model.discriminate(X, y),
        lambda y: model.test_on_batch(X, y),
        lambda y: model.evaluate(X, y, verbose=0),
        lambda y: model.predict([np.ones((16, 3), "float32"), y], verbose=0),
    ):
        for form in (Y[:, None], ROWS, Y.astype("float32")):
            np.testing.assert_allclose(call(form), call(Y), rtol=1e-5, atol=1e-6)


def keyed(**more):
    """Train a model whose generator sees one key of a condition, beside others."""
    source, z = keras.Input((8, 8, 1)), keras.Input((3,))
    made = keras.layers.Dense(64, activation="tanh")(z)
    made = keras.layers.Add()([keras.layers.Reshape((8, 8, 1))(made), source])
    networks = keras.Model([z, source], made), image_networks()[1]
    model = keras_gan.GAN(
        *networks, conditional="generator", generator_condition="image", num_classes=3, seed=0
    )
    seen = []
    model.condition.to_generator = lambda z, c: seen.append(c) or [z, c["image"]]
    trained(compiled(model), IMAGES, {"image": BYTES, **more})
    assert all(float(tf.reduce_max(c["image"])) <= 1 for c in seen) and seen


def classic_networks():
    """Return networks that embed a label of floats, as `keras.Input((1,))` makes it."""
    z, x, y = keras.Input((3,)), keras.Input((2,)), [keras.Input((1,)) for _ in range(2)]
    dense, join, flat = keras.layers.Dense, keras.layers.Concatenate(), keras.layers.Flatten()
    embedded = [flat(keras.layers.Embedding(3, 2)(each)) for each in y]
    return (
        keras.Model([z, y[0]], dense(2)(join([z, embedded[0]]))),
        keras.Model([x, y[1]], dense(1)(join([x, embedded[1]]))),
    )


def fresh_classic():
    keras.utils.set_random_seed(0)
    return compiled(keras_gan.GAN(*classic_networks(), seed=0))


class Subclassed(keras.Model):
    """A generator that says nothing of its inputs."""

    def __init__(self):
        super().__init__()
        self.embed, self.dense = keras.layers.Embedding(3, 2), keras.layers.Dense(2)

    def call(self, inputs):
        z, label = inputs
        return self.dense(keras.ops.concatenate([z, self.embed(label)], -1))


def half_subclassed():
    discriminator = small.networks(classes=3)[1]
    model = keras_gan.GAN(
        Subclassed(), discriminator, latents=keras_gan.latents.Normal(3), conditional=True,
        num_classes=3, seed=0,
    )  # fmt: skip
    trained(compiled(model), X, Y[:, None])
    assert model.generate(4, seed=0, condition=[0, 1, 2, 1]).shape == (4, 2)


def unsaid_classes():
    """Return a model whose networks take an integer, and do not embed it."""
    z, x, y = keras.Input((3,)), keras.Input((2,)), keras.Input((1,), dtype="int32")
    label = keras.layers.Lambda(lambda part: keras.ops.cast(part, "float32"), (1,))(y)
    made = keras.layers.Dense(2)(keras.layers.Concatenate()([z, label]))
    networks = keras.Model([z, y], made), keras.Model(x, keras.layers.Dense(1)(x))
    return keras_gan.GAN(*networks, conditional="generator", seed=0)


def fresh_one_hot():
    keras.utils.set_random_seed(0)
    return compiled(keras_gan.GAN(*one_hot_networks(), num_classes=3, seed=0))


def rows():
    return X, ROWS


def batches_of_rows():
    return (sliced(X, ROWS),)


def columns():
    return X, Y[:, None]


FORMS = [
    Habit("(n, 1)", lambda: same_step(fresh_labelled, arrays, [X, Y[:, None]]), works()),
    Habit("one-hot rows", lambda: same_step(fresh_labelled, arrays, [X, ROWS]), works()),
    Habit(
        "a dataset of one-hot rows",
        lambda: same_step(fresh_labelled, batches, [sliced(X, ROWS)]),
        works(),
    ),
    Habit(
        "floats",
        lambda: same_step(fresh_labelled, arrays, [X, Y.astype(float)]),
        works(),
        before=True,
    ),
    Habit(
        "integers for networks that take one-hot rows",
        lambda: same_step(fresh_one_hot, rows, [X, Y]),
        works(),
    ),
    Habit(
        "a dataset of integers for networks that take one-hot rows",
        lambda: same_step(fresh_one_hot, batches_of_rows, [sliced(X, Y)]),
        works(),
    ),
    Habit(
        "integers where the model does not say num_classes",
        lambda: trained(compiled(keras_gan.GAN(*one_hot_networks())), X, Y),
        refused(ValueError, "one-hot rows", "num_classes=3"),
    ),
    Habit(
        "a list", lambda: same_step(fresh_labelled, arrays, [X, Y.tolist()]), works(), before=True
    ),
    Habit(
        "a dict with one key",
        lambda: same_step(fresh_labelled, arrays, [X, {"label": Y}]),
        works(),
    ),
    Habit(
        "fractions",
        lambda: trained(labelled(), X, Y + 0.5),
        refused(ValueError, "whole numbers", "fractions"),
    ),
    Habit(
        "rows that are not one-hot",
        lambda: trained(labelled(), X, ROWS / 2),
        refused(ValueError, "one-hot", "3 columns"),
    ),
    Habit(
        "a dataset of rows that are not one-hot",
        lambda: trained(labelled(), sliced(X, ROWS * 2)),
        refused(ValueError, "one-hot", "3 columns"),
    ),
    *[
        Habit(
            f"rows of several classes, {dtype}",
            lambda dtype=dtype: trained(labelled(), X, np.ones((16, 3), dtype)),
            refused(ValueError, "one-hot", "3 columns"),
        )
        for dtype in ("int32", "bool", "uint8")
    ],
    Habit(
        "fractions for networks that take one-hot rows",
        lambda: trained(one_hot(), X, Y + 0.5),
        refused(ValueError, "whole numbers"),
    ),
    Habit(
        "floats out of range for networks that take one-hot rows",
        lambda: one_hot().generate(2, condition=[9.0, 1.0]),
        refused(ValueError, "from 0 to 2", "from 1 to 9"),
    ),
    Habit(
        "fractions where nobody says how many classes there are",
        lambda: trained(compiled(unsaid_classes()), X, Y + 0.5),
        refused(ValueError, "whole numbers"),
    ),
    Habit(
        "any form for networks that embed `keras.Input((1,))`",
        lambda: same_step(fresh_classic, columns, [X, Y], [X, ROWS], [X, Y.astype("float32")]),
        works(),
    ),
    Habit(
        "out of range for networks that embed `keras.Input((1,))`",
        lambda: trained(fresh_classic(), X, Y[:, None] + 1),
        refused(ValueError, "from 0 to 2", "from 1 to 3"),
    ),
    Habit("a subclassed generator beside a functional discriminator", half_subclassed, works()),
    Habit("the same forms in every call", same_labels, works()),
    Habit("conditions of bytes in every call", same_bytes, works()),
    Habit("conditions of bytes with a key that nobody sees", lambda: keyed(id=X), works()),
    Habit(
        "conditions with integers that nobody sees",
        lambda: keyed(id=np.arange(16)),
        works(),
    ),
    Habit(
        "out of range in `discriminate`",
        lambda: labelled().discriminate(X, Y + 1),
        refused(ValueError, "from 0 to 2"),
    ),
    Habit(
        "out of range in `test_on_batch`",
        lambda: labelled().test_on_batch(X, Y + 1),
        refused(ValueError, "from 0 to 2"),
    ),
    Habit(
        "a dataset in `train_on_batch`",
        lambda: plain().train_on_batch(sliced(X)),
        refused(TypeError, "arrays of one batch", "`fit`"),
    ),
    Habit(
        "out of range",
        lambda: trained(labelled(), X, Y + 1),
        refused(ValueError, "from 0 to 2", "from 1 to 3"),
        before=True,
    ),
    Habit(
        "out of range for networks that take one-hot rows",
        lambda: trained(one_hot(), sliced(X, Y + 1)),
        refused(ValueError, "from 0 to 2"),
    ),
    Habit(
        "text",
        lambda: trained(labelled(), X, np.array(["cat", "dog"] * 8)),
        refused(ValueError, "np.unique", "text"),
    ),
    Habit(
        "a dataset of text",
        lambda: trained(labelled(), sliced(X, np.array(["cat", "dog"] * 8))),
        refused(ValueError, "np.unique", "text"),
    ),
    Habit(
        "none",
        lambda: trained(labelled(), X),
        refused(ValueError, r"\(x, condition\)"),
        before=True,
    ),
]


def alike(model, condition, labels=(1, 1, 1, 1)):
    """Assert that a condition makes the samples that some labels make."""
    made = model.generate(4, seed=0, condition=condition)
    labels = np.array(labels, "int32")
    np.testing.assert_array_equal(made, model.generate(4, seed=0, condition=labels))


GENERATED = [
    Habit("one label", lambda: alike(labelled(), 1), works(), before=True),
    Habit("one label for one-hot networks", lambda: alike(one_hot(), 1), works(), before=True),
    Habit("(n, 1)", lambda: alike(labelled(), [[0], [2], [1], [0]], (0, 2, 1, 0)), works()),
    Habit(
        "one-hot rows", lambda: alike(labelled(), np.eye(3)[[0, 2, 1, 0]], (0, 2, 1, 0)), works()
    ),
    Habit("a float", lambda: alike(labelled(), 1.0), works(), before=True),
    Habit("a tuple of labels", lambda: alike(labelled(), (0, 1, 2, 1), (0, 1, 2, 1)), works()),
    Habit("a dict", lambda: alike(labelled(), {"label": [0, 1, 2, 1]}, (0, 1, 2, 1)), works()),
    Habit(
        "a label out of range for one-hot networks",
        lambda: one_hot().generate(4, condition=7),
        refused(ValueError, "from 0 to 2", "from 7 to 7"),
        before=True,
    ),
    Habit(
        "a name",
        lambda: labelled().generate(4, condition="cat"),
        refused(ValueError, "integers", "text"),
    ),
    Habit(
        "rows of several lengths",
        lambda: labelled().generate(4, condition=[[0, 1], [1]]),
        refused(TypeError, "rows of one length"),
    ),
    Habit(
        "None in a list",
        lambda: labelled().generate(4, condition=[None] * 4),
        refused(TypeError, "array of numbers"),
    ),
    Habit(
        "NumPy's integers",
        lambda: np.testing.assert_array_equal(
            plain().generate(np.int64(3), seed=np.int64(5)), plain().generate(3, seed=5)
        ),
        works(),
        before=True,
    ),
    Habit(
        "a label out of range in `predict`",
        lambda: labelled().predict([np.ones((2, 3), "float32"), np.array([0, 7])], verbose=0),
        refused(ValueError, "from 0 to 2", "from 0 to 7"),
    ),
    Habit(
        "a label out of range in a call",
        lambda: labelled()([np.ones((2, 3), "float32"), np.array([0, 7])]),
        refused(ValueError, "from 0 to 2", "from 0 to 7"),
    ),
    Habit(
        "latents alone in `predict`",
        lambda: labelled().predict(np.ones((2, 3), "float32"), verbose=0),
        refused(ValueError, r"`predict\(\[latents, condition\]\)`"),
    ),
    Habit(
        "labels under another name",
        lambda: labelled().generate(4, labels=1),
        refused(TypeError, "no argument `labels`", "`condition=`"),
    ),
    Habit(
        "noise",
        lambda: plain().generate(4, noise=X),
        refused(TypeError, r"`predict\(noise\)`"),
    ),
    Habit(
        "latents in place of a number",
        lambda: plain().generate(np.zeros((4, 3))),
        refused(ValueError, "`n`", r"ndarray of shape \(4, 3\)"),
    ),
    Habit(
        "a seed for each sample",
        lambda: plain().generate(4, seed=[1, 2, 3, 4]),
        refused(ValueError, "`seed`", "integer"),
        before=True,
    ),
    Habit(
        "a seed of more than 64 bits",
        lambda: plain().generate(4, seed=2**70),
        refused(ValueError, "`seed`", "64 bits"),
    ),
    Habit(
        "truncation in words",
        lambda: plain().generate(4, truncation="0.5"),
        refused(ValueError, "`truncation`", "positive"),
    ),
]


test_labels = played(FORMS)


test_what_generate_is_given = played(GENERATED)
