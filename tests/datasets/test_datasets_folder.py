"""Folders of image files, written with Pillow and read back."""

import numpy as np
import pytest
from PIL import Image

from keras_gan.datasets import from_folder, images, load


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
    with pytest.warns(UserWarning, match=r"left out: 2, by kind: .txt \(1\), hidden \(1\)"):
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


@pytest.mark.parametrize(
    "suffix, tolerance",
    [
        ("bmp", 0),
        ("gif", 0),
        ("jpg", 8),
        ("JPEG", 8),
        ("webp", 16),
        ("tif", 0),
        ("tga", 0),
        ("jp2", 16),
        ("avif", 16),
    ],
)
def test_other_formats_are_read(tmp_path, suffix, tolerance):
    gray = np.linspace(0, 255, 64).astype("uint8").reshape(8, 8)
    frames = [Image.fromarray(gray), Image.fromarray(255 - gray)]
    animated = {"save_all": True, "append_images": frames[1:]} if suffix == "gif" else {}
    frames[0].save(tmp_path / f"a.{suffix}", **animated)
    (x,) = read(from_folder(tmp_path))
    values = (x[0, ..., 0] + 1) * 127.5
    np.testing.assert_allclose(values, gray, atol=tolerance + 1e-3)


def test_one_color_image_makes_all_rgb(tmp_path):
    gray = write(tmp_path / "a.png", mode="L")
    write(tmp_path / "b.png", mode="L", seed=1)
    (x,) = read(from_folder(tmp_path, shuffle=False))
    assert x.shape == (2, 4, 6, 1)
    color = write(tmp_path / "c.png", seed=2)
    (x,) = read(from_folder(tmp_path, shuffle=False))
    assert x.shape == (3, 4, 6, 3)
    np.testing.assert_allclose(x[2], color / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(x[0], np.stack([gray] * 3, -1) / 127.5 - 1, atol=1e-6)
    (x,) = read(from_folder(tmp_path, shuffle=False, channels=1))
    np.testing.assert_allclose(x[0, ..., 0], gray / 127.5 - 1, atol=1e-6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_way_up_that_exif_says(tmp_path, storage, orientation):
    """The eight orientations of the standard, each undone by hand."""
    upright = np.arange(24, dtype="uint8").reshape(4, 6) * 10
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: upright.T[::-1],
        7: upright.T[::-1, ::-1],
        8: upright.T[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    (x,) = read(from_folder(tmp_path))
    np.testing.assert_allclose((x[0, ..., 0] + 1) * 127.5, upright, atol=1e-4)


def test_a_palette_is_read_as_its_colors(tmp_path):
    colors = np.array([[255, 0, 0], [0, 128, 255]], "uint8")
    image = Image.fromarray(np.array([[0, 1], [1, 0]], "uint8"), "P")
    image.putpalette(colors.tobytes())
    image.save(tmp_path / "a.png")
    (x,) = read(from_folder(tmp_path))
    np.testing.assert_allclose(x[0], colors[[[0, 1], [1, 0]]] / 127.5 - 1, atol=1e-6)


@pytest.mark.parametrize(
    "background, behind",
    [("white", (255, 255, 255)), ("#ff8000", (255, 128, 0)), ((0, 0, 10), (0, 0, 10))],
)
def test_a_background_shows_through_transparency(tmp_path, storage, background, behind):
    pixels = write(tmp_path / "a.png", mode="RGBA").astype(float)
    write(tmp_path / "b.png", mode="L")
    (x,) = read(from_folder(tmp_path, shuffle=False, background=background))
    opacity = pixels[..., 3:] / 255
    expected = pixels[..., :3] * opacity + np.array(behind) * (1 - opacity)
    np.testing.assert_allclose((x[0] + 1) * 127.5, expected, atol=1.0)


def test_four_channels_are_rgb_and_opacity_as_they_are(tmp_path, storage):
    pixels = write(tmp_path / "a.png", mode="RGBA")
    color = write(tmp_path / "b.png", seed=1)
    (x,) = read(from_folder(tmp_path, shuffle=False, channels=4))
    np.testing.assert_allclose(x[0], pixels / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(x[1, ..., :3], color / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(x[1, ..., 3], 1)


def test_sixteen_bits_become_eight(tmp_path):
    pixels = (np.arange(16, dtype="uint16").reshape(4, 4) * 4369).astype("uint16")
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (x,) = read(from_folder(tmp_path))
    np.testing.assert_allclose((x[0, ..., 0] + 1) * 127.5, pixels / 257, atol=1e-4)


def test_what_is_left_out_is_counted_by_kind(tmp_path):
    write(tmp_path / "a.png")
    for name in ("notes.txt", "more.TXT", ".hidden.png", "README", "table.h5"):
        (tmp_path / name).write_text("no image")
    with pytest.warns(UserWarning) as caught:
        from_folder(tmp_path)
    (message,) = [str(each.message) for each in caught]
    assert "images read: 1, left out: 5, by kind: " in message
    for kind in ("hidden (1)", ".TXT (1)", ".h5 (1)", "without ending (1)"):
        assert kind in message


def test_what_lies_beside_folders_of_classes_is_counted(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "0.png")
    (tmp_path / "labels.csv").write_text("no image")
    with pytest.warns(UserWarning, match=r"left out: 1, by kind: \.csv \(1\)\."):
        from_folder(tmp_path)


@pytest.mark.parametrize("background", ["whitish", (1, 2), (1, 2, 300), 7])
def test_a_background_is_a_color(tmp_path, background):
    write(tmp_path / "a.png")
    with pytest.raises(ValueError, match="Expected `background` to be the name of a color"):
        from_folder(tmp_path, background=background)


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
    Image.fromarray(np.zeros((4, 4), "float32")).save(path / "deep.tif")


@pytest.mark.parametrize(
    "prepare, message",
    [
        (prepare_empty, r"photos' holds no images. Expected image files"),
        (prepare_empty_class, r"b' holds no images"),
        (prepare_both, "holds both images and subfolders"),
        (prepare_corrupt, r"2.png' cannot be read as an image.*Repair or remove"),
        (prepare_no_image, r"2.png' cannot be read as an image"),
        (prepare_sizes, r"differ in size.*4 x 6.*2.png' is 9 x 6.*image_size="),
        (prepare_deep, r"deep.tif' has pixels without a range"),
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
