"""The probability of augmentation: whom it transforms, and how it follows overfitting."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import keras_gan
from keras_gan.augmentation import Adaptive, DiffAugment, InstanceNoise


class Add(keras.layers.Layer):
    """A transformation that shows."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def call(self, samples):
        return samples + self.value


class Both(keras.layers.Layer):
    """Two transformations that show."""

    def __init__(self):
        super().__init__()
        self.transformations = [Add(1.0), Add(10.0)]


@pytest.mark.parametrize("shape", [(5, 3), (5, 3, 2), (5, 4, 4, 1), (5, 2, 2, 2, 1)])
def test_never_and_always(shape):
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    np.testing.assert_array_equal(Adaptive(Both(), initial=0)(x), x)
    np.testing.assert_array_equal(Adaptive(Both(), initial=1)(x), x + 1 + 10)
    np.testing.assert_array_equal(Adaptive(Both(), initial=1)(x, training=False), x)


def test_always_is_the_augmentation_itself():
    x = np.random.default_rng(0).uniform(-1, 1, (5, 8, 8, 3)).astype("float32")
    inner = DiffAugment()
    for part in inner.transformations:
        part.generator.state.assign([1, 2])
    expected = inner(x)
    for part in inner.transformations:
        part.generator.state.assign([1, 2])
    np.testing.assert_array_equal(Adaptive(inner, initial=1)(x), expected)


@pytest.mark.parametrize("p", [0.1, 0.3, 0.9])
def test_each_transformation_of_each_sample_has_probability_p(p):
    n = 20_000
    outcomes = np.asarray(Adaptive(Both(), initial=p)(np.zeros((n, 2), "float32")))
    assert np.array_equal(outcomes[:, 0], outcomes[:, 1])  # A sample as a whole, or not.
    for value, share in ((0, (1 - p) ** 2), (1, p * (1 - p)), (10, p * (1 - p)), (11, p * p)):
        count = int(np.sum(outcomes[:, 0] == value))
        assert scipy.stats.binomtest(count, n, share).pvalue > 1e-6


def test_dtype_stays():
    half = tf.zeros((4, 8, 8, 1), tf.bfloat16)
    assert Adaptive(initial=0.5)(half).dtype == tf.bfloat16
    stock = keras.layers.GaussianNoise(0.1, dtype="mixed_float16")
    assert Adaptive(stock, initial=0.5)(tf.zeros((4, 2))).dtype == tf.float32


