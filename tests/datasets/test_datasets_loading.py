"""What `load` refuses, and what it says."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_gan.datasets import images, load


@pytest.fixture
def no_data(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "nothing"))


@pytest.mark.parametrize(
    "arguments, error, parts",
    [
        (
            {"name": "digts"},
            ValueError,
            ["'digts'", "Did you mean 'digits'?", "gaussian, ring, grid, digits", "tfds build"],
        ),
        (
            {"name": "mnist"},
            ValueError,
            ["not prepared", "nothing'", "`tfds build mnist`", "TFDS_DATA_DIR", "data_dir="],
        ),
        ({"name": "minst"}, ValueError, ["Did you mean 'mnist'?", "Received: name='minst'"]),
        ({"name": "no/such/folder"}, ValueError, ["no folder of that path"]),
        ({"name": 3}, TypeError, ["`name` must be a name or a path. Received: name=3"]),
        ({"name": "digits", "batch_size": 0}, ValueError, ["Received: batch_size=0"]),
        ({"name": "digits", "seed": -1}, ValueError, ["Received: seed=-1"]),
        ({"name": "digits", "image_size": 0}, ValueError, ["Received: image_size=0"]),
        ({"name": "digits", "image_size": (8, 8, 1)}, ValueError, ["(8, 8, 1)", "pair"]),
        ({"name": "digits", "image_size": "8x8"}, TypeError, ["'8x8'", "tuple"]),
        ({"name": "digits", "split": "valid"}, ValueError, ["Received: split='valid'"]),
        ({"name": "digits", "data_dir": "x"}, ValueError, ["not a tfds", "data_dir='x'"]),
        ({"name": "ring", "image_size": 8}, ValueError, ["no images to resize"]),
        ({"name": "ring", "split": "all"}, ValueError, ["Received: split='all'"]),
    ],
)
def test_errors(no_data, arguments, error, parts):
    with pytest.raises(error) as raised:
        load(**arguments)
    for part in parts:
        assert part in str(raised.value)


def test_a_bare_name_can_be_a_folder(no_data, tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    Image.fromarray(np.zeros((4, 4), "uint8")).save(tmp_path / "photos" / "1.png")
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(next(iter(load("photos"))), -np.ones((1, 4, 4, 1)))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_scale_maps_the_whole_range(dtype):
    top = np.iinfo(dtype).max
    scaled = images.scale(tf.constant([0, top // 2, top], dtype))
    assert scaled.dtype == tf.float32
    np.testing.assert_allclose(scaled, [-1, -1 / top, 1], atol=1e-6)


@pytest.mark.parametrize("dtype, middle", [("uint8", 127.5), ("float32", 0.0)])
def test_resize_averages_what_it_merges(dtype, middle):
    low, high = (0, 255) if dtype == "uint8" else (-1, 1)
    board = np.where(np.indices((32, 32)).sum(axis=0) % 2, low, high).astype(dtype)
    resized = images.resize(tf.constant(board[..., None]), (8, 4))
    assert resized.dtype == dtype and resized.shape == (8, 4, 1)
    np.testing.assert_allclose(resized, middle, atol=0.02 * (high - low))
