import os
import random

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan.metrics.features import InceptionV3, images, inception_v3
from tests.integration.seeding import seeded

NAME = "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"
REAL = keras.applications.InceptionV3


def small(
    include_top=True, weights=None, input_shape=(299, 299, 3), classes=1000, pooling=None, **_
):
    """Return a network with the outer form of Keras's own."""
    assert weights is None  # Nothing is ever downloaded.
    inputs = keras.Input(input_shape)
    x = keras.layers.Conv2D(2048, 7, strides=73)(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D(name="avg_pool")(x)
    if include_top:
        x = keras.layers.Dense(classes, activation="softmax", name="predictions")(x)
    return keras.Model(inputs, x)


@pytest.fixture(autouse=True)
def stand_in(monkeypatch, tmp_path):
    monkeypatch.setattr(keras.applications, "InceptionV3", small)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KERAS_HOME", raising=False)


@pytest.fixture(scope="module")
def network():
    seeded(5)
    network = small(classes=7)
    network.layers[2].moving_mean.assign(np.linspace(-1, 1, 2048))
    return network


@pytest.fixture(scope="module")
def path(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("inception_v3") / "full.weights.h5"
    network.save_weights(path)
    return path


def x(count=2, shape=(20, 30, 3)):
    return np.random.default_rng(0).uniform(-1, 1, (count, *shape)).astype("float32")


def by_hand(network, samples, method="bilinear"):
    levels = np.rint((samples + 1) * 127.5)
    resized = tf.image.resize(levels, (299, 299), method=method, antialias=True)
    inner = keras.Model(network.inputs, network.get_layer("avg_pool").output)
    return [net(resized / 127.5 - 1, training=False) for net in (inner, network)]


@pytest.mark.parametrize("shape", [(20, 30, 3), (900, 310, 3)])
@pytest.mark.parametrize("resizer", ["bilinear", "bicubic"])
def test_outputs_are_the_networks_on_resized_levels(network, path, resizer, shape):
    inception = InceptionV3(path, resizer=resizer)
    outputs = inception.trunk(x(shape=shape))
    features, probabilities = by_hand(network, x(shape=shape), resizer)
    np.testing.assert_allclose(outputs["features"], features, atol=1e-4)
    np.testing.assert_allclose(outputs["probabilities"], probabilities, atol=1e-5)
    assert inception.features.name == "inception_v3"
    assert inception.probabilities(x()).shape == (2, 7)
    assert resizer in inception.features.protocol["resizer"]


def test_resizers_are_different_features(path):
    first, second = InceptionV3(path), InceptionV3(path, "bicubic")
    assert first.trunk == InceptionV3(path).trunk != second.trunk
    with pytest.raises(ValueError, match="Received: resizer='nearest'"):
        InceptionV3(path, "nearest")


def test_grey_images_are_repeated(path):
    inception = InceptionV3(path)
    grey = x(shape=(20, 30, 1))
    np.testing.assert_array_equal(
        inception.features(grey), inception.features(np.repeat(grey, 3, axis=-1))
    )


def test_every_level_of_8_bit_images_is_kept():
    levels = np.arange(256, dtype="uint8").reshape(1, 16, 16, 1)
    for scaled in (levels / 127.5 - 1, levels.astype("float32") / 127.5 - 1, levels / 255 * 2 - 1):
        np.testing.assert_array_equal(images.as_levels(scaled)[..., :1], levels)
    ends = np.float32([-1.0009, 1.0009]).reshape(1, 1, 2, 1)
    assert images.as_levels(ends)[0, 0, :, 0].tolist() == [0, 255]


def test_a_file_without_the_last_layer_gives_features_alone(network, tmp_path):
    headless = small(include_top=False)
    headless.set_weights(network.get_weights()[:-2])
    headless.save_weights(tmp_path / "notop.weights.h5")
    inception = InceptionV3(tmp_path / "notop.weights.h5")
    np.testing.assert_allclose(inception.features(x()), by_hand(network, x())[0], atol=1e-4)
    with pytest.raises(ValueError, match=f"no classification layer.*{NAME}"):
        inception.probabilities  # noqa: B018


def test_kerass_own_file_is_found_and_never_fetched(path, tmp_path, monkeypatch):
    with pytest.raises(
        ValueError, match=r"looked for in .*home/\.keras/models/.*weights='imagenet'"
    ):
        InceptionV3()
    for variable, place in (("HOME", "home/.keras"), ("KERAS_HOME", "other")):
        directory = tmp_path / place / "models"
        directory.mkdir(parents=True)
        os.link(path, directory / NAME)
        if variable == "KERAS_HOME":
            monkeypatch.setenv(variable, str(tmp_path / place))
        assert InceptionV3().trunk.path == str(directory / NAME)
    assert InceptionV3().trunk == InceptionV3(path).trunk


def test_imagenet_lets_keras_fetch_its_file(path, tmp_path, monkeypatch):
    def fetch(name, origin, cache_subdir, file_hash):
        target = tmp_path / "home" / ".keras" / cache_subdir / name
        target.parent.mkdir(parents=True)
        os.link(path, target)
        asked.append((origin, file_hash))

    asked = []
    monkeypatch.setattr(keras.utils, "get_file", fetch)
    features = InceptionV3("imagenet").features
    theirs = keras.src.applications.inception_v3
    assert asked == [(theirs.WEIGHTS_PATH, "9a0d58056eeedaa3f26cb7ebd46da564")]
    config = keras.saving.serialize_keras_object(features)
    os.remove(tmp_path / "home" / ".keras" / "models" / NAME)
    assert "Nothing is downloaded" in keras.saving.deserialize_keras_object(config).unavailable
    assert len(asked) == 1


def test_it_comes_back_from_its_config(path):
    probabilities = InceptionV3(path, "bicubic").probabilities
    config = keras.saving.serialize_keras_object(probabilities)
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.unavailable is None and copy.trunk == probabilities.trunk
    assert copy.protocol == probabilities.protocol
    np.testing.assert_array_equal(copy(x()), probabilities(x()))


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_files_of_something_else_are_refused(tmp_path):
    with pytest.raises(ValueError, match="There is no file"):
        InceptionV3(tmp_path / "missing.h5")
    (tmp_path / "text.h5").write_text("no weights")
    with pytest.raises(ValueError, match="Expected an HDF5 file"):
        InceptionV3(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.weights.h5", "w") as file:
        file["a"] = np.zeros(3)
    with pytest.raises(ValueError, match="which do not fit"):
        InceptionV3(tmp_path / "other.weights.h5").features(x())


def test_building_it_leaves_the_random_state(path):
    inception = InceptionV3(path)
    state, numpy_state = random.getstate(), np.random.get_state()[1].copy()
    inception.features(x())
    assert random.getstate() == state
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)


@pytest.mark.slow
def test_the_real_network(monkeypatch, tmp_path):
    monkeypatch.setattr(keras.applications, "InceptionV3", REAL)
    network = REAL(weights=None)
    network.save_weights(tmp_path / "real.weights.h5")
    outputs = InceptionV3(tmp_path / "real.weights.h5").trunk(x())
    features, probabilities = by_hand(network, x())
    assert outputs["features"].shape == (2, 2048)
    np.testing.assert_allclose(outputs["features"], features, rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(outputs["probabilities"], probabilities, rtol=1e-3)
    assert inception_v3.URL == keras.src.applications.inception_v3.WEIGHTS_PATH
