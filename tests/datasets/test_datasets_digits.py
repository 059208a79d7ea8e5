"""The embedded digits."""

import numpy as np
import pytest
from sklearn import datasets as sklearn_datasets
from sklearn import svm

from keras_gan.datasets import load, load_digits


def test_train_and_test_are_a_partition_of_all():
    images, labels = sklearn_datasets.load_digits(return_X_y=True)
    whole, whole_labels = load_digits("all")
    np.testing.assert_array_equal(whole, (images / 8 - 1).reshape(-1, 8, 8, 1))
    np.testing.assert_array_equal(whole_labels, labels)
    (train, train_labels), (test, test_labels) = load_digits("train"), load_digits("test")
    assert (len(train), len(test)) == (1442, 355)
    parts = np.concatenate([train, test]).reshape(1797, -1)
    together = np.c_[parts, np.concatenate([train_labels, test_labels])]
    expected = np.c_[whole.reshape(1797, -1), whole_labels]
    np.testing.assert_array_equal(
        together[np.lexsort(together.T)], expected[np.lexsort(expected.T)]
    )


def test_split_is_stratified():
    _, labels = load_digits("all")
    _, held_out = load_digits("test")
    np.testing.assert_array_equal(np.bincount(held_out), np.bincount(labels) // 5)


def test_range_and_types():
    images, labels = load_digits()
    assert images.dtype == np.float32 and labels.dtype == np.int32
    assert (images.min(), images.max()) == (-1, 1)
    assert len(np.unique(images)) == 17


def test_a_classifier_fitted_on_train_knows_the_held_out_digits():
    (train, labels), (test, held_out) = load_digits("train"), load_digits("test")
    classifier = svm.SVC(gamma=0.05, C=10).fit(train.reshape(len(train), -1), labels)
    assert classifier.score(test.reshape(len(test), -1), held_out) >= 0.98


def test_loaded_labels_stay_with_their_images():
    images, labels = load_digits()
    label_of = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    assert len(label_of) == len(images)
    seen = 0
    for batch, given in load("digits", batch_size=64, seed=5):
        assert [label_of[image.tobytes()] for image in batch.numpy()] == given.numpy().tolist()
        seen += len(given)
    assert seen == 1442 // 64 * 64


def test_resized_digits_stay_in_range():
    images, _ = next(iter(load("digits", image_size=16, batch_size=355, split="test")))
    assert images.shape == (355, 16, 16, 1)
    assert images.numpy().min() >= -1 and images.numpy().max() <= 1
    small, _ = load_digits("test")
    assert images.numpy().mean() == pytest.approx(small.mean(), abs=0.02)


def test_unknown_split():
    with pytest.raises(ValueError, match=r"'train', 'test', 'all'.*Received: split='valid'"):
        load_digits("valid")
