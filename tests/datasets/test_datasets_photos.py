"""Photographs that ship with packages, and patches of them."""

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from keras_gan.datasets import load_photos, patches, photographs

TWO = ["china", "flower"]


def test_scikit_learns_are_its_own():
    for name, photo in zip(TWO, load_photos("all", TWO), strict=True):
        assert photo.dtype == np.uint8
        np.testing.assert_array_equal(photo, load_sample_image(f"{name}.jpg"))


def test_scikit_images_are_its_own():
    data = pytest.importorskip("skimage.data")
    names = ["astronaut", "chelsea", "coffee", "rocket"]
    for name, photo in zip(names, load_photos("all", names), strict=True):
        np.testing.assert_array_equal(photo, getattr(data, name)())
    assert len(load_photos()) == 6


def test_the_split_is_by_region():
    whole, train, test = (load_photos(split, TWO) for split in ("all", "train", "test"))
    for photo, left, right in zip(whole, train, test, strict=True):
        assert left.shape == (427, 480, 3) and right.shape == (427, 160, 3)
        np.testing.assert_array_equal(np.concatenate([left, right], axis=1), photo)


def test_without_scikit_image_there_are_two(monkeypatch):
    there = photographs._directory
    monkeypatch.setattr(
        photographs, "_directory", lambda package: None if package == "skimage" else there(package)
    )
    assert len(load_photos()) == 2
    with pytest.raises(ImportError, match=r"'rocket' ships with skimage.*keras-gan\[translation\]"):
        load_photos(names=["rocket"])


def test_patches_by_hand():
    first = np.arange(5 * 7 * 1).reshape(5, 7, 1).astype("uint8")
    second = first[::-1].copy()
    found = patches([first, second], 3, stride=2)
    expected = [
        image[row : row + 3, column : column + 3] / 127.5 - 1
        for image in (first, second)
        for row in (0, 2)
        for column in (0, 2, 4)
    ]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)
    floats = np.stack([first, second]).astype("float32") / 127.5 - 1
    np.testing.assert_allclose(patches(floats, 3, stride=2), found, atol=1e-6)


def test_flat_patches_are_left_out():
    """The counts that the baselines of super-resolution are measured on."""
    train, test = load_photos("train", TWO), load_photos("test", TWO)
    assert len(patches(train, 32, 16)) == 1450
    kept = patches(train, 32, 16, least_deviation=8)
    assert len(kept) == 942 and len(patches(test, 32, least_deviation=8)) == 47
    deviations = kept.reshape(942, -1, 3).std(axis=1).mean(axis=1) * 127.5
    assert deviations.min() >= 8


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: load_photos("left"), "`split` to be one of.*Received: split='left'"),
        (
            lambda: load_photos(names=["lena"]),
            "`names` to be one of.*'china'.*Received: names='lena",
        ),
        (lambda: load_photos(names="china"), "a list of names. Received: names='china'"),
        (
            lambda: patches([np.zeros((4, 4), "uint8")], 2),
            "height, width, channels.*uint8 of shape",
        ),
        (lambda: patches([np.zeros((4, 4, 1), "int64")], 2), "uint8 or float.*Received: int64"),
        (lambda: patches([np.zeros((4, 4, 1), "uint8")], 5), r"no patch of 5 x 5.*\(4, 4, 1\)"),
        (
            lambda: patches([np.zeros((4, 4, 1), "uint8")], 2, least_deviation=1),
            "varies by 1 levels",
        ),
        (lambda: patches([], 5), "no patch of 5 x 5"),
        (
            lambda: patches([np.zeros((4, 4, 1), "uint8"), np.zeros((4, 4, 3), "uint8")], 2),
            r"as many channels each.*\[1, 3\]",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
