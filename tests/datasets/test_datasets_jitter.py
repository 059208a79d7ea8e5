"""Jitter: crops and mirrors, one draw for all images of a sample."""

import numpy as np
import pytest
import tensorflow as tf
from orders import assert_seeks_exactly, read

from keras_gan import datasets

SIDE, COUNT = 16, 24
SEED = tf.constant([3, 5], tf.int64)


def images(channels=3, seed=0):
    x = np.random.default_rng(seed).uniform(-1, 1, (COUNT, SIDE, SIDE, channels))
    return x.astype("float32")


@pytest.fixture(scope="module")
def jittered():
    """A pair whose source is a part of its target, and both after it."""
    x = images()
    return x, *(part.numpy() for part in datasets.jitter(x, x[..., :1], seed=SEED))


def test_both_images_of_a_sample_move_alike(jittered):
    x, target, source = jittered
    assert target.shape == x.shape and source.shape == (COUNT, SIDE, SIDE, 1)
    np.testing.assert_allclose(target[..., :1], source, atol=1e-6)
    assert np.abs(target - x).mean() > 0.1


def test_each_sample_is_a_crop_or_its_mirror_image(jittered):
    """Found again in the enlarged images, at each place and way round that there is."""
    x, target, _ = jittered
    larger = round(SIDE * 286 / 256)
    grown = np.clip(tf.image.resize(x, (larger, larger), "bicubic", antialias=True), -1, 1)
    drawn = []
    for before, after in zip(grown, target, strict=True):
        places = [
            (row, column, way)
            for row in range(larger - SIDE + 1)
            for column in range(larger - SIDE + 1)
            for way in (1, -1)
            if np.allclose(
                before[row : row + SIDE, column : column + SIDE][:, ::way], after, atol=1e-5
            )
        ]
        drawn += places
        assert len(places) == 1
    rows, columns, ways = zip(*drawn, strict=True)
    assert set(rows) == set(columns) == {0, 1, 2} and set(ways) == {1, -1}
    assert 6 <= ways.count(1) <= 18


def test_what_is_no_image_passes_and_nests_keep_their_form():
    x, labels = images(1), np.arange(COUNT)
    (moved, twice), kept = datasets.jitter((x, x), labels, seed=SEED)
    np.testing.assert_array_equal(kept, labels)
    np.testing.assert_array_equal(moved, twice)
    domains = datasets.jitter({"a": x, "b": x}, seed=SEED)
    np.testing.assert_array_equal(domains["a"], moved)


def test_without_enlarging_and_mirroring_nothing_changes():
    x = images(1)
    same = datasets.jitter(x, seed=SEED, enlarged=SIDE, mirror=False)
    np.testing.assert_array_equal(same, x)
    flipped = datasets.jitter(x, seed=SEED, enlarged=SIDE).numpy()
    ways = [
        np.array_equal(a, b) + 2 * np.array_equal(a, b[:, ::-1])
        for a, b in zip(x, flipped, strict=True)
    ]
    assert set(ways) == {1, 2}


@pytest.mark.slow
def test_in_a_map_any_place_is_that_of_an_uninterrupted_run():
    def make():
        dataset = datasets.from_arrays(images(), images(1, 1), batch_size=8, seed=2)
        return datasets.map(dataset, datasets.jitter, seed=7)

    assert_seeks_exactly(make, epochs=2, skips=[0, 2])
    dataset = datasets.map(
        datasets.from_arrays(images(), batch_size=COUNT, shuffle=False), datasets.jitter, seed=7
    )
    first, second = read(dataset)[0], read(dataset)[0]
    assert np.abs(first - second).mean() > 0.01  # Epochs differ.


@pytest.mark.parametrize(
    "element, options, message",
    [
        (
            (images(), images()[:, :8]),
            {},
            r"all of one known height and width.*\(16, 16\), \(8, 16",
        ),
        ((np.zeros(COUNT),), {}, "images of no size"),
        ((images(),), {"enlarged": 8}, r"`enlarged` to be at least.*Received: enlarged=8"),
    ],
)
def test_errors(element, options, message):
    with pytest.raises(ValueError, match=message):
        datasets.jitter(*element, seed=SEED, **options)
