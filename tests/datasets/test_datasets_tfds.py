"""Datasets prepared by tfds: a small one made here, and the real ones where they are."""

import os
from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_gan.datasets import catalog, images, load

SIDES = {"train": 20, "test": 7}


class TinyShapes(tfds.core.GeneratorBasedBuilder):
    """Random images; of one size, or of several, with or without labels."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS: ClassVar = [
        tfds.core.BuilderConfig(name="labelled"),
        tfds.core.BuilderConfig(name="varied"),
        tfds.core.BuilderConfig(name="float"),
    ]

    def _info(self):
        config = self.builder_config.name
        side, dtype = (None, np.uint8) if config == "varied" else (8, np.uint8)
        image = tfds.features.Image(shape=(side, side, 3), dtype=dtype)
        if config == "float":
            image = tfds.features.Image(shape=(8, 8, 1), dtype=np.float32)
        features = {"image": image, "other": np.int64}
        if config == "labelled":
            features["label"] = tfds.features.ClassLabel(num_classes=100)
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split) for split in SIDES}

    def _generate_examples(self, split):
        config = self.builder_config.name
        for i in range(SIDES[split]):
            example = {"image": picture(i, 8 + i % 3 if config == "varied" else 8), "other": i}
            if config == "float":
                example["image"] = np.zeros((8, 8, 1), "float32")
            if config == "labelled":
                example["label"] = i
            yield i, example


def picture(i, side=8):
    return np.random.default_rng(i).integers(256, size=(side, side, 3), dtype="uint8")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    path = tmp_path_factory.mktemp("prepared")
    for config in TinyShapes.BUILDER_CONFIGS:
        TinyShapes(data_dir=path, config=config.name).download_and_prepare()
    return path


def read(dataset):
    batches = [b if isinstance(b, tuple) else (b,) for b in dataset]
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


def assert_labelled(x, labels):
    expected = np.stack([picture(label) for label in labels]) / 127.5 - 1
    np.testing.assert_allclose(x, expected, atol=1e-6)


@pytest.fixture(params=["in memory", "streamed"])
def storage(request, monkeypatch):
    if request.param == "streamed":
        monkeypatch.setattr(images, "MEMORY_LIMIT", 0)


def test_images_and_labels(data_dir, storage):
    dataset = load("tiny_shapes/labelled:1.0.0", batch_size=4, data_dir=data_dir)
    assert [tuple(spec.shape) for spec in dataset.element_spec] == [(4, 8, 8, 3), (4,)]
    assert int(dataset.cardinality()) == 5
    x, labels = read(dataset)
    assert labels.dtype == np.int32
    assert sorted(labels) == list(range(20))
    assert_labelled(x, labels)


def test_order_is_a_function_of_seed_and_epoch(data_dir, storage):
    def make(seed=0):
        return load("tiny_shapes/labelled", batch_size=4, seed=seed, data_dir=data_dir)

    dataset, fresh = make(), make()
    orders = [tuple(read(dataset)[1]) for _ in range(3)]
    assert len({*orders, tuple(read(make(seed=1))[1])}) == 4
    np.random.seed(0)
    fresh.seek(2)
    assert tuple(read(fresh)[1]) == orders[2]


def test_a_stream_ignores_the_global_seed(data_dir, monkeypatch):
    monkeypatch.setattr(images, "MEMORY_LIMIT", 0)
    orders = []
    for seed in (0, 1):
        tf.random.set_seed(seed)
        expected = tf.random.uniform([2]).numpy()
        tf.random.set_seed(seed)
        dataset = load("tiny_shapes/labelled", batch_size=4, data_dir=data_dir)
        np.testing.assert_array_equal(tf.random.uniform([2]).numpy(), expected)
        orders.append(read(dataset)[1].tolist())
    assert orders[0] == orders[1]


def test_evaluation_sees_every_sample(data_dir, storage):
    dataset = load("tiny_shapes/labelled", "all", 4, shuffle=False, data_dir=data_dir)
    x, labels = read(dataset)
    assert len(x) == 27 and int(dataset.cardinality()) == 7
    assert_labelled(x, labels)
    part = load("tiny_shapes/labelled", "train[:25%]", 4, shuffle=False, data_dir=data_dir)
    assert read(part)[1].tolist() == labels[:5].tolist()


def test_images_without_labels_and_of_many_sizes(data_dir, storage):
    dataset = load("tiny_shapes/varied", image_size=(6, 5), batch_size=4, data_dir=data_dir)
    assert tuple(dataset.element_spec.shape) == (4, 6, 5, 3)
    (x,) = read(dataset)
    assert len(x) == 20 and x.min() >= -1 and x.max() <= 1 and x.std() > 0.1


@pytest.mark.parametrize(
    "name, arguments, message",
    [
        ("tiny_shapes/varied", {}, r"'tiny_shapes/varied/1.0.0' differ in size.*image_size="),
        ("tiny_shapes/float", {}, "are float32; only uint8 and uint16"),
        ("tiny_shapes/labelled", {"split": "valid"}, r"\['test', 'train'\].*split='valid'"),
        ("tiny_shapes/labelled", {"split": "train[:0]"}, "no samples.*split='train"),
        ("tiny_shapes/labelled:2.0.0", {}, "not prepared|no dataset called"),
        ("tiny_shape", {}, "no dataset called 'tiny_shape'. Did you mean 'tiny_shapes'"),
    ],
)
def test_errors(data_dir, name, arguments, message):
    with pytest.raises(ValueError, match=message):
        load(name, data_dir=data_dir, **arguments)


def real(name):
    """Return the directory of prepared data that holds a dataset, or skip."""
    directory = os.environ.get("TFDS_DATA_DIR")
    if not directory:
        pytest.skip("TFDS_DATA_DIR is not set: no prepared tfds data to test with")
    if not catalog.find_builder(name, catalog.data_directory()):
        pytest.skip(f"{name} is not prepared in TFDS_DATA_DIR")
    return directory


def test_mnist():
    real("mnist")
    dataset = load("mnist", "test", batch_size=100)
    x, labels = read(dataset)
    assert x.shape == (10_000, 28, 28, 1) and (x.min(), x.max()) == (-1, 1)
    counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(labels).tolist() == counts
    ones, eights = x[labels == 1], x[labels == 8]
    assert (ones > 0).mean() < (eights > 0).mean()


def test_cifar10():
    real("cifar10")
    x, labels = read(load("cifar10", "test[:10%]", batch_size=100, image_size=16))
    assert x.shape == (1000, 16, 16, 3) and set(labels) == set(range(10))
    assert x.min() >= -1 and x.max() <= 1


# Not registered: tfds has one of this name.
with tfds.core.registered.skip_registration():

    class CycleGan(tfds.core.GeneratorBasedBuilder):
        """Two domains without pairs, in the form of tfds's `cycle_gan`."""

        name = "cycle_gan"
        VERSION = tfds.core.Version("3.0.0")
        BUILDER_CONFIGS: ClassVar = [tfds.core.BuilderConfig(name="horse2zebra")]
        COUNTS: ClassVar = {"trainA": 10, "trainB": 14, "testA": 5, "testB": 3}

        def _info(self):
            features = {
                "image": tfds.features.Image(),
                "label": tfds.features.ClassLabel(names=["A", "B"]),
            }
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _split_generators(self, dl_manager):
            return {split: self._generate_examples(split) for split in self.COUNTS}

        def _generate_examples(self, split):
            for i in range(self.COUNTS[split]):
                # Dark horses and bright zebras, each of its own brightness.
                level = i + 200 * split.endswith("B")
                yield i, {"image": np.full((8 + i % 2, 8, 3), level, "uint8"), "label": split[-1]}


