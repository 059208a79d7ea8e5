"""Pairs in folders, written with Pillow and read back."""

import numpy as np
import pytest
from orders import assert_seeks_exactly
from PIL import Image

from keras_gan.datasets import from_folder, from_folders, from_side_by_side, images, unpaired


def write(path, height=4, width=6, seed=0, gray=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (height, width) if gray else (height, width, 3)
    pixels = np.random.default_rng(seed).integers(256, size=shape, dtype="uint8")
    Image.fromarray(pixels).save(path)
    return pixels


def read(dataset):
    return [np.concatenate(parts) for parts in zip(*dataset.as_numpy_iterator(), strict=True)]


@pytest.fixture(params=["in memory", "as they are used"])
def storage(request, monkeypatch):
    if request.param == "as they are used":
        monkeypatch.setattr(images, "MEMORY_LIMIT", 0)


def pairs(folder, count=5):
    """Write pairs: photos, and drawings in gray in another format; return their pixels."""
    drawings = [write(folder / "drawings" / f"{i}.bmp", seed=i, gray=True) for i in range(count)]
    photos = [write(folder / "photos" / f"{i}.png", seed=100 + i) for i in range(count)]
    return drawings, photos


def test_folders_are_paired_by_name(tmp_path, storage):
    drawings, photos = pairs(tmp_path)
    dataset = from_folders(tmp_path / "drawings", tmp_path / "photos", batch_size=2, shuffle=False)
    target, source = read(dataset)
    assert target.dtype == source.dtype == np.float32 and int(dataset.cardinality()) == 3
    np.testing.assert_allclose(target, np.stack(photos) / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(source[..., 0], np.stack(drawings) / 127.5 - 1, atol=1e-6)


@pytest.mark.slow
def test_any_place_is_that_of_an_uninterrupted_run(tmp_path):
    pairs(tmp_path)
    assert_seeks_exactly(
        lambda: from_folders(tmp_path / "drawings", tmp_path / "photos", batch_size=2, seed=4)
    )


def test_pairs_stay_together_when_shuffled(tmp_path, storage):
    drawings, photos = pairs(tmp_path)
    partner = {y.tobytes(): x.tobytes() for x, y in zip(drawings, photos, strict=True)}
    dataset = from_folders(tmp_path / "drawings", tmp_path / "photos", batch_size=5, seed=1)
    target, source = (((each + 1) * 127.5).round().astype("uint8") for each in read(dataset))
    for y, x in zip(target, source, strict=True):
        assert partner[y.tobytes()] == x.tobytes()
    assert [y.tobytes() for y in target] != [y.tobytes() for y in photos]


@pytest.mark.parametrize("source", ["left", "right"])
def test_side_by_side(tmp_path, storage, source):
    pixels = (
        np.stack([write(tmp_path / f"{i}.png", width=12, seed=i) for i in range(3)]) / 127.5 - 1
    )
    target, given = read(from_side_by_side(tmp_path, source, shuffle=False))
    left, right = (target, given) if source == "right" else (given, target)
    np.testing.assert_allclose(left, pixels[:, :, :6], atol=1e-6)
    np.testing.assert_allclose(right, pixels[:, :, 6:], atol=1e-6)


def test_halves_are_cut_apart_before_they_are_resized(tmp_path):
    """A filter across the seam would mix black and white."""
    both = np.zeros((8, 16), "uint8")
    both[:, 8:] = 255
    Image.fromarray(both).save(tmp_path / "a.png")
    target, source = read(from_side_by_side(tmp_path, "left", image_size=4))
    assert target.shape == (1, 4, 4, 1) and (target == 1).all() and (source == -1).all()


def prepare_lonely(path):
    pairs(path)
    write(path / "drawings" / "8.png")
    write(path / "photos" / "9.png")


def prepare_empty(path):
    pairs(path)
    for file in (path / "photos").iterdir():
        file.unlink()


def prepare_sizes(path):
    pairs(path)
    for i in range(5):
        write(path / "photos" / f"{i}.png", height=8)


def prepare_one_size(path):
    pairs(path)
    write(path / "photos" / "3.png", height=8)


def prepare_twice(path):
    pairs(path)
    write(path / "photos" / "3.bmp")


@pytest.mark.parametrize(
    "prepare, message",
    [
        (prepare_lonely, r"partner of the same name.*Without one: '.*drawings/8.png', '.*photos/9"),
        (prepare_empty, r"photos' holds no images. Expected image files, such as .png or .jpg\."),
        (prepare_sizes, r"pair differ in size: '.*drawings/0.bmp' is 4 x 6.*'.*photos/0.png' is 8"),
        (prepare_one_size, r"differ in size: '.*photos/0.png' is 4 x 6.*photos/3.png' is 8 x 6"),
        (prepare_twice, r"photos/3.bmp' and '.*photos/3.png' have one name.*Rename"),
        (lambda path: None, r"no folder of images there. Received: source='.*drawings'"),
    ],
)
def test_folders_that_are_no_pairs(tmp_path, prepare, message):
    prepare(tmp_path)
    with pytest.raises(ValueError, match=message):
        from_folders(tmp_path / "drawings", tmp_path / "photos")


def test_image_size_makes_one_size(tmp_path):
    prepare_sizes(tmp_path)
    target, source = read(from_folders(tmp_path / "drawings", tmp_path / "photos", image_size=8))
    assert target.shape == (5, 8, 8, 3) and source.shape == (5, 8, 8, 1)


def test_files_that_are_not_side_by_side(tmp_path):
    write(tmp_path / "1.png", width=7)
    with pytest.raises(
        ValueError, match=r"1.png' does not hold two images side by side.* 7 pixels"
    ):
        from_side_by_side(tmp_path, "left")
    with pytest.raises(ValueError, match=r"`source` to be one of.*Received: source=.top"):
        from_side_by_side(tmp_path, "top")


def test_unpaired_folders(tmp_path):
    pairs(tmp_path)
    domains = [from_folder(tmp_path / name, batch_size=2) for name in ("drawings", "photos")]
    batch = next(iter(unpaired(*domains)))
    assert batch["a"].shape == (2, 4, 6, 1) and batch["b"].shape == (2, 4, 6, 3)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty' holds no images"):
        unpaired(from_folder(tmp_path / "empty"), domains[1])
    with pytest.raises(TypeError, match=r"domain 'a'.*of a folder, `from_folder\(path\)`.*str"):
        unpaired(str(tmp_path / "drawings"), domains[1])
