"""Color, translation and cutout: against loops in NumPy, in distribution, and their gradients."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import keras_gan
from keras_gan.augmentation import Color, Cutout, DiffAugment, Translation

LAYERS = [Color, Translation, Cutout]
# A false alarm in one of a million runs: seeds are fixed, so there is one run.
UNLIKELY = 1e-6


def images(n=6, shape=(8, 12, 3), dtype="float32"):
    return np.random.default_rng(0).uniform(-1, 1, (n, *shape)).astype(dtype)


@pytest.fixture
def draws(monkeypatch):
    """Return a list that fills with what the layers draw."""
    recorded = []

    def recording(original):
        def draw(*args, **kwargs):
            recorded.append(original(*args, **kwargs))
            return recorded[-1]

        return draw

    for name in ("uniform", "randint"):
        monkeypatch.setattr(keras.random, name, recording(getattr(keras.random, name)))
    return recorded


def test_color(draws):
    x = images()
    transformed = Color(brightness=0.3, saturation=0.8, contrast=0.4)(x)
    numbers = np.asarray(draws[0]).reshape(3, -1)
    for image, result, (b, s, k) in zip(x, np.asarray(transformed), numbers.T, strict=True):
        image = image + 0.3 * b
        grey = (image[..., :1] + image[..., 1:2] + image[..., 2:]) / 3
        image = grey + (1 + 0.8 * s) * (image - grey)
        image = image.mean() + (1 + 0.4 * k) * (image - image.mean())
        np.testing.assert_allclose(result, image, atol=2e-6)


def test_translation(draws):
    x = images(20)
    transformed = np.asarray(Translation(ratio=0.25)(x))
    rows, columns = (np.asarray(shifts)[:, 0] for shifts in draws)
    assert {*rows} <= {*range(-2, 3)} and {*columns} <= {*range(-3, 4)}
    expected = np.zeros_like(x)
    for n, i, j in np.ndindex(20, 8, 12):
        source_i, source_j = i + rows[n], j + columns[n]
        if 0 <= source_i < 8 and 0 <= source_j < 12:
            expected[n, i, j] = x[n, source_i, source_j]
    np.testing.assert_array_equal(transformed, expected)


@pytest.mark.parametrize(("ratio", "sides"), [(0.5, (4, 6)), (0.4, (3, 5)), (1.0, (8, 12))])
def test_cutout(ratio, sides, draws):
    x = images(20)
    transformed = np.asarray(Cutout(ratio)(x))
    rows, columns = (np.asarray(centres)[:, 0] for centres in draws)
    expected = x.copy()
    for n in range(20):
        for i in range(rows[n] - sides[0] // 2, rows[n] - sides[0] // 2 + sides[0]):
            for j in range(columns[n] - sides[1] // 2, columns[n] - sides[1] // 2 + sides[1]):
                if 0 <= i < 8 and 0 <= j < 12:
                    expected[n, i, j] = 0
    np.testing.assert_array_equal(transformed, expected)


def test_all_in_order(draws):
    """The policy's transformations, one after the other."""
    x = images(4)
    together = DiffAugment("cutout,color,translation")(x)
    replay = iter(list(draws))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("uniform", "randint"):
            patch.setattr(keras.random, name, lambda *args, **kwargs: next(replay))
        for layer in (Cutout(), Color(), Translation()):
            x = layer(x)
    np.testing.assert_array_equal(together, x)


def uniform(values, low, high):
    """Assert that values are uniform between two bounds, and none beyond them."""
    assert low <= values.min() and values.max() <= high
    assert scipy.stats.kstest(values, "uniform", (low, high - low)).pvalue > UNLIKELY


