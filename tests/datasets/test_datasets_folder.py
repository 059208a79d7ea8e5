"""Folders of image files, written with Pillow and read back."""

import numpy as np
import pytest
from PIL import Image

from keras_gan.datasets import folder, from_folder, images, load


def write(path, height=4, width=6, seed=0, mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (height, width) if mode == "L" else (height, width, len(mode))
    pixels = np.random.default_rng(seed).integers(256, size=shape, dtype="uint8")
    Image.fromarray(pixels, mode).save(path)
    return pixels


def read(dataset):
    batches = [b if isinstance(b, tuple) else (b,) for b in dataset]
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


@pytest.fixture(params=["in memory", "as they are used"])
def storage(request, monkeypatch):
    if request.param == "as they are used":
        monkeypatch.setattr(images, "MEMORY_LIMIT", 0)


def test_flat_folder_round_trip(tmp_path, storage):
    pixels = [write(tmp_path / f"{i}.png", seed=i) for i in range(5)]
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / ".hidden.png").write_text("not an image")
    dataset = load(str(tmp_path), batch_size=2, shuffle=False)
    assert int(dataset.cardinality()) == 3
    (x,) = read(dataset)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, np.stack(pixels) / 127.5 - 1, atol=1e-6)


def test_class_folders_give_labels_in_sorted_order(tmp_path, storage):
    means = {}
    for number, (name, label) in enumerate([("cat", 1), ("ant", 0), ("dog", 2)] * 3):
        pixels = write(tmp_path / name / f"{number}.png", seed=number)
        means[round(float(pixels.mean() / 127.5 - 1), 4)] = label
    dataset = load(tmp_path, batch_size=3, seed=1)
    assert [tuple(spec.shape) for spec in dataset.element_spec] == [(3, 4, 6, 3), (3,)]
    x, labels = read(dataset)
    assert labels.dtype == np.int32 and len(x) == 9
    assert [means[round(float(image.mean()), 4)] for image in x] == labels.tolist()
    assert sorted(labels) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_both_ways_of_storing_give_the_same_order(tmp_path, monkeypatch):
    for i in range(7):
        write(tmp_path / f"{i}.png", seed=i)
    memory = from_folder(tmp_path, batch_size=2, seed=3)
    monkeypatch.setattr(images, "MEMORY_LIMIT", 0)
    streamed = from_folder(tmp_path, batch_size=2, seed=3)
    memory.seek(2), streamed.seek(2)
    np.testing.assert_array_equal(read(memory)[0], read(streamed)[0])


@pytest.mark.parametrize("suffix, tolerance", [("bmp", 0), ("gif", 0), ("jpg", 8), ("JPEG", 8)])
def test_other_formats_are_read(tmp_path, suffix, tolerance):
    gray = np.linspace(0, 255, 64).astype("uint8").reshape(8, 8)
    frames = [Image.fromarray(gray), Image.fromarray(255 - gray)]
    animated = {"save_all": True, "append_images": frames[1:]} if suffix == "gif" else {}
    frames[0].save(tmp_path / f"a.{suffix}", **animated)
    (x,) = read(from_folder(tmp_path))
    values = (x[0, ..., 0] + 1) * 127.5
    np.testing.assert_allclose(values, gray, atol=tolerance + 1e-3)


def test_the_first_file_decides_the_channels(tmp_path):
    gray = write(tmp_path / "a.png", mode="L")
    write(tmp_path / "b.png", mode="RGB")
    (x,) = read(from_folder(tmp_path, shuffle=False))
    assert x.shape == (2, 4, 6, 1)
    np.testing.assert_allclose(x[0, ..., 0], gray / 127.5 - 1, atol=1e-6)
    color = write(tmp_path / "A.png", mode="RGBA")
    (x,) = read(from_folder(tmp_path, shuffle=False))
    assert x.shape == (3, 4, 6, 3)
    np.testing.assert_allclose(x[0], color[..., :3] / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(x[1], np.stack([gray] * 3, -1) / 127.5 - 1, atol=1e-6)


def test_image_size_resizes_with_a_filter(tmp_path):
    board = np.indices((32, 32)).sum(axis=0) % 2 * 255
    Image.fromarray(board.astype("uint8")).save(tmp_path / "a.png")
    write(tmp_path / "b.png", mode="L")
    (x,) = read(from_folder(tmp_path, image_size=(8, 4), shuffle=False))
    assert x.shape == (2, 8, 4, 1)
    # Nearest neighbours would keep the checkerboard's black and white; a filter makes it gray.
    np.testing.assert_allclose(x[0], 0, atol=0.02)


def prepare_empty(path):
    path.mkdir()


def prepare_empty_class(path):
    write(path / "a" / "1.png")
    (path / "b").mkdir()


def prepare_both(path):
    write(path / "1.png")
    write(path / "a" / "1.png")


def prepare_corrupt(path):
    write(path / "1.png")
    (path / "2.png").write_bytes((path / "1.png").read_bytes()[:60])


def prepare_no_image(path):
    write(path / "1.png")
    (path / "2.png").write_text("hello")


def prepare_sizes(path):
    write(path / "1.png")
    write(path / "2.png", height=9)


def prepare_deep(path):
    path.mkdir()
    Image.fromarray(np.zeros((4, 4), "uint16")).save(path / "deep.png")


@pytest.mark.parametrize(
    "prepare, message",
    [
        (prepare_empty, r"photos' holds no images. Expected files that end in .bmp"),
        (prepare_empty_class, r"b' holds no images"),
        (prepare_both, "holds both images and subfolders"),
        (prepare_corrupt, r"2.png' cannot be read as an image.*Repair or remove"),
        (prepare_no_image, r"2.png' cannot be read as an image"),
        (prepare_sizes, r"differ in size.*4 x 6.*2.png' is 9 x 6.*image_size="),
        (prepare_deep, r"deep.png' has more than 8 bits"),
    ],
)
def test_errors(tmp_path, prepare, message):
    prepare(tmp_path / "photos")
    with pytest.raises(ValueError, match=message):
        from_folder(tmp_path / "photos")


def test_a_corrupt_file_met_in_training_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MEMORY_LIMIT", 0)
    prepare_corrupt(tmp_path)
    with pytest.raises(Exception, match=r"2.png' cannot be read as an image"):
        list(from_folder(tmp_path))


def test_a_folder_has_one_split(tmp_path):
    write(tmp_path / "1.png")
    with pytest.raises(ValueError, match=r"one split, 'train'.*Received: split='test'"):
        load(tmp_path, split="test")
    with pytest.raises(ValueError, match=r"no folder.*Received: path="):
        from_folder(tmp_path / "absent")
    assert tuple(sorted(folder.EXTENSIONS)) == folder.EXTENSIONS
