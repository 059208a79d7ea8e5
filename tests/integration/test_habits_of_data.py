"""Samples as people have them: what is given to `fit`, `evaluate` and the rest."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan import datasets, metrics

from . import small
from .habits import (
    BYTES,
    IMAGES,
    Habit,
    X,
    Y,
    arrays,
    batches_of_images,
    compiled,
    fresh_labelled,
    image_networks,
    images,
    labelled,
    pictured,
    plain,
    played,
    refused,
    same_step,
    sliced,
    trained,
    warned,
    works,
)


class Items(keras.utils.PyDataset):
    """A PyDataset of two equal items."""

    def __init__(self, item):
        super().__init__()
        self.item = item

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return self.item


def dicts(batch=16, **parts):
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


def fresh_pictured(last="tanh"):
    keras.utils.set_random_seed(0)
    return compiled(keras_gan.GAN(*image_networks(last=last), seed=0))


def distance(real, fake):
    return metrics.evaluate(["frechet_distance"], real, fake, verbose=0)["frechet_distance"]


ELEMENTS = [
    Habit(
        "batches of dicts with image and label, as tfds has them, without a condition",
        lambda: same_step(fresh_pictured, batches_of_images, [dicts(image=IMAGES, label=Y)]),
        works(),
    ),
    Habit(
        "batches of dicts with image, label and id, for networks that take labels",
        lambda: trained(labelled(), dicts(image=X, label=Y, id=np.array(["a"] * 16))),
        works(),
    ),
    Habit(
        "a dict of arrays",
        lambda: same_step(fresh_labelled, arrays, [{"image": X, "label": Y}]),
        works(),
    ),
    Habit(
        "dicts without an image",
        lambda: trained(plain(), dicts(pixels=X)),
        refused(ValueError, "one tensor", "key 'image'", r"dataset.map\(lambda e: e\['pixels'\]\)"),
    ),
    Habit(
        "images of 8 bits",
        lambda: same_step(fresh_pictured, images, [BYTES]),
        works(),
    ),
    Habit(
        "a dataset of images of 8 bits",
        lambda: same_step(fresh_pictured, batches_of_images, [sliced(BYTES)]),
        works(),
    ),
    Habit(
        "images of 8 bits for a sigmoid generator",
        lambda: same_step(
            functools.partial(fresh_pictured, "sigmoid"),
            lambda: [sliced(BYTES.astype("float32") / 255)],
            [sliced(BYTES)],
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
        lambda: same_step(fresh_labelled, arrays, [(X, Y)]),
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
        lambda: same_step(fresh_pictured, images, [IMAGES[..., 0]]),
        works(),
    ),
    Habit(
        "what `mnist.load_data()` returns: bytes without a channel axis",
        lambda: same_step(fresh_pictured, images, [BYTES[..., 0]]),
        works(),
    ),
    Habit(
        "a dataset of bytes without a channel axis",
        lambda: same_step(fresh_pictured, batches_of_images, [sliced(BYTES[..., 0])]),
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


test_elements = played(ELEMENTS)


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
