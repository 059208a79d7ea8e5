import numpy as np
import pytest

from keras_gan.callbacks import captioned, crossed, image_grid, side_by_side


def constant(*values, shape=(2, 3, 1)):
    return np.stack([np.full(shape, value, np.float32) for value in values])


def test_the_grid_is_exact_in_positions_upscaling_and_values():
    images = np.stack(
        [
            [[-1.0, 1.0], [0.0, -0.5]],
            [[1.0, -1.0], [0.2, 0.6]],
            [[-1.0, -1.0], [1.0, 1.0]],
        ]
    )[..., None]
    grid = image_grid(images, columns=2, scale=2, padding=1)
    w = 255
    expected = np.array(
        [
            [w, w, w, w, w, w, w, w, w, w, w],
            [w, 0, 0, w, w, w, w, w, 0, 0, w],
            [w, 0, 0, w, w, w, w, w, 0, 0, w],
            [w, 128, 128, 64, 64, w, 153, 153, 204, 204, w],
            [w, 128, 128, 64, 64, w, 153, 153, 204, 204, w],
            [w, w, w, w, w, w, w, w, w, w, w],
            [w, 0, 0, 0, 0, w, w, w, w, w, w],
            [w, 0, 0, 0, 0, w, w, w, w, w, w],
            [w, w, w, w, w, w, w, w, w, w, w],
            [w, w, w, w, w, w, w, w, w, w, w],
            [w, w, w, w, w, w, w, w, w, w, w],
        ],
        np.uint8,
    )
    assert grid.dtype == np.uint8
    np.testing.assert_array_equal(grid[..., 0], expected)


def test_three_channels_keep_their_order():
    image = np.array([-1.0, 0.0, 1.0]).reshape(1, 1, 1, 3)
    np.testing.assert_array_equal(image_grid(image, scale=1, padding=0), [[[0, 128, 255]]])


def test_values_outside_are_clipped_and_nan_is_grey():
    images = constant(-7.0, 7.0, np.inf, -np.inf, np.nan, shape=(1, 1, 1))
    grid = image_grid(images, columns=5, scale=1, padding=0)
    np.testing.assert_array_equal(grid.ravel(), [0, 255, 255, 0, 128])


def test_rectangular_images_keep_height_and_width_apart():
    assert image_grid(constant(0, 0), columns=2, scale=1, padding=0).shape == (2, 6, 1)
    assert image_grid(constant(0, 0), columns=1, scale=1, padding=0).shape == (4, 3, 1)


@pytest.mark.parametrize(
    ("side", "count", "expected"),
    [(8, 64, 64 * 8), (28, 64, 8 * 28 * 2), (32, 64, 512), (128, 64, 1024), (8, 1, 512)],
)
def test_small_images_are_enlarged_to_a_comfortable_size(side, count, expected):
    images = np.zeros((count, side, side, 1))
    assert image_grid(images, padding=0).shape == (expected, expected, 1)


def test_fewer_images_than_columns_leave_white_places():
    grid = image_grid(constant(-1), columns=2, scale=1, padding=0)
    np.testing.assert_array_equal(grid[..., 0], [[0, 0, 0, 255, 255, 255]] * 2)


@pytest.mark.parametrize("shape", [(8, 8, 1), (4, 8, 8), (4, 8, 8, 2), (0, 8, 8, 1)])
def test_what_is_not_a_batch_of_images_is_refused(shape):
    with pytest.raises(ValueError, match=r"1, 3 or 4 channels.*Received: images.shape=\("):
        image_grid(np.zeros(shape))


@pytest.mark.parametrize("option", [{"columns": 0}, {"scale": 0}, {"scale": 1.5}, {"padding": -1}])
def test_options_out_of_range_are_refused(option):
    (name,) = option
    with pytest.raises(ValueError, match=f"`{name}` to be a whole number.*Received: {name}="):
        image_grid(constant(0), **option)


def test_sources_stand_to_the_left_enlarged_and_in_colour():
    source = np.array([[[0.1, 0.2]], [[0.3, 0.4]]])[..., None]
    target = np.zeros((2, 2, 4, 3))
    pairs = side_by_side(source, target)
    assert pairs.shape == (2, 2, 8, 3)
    np.testing.assert_allclose(pairs[0, :, :4, 1], [[0.1, 0.1, 0.2, 0.2]] * 2)
    np.testing.assert_allclose(pairs[1, 0, :4, 0], [0.3, 0.3, 0.4, 0.4])
    assert (pairs[:, :, 4:] == 0).all()


def test_batches_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match=r"equally many images.*Received: shapes="):
        side_by_side(np.zeros((2, 8, 8, 1)), np.zeros((3, 8, 8, 1)))


def test_heights_that_do_not_divide_are_filled_with_white():
    pairs = side_by_side(np.zeros((2, 3, 2, 1)), np.zeros((2, 8, 8, 3)), value_range=(0, 0.5))
    assert pairs.shape == (2, 8, 2 * 2 + 8, 3)
    assert (pairs[:, [0, 7], :4] == 0.5).all()
    assert (pairs[:, 1:7] == 0).all()


@pytest.mark.parametrize("value_range", [(0, 1), (0.0, 255.0), (-3, 5)])
def test_values_of_any_range_become_levels(value_range):
    low, high = value_range
    shares = np.linspace(0, 1, 1001)
    images = (low + shares * (high - low)).reshape(1, 1, -1, 1)
    grid = image_grid(images, scale=1, padding=0, value_range=value_range)
    assert np.abs(grid.ravel() - 255 * shares).max() <= 0.5 + 1e-4
    nan = image_grid(np.full((1, 1, 1, 1), np.nan), scale=1, padding=0, value_range=value_range)
    assert nan.item() in (127, 128)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_caption_stands_above_an_unchanged_picture(channels):
    picture = image_grid(np.zeros((4, 8, 8, channels)))
    result = captioned(picture, "epoch 1")
    strip = result[: -len(picture)]
    np.testing.assert_array_equal(result[-len(picture) :], picture)
    assert result.dtype == np.uint8
    assert result.shape[1:] == picture.shape[1:]
    assert strip.min() == 0
    assert (strip != captioned(picture, "epoch 2")[: len(strip)]).any()


def test_each_column_name_stands_over_its_column():
    picture = image_grid(np.zeros((4, 8, 8, 1)), columns=4, scale=8)
    ink = 255 - captioned(picture, "", ["1", "", "", "1"])[: -len(picture), :, 0].astype(int)
    centres = np.flatnonzero(ink.any(axis=0))
    cell = (picture.shape[1] - 2) / 4
    assert abs(centres[centres < 2 * cell].mean() - (1 + cell / 2)) < 3
    assert abs(centres[centres > 2 * cell].mean() - (1 + 3.5 * cell)) < 3


def test_sources_stand_above_and_beside_what_they_make():
    rows, columns = constant(0.1, 0.2), constant(0.3, 0.4, 0.5)
    images = np.stack([constant(0.6, 0.7, 0.8), constant(-0.6, -0.7, -0.8)])
    values = crossed(rows, columns, images)[:, 0, 0, 0].reshape(3, 4)
    expected = [[np.inf, 0.3, 0.4, 0.5], [0.1, 0.6, 0.7, 0.8], [0.2, -0.6, -0.7, -0.8]]
    np.testing.assert_array_equal(values, np.float32(expected))
    grid = image_grid(crossed(rows, columns, images), columns=4, scale=1, padding=0)
    assert (grid[:2, :3] == 255).all()
    with pytest.raises(ValueError, match=r"`images` of shape \(m, n, height"):
        crossed(rows, columns, images[:, :2])