def test_color_is_uniform():
    """Of images for which each change can be read off, and the others are switched off."""
    n = 5000
    dark = np.zeros((n, 1, 1, 1), "float32")
    uniform(np.asarray(Color(0.5, 0, 0)(dark)).ravel(), -0.5, 0.5)
    red = np.tile(np.array([1.0, -0.5, -0.5], "float32"), (n, 1, 1, 1))
    saturated = np.asarray(Color(0, 1.0, 0)(red))
    np.testing.assert_allclose(saturated.mean(axis=3), 0, atol=1e-6)
    uniform(saturated[:, 0, 0, 0], 0, 2)
    halves = np.tile(np.array([[1.0], [-1.0]], "float32"), (n, 1, 1, 1))
    contrasted = np.asarray(Color(0, 0, 0.5)(halves))
    uniform(contrasted[:, 0, 0, 0], 0.5, 1.5)
    np.testing.assert_allclose(contrasted[:, 0, 0], -contrasted[:, 0, 1], atol=1e-6)


def test_color_changes_are_independent():
    changes = Color()._uniforms(np.zeros((4000, 1, 1, 1), "float32"), 3)
    correlations = np.corrcoef(np.asarray(changes).reshape(3, -1))
    np.testing.assert_allclose(correlations, np.eye(3), atol=5 / np.sqrt(4000))


def test_one_channel_has_no_saturation():
    x = images(shape=(4, 4, 1))
    np.testing.assert_allclose(Color(0, 1.0, 0)(x), x, atol=1e-6)


def equally_likely(outcomes, possible):
    """Assert that outcomes take all of the possible values, and each as often."""
    counts = [np.sum(outcomes == value) for value in possible]
    assert sum(counts) == len(outcomes)
    assert scipy.stats.chisquare(counts).pvalue > UNLIKELY


def test_translations_are_equally_likely():
    """One bright pixel tells both shifts: up to 1 of 8 rows, up to 2 of 12 columns."""
    x = np.zeros((3000, 8, 12, 1), "float32")
    x[:, 3, 5] = 1
    found, i, j, _ = np.nonzero(np.asarray(Translation()(x)))
    assert np.array_equal(found, np.arange(3000))
    equally_likely(5 * (3 - i) + (5 - j), range(-7, 8))


@pytest.mark.parametrize(("side", "hole"), [(8, 4), (9, 5), (10, 5)])
def test_cutouts_are_equally_likely(side, hole):
    """Where the hole's centre is, of what is left: even holes may be centred beyond the end."""
    x = np.ones((3000, side, side, 1), "float32")
    missing = np.asarray(Cutout()(x))[..., 0] == 0
    for axis in (1, 2):
        line = missing.any(axis=3 - axis)
        first, last = line.argmax(axis=1), side - 1 - line[:, ::-1].argmax(axis=1)
        # The end that lies within the image tells the centre.
        centre = np.where(first > 0, first + hole // 2, last + 1 - hole + hole // 2)
        equally_likely(centre, range(side + 1 - hole % 2))


@pytest.mark.parametrize("layer", [*LAYERS, DiffAugment])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_dtype_and_shape_stay(layer, dtype):
    x = tf.cast(images(), dtype)
    transformed = layer(dtype="mixed_float16")(x)
    assert transformed.dtype == x.dtype and transformed.shape == x.shape


def test_half_precision_is_computed_in_single():
    """It is rounded once, at the end."""
    x, layer = tf.cast(images(), tf.bfloat16), Color()
    results = []
    for dtype in (tf.bfloat16, tf.float32):
        layer.generator.state.assign([3, 0])
        results.append(tf.cast(layer(tf.cast(x, dtype)), tf.bfloat16))
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("layer", [*LAYERS, DiffAugment])
def test_gradient(layer):
    """Along a random direction, against central differences of one and the same draw."""
    layer, x = layer(), images(3, (6, 5, 2), "float64")
    generators = [part.generator for part in getattr(layer, "transformations", [layer])]
    rng = np.random.default_rng(1)
    weights, direction = rng.normal(size=(2, *x.shape))

    def curved(x):
        for generator in generators:
            generator.state.assign([3, 0])
        return tf.reduce_sum(weights * layer(x) ** 3)

    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = curved(x)
        return tape.gradient(value, x)

    x, direction = tf.constant(x), tf.constant(direction)
    h = 1e-5
    numeric = (curved(x + h * direction) - curved(x - h * direction)) / (2 * h)
    assert float(tf.reduce_sum(slope(x) * direction)) == pytest.approx(float(numeric), rel=1e-6)
    # Once more, as gradient penalties do.
    with tf.GradientTape() as tape:
        tape.watch(x)
        penalty = tf.reduce_sum(slope(x) ** 2)
    second = tf.reduce_sum(tape.gradient(penalty, x) * direction)
    penalties = [tf.reduce_sum(slope(x + s * h * direction) ** 2) for s in (1, -1)]
    numeric = (penalties[0] - penalties[1]) / (2 * h)
    assert float(second) == pytest.approx(float(numeric), rel=1e-6)


def test_sides_may_be_unknown_while_tracing():
    layer = DiffAugment()

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3))])
    def run(x):
        return layer(x)

    assert run(images()).shape == (6, 8, 12, 3)


