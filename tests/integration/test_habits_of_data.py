"""Data as people have it: each row is what a user gives to `fit`, `evaluate`, `generate`."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan import datasets, metrics

from . import small
from .habits import (
    Habit,
    X,
    Y,
    compiled,
    image_networks,
    labelled,
    one_hot,
    one_hot_networks,
    pictured,
    plain,
    play,
    refused,
    same_step,
    table,
    trained,
    warned,
    works,
)

BYTES = np.random.default_rng(0).integers(256, size=(16, 8, 8, 1), dtype="uint8")
IMAGES = BYTES.astype("float32") / 127.5 - 1
ROWS = np.eye(3, dtype="float32")[Y]


class Items(keras.utils.PyDataset):
    """A PyDataset of two equal items."""

    def __init__(self, item):
        super().__init__()
        self.item = item

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return self.item


def sliced(*arrays, batch=8):
    """Return a plain `tf.data.Dataset` of batches."""
    data = tf.data.Dataset.from_tensor_slices(arrays[0] if len(arrays) == 1 else arrays)
    return data.batch(batch) if batch else data


def dicts(batch=8, **parts):
    return tf.data.Dataset.from_tensor_slices(parts).batch(batch)


class Bunch(dict):
    """A dict of another library, as scikit-learn's datasets are."""


def ragged():
    rows = tf.RaggedTensor.from_row_lengths(tf.zeros(12), [3, 4, 5])
    return tf.data.Dataset.from_tensor_slices(rows).batch(3)


class Once(keras.callbacks.Callback):
    """End training after a step."""

    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training = True
        raise StopIteration


def distributed_bytes():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        model = compiled(keras_gan.GAN(*image_networks(), seed=0))
    trained(model, strategy.experimental_distribute_dataset(sliced(BYTES)))


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


def in_scope(make):
    """Make networks outside, and the model inside of a strategy's scope."""
    networks = make()
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        keras_gan.GAN(*networks)


def dict_inputs():
    z, y = keras.Input((3,), name="z"), keras.Input((), dtype="int32", name="label")
    joined = keras.layers.Concatenate()([z, keras.layers.Embedding(3, 2)(y)])
    generator = keras.Model({"z": z, "label": y}, keras.layers.Dense(2)(joined))
    keras_gan.GAN(generator, small.networks(classes=3)[1])


def unbuilt(**options):
    dense = keras.layers.Dense
    pair = keras.Sequential([dense(4), dense(2)]), keras.Sequential([dense(4), dense(1)])
    return keras_gan.GAN(*pair, seed=0, **options)


def softmax_head():
    x = keras.Input((2,))
    h = keras.layers.Dense(4)(x)
    heads = [keras.layers.Dense(1)(h), keras.layers.Dense(3, activation="softmax")(h)]
    keras_gan.GAN(small.networks()[0], keras.Model(x, heads))


def unsaid_classes():
    """Return a model whose networks take an integer, and do not embed it."""
    z, x, y = keras.Input((3,)), keras.Input((2,)), keras.Input((1,), dtype="int32")
    label = keras.layers.Lambda(lambda part: keras.ops.cast(part, "float32"), (1,))(y)
    made = keras.layers.Dense(2)(keras.layers.Concatenate()([z, label]))
    networks = keras.Model([z, y], made), keras.Model(x, keras.layers.Dense(1)(x))
    return keras_gan.GAN(*networks, conditional="generator", seed=0)


def looked_up():
    """Return a compiled model whose generator looks labels up before it embeds them."""
    z, x, y = keras.Input((3,)), keras.Input((2,)), keras.Input((), dtype="int64")
    index = keras.layers.IntegerLookup(vocabulary=[7, 107, 207], num_oov_indices=1)(y)
    joined = keras.layers.Concatenate()([z, keras.layers.Embedding(4, 2)(index)])
    networks = (
        keras.Model([z, y], keras.layers.Dense(2)(joined)),
        keras.Model(x, keras.layers.Dense(1)(x)),
    )
    return compiled(keras_gan.GAN(*networks, conditional="generator", seed=0))


def fresh_labelled():
    return compiled(small.gan(classes=3))


def fresh_one_hot():
    keras.utils.set_random_seed(0)
    return compiled(keras_gan.GAN(*one_hot_networks(), num_classes=3, seed=0))


def fresh_pictured(last="tanh"):
    keras.utils.set_random_seed(0)
    return compiled(keras_gan.GAN(*image_networks(last=last), seed=0))


