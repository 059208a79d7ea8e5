"""What SampleGrid draws of labels, source images and samples of several parts."""

import numpy as np
import pytest
import tensorflow as tf
from drawn import FakeGAN, begin, read, train

from keras_gan.callbacks import SampleGrid, captioned, image_grid, side_by_side


def test_labels_cycle_so_that_each_column_is_a_class(tmp_path):
    model = FakeGAN(conditional=True, num_classes=10)
    train(SampleGrid(tmp_path), model, epochs=1)
    count, _, labels = model.calls[-1]
    assert count == 70
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, np.arange(70) % 10)
    names = [str(label) for label in range(10)]
    expected = captioned(image_grid(model.generate(70, 0), columns=10), "epoch 1", names)
    np.testing.assert_array_equal(read(tmp_path / "epoch_0001.png"), expected[..., 0])


@pytest.mark.parametrize(
    ("classes", "samples", "expected"),
    [
        (3, 7, [0, 1, 2, 0, 1, 2, 0]),
        (10, 4, [0, 1, 2, 3]),
        (1000, None, np.resize(np.linspace(0, 999, 20).round(), 80)),
    ],
)
def test_labels_for_any_number_of_classes_and_samples(tmp_path, classes, samples, expected):
    model = FakeGAN(conditional=True, num_classes=classes)
    train(SampleGrid(tmp_path, samples=samples), model, epochs=1)
    np.testing.assert_array_equal(model.calls[-1][2], expected)


def test_own_labels_are_used(tmp_path):
    model = FakeGAN(conditional=True, num_classes=10)
    train(SampleGrid(tmp_path, condition=[7, 7, 3]), model, epochs=1)
    assert model.calls[-1][0] == 3
    np.testing.assert_array_equal(model.calls[-1][2], [7, 7, 3])
    expected = captioned(image_grid(model.generate(3, 0)), "epoch 1")
    np.testing.assert_array_equal(read(tmp_path / "epoch_0001.png"), expected[..., 0])


@pytest.mark.parametrize("source_shape", [(4, 4, 1), (4, 4, 3), (2, 2, 3)])
def test_source_images_stand_beside_what_was_made_of_them(tmp_path, source_shape):
    source = tf.random.stateless_uniform((6, *source_shape), [0, 1], -1.0, 1.0)
    model = FakeGAN(shape=(4, 4, 3), conditional=True)
    train(SampleGrid(tmp_path, condition=source), model, epochs=1)
    pairs = side_by_side(source, model.generate(6, 0))
    expected = captioned(image_grid(pairs), "epoch 1", ["source", "output"] * 2)
    np.testing.assert_array_equal(read(tmp_path / "epoch_0001.png"), expected)


@pytest.mark.parametrize(
    "condition",
    [
        np.zeros((6, 5), np.float32),
        np.zeros((6, 3, 3, 1), np.float32),
        np.zeros((6, 4, 2, 1), np.float32),
        np.zeros((6, 8, 8, 1), np.float32),
        np.zeros((6, 4, 4, 2), np.float32),
        np.zeros((6, 4, 4, 1), np.int32),
    ],
)
def test_other_conditions_are_not_drawn(tmp_path, condition):
    model = FakeGAN(conditional=True)
    train(SampleGrid(tmp_path, condition=condition), model, epochs=1)
    expected = captioned(image_grid(model.generate(6, 0)), "epoch 1")
    np.testing.assert_array_equal(read(tmp_path / "epoch_0001.png"), expected[..., 0])


def test_images_are_found_in_a_nest_of_conditions(tmp_path):
    source = np.full((6, 4, 4, 1), 0.5, np.float32)
    model = FakeGAN(conditional=True)
    condition = {"label": np.arange(6), "source": source}
    train(SampleGrid(tmp_path, condition=condition), model, epochs=1)
    pairs = image_grid(side_by_side(source, model.generate(6, 0)))
    expected = captioned(pairs, "epoch 1", ["source", "output"] * 2)
    np.testing.assert_array_equal(read(tmp_path / "epoch_0001.png"), expected[..., 0])


def parts_gan(conditional=False):
    """Return what SampleGrid sees of a GAN of three parts, of which two are images."""
    model = FakeGAN(conditional=conditional)

    def generate(n, seed=None, condition=None):
        model.calls.append((n, seed, condition))
        rng = np.random.default_rng(seed)
        shapes = {"a": (16, 16, 3), "b": (32, 32, 1), "z": (5,)}
        return {k: rng.uniform(0, 1, (n, *s)).astype("float32") for k, s in shapes.items()}

    model.generate, model.value_range = generate, (0.0, 1.0)
    return model


def test_image_parts_stand_side_by_side_in_the_models_range(tmp_path):
    model = train(SampleGrid(tmp_path, samples=6), parts_gan(), epochs=1)
    made = model.generate(6, 0)
    enlarged = made["a"].repeat(2, axis=1).repeat(2, axis=2)
    first = np.concatenate([enlarged[0], made["b"][0].repeat(3, axis=2)], axis=1)
    picture = read(tmp_path / "epoch_0001.png")
    grid = image_grid(first[None], scale=1, padding=0, value_range=(0, 1))
    np.testing.assert_array_equal(grid, np.rint(first.astype("float64") * 255))
    expected = image_grid(
        np.concatenate([enlarged, made["b"].repeat(3, axis=3)], axis=2), value_range=(0, 1)
    )
    np.testing.assert_array_equal(picture[-len(expected) :], expected)