@pytest.fixture(scope="module")
def cycle_gan(tmp_path_factory):
    path = tmp_path_factory.mktemp("domains")
    CycleGan(data_dir=path, config="horse2zebra").download_and_prepare()
    return path


def levels(batches, domain):
    return [np.round((batch[domain][:, 0, 0, 0] + 1) * 127.5).astype(int) for batch in batches]


def test_domains_of_cycle_gan(cycle_gan):
    def make(**options):
        options = {"image_size": 8, "batch_size": 2, "data_dir": cycle_gan, **options}
        return load("cycle_gan/horse2zebra", **options)

    dataset = make()
    assert int(dataset.cardinality()) == 7 and dataset.paired is False
    batches = list(dataset.as_numpy_iterator())
    assert batches[0]["a"].shape == batches[0]["b"].shape == (2, 8, 8, 3)
    horses, zebras = (np.concatenate(levels(batches, domain)) for domain in "ab")
    assert sorted(horses[:10]) == list(range(10)) and sorted(zebras) == list(range(200, 214))
    kept = make(split="test", shuffle=False)
    horses, zebras = (np.concatenate(levels(kept, domain)) for domain in "ab")
    assert len(set(horses)) == 4 and horses.max() < 5  # Whole batches, in the order of the files.
    np.testing.assert_array_equal(zebras[:2], zebras[2:])


def test_errors_of_domains(cycle_gan):
    with pytest.raises(ValueError, match=r"`split` to be one of \['test', 'train'\].*'trainA'"):
        load("cycle_gan/horse2zebra", "trainA", image_size=8, data_dir=cycle_gan)
    with pytest.raises(
        ValueError, match=r"'cycle_gan/horse2zebra/3.0.0' differ in size.*image_size"
    ):
        load("cycle_gan/horse2zebra", data_dir=cycle_gan)
    with pytest.raises(ValueError, match="'cycle_gan/apple2orange' is not prepared"):
        load("cycle_gan/apple2orange", data_dir=cycle_gan)