@pytest.mark.parametrize("layer", [*LAYERS, DiffAugment])
def test_out_of_training_nothing_happens(layer):
    x = images()
    np.testing.assert_array_equal(layer()(x, training=False), x)


def test_serialization():
    layers = Color(0.1, 0.2, 0.3), Translation(0.4), Cutout(0.5), DiffAugment("cutout,color")
    for layer in layers:
        copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
        assert copy.get_config() == layer.get_config()
        assert type(copy) is type(layer)
    assert [type(part) for part in copy.transformations] == [Cutout, Color]
    assert DiffAugment().policy == ["color", "translation", "cutout"]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: Color(brightness=-0.1), "brightness=-0.1"),
        (lambda: Color(brightness=float("nan")), "brightness=nan"),
        (lambda: Color(saturation=1.1), "saturation=1.1"),
        (lambda: Color(contrast=-1), "contrast=-1"),
        (lambda: Translation(2), "ratio=2"),
        (lambda: Cutout(float("nan")), "ratio=nan"),
        (lambda: DiffAugment("colour"), "'color', 'cutout', 'translation'"),
        (lambda: DiffAugment(("color", "flip")), "('color', 'flip')"),
        (lambda: DiffAugment(()), "policy=()"),
        (lambda: DiffAugment(None), "policy=None"),
        (lambda: Color(saturation=1.5), "saturation=1.5"),
        (lambda: Color()(np.zeros((4, 2))), "(4, 2)"),
        (lambda: DiffAugment("cutout")(np.zeros((4, 2, 2))), "(4, 2, 2)"),
        (lambda: Translation()(np.zeros((1, 2, 2, 2, 1))), "InstanceNoise"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError) as caught:
        call()
    assert text in str(caught.value)


@pytest.mark.parametrize("value_range", [(0.0, 1.0), (0.0, 255.0)])
def test_transformations_keep_to_the_models_range_of_values(value_range):
    """Images of another range are transformed as those in [-1, 1], brought to that range."""
    low, high = value_range
    generator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(8 * 12 * 3), keras.layers.Reshape((8, 12, 3))]
    )
    critic = keras.Sequential(
        [keras.Input((8, 12, 3)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    consistency = keras_gan.terms.ConsistencyRegularization()
    model = keras_gan.GAN(generator, critic, value_range=value_range)
    model.compile(augmentation=keras_gan.augmentation.Adaptive(initial=1.0), terms=[consistency])
    ours, usual = model.game.augmentation.layers[0].augmentation, DiffAugment()
    x = images(50)
    for layer, plain in zip(ours.transformations, usual.transformations, strict=True):
        layer.generator.state.assign(plain.generator.state)
        wanted = low + (np.asarray(plain(x)) + 1) / 2 * (high - low)
        found = layer(low + (x + 1) / 2 * (high - low))
        np.testing.assert_allclose(found, wanted, atol=2e-6 * high)
    assert consistency.augmentation.layers[-1].grey == (low + high) / 2
