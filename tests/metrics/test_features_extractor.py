import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan.metrics.features import Features, Trunk, caching, from_model, pixels
from tests.integration.seeding import seeded


class Brightness(Trunk):
    name = "brightness"
    fingerprint = caching.fingerprint("brightness")

    def __init__(self):
        super().__init__(block_size=4)
        self.blocks = []
        self._protocol = {"extractor": "mean"}

    @property
    def protocol(self):
        return self._protocol

    def run(self, samples):
        self.blocks.append(len(samples))
        axes = tuple(range(1, samples.ndim))
        return {"features": samples.mean(axes, keepdims=True), "square": samples.mean(axes) ** 2}


def images(count=20, low=-1.0, high=1.0, dtype="float32"):
    values = np.random.default_rng(0).uniform(low, high, (count, 4, 5, 3))
    values.flat[:2] = low, high
    return values.astype(dtype)


@pytest.mark.parametrize("shape", [(7,), (7, 3), (7, 4, 2), (7, 2, 2, 1), (7, 2, 2, 2, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pixels_are_the_flat_samples(shape, dtype):
    x = np.random.default_rng(0).uniform(-1, 1, shape).astype(dtype)
    rows = pixels()(x)
    assert rows.dtype == dtype
    np.testing.assert_array_equal(rows, np.reshape(x, (7, -1)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_samples_become_float32(dtype):
    rows = pixels()(tf.cast(images(), dtype))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, images().reshape(20, -1), atol=4e-3)


def test_a_trunk_sees_blocks_and_features_share_it():
    trunk = Brightness()
    mean, square = Features(trunk), Features(trunk, "square")
    outputs = trunk(images(10))
    assert trunk.blocks == [4, 4, 2]
    expected = np.array([x.mean() for x in images(10)])
    np.testing.assert_allclose(mean.pick(outputs), expected[:, None], rtol=1e-5)
    np.testing.assert_allclose(square.pick(outputs), expected[:, None] ** 2, rtol=1e-5)
    np.testing.assert_array_equal(square(images(10)), square.pick(outputs))
    assert (mean.name, square.name) == ("brightness", "brightness_square")
    assert mean.fingerprint != square.fingerprint
    assert square.protocol == {"extractor": "mean", "output": "square"}
    with pytest.raises(ValueError, match="has no output 'cube'"):
        Features(trunk, "cube").pick(outputs)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool"])
def test_integers_are_refused_with_the_way_to_scale(dtype):
    with pytest.raises(ValueError, match=r"/ 127.5 - 1.*Received: samples of dtype " + dtype):
        pixels()(np.ones((2, 4, 4, 1), dtype))


@pytest.mark.parametrize(("low", "high"), [(0, 255), (-1, 1.01), (-1.01, 1)])
def test_images_out_of_range_are_refused(low, high):
    with pytest.raises(ValueError, match=r"x / 127.5 - 1.*Received: images in \["):
        pixels()(images(low=low, high=high))
    assert len(pixels(value_range=None)(images(low=low, high=high))) == 20
    assert len(pixels()(images(low=low, high=high)[:, 0])) == 20  # No images: any range.


def test_rounding_at_the_ends_of_the_range_is_let_through():
    assert len(pixels()(images(low=-1.0009, high=1.0009))) == 20
    assert len(pixels((0, 255))(images(low=0, high=255))) == 20


def test_a_unit_range_is_warned_of_once_for_each_trunk():
    features = pixels()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        features(images(low=-0.01))
        features(images(15, low=0))  # Too few to judge by.
        pixels((0, 1))(images(low=0))
    with pytest.warns(UserWarning, match=r"x \* 2 - 1") as record:
        features(images(low=0))
        features(images(low=0))
    assert len(record) == 1
    assert record[0].filename == __file__


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value):
    for x in (images(), images()[:, 0, 0]):
        x.flat[5] = value
        with pytest.raises(ValueError, match="Expected finite samples"):
            pixels()(x)


@pytest.mark.parametrize("x", [np.zeros((0, 3), "float32"), np.float32(1)])
def test_no_samples_are_refused(x):
    with pytest.raises(ValueError, match="Expected one sample at least"):
        pixels()(x)


@pytest.mark.parametrize("value_range", [(1, -1), (0,), 5, (0, 0), (0, 1, 2)])
def test_a_range_must_ascend(value_range):
    with pytest.raises(ValueError, match="Received: value_range="):
        pixels(value_range)


def test_pixels_of_one_range_are_one_trunk():
    assert pixels().trunk == pixels().trunk
    assert len({pixels().trunk, pixels().trunk, pixels(None).trunk}) == 2
    assert pixels().trunk != pixels((0, 1)).trunk
    assert pixels().trunk != Brightness()


@pytest.mark.parametrize("value_range", [(-1, 1), (0, 255), None])
def test_pixels_come_back_from_their_config(value_range):
    features = pixels(value_range)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(features))
    assert copy.unavailable is None
    assert copy.trunk == features.trunk and copy.name == "pixels"
    assert copy.fingerprint == features.fingerprint
    assert copy.protocol == features.protocol


# Features of a Keras model.


@pytest.fixture(scope="module")
def model():
    seeded(1)
    return keras.Sequential(
        [
            keras.Input((4, 5, 3)),
            keras.layers.Conv2D(2, 3, activation="relu", name="inner"),
            keras.layers.BatchNormalization(name="normalization"),
            keras.layers.Flatten(name="flat"),
            keras.layers.Dropout(0.5, name="drop"),
            keras.layers.Dense(3, name="head"),
        ]
    )


def test_features_of_a_model_are_its_predictions(model):
    x = images(150)
    np.testing.assert_allclose(from_model(model)(x), model.predict(x, verbose=0), atol=1e-5)


def test_features_of_a_layer_are_its_flat_output(model):
    x = images()
    inner, normalization = model.layers[:2]
    rows = from_model(model, layer="inner")(x)
    np.testing.assert_allclose(rows, np.reshape(inner(x), (20, -1)), atol=1e-5)
    rows = from_model(model, layer="normalization")(x)
    expected = normalization(inner(x), training=False)
    np.testing.assert_allclose(rows, np.reshape(expected, (20, -1)), atol=1e-5)


def test_a_layer_that_models_share_is_read_in_the_model_that_was_given():
    shared = keras.layers.Dense(2, name="shared")
    other, mine = keras.Input((4,)), keras.Input((4,))
    keras.Model(other, shared(other))
    doubled = keras.layers.Rescaling(2.0)(mine)
    rows = from_model(keras.Model(mine, shared(doubled)), "shared")(np.ones((3, 4), "float32"))
    np.testing.assert_allclose(rows, shared(2 * np.ones((3, 4))), rtol=1e-6)


def test_a_subclassed_model_gives_its_output_alone():
    class Twice(keras.Model):
        def call(self, x):
            return 2 * x

    np.testing.assert_array_equal(
        from_model(Twice())(np.ones((3, 2, 2), "float32")), np.full((3, 4), 2)
    )
    with pytest.raises(ValueError, match=r"needs a Functional or a built Sequential.*layer='x'"):
        from_model(Twice(), layer="x")


def test_an_unknown_layer_is_named_with_the_nearest(model):
    with pytest.raises(ValueError, match=r"Did you mean 'head'\?.*'inner', .*layer='heads'"):
        from_model(model, layer="heads")


def test_models_that_can_be_no_extractor_are_refused(model):
    two = [keras.Input((2,)), keras.Input((2,))]
    with pytest.raises(ValueError, match="with 2 inputs"):
        from_model(keras.Model(two, keras.layers.Add()(two)))
    with pytest.raises(ValueError, match="with 2 outputs"):
        from_model(keras.Model(two[0], [two[0] + 1, two[0] + 2]))
    with pytest.raises(TypeError, match="Expected a Keras model"):
        from_model("inception")
    with pytest.raises(ValueError, match=r"\(None, 4, 5, 3\).*Received: samples of shape \(2, 9\)"):
        from_model(model)(np.zeros((2, 9), "float32"))


class Holder(keras.metrics.Metric):
    def __init__(self, features):
        super().__init__()
        self.features = features
        self.others = [features, {"features": features}]


def test_a_metric_and_a_model_do_not_track_it(model):
    features = from_model(model)
    features(images())
    assert Holder(features).variables == []
    owner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    before = [variable.path for variable in owner.variables]
    owner.extractor = features
    assert [variable.path for variable in owner.variables] == before
    assert not any("extractor" in str(child) for child in owner._trackable_children())


def test_the_fingerprint_follows_the_weights_and_the_architecture(model):
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    clone.name = "another"
    first = from_model(model)
    assert from_model(clone).fingerprint == first.fingerprint
    assert from_model(model, layer="flat").fingerprint != first.fingerprint
    clone.layers[0].activation = keras.activations.tanh
    assert from_model(clone).fingerprint != first.fingerprint
    clone.layers[0].activation = keras.activations.relu
    clone.layers[-1].bias.assign_add([1e-3, 0, 0])
    assert from_model(clone).fingerprint != first.fingerprint


def test_a_models_trunk_is_that_model(model):
    assert from_model(model).trunk == from_model(model).trunk
    assert from_model(model).trunk != from_model(model, "flat").trunk
    assert from_model(model).trunk != from_model(keras.models.clone_model(model)).trunk


def test_a_model_does_not_come_back_and_says_so(model):
    config = keras.saving.serialize_keras_object(from_model(model, "flat", name="mine"))
    assert "Conv2D" not in str(config)
    features = keras.saving.deserialize_keras_object(config)
    assert (features.name, features.protocol["layer"]) == ("mine", "flat")
    assert "'mine' come from a Keras model, which is not saved" in features.unavailable
    with pytest.raises(ValueError, match="from_model"):
        features(images())
    again = keras.saving.serialize_keras_object(features)
    assert again == config
    assert keras_gan.metrics.FrechetDistance(features).unavailable == features.unavailable
