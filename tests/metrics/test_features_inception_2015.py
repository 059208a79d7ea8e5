import io
import json
import tarfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan.metrics.features import Inception2015, inception_2015
from keras_gan.utils.fingerprints import file_fingerprint

RANDOM = np.random.default_rng(0)
FILTERS = RANDOM.normal(size=(5, 5, 3, 6)).astype("float32")
OFFSET = RANDOM.normal(size=6).astype("float32")
VARIANCE = RANDOM.uniform(0.5, 2, 6).astype("float32")
LOGITS = RANDOM.normal(size=(6, 7)).astype("float32")
BIAS = RANDOM.normal(size=7).astype("float32")


def frozen_graph():
    """Return a graph with the real one's nodes: batches of one, and an operation of its age."""
    v1, graph = tf.compat.v1, tf.Graph()
    with graph.as_default():
        image = tf.constant(np.zeros((20, 30, 3), "float32"), name="Cast")
        x = tf.expand_dims(image, 0, name="ExpandDims")
        x = v1.image.resize_bilinear(x, [299, 299], name="ResizeBilinear")
        x = tf.multiply(tf.subtract(x, 128.0, name="Sub"), 1 / 128, name="Mul")
        x = tf.nn.conv2d(x, FILTERS, [1, 36, 36, 1], "VALID", name="conv/Conv2D")
        x = tf.nn.bias_add(x, np.zeros(6, "float32"), name="conv/batchnorm")  # Replaced below.
        x = tf.nn.relu(x, name="conv")
        x = tf.nn.avg_pool(x, [1, 9, 9, 1], [1, 1, 1, 1], "VALID", name="pool_3")
        x = tf.reshape(x, [1, 6], name="pool_3/_reshape")
        x = tf.matmul(x, tf.constant(LOGITS, name="softmax/weights"), name="softmax/logits/MatMul")
        tf.nn.softmax(tf.nn.bias_add(x, BIAS, name="softmax/logits"), name="softmax")
        for name, value in (("m", 0 * OFFSET), ("v", VARIANCE), ("b", OFFSET), ("g", OFFSET)):
            tf.constant(value, name=f"conv/batchnorm/{name}")
    definition = graph.as_graph_def(add_shapes=True)
    (node,) = [node for node in definition.node if node.name == "conv/batchnorm"]
    node.Clear()
    node.name, node.op = "conv/batchnorm", "BatchNormWithGlobalNormalization"
    node.input.extend(["conv/Conv2D", *(f"conv/batchnorm/{name}" for name in "mvbg")])
    node.attr["T"].type = tf.float32.as_datatype_enum
    node.attr["variance_epsilon"].f = 0.001
    node.attr["scale_after_normalization"].b = False
    definition.versions.producer = 8
    definition.versions.min_consumer = 0
    return definition.SerializeToString()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / "classify_image_graph_def.pb"
    path.write_bytes(frozen_graph())
    return path


@pytest.fixture(scope="module")
def inception(path):
    return Inception2015(path)


def bilinear(image, side):
    """Return an image resized the first TensorFlow's way: source = target * scale."""
    for axis in (0, 1):
        size = image.shape[axis]
        place = np.arange(side, dtype="float32") * np.float32(size / side)
        low = np.floor(place).astype(int)
        weight = np.reshape(place - low, (-1, 1, 1) if axis == 0 else (1, -1, 1))
        first = np.take(image, low, axis)
        second = np.take(image, np.minimum(low + 1, size - 1), axis)
        image = first * (1 - weight) + second * weight
    return image


def literal(levels):
    """Return features and probabilities of one image of levels from 0 to 255."""
    x = (bilinear(levels.astype("float64"), 299) - 128) / 128
    corners = range(0, 299 - 4, 36)
    rows = [
        np.einsum("ijc,ijcf->f", x[i : i + 5, j : j + 5], FILTERS) for i in corners for j in corners
    ]
    normal = np.array(rows) / np.sqrt(VARIANCE + 0.001) + OFFSET
    features = np.maximum(normal, 0).mean(axis=0)
    powers = np.exp(features @ LOGITS)  # Without the bias.
    return features, powers / powers.sum()