def distance(real, fake):
    return metrics.evaluate(["frechet_distance"], real, fake, verbose=0)["frechet_distance"]


ELEMENTS = [
    Habit(
        "batches of dicts with image and label, as tfds has them, without a condition",
        lambda: same_step(fresh_pictured, [dicts(image=IMAGES, label=Y)], [sliced(IMAGES)]),
        works(),
    ),
    Habit(
        "batches of dicts with image, label and id, for networks that take labels",
        lambda: trained(labelled(), dicts(image=X, label=Y, id=np.array(["a"] * 16))),
        works(),
    ),
    Habit(
        "a dict of arrays",
        lambda: same_step(fresh_labelled, [{"image": X, "label": Y}], [X, Y]),
        works(),
    ),
    Habit(
        "dicts without an image",
        lambda: trained(plain(), dicts(pixels=X)),
        refused(ValueError, "one tensor", "key 'image'", r"dataset.map\(lambda e: e\['pixels'\]\)"),
    ),
    Habit(
        "images of 8 bits",
        lambda: same_step(fresh_pictured, [BYTES], [IMAGES]),
        works(),
    ),
    Habit(
        "a dataset of images of 8 bits",
        lambda: same_step(fresh_pictured, [sliced(BYTES)], [sliced(IMAGES)]),
        works(),
    ),
    Habit(
        "images of 8 bits for a sigmoid generator",
        lambda: same_step(
            functools.partial(fresh_pictured, "sigmoid"),
            [sliced(BYTES)],
            [sliced(BYTES.astype("float32") / 255)],
        ),
        works(),
    ),
    Habit(
        "integers that are no bytes",
        lambda: trained(pictured(), BYTES.astype("int32")),
        refused(ValueError, "floating-point", "127.5", "int32"),
        before=True,
    ),
    Habit(
        "a third part of an element",
        lambda: trained(plain(), sliced(X, Y, Y)),
        refused(ValueError, "sample_weight", "3 parts"),
        before=True,
    ),
    Habit(
        "samples and condition in one tuple of arrays",
        lambda: same_step(fresh_labelled, [(X, Y)], [X, Y]),
        works(),
    ),
    Habit(
        "an unbatched dataset",
        lambda: trained(pictured(), sliced(IMAGES, batch=None)),
        refused(ValueError, "one by one", r"dataset.batch\(64\)"),
    ),
    Habit(
        "an unbatched dataset of vectors",
        lambda: trained(plain(), sliced(X, batch=None)),
        refused(ValueError, "one by one", r"dataset.batch\(64\)"),
    ),
    Habit(
        "images without a channel axis",
        lambda: same_step(fresh_pictured, [IMAGES[..., 0]], [IMAGES]),
        works(),
    ),
    Habit(
        "what `mnist.load_data()` returns: bytes without a channel axis",
        lambda: same_step(fresh_pictured, [BYTES[..., 0]], [IMAGES]),
        works(),
    ),
    Habit(
        "a dataset of bytes without a channel axis",
        lambda: same_step(fresh_pictured, [sliced(BYTES[..., 0])], [sliced(IMAGES)]),
        works(),
    ),
    Habit(
        "images in [0, 1] for a tanh generator",
        lambda: trained(pictured(), IMAGES / 2 + 0.5),
        warned(r"in \[-1, 1\]", r"2 \* x - 1", "sigmoid"),
    ),
    Habit(
        "masks of 0 and 1 in bytes",
        lambda: trained(pictured(), BYTES % 2),
        warned("the largest is 1", "masks", r"astype\('float32'\)"),
    ),
    Habit(
        "sequences of bytes",
        lambda: trained(plain(), np.ones((16, 2), "uint8")),
        refused(ValueError, "floating-point"),
        before=True,
    ),
    Habit(
        "bytes in a dataset that is distributed already",
        distributed_bytes,
        refused(ValueError, "distributed already", "`fit`"),
    ),
    Habit(
        "ragged tensors",
        lambda: trained(plain(), ragged()),
        refused(ValueError, "dense", "to_tensor", "RaggedTensor"),
    ),
    Habit(
        "sparse tensors",
        lambda: trained(plain(), sliced(tf.sparse.from_dense(X))),
        refused(ValueError, "dense", "tf.sparse.to_dense", "SparseTensor"),
    ),
    Habit(
        "a dict of datasets, as tfds.load returns splits",
        lambda: trained(plain(), {"train": sliced(X), "test": sliced(X)}),
        refused(TypeError, "one dataset", r"data\['train'\]"),
    ),
    Habit(
        "images of several sizes",
        lambda: trained(pictured(), [np.zeros((8, 8, 1)), np.zeros((9, 9, 1))]),
        refused(TypeError, "one size"),
    ),
    Habit(
        "one label for all samples in `fit`",
        lambda: trained(labelled(), X, 1),
        refused(ValueError, "a row for each sample"),
    ),
    Habit(
        "labels of any numbers, which the networks look up",
        lambda: trained(looked_up(), X, 100 * Y + 7),
        works(),
    ),
    Habit(
        "train and test as pairs",
        lambda: trained(labelled(), (X, Y), (X, Y)),
        refused(ValueError, "validation_data="),
    ),
    Habit(
        "dicts with other keys, for networks that take labels",
        lambda: trained(labelled(), dicts(images=X, labels=Y)),
        refused(ValueError, r"\(e\['images'\], e\['labels'\]\)"),
    ),
    Habit(
        "a library's own kind of dict",
        lambda: trained(plain(), Bunch(data=X, target=Y, feature_names=["a", "b"])),
        refused(ValueError, "key 'image'", "'data'"),
    ),
    Habit(
        "a dataset without an end",
        lambda: pictured().fit(sliced(IMAGES).repeat(), verbose=0, callbacks=[Once()]),
        warned("no end", "`steps_per_epoch=`"),
    ),
    Habit(
        "channels first",
        lambda: trained(pictured(), np.moveaxis(IMAGES, -1, 1)),
        refused(ValueError, r"np.moveaxis\(x, 1, -1\)"),
    ),
    Habit(
        "images of another size",
        lambda: trained(pictured(), np.zeros((4, 9, 9, 1), "float32")),
        refused(ValueError, r"tf.image.resize\(x, \(8, 8\)\)", r"image_shape=\(9, 9, 1\)"),
    ),
    Habit(
        "color images for a grayscale model",
        lambda: trained(pictured(), np.zeros((4, 8, 8, 3), "float32")),
        refused(ValueError, "channels", "rgb_to_grayscale"),
    ),
    Habit(
        "flattened images",
        lambda: trained(pictured(), IMAGES.reshape(16, 64)),
        refused(ValueError, r"x.reshape\(-1, \*\(8, 8, 1\)\)"),
    ),
    Habit("a PyDataset of (x, None)", lambda: trained(plain(), Items((X, None))), works()),
    Habit(
        "a PyDataset of [x, label]",
        lambda: trained(labelled(), Items([X, Y])),
        works(),
        before=True,
    ),
    Habit(
        "a PyDataset of dicts",
        lambda: trained(labelled(), Items({"image": X, "label": Y})),
        works(),
    ),
    Habit(
        "a Python generator",
        lambda: trained(plain(), (X for _ in range(2))),
        refused(TypeError, "iterator", "from_generator", "generator"),
    ),
    Habit(
        "an iterator of a dataset",
        lambda: trained(plain(), iter(sliced(X))),
        refused(TypeError, "iterator", "from_generator"),
    ),
    Habit("lists of lists", lambda: trained(plain(), X.tolist()), works(), before=True),
    Habit("a TensorFlow tensor", lambda: trained(plain(), tf.constant(X)), works(), before=True),
    Habit("float64", lambda: trained(plain(), X.astype("float64")), works(), before=True),
    Habit(
        "text",
        lambda: trained(plain(), np.array(["a"] * 4)),
        refused(ValueError, "floating-point", "string"),
    ),
    Habit(
        "a list of images for a metric",
        lambda: distance(list(IMAGES), list(IMAGES)),
        refused(ValueError, r"np.stack\(images\)", r"\(8, 8, 1\)"),
    ),
    Habit(
        "a list of vectors for a metric",
        lambda: np.testing.assert_allclose(distance(list(X), X + 1), distance(X, X + 1)),
        works(),
    ),
    Habit(
        "nothing for a metric",
        lambda: distance({}, X),
        refused(ValueError, "no samples"),
    ),
    Habit(
        "rows of several lengths for a metric",
        lambda: distance([[1.0, 2.0], [1.0]], X),
        refused(TypeError, "rows of one length"),
    ),
    Habit(
        "networks made outside the strategy's scope",
        lambda: in_scope(small.networks),
        refused(ValueError, "generator", r"with strategy.scope\(\)", "MirroredStrategy"),
    ),
    Habit(
        "networks that take one dict",
        dict_inputs,
        refused(ValueError, r"keras.Model\(\[z, label\], ...\)", "'label'"),
    ),
    Habit(
        "unbuilt Sequentials",
        unbuilt,
        refused(ValueError, r"keras.Input\(\(64,\)\)", "Sequential", "latents="),
    ),
    Habit(
        "unbuilt Sequentials with latents",
        lambda: trained(
            compiled(unbuilt(latents=keras_gan.latents.Normal(3), conditional=False)), X
        ),
        works(),
        before=True,
    ),
    Habit(
        "a discriminator with a class head that ends in a softmax",
        softmax_head,
        refused(ValueError, "softmax", "logits"),
        before=True,
    ),
    Habit(
        "data of 0 to 255 in floats",
        lambda: trained(pictured(), BYTES.astype("float32")),
        warned("outside", "x / 127.5 - 1"),
        before=True,
    ),
]