def game(adaptive, loss="minimax", discriminator=None, **options):
    """Return a compiled model whose discriminator returns its sample and never learns."""
    generator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    if discriminator is None:
        discriminator = keras.Sequential(
            [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")]
        )
    model = keras_gan.GAN(generator, discriminator)
    sgds = [keras.optimizers.SGD(0.0) for _ in range(2)]
    model.compile(loss, *sgds, augmentation=adaptive, **options)
    return model


def batches(balances, size=8):
    """Return batches of ones and minus ones, with so many more ones than minus ones."""
    rows = [[1.0] * ((size + b) // 2) + [-1.0] * ((size - b) // 2) for b in balances]
    # Not sorted: replicas get different shares.
    return [np.random.default_rng(0).permutation(r).astype("float32")[:, None] for r in rows]


def controller(data, target, interval, images, p):
    """Return p and r_t after every update, by the formula."""
    signs, history, rt = [], [], 0.0
    for update, batch in enumerate(data, 1):
        signs.extend(np.sign(batch.ravel()))
        if update % interval == 0:
            rt = np.mean(signs)
            p = np.clip(p + np.sign(rt - target) * len(signs) / images, 0, 1)
            signs = []
        history.append((p, rt))
    return history


# Of 8: r_t above, at and below the target, and p at both of its ends.
BALANCES = [8, 6, 8, 8, 8, 4, 2, -2, 0, -8, -4, -6, 8, 8, -8, -8]


def follow(model, adaptive, data):
    history = []
    for batch in data:
        logs = model.train_on_batch(batch, return_dict=True)
        history.append((float(adaptive.p), float(adaptive.rt)))
        assert history[-1] == pytest.approx((logs["augment_p"], logs["augment_rt"]))
    return history


@pytest.mark.representatives(1)
@pytest.mark.parametrize(("interval", "images", "target"), [(3, 50, 0.6), (1, 20, 0.5)])
def test_controller(interval, images, target):
    data = batches(BALANCES)
    options = dict(target=target, interval=interval, images=images)
    adaptive = Adaptive(Add(0.0), initial=0.2, **options)
    expected = controller(data, p=0.2, **options)
    history = follow(game(adaptive), adaptive, data)
    np.testing.assert_allclose(history, expected, atol=1e-6)
    moves = np.sign(np.diff([p for p, _ in expected]))
    assert {*moves} == {-1.0, 0.0, 1.0} and min(p for p, _ in expected) == 0


@pytest.mark.slow
def test_replicas_agree_with_one_device(two_replicas):
    """Sorted data: by its own half alone, one would move p up and the other down."""
    data = [-np.sort(-batch, axis=0) for batch in batches(BALANCES[:6])]
    options = dict(target=0.6, interval=2, images=100)
    with two_replicas.scope():
        adaptive = Adaptive(Add(0.0), initial=0.2, **options)
        model = game(adaptive)
    moved = []

    def record(batch, logs):
        # Both replicas' copies.
        moved.append([v.numpy() for w in (adaptive.p, adaptive.rt) for v in w.value.values])

    dataset = tf.data.Dataset.from_tensor_slices(np.stack(data))
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=record)
    model.fit(dataset, verbose=0, callbacks=[callback])
    expected = controller(data, p=0.2, **options)
    np.testing.assert_allclose(moved, np.repeat(expected, 2, axis=1), atol=1e-6)


def test_every_sample_counts_once():
    """Batches of unequal size: r_t is the mean over samples, and they are what moves p."""
    data = [*batches([4, -2], size=4), *batches([-2], size=2)]
    adaptive = Adaptive(Add(0.0), target=0.1, interval=3, images=100, initial=0.5)
    history = follow(game(adaptive, run_eagerly=True), adaptive, data)
    assert history[-1] == pytest.approx((0.4, 0.0), abs=1e-6)


@pytest.mark.slow
def test_all_updates_of_a_training_step_count():
    adaptive = Adaptive(Add(0.0), interval=4, images=64)
    model = game(adaptive, discriminator_steps=2)
    model.fit(np.ones((32, 1), "float32"), batch_size=8, verbose=0)
    assert model.steps == 2
    assert float(adaptive.p) == pytest.approx(0.5)


def test_the_loss_says_what_is_real():
    """Least squares takes for real what lies nearer to 1 than to 0."""
    adaptive = Adaptive(Add(0.0), target=0.0, interval=1, images=64, initial=0.5)
    model = game(adaptive, "least_squares", run_eagerly=True)
    model.train_on_batch(np.array([[0.4], [0.3], [0.6], [0.2]], "float32"))
    assert float(adaptive.rt) == pytest.approx(-0.5)
    assert float(adaptive.p) == pytest.approx(0.5 - 4 / 64)


def test_patches_are_averaged():
    patches = keras.Sequential([keras.Input((1,)), keras.layers.Dense(4)])
    patches.layers[0].set_weights([np.array([[1.0, 1.0, 1.0, -1.0]]), np.zeros(4)])
    adaptive = Adaptive(Add(0.0), target=0.4, interval=1, images=16, initial=0.5)
    model = game(adaptive, discriminator=patches, run_eagerly=True)
    model.train_on_batch(np.ones((4, 1), "float32"))
    assert float(adaptive.rt) == pytest.approx(0.5)
    assert float(adaptive.p) == pytest.approx(0.5 + 4 / 16)


def test_every_sample_of_a_pack_counts():
    """8 samples make 2 packs of 4, and move p as 8 samples."""
    packed = keras.Sequential(
        [
            keras.Input((1,)),
            keras_gan.layers.Packing(4),
            keras.layers.Dense(1, use_bias=False, kernel_initializer="ones"),
        ]
    )
    adaptive = Adaptive(Add(0.0), target=0.4, interval=1, images=16, initial=0.25)
    model = game(adaptive, discriminator=packed, run_eagerly=True)
    model.train_on_batch(np.ones((8, 1), "float32"))
    assert float(adaptive.rt) == 1.0
    assert float(adaptive.p) == pytest.approx(0.25 + 8 / 16)


def test_infinite_images_keep_p():
    adaptive = Adaptive(Add(0.0), interval=1, images=float("inf"), initial=0.25)
    follow(game(adaptive, run_eagerly=True), adaptive, batches([8, -8]))
    assert float(adaptive.p) == 0.25


def test_from_0_to_1_in_so_many_images():
    """500,000 by default: 64 * 4 / 500,000 at a time with batches of 64."""
    adaptive = Adaptive(Add(0.0))
    model = game(adaptive)
    model.fit(np.ones((64 * 8, 1), "float32"), batch_size=64, verbose=0)
    assert float(adaptive.p) == pytest.approx(2 * 64 * 4 / 500_000)


def test_what_it_wraps_follows_training_too():
    noise = InstanceNoise(1.0, keras_gan.schedules.Linear(1, 0, end=4))
    history = game(Adaptive(noise, initial=0.5), run_eagerly=True).fit(
        np.ones((8, 1), "float32"), batch_size=8, verbose=0
    )
    assert history.history["noise_sigma"] == [0.75]
    assert {"augment_p", "augment_rt"} <= history.history.keys()


def test_serialization():
    layers = (
        Adaptive(),
        Adaptive(DiffAugment("cutout"), 0.5, 2, float("inf"), 0.1),
        Adaptive(InstanceNoise(0.3), images=7),
        Adaptive(keras.layers.GaussianNoise(0.1)),
    )
    for layer in layers:
        copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
        assert copy.get_config() == layer.get_config()
        assert type(copy.augmentation) is type(layer.augmentation)
        assert float(copy.p) == float(layer.p)


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: Adaptive(target=1.1), ValueError, "target=1.1"),
        (lambda: Adaptive(target=-1.1), ValueError, "target=-1.1"),
        (lambda: Adaptive(target=float("nan")), ValueError, "target=nan"),
        (lambda: Adaptive(initial=1.1), ValueError, "initial=1.1"),
        (lambda: Adaptive(initial=-0.1), ValueError, "initial=-0.1"),
        (lambda: Adaptive(interval=0), ValueError, "interval=0"),
        (lambda: Adaptive(interval=True), ValueError, "interval=True"),
        (lambda: Adaptive(interval=2.0), ValueError, "interval=2.0"),
        (lambda: Adaptive(target="0.6"), TypeError, "target='0.6'"),
        (lambda: Adaptive(initial=None), TypeError, "initial=None"),
        (lambda: Adaptive(images="many"), TypeError, "images='many'"),
        (lambda: Adaptive(images=0), ValueError, "images=0"),
        (lambda: Adaptive(images=float("nan")), ValueError, "images=nan"),
        (lambda: Adaptive("diff_augment"), TypeError, "augmentation='diff_augment'"),
        (lambda: Adaptive(DiffAugment), TypeError, "augmentation=<class"),
    ],
)
def test_errors(call, kind, text):
    with pytest.raises(kind) as caught:
        call()
    assert text in str(caught.value)