@pytest.mark.parametrize("shape", [(20, 30, 3), (32, 32, 1), (310, 300, 3)])
def test_outputs_are_those_of_the_graph_for_any_size_of_images(inception, shape):
    levels = np.random.default_rng(1).integers(0, 256, (3, *shape))
    x = (levels / 127.5 - 1).astype("float32")
    outputs = inception.trunk(x)
    for i in range(3):
        features, probabilities = literal(np.broadcast_to(levels[i], (*shape[:2], 3)))
        np.testing.assert_allclose(outputs["features"][i], features, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(outputs["probabilities"][i], probabilities, rtol=2e-3, atol=1e-5)


def test_batches_and_blocks_leave_each_image_its_features(inception):
    x = np.random.default_rng(2).uniform(-1, 1, (150, 8, 8, 3)).astype("float32")
    rows = inception.features(x)
    assert rows.shape == (150, 6)
    for i in (0, 63, 64, 149):
        np.testing.assert_allclose(rows[i : i + 1], inception.features(x[i : i + 1]), atol=1e-4)


def test_images_are_rounded_to_levels(inception):
    levels = np.random.default_rng(3).integers(1, 255, (2, 8, 8, 3))
    x = (levels / 127.5 - 1).astype("float32")
    exact = inception.features(x)
    np.testing.assert_array_equal(inception.features(x + 0.4 / 127.5), exact)
    assert np.abs(inception.features(x + 0.6 / 127.5) - exact).max() > 1e-3
    assert "rounded to 256 levels" in inception.features.protocol["value_range"]


def test_the_protocol_names_the_file(inception, path):
    protocol = inception.probabilities.protocol
    assert file_fingerprint(path)[:16] in protocol["weights"]
    assert "bilinear" in protocol["resizer"] and protocol["output"] == "probabilities"
    assert all(isinstance(value, str) for value in protocol.values())


def test_a_directory_stands_for_the_file_in_it(inception, path):
    assert Inception2015(path.parent).trunk == inception.trunk


def test_it_comes_back_from_its_config_while_the_file_is_there(path, tmp_path):
    moved = tmp_path / "graph.pb"
    moved.write_bytes(path.read_bytes())
    x = np.random.default_rng(2).uniform(-1, 1, (2, 8, 8, 3)).astype("float32")
    expected = Inception2015(moved).features(x)
    config = keras.saving.serialize_keras_object(Inception2015(moved).features)
    json.dumps(config)
    features = keras.saving.deserialize_keras_object(config)
    assert features.unavailable is None
    np.testing.assert_array_equal(features(x), expected)

    moved.write_bytes(path.read_bytes() + b"\n\x00")
    other = keras.saving.deserialize_keras_object(config)
    assert "is another one than the metric was made with" in other.unavailable
    moved.unlink()
    missing = keras.saving.deserialize_keras_object(config)
    assert f"There is no file {str(moved)!r}" in missing.unavailable
    with pytest.raises(ValueError, match=r"inception-2015-12-05\.tgz"):
        missing(x)
    assert missing.fingerprint == features.fingerprint and missing.protocol
    assert keras.saving.serialize_keras_object(missing) == config


def test_a_graph_that_only_a_file_names_is_not_run(tmp_path, monkeypatch):
    """A graph can read and write files: one that a stranger's config names may be any."""
    path = tmp_path / "strange.pb"
    path.write_bytes(
        frozen_graph()
        + tf.compat.v1.GraphDef(node=[{"name": "strange", "op": "NoOp"}]).SerializeToString()
    )
    config = {"path": str(path), "fingerprint": file_fingerprint(path)[:16]}
    for given in (config, {**config, "fingerprint": ""}, {"path": str(path)}):
        trunk = inception_2015.Inception2015Trunk.from_config(given)
        monkeypatch.setattr(trunk, "read", lambda: pytest.fail("read"))
        assert "A saved metric names the graph" in trunk.unavailable
        with pytest.raises(ValueError, match=r"Inception2015\(.*strange"):
            trunk(np.zeros((1, 8, 8, 3), "float32"))
    Inception2015(path)
    assert trunk.unavailable is None


def test_files_that_are_no_such_graph_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no file.*classify_image_graph_def.pb of http.*Received"):
        Inception2015(tmp_path / "missing.pb")
    with pytest.raises(ValueError, match=r"no file .*classify_image_graph_def\.pb'"):
        Inception2015(tmp_path)
    archive = tmp_path / "inception-2015-12-05.tgz"
    with tarfile.open(archive, "w:gz") as file:
        file.addfile(tarfile.TarInfo("empty"), io.BytesIO())
    with pytest.raises(ValueError, match=r"tar xzf inception-2015-12-05\.tgz"):
        Inception2015(archive)
    text = tmp_path / "text.pb"
    text.write_text("This is no graph.")
    with pytest.raises(ValueError, match="Expected a frozen TensorFlow graph"):
        Inception2015(text)
    graph = tf.Graph()
    with graph.as_default():
        tf.constant(1.0, name="pool_3")
    other = tmp_path / "other.pb"
    other.write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(ValueError, match=r"without the nodes \['ExpandDims', 'softmax/logits"):
        Inception2015(other)


def test_samples_that_are_no_images_are_refused(inception):
    for shape in ((4, 8, 8, 2), (4, 8, 8), (4, 8)):
        with pytest.raises(ValueError, match="1 or 3 channels"):
            inception.features(np.zeros(shape, "float32"))