def test_each_source_stands_beside_its_translation(tmp_path):
    model = parts_gan(conditional="samples")
    sources = model.generate(4, 9)
    train(SampleGrid(tmp_path, condition=sources), model, epochs=1)
    made = model.generate(4, 0)
    pairs = side_by_side(sources["a"], made["b"], sources["b"], made["a"], value_range=(0, 1))
    expected = image_grid(pairs, value_range=(0, 1))
    np.testing.assert_array_equal(read(tmp_path / "epoch_0001.png")[-len(expected) :], expected)


def test_parts_of_which_none_is_an_image_are_refused(tmp_path):
    model = FakeGAN()
    model.generate = lambda n, seed=None, condition=None: {"u": np.zeros((n, 2)), "v": np.zeros(n)}
    with pytest.raises(ValueError, match=r"samples of shape \{'u': \(2,\), 'v': \(\)\}"):
        begin(SampleGrid(tmp_path), model)


def test_one_label_serves_all(tmp_path):
    model = FakeGAN(conditional=True, num_classes=10)
    train(SampleGrid(tmp_path, samples=3, condition=7), model, epochs=1)
    np.testing.assert_array_equal(model.calls[-1][2], [7, 7, 7])


def drawn_pairs(tmp_path, data, model=None, **options):
    """Return the picture that is drawn of data by a model of 4x4 images of one channel."""
    model = model or FakeGAN(conditional=True)
    train(SampleGrid(tmp_path, data=data, **options), model, epochs=1)
    return read(tmp_path / "epoch_0001.png"), model


def pairs_of(n=20, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.uniform(-1, 1, (n, 4, 4, 1)).astype("float32") for _ in range(2)]


@pytest.mark.parametrize("given", ["arrays", "dataset"])
def test_targets_stand_beside_what_was_made_and_its_source(tmp_path, given):
    """The first of them, of arrays or a dataset; a title above each column."""
    target, source = pairs_of()
    data = target, source
    if given == "dataset":
        data = tf.data.Dataset.from_tensor_slices(data).batch(5).repeat()
    picture, model = drawn_pairs(tmp_path, data)
    np.testing.assert_allclose(model.calls[-1][2], source[:12], atol=1e-6)
    triples = side_by_side(source[:12], model.generate(12, 0), target[:12])
    titles = ["source", "output", "target"] * 2
    expected = captioned(image_grid(triples, columns=2), "epoch 1", titles)
    np.testing.assert_array_equal(picture, expected[..., 0])


def test_a_hole_is_grey_and_its_mask_no_picture(tmp_path):
    target, image = pairs_of()
    mask = np.zeros((20, 4, 4, 1), "float32")
    mask[:, 1:3, 1:3] = 1
    condition = {"image": image, "mask": mask}  # Something is in the hole, which is not shown.
    picture, model = drawn_pairs(tmp_path, (target, condition), samples=3)
    shown = np.where(mask > 0, 0, image)[:3]
    triples = side_by_side(shown, model.generate(3, 0), target[:3])
    grid = image_grid(triples)
    np.testing.assert_array_equal(picture[-len(grid) :], grid[..., 0])
    assert set(model.calls[-2][2]) == {"image", "mask"}, "the network is given both"


def test_domains_with_data_in_place_of_a_condition(tmp_path):
    model = parts_gan(conditional="samples")
    sources = model.generate(16, 9)
    picture, _ = drawn_pairs(tmp_path, sources, model, samples=4)
    made, four = model.generate(4, 0), {part: x[:4] for part, x in sources.items()}
    pairs = side_by_side(four["a"], made["b"], four["b"], made["a"], value_range=(0, 1))
    titles = ["a", "a to b", "b", "b to a"]
    expected = captioned(image_grid(pairs, value_range=(0, 1)), "epoch 1", titles)
    np.testing.assert_array_equal(picture, expected)


def test_what_data_refuses(tmp_path):
    target, source = pairs_of()
    with pytest.raises(ValueError, match="`data`, which has the conditions, or `condition`"):
        SampleGrid(tmp_path, data=(target, source), condition=source)
    with pytest.raises(ValueError, match=r"takes a condition.*leave `data` out"):
        begin(SampleGrid(tmp_path, data=(target, source)), FakeGAN())
    with pytest.raises(ValueError, match="take a condition"):
        begin(SampleGrid(tmp_path, data=target), FakeGAN(conditional=True))


def test_names_shrink_until_they_fit_their_columns():
    grid = np.zeros((30, 120, 1), np.uint8)
    header = captioned(grid, "", ["source"] * 3, padding=0)[:-30, :, 0]
    inked = np.flatnonzero((header < 255).any(axis=0))
    gaps = np.diff(inked).max()
    assert gaps > 3, "the names don't touch"
