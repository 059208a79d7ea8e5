"""Masks: of 0 and 1, each sample its own, and what an inpainter is given."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from keras_gan import datasets
from keras_gan.datasets.degrade import center_mask, free_form_masks, masked, masks

SEED = tf.constant([6, 1], tf.int64)


@pytest.fixture(scope="module")
def drawn():
    return free_form_masks(tf.zeros((24, 64, 48, 3)), SEED).numpy()


def test_center_mask():
    expected = np.zeros((2, 6, 8, 1), "float32")
    expected[:, 1:4, 2:6] = 1  # Half of each side; an odd rest lies below and to the right.
    np.testing.assert_array_equal(center_mask(tf.zeros((2, 6, 8, 3))), expected)
    expected[:] = 0
    expected[:, 2:4, 3:5] = 1
    np.testing.assert_array_equal(center_mask(tf.zeros((2, 6, 8, 1)), 2), expected)
    with pytest.raises(ValueError, match=r"hole smaller than the images, \(6, 8\).*hole=\(2, 8\)"):
        center_mask(tf.zeros((2, 6, 8, 1)), (2, 8))


def test_free_form_masks_are_binary_and_each_its_own(drawn):
    assert drawn.shape == (24, 64, 48, 1) and set(np.unique(drawn)) == {0, 1}
    assert len({mask.tobytes() for mask in drawn}) == 24
    shares = drawn.mean(axis=(1, 2, 3))
    assert shares.min() > 0.14 and shares.max() < 0.7 and 0.25 < shares.mean() < 0.37
    # Everywhere alike, but for the border, on which strokes that would leave it go along.
    left, right = drawn[:, :, :24].mean(), drawn[:, :, 24:].mean()
    assert left == pytest.approx(right, rel=0.35)
    np.testing.assert_array_equal(free_form_masks(tf.zeros((2, 64, 48, 1)), SEED)[0], drawn[0])


def test_boxes_are_of_three_eighths_to_half_a_side():
    boxes = masks._boxes(tf.zeros((200, 64, 32, 1)), SEED).numpy()
    heights, widths = boxes.any(2).sum(1), boxes.any(1).sum(1)
    assert set(heights) == {24, 26, 28, 30, 32} and set(widths) == {12, 14, 16}
    np.testing.assert_array_equal(boxes.sum((1, 2)), heights * widths)
    firsts = boxes.any(2).argmax(1)
    assert firsts.min() == 0 and firsts.max() > 32


@pytest.mark.slow
def test_strokes_are_one_to_three_lines_of_their_widths():
    strokes = masks._strokes(tf.zeros((24, 128, 128, 1)), SEED).numpy()
    pieces = [ndimage.label(mask)[1] for mask in strokes]
    assert set(pieces) == {1, 2, 3}
    # The widest circle inside a lone stroke of narrow turns is at least as wide as its line.
    widest = [2 * ndimage.distance_transform_edt(np.pad(m, 1)).max() for m in strokes]
    assert min(widest) > 5


def test_distances_from_lines_by_hand():
    starts, ends = np.array([[1.0, 2.0], [3.0, 3.0]]), np.array([[5.0, 4.0], [3.0, 3.0]])
    found = masks._distances(
        tf.constant(starts, tf.float32), tf.constant(ends, tf.float32), 4, 6
    ).numpy()
    for line, (start, end) in enumerate(zip(starts, ends, strict=True)):
        points = start + np.linspace(0, 1, 4001)[:, None] * (end - start)
        for row in range(4):
            for column in range(6):
                nearest = np.linalg.norm(points - [column + 0.5, row + 0.5], axis=1).min()
                assert found[line, row, column] == pytest.approx(nearest, abs=2e-3)


def test_samples_and_conditions_of_an_inpainter(drawn):
    x = np.random.default_rng(0).uniform(-1, 1, (24, 64, 48, 3)).astype("float32")
    whole, condition = masked(x, drawn)
    np.testing.assert_array_equal(whole, x)
    np.testing.assert_array_equal(condition["mask"], drawn)
    hole = np.broadcast_to(drawn > 0, x.shape)
    image = condition["image"].numpy()
    assert image[hole].tobytes() == bytes(4 * hole.sum())  # No negative zeros.
    assert image[~hole].tobytes() == x[~hole].tobytes()
    for dtype in ("bool", "uint8"):
        np.testing.assert_array_equal(masked(x, drawn.astype(dtype))[1]["mask"], drawn)


@pytest.mark.parametrize("wrong", [0.5, 255.0, -1.0, np.nan])
def test_masks_that_are_not_0_or_1_are_refused(wrong):
    x, mask = np.zeros((2, 4, 4, 3), "float32"), np.zeros((2, 4, 4, 1), "float32")
    mask[1, 2, 3] = wrong
    with pytest.raises(ValueError, match=r"masks of 0 and 1, where 1 is hole.*`mask > 127`"):
        masked(x, mask)


def test_a_pipeline_refuses_them_too():
    x, mask = np.zeros((2, 4, 4, 3), "float32"), np.full((2, 4, 4, 1), 255, "uint8")
    dataset = datasets.map(datasets.from_arrays(x, mask, batch_size=2), masked)
    with pytest.raises(tf.errors.InvalidArgumentError, match="masks of 0 and 1, where 1 is hole"):
        list(dataset)


def test_masks_of_another_shape_are_refused():
    with pytest.raises(
        ValueError, match=r"one mask of shape.*\(2, 4, 4, 3\) and masks.*\(2, 4, 4\)"
    ):
        masked(tf.zeros((2, 4, 4, 3)), tf.zeros((2, 4, 4)))