FORMS = [
    Habit("(n, 1)", lambda: same_step(fresh_labelled, [X, Y[:, None]], [X, Y]), works()),
    Habit("one-hot rows", lambda: same_step(fresh_labelled, [X, ROWS], [X, Y]), works()),
    Habit(
        "a dataset of one-hot rows",
        lambda: same_step(fresh_labelled, [sliced(X, ROWS)], [sliced(X, Y)]),
        works(),
    ),
    Habit(
        "floats",
        lambda: same_step(fresh_labelled, [X, Y.astype(float)], [X, Y]),
        works(),
        before=True,
    ),
    Habit(
        "integers for networks that take one-hot rows",
        lambda: same_step(fresh_one_hot, [X, Y], [X, ROWS]),
        works(),
    ),
    Habit(
        "a dataset of integers for networks that take one-hot rows",
        lambda: same_step(fresh_one_hot, [sliced(X, Y)], [sliced(X, ROWS)]),
        works(),
    ),
    Habit(
        "integers where the model does not say num_classes",
        lambda: trained(compiled(keras_gan.GAN(*one_hot_networks())), X, Y),
        refused(ValueError, "one-hot rows", "num_classes=3"),
    ),
    Habit(
        "a list", lambda: same_step(fresh_labelled, [X, Y.tolist()], [X, Y]), works(), before=True
    ),
    Habit(
        "a dict with one key",
        lambda: same_step(fresh_labelled, [X, {"label": Y}], [X, Y]),
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
        lambda: same_step(
            fresh_classic, [X, Y[:, None]], [X, Y], [X, ROWS], [X, Y.astype("float32")]
        ),
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


@table(ELEMENTS)
def test_elements(habit, tmp_path, monkeypatch):
    play(habit, tmp_path, monkeypatch)


@table(FORMS)
def test_labels(habit, tmp_path, monkeypatch):
    play(habit, tmp_path, monkeypatch)


@table(GENERATED)
def test_what_generate_is_given(habit, tmp_path, monkeypatch):
    play(habit, tmp_path, monkeypatch)


def test_a_resumed_pass_over_adapted_data_is_an_uninterrupted_one():
    """Adapted data keeps its `seek`, and its order."""
    data = datasets.from_arrays(BYTES, batch_size=4, seed=3)
    whole = fresh_pictured()
    trained(whole, data, epochs=2)
    parts = fresh_pictured()
    trained(parts, data, epochs=1)
    trained(parts, data, epochs=2, initial_epoch=1)
    for name, value in small.state(whole).items():
        np.testing.assert_array_equal(value, small.state(parts)[name], err_msg=name)


def test_metrics_and_evaluate_see_adapted_data():
    model = fresh_pictured()
    model.compile(metrics=["sliced_wasserstein"], metric_samples=16, run_eagerly=True)
    given, wanted = (model.evaluate(data, verbose=0) for data in (sliced(BYTES), sliced(IMAGES)))
    np.testing.assert_allclose(given, wanted, rtol=1e-5)


@pytest.mark.parametrize("data", [BYTES, sliced(BYTES), Items(BYTES)], ids=["array", "set", "py"])
def test_a_split_or_a_pass_of_bytes_validates(data):
    logs = trained(fresh_pictured(), data, validation_data=data)
    assert np.isfinite(logs["val_d_loss"]).all()
