import json
import os
import random

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan.metrics.features import caching, classifier, train_classifier

BLOBS = np.random.default_rng(0)
LABELS = np.arange(300) % 3
# Far from the origin and wide: only standardized inputs are learned from.
VECTORS = (1e4 + 500 * LABELS[:, None] * [1, -1] + BLOBS.normal(size=(300, 2))).astype("float32")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def digits(cache):
    dataset = keras_gan.datasets.load("digits", shuffle=False)
    return train_classifier(dataset, epochs=12, cache_dir=cache, verbose=0)


@pytest.fixture(scope="module")
def blobs(cache):
    return train_classifier((VECTORS, LABELS), epochs=10, cache_dir=cache, verbose=0)


def files(cache):
    return sorted(os.listdir(cache))


def test_it_tells_held_out_digits_apart(digits):
    x, labels = keras_gan.datasets.load_digits("test")
    probabilities = digits.probabilities(x)
    assert probabilities.shape == (355, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert np.mean(probabilities.argmax(axis=1) == labels) > 0.95
    assert digits.accuracy > 0.95
    assert digits.features(x).shape == (355, 128)
    assert digits.features.trunk is digits.probabilities.trunk
    assert digits.features.fingerprint != digits.probabilities.fingerprint


def test_vectors_of_any_scale_are_classified(blobs):
    assert blobs.accuracy == 1
    assert (blobs.probabilities(VECTORS).argmax(axis=1) == LABELS).all()


def test_probabilities_follow_from_the_features(digits):
    x, _ = keras_gan.datasets.load_digits("test")
    outputs = digits.trunk(x)
    arrays = digits.trunk.arrays
    kernel, bias = [arrays[name] for name in sorted(arrays) if name.startswith("weight_")][-2:]
    powers = np.exp(digits.features.pick(outputs) @ kernel + bias)
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(digits.probabilities.pick(outputs), expected, rtol=1e-3, atol=1e-6)


def test_the_cached_one_gives_the_same_outputs(digits, blobs, cache, monkeypatch):
    monkeypatch.setattr(
        "keras_gan.metrics.features.training._train", lambda *_: pytest.fail("train")
    )
    x, labels = keras_gan.datasets.load_digits("train")
    order = np.random.default_rng(0).permutation(len(x))
    batches = [(x[part], labels[part]) for part in np.array_split(order, 7)]
    loaded = train_classifier(batches, epochs=12, cache_dir=cache, verbose=0)
    for name, output in digits.trunk(x[:50]).items():
        np.testing.assert_array_equal(loaded.trunk(x[:50])[name], output)
    assert loaded.accuracy == digits.accuracy
    assert loaded.features.fingerprint == digits.features.fingerprint
    assert loaded.trunk == digits.trunk != blobs.trunk
    assert loaded.features.protocol == digits.features.protocol


def test_the_protocol_says_what_it_is(digits):
    protocol = digits.probabilities.protocol
    assert protocol["accuracy"] == f"{digits.accuracy:.4f} on 143 held out"
    assert protocol["trained on"] == "1299 samples, 12 epochs"
    assert (protocol["classes"], protocol["output"]) == ("10", "probabilities")
    assert all(isinstance(value, str) for value in protocol.values())


def test_a_tenth_of_each_class_is_held_out_whatever_the_order():
    from keras_gan.metrics.features.training import _split

    training, held_out = _split(VECTORS, LABELS)
    assert sorted([*training, *held_out]) == list(range(300))
    np.testing.assert_array_equal(np.bincount(LABELS[held_out]), [10, 10, 10])
    order = BLOBS.permutation(300)
    _, again = _split(VECTORS[order], LABELS[order])
    assert set(order[again]) == set(held_out)


@pytest.mark.parametrize("other", [{"seed": 1}, {"epochs": 2}, {"value_range": None}])
def test_settings_and_data_name_the_file(blobs, cache, other):
    before = files(cache)
    x, labels = VECTORS[:100], LABELS[:100]
    settings = {"epochs": 1, "seed": 0, "value_range": (-1, 1)}
    train_classifier((x, labels), **settings, cache_dir=cache, verbose=0)
    with_other = len(files(cache))
    train_classifier((x, labels), **{**settings, **other}, cache_dir=cache, verbose=0)
    assert len(files(cache)) == with_other + 1 > len(before)


def state_of_the_caller():
    keras.utils.set_random_seed(3)
    yield
    dense = keras.layers.Dense(2)
    dense.build((None, 2))
    yield [
        random.random(),
        np.random.random(),
        float(tf.random.uniform(())),
        float(keras.random.uniform(())),
        float(np.sum(dense.kernel)),
        int(f"{dense.name}_0".split("_")[1]),
        keras.config.dtype_policy().name,
    ]


def test_the_callers_random_state_is_left_alone(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        untouched, with_training = state_of_the_caller(), state_of_the_caller()
        next(untouched)
        expected = next(untouched)
        next(with_training)
        x = VECTORS[:, :, None, None] * np.ones((1, 1, 2, 1), "float32")
        x = np.repeat(np.repeat(x, 2, 1), 2, 2)
        made = train_classifier(
            (x, LABELS), epochs=1, value_range=None, cache_dir=tmp_path, verbose=0
        )
        mixed = made.probabilities(x)
        found = next(with_training)
    finally:
        keras.config.set_dtype_policy("float32")
    arrays = caching.load(made.trunk.path)
    np.testing.assert_array_equal(
        mixed, classifier.ClassifierTrunk("", arrays=arrays)(x)["probabilities"]
    )
    # The layer's number aside, which the first of the two took.
    assert found.pop(5) == expected.pop(5) + 1
    assert found == expected


def test_it_trains_and_runs_in_a_strategys_scope(two_replicas, tmp_path):
    with two_replicas.scope():
        made = train_classifier((VECTORS, LABELS), epochs=5, cache_dir=tmp_path, verbose=0)
        inside = made.probabilities(VECTORS)
    assert made.accuracy > 0.9
    loaded = train_classifier((VECTORS, LABELS), epochs=5, cache_dir=tmp_path, verbose=0)
    np.testing.assert_allclose(loaded.probabilities(VECTORS), inside, atol=1e-6)


def test_a_seed_makes_one_network():
    first, same, other = (
        classifier.build_network((8, 8, 1), 10, seed).get_weights() for seed in (0, 0, 1)
    )
    for a, b in zip(first, same, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize(
    ("shape", "convolutions"),
    [
        ((8, 8, 1), 2),
        ((28, 28, 1), 2),
        ((64, 64, 3), 3),
        ((7, 16, 3), 2),
        ((2, 2, 1), 0),
        ((9,), 0),
        ((20, 2), 0),
        ((4, 4, 4, 1), 0),
        ((), 0),
    ],
)
def test_networks_fit_samples_of_any_shape(shape, convolutions):
    network = classifier.build_network(shape, 4)
    features, logits = network.output
    assert (features.shape, logits.shape) == ((None, 128), (None, 4))
    found = sum(isinstance(layer, keras.layers.Conv2D) for layer in network.layers)
    assert found == convolutions
    assert network.count_params() < 1_000_000


def test_a_damaged_file_is_made_anew(tmp_path):
    data = VECTORS, LABELS
    made = train_classifier(data, epochs=1, cache_dir=tmp_path, verbose=0)
    with open(made.trunk.path, "r+b") as file:
        file.truncate(1000)
    with pytest.warns(UserWarning, match="damaged.*made anew"):
        again = train_classifier(data, epochs=1, cache_dir=tmp_path, verbose=0)
    assert again.probabilities(VECTORS).shape == (300, 3)
    caching.load(made.trunk.path)


def test_it_says_what_it_is_doing(tmp_path, capsys):
    data = VECTORS, LABELS
    made = train_classifier(data, epochs=1, cache_dir=tmp_path)
    captured = capsys.readouterr()
    assert f"Training a classifier on 300 samples, to be cached in {tmp_path}" in captured.out
    assert f"{made.accuracy:.4f} on 30 held-out samples" in captured.out
    assert "Classifier: 100%" in captured.err
    train_classifier(data, epochs=1, cache_dir=tmp_path)
    captured = capsys.readouterr()
    assert "Training" not in captured.out and not captured.err
    train_classifier(data, epochs=1, cache_dir=tmp_path, verbose=0)
    assert capsys.readouterr() == ("", "")


# Configs.


def test_it_comes_back_from_its_config(digits):
    x, _ = keras_gan.datasets.load_digits("test")
    config = keras.saving.serialize_keras_object(digits.probabilities)
    json.dumps(config)
    features = keras.saving.deserialize_keras_object(config)
    assert features.unavailable is None
    assert features.trunk == digits.trunk and features.name == "classifier_probabilities"
    np.testing.assert_array_equal(features(x), digits.probabilities(x))
    with pytest.raises(ValueError, match="images in"):
        features(x * 2)  # The range comes back with it.


def test_without_its_file_it_is_unavailable(tmp_path):
    made = train_classifier((VECTORS, LABELS), epochs=1, cache_dir=tmp_path, verbose=0)
    config = keras.saving.serialize_keras_object(made.features)
    os.rename(made.trunk.path, tmp_path / "elsewhere")
    features = keras.saving.deserialize_keras_object(config)
    assert f"There is no file {made.trunk.path!r}" in features.unavailable
    assert "train_classifier" in features.unavailable
    with pytest.raises(ValueError, match="There is no file"):
        features(VECTORS)
    assert features.fingerprint == made.features.fingerprint and features.protocol["extractor"]
    assert keras.saving.serialize_keras_object(features) == config
    assert made.features.unavailable is None  # What is in memory goes on.
    os.rename(tmp_path / "elsewhere", made.trunk.path)
    assert features.unavailable is None
    np.testing.assert_array_equal(features(VECTORS), made.features(VECTORS))


def test_with_another_file_it_is_unavailable(tmp_path):
    made = train_classifier((VECTORS, LABELS), epochs=1, cache_dir=tmp_path, verbose=0)
    arrays = dict(made.trunk.arrays)
    arrays["weight_000"] = arrays["weight_000"] + 1
    config = keras.saving.serialize_keras_object(made.features)
    caching.save(made.trunk.path, arrays)
    assert "another classifier" in keras.saving.deserialize_keras_object(config).unavailable
    caching.save(made.trunk.path, {"rows": VECTORS})
    assert "holds no classifier" in keras.saving.deserialize_keras_object(config).unavailable


def test_a_file_that_says_it_is_larger_than_it_is_makes_no_network(blobs, tmp_path):
    settings = {**blobs.trunk.settings, "shape": [2, 10**9]}
    arrays = {**blobs.trunk.arrays, "settings": np.asarray(json.dumps(settings))}
    caching.save(tmp_path / "large.npz", arrays)
    large = classifier.ClassifierTrunk(tmp_path / "large.npz")
    with pytest.raises(ValueError, match=r"more than the .* bytes that it holds"):
        large._function  # noqa: B018  Samples of that shape would not fit into memory.


@pytest.mark.parametrize("settings", ["{}", "[]", "5", "[" * 5000, "[" + "[]," * 10**6 + "1]", ""])
def test_settings_of_strangers_are_refused(blobs, tmp_path, settings):
    caching.save(tmp_path / "a.npz", {**blobs.trunk.arrays, "settings": np.asarray(settings)})
    strange = classifier.ClassifierTrunk(tmp_path / "a.npz")
    with pytest.raises(ValueError, match="holds no classifier"):
        strange.protocol  # noqa: B018
    assert "holds no classifier" in strange.unavailable


# What is refused.


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS + 1, r"from 0 without a gap.*Received: labels \[1, 2, 3\]"),
        (LABELS * 2, r"Received: labels \[0, 2, 4\]"),
        (LABELS - 1, r"Received: labels \[-1, 0, 1\]"),
        (LABELS * 0, "at least two classes"),
        (LABELS.astype("float32"), "labels of dtype float32"),
        (np.eye(3)[LABELS], r"argmax\(-1\).*shape \(300, 3\)"),
        (LABELS[:, None], r"labels\[:, 0\]"),
    ],
)
def test_labels_must_be_integers_from_zero(tmp_path, labels, message):
    with pytest.raises(ValueError, match=message):
        train_classifier((VECTORS, labels), cache_dir=tmp_path)


def test_data_and_arguments_that_cannot_be_are_refused(tmp_path):
    with pytest.raises(ValueError, match="without labels"):
        train_classifier(VECTORS, cache_dir=tmp_path)
    with pytest.raises(ValueError, match="Received: epochs=0"):
        train_classifier((VECTORS, LABELS), epochs=0, cache_dir=tmp_path)
    with pytest.raises(ValueError, match=r"/ 127\.5 - 1"):
        train_classifier((np.zeros((3, 8, 8, 1), "uint8"), LABELS[:3]), cache_dir=tmp_path)
    with pytest.raises(ValueError, match="Expected finite samples"):
        train_classifier((VECTORS * np.nan, LABELS), cache_dir=tmp_path)
    with pytest.raises(ValueError, match="at least 6 samples of some class"):
        train_classifier((VECTORS[:9], LABELS[:9]), cache_dir=tmp_path, verbose=0)


def test_samples_of_another_shape_are_refused(digits):
    with pytest.raises(ValueError, match=r"\(None, 8, 8, 1\).*shape \(2, 9, 9, 1\)"):
        digits.features(np.zeros((2, 9, 9, 1), "float32"))
