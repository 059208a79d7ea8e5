"""Translations of images, served: 8 bits and PNG files in, what `generate` makes out."""

import functools
import json
import pathlib
import typing

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn import datasets

import keras_gan
from keras_gan.export import pngs
from tests.serving import c_api

from . import translators
from .translators import levels, pixels, png

SIDES = 16, 18


class Served(typing.NamedTuple):
    """An export that is asked, with good requests of two rows."""

    model: object
    path: pathlib.Path
    session: c_api.Session
    arrays: dict
    files: dict

    def answer(self, **others):
        """Return the images that arrays make, some of them others."""
        return self.session.run("translate", {**self.arrays, **others})["images"]

    def answer_png(self, **others):
        """Return the images that files make, some of them others."""
        files = self.session.run("translate_png", {**self.files, **others})["image_bytes"]
        return np.stack([pixels(file) for file in files])


def served(model, base, arrays, **options):
    """Yield an export, asked through TensorFlow's C API, which looks at nothing itself."""
    path = model.export(base / "translator", **options)
    images = {name for name, array in arrays.items() if array.ndim == 4}
    files = {
        name: translators.pngs(array) if name in images else array for name, array in arrays.items()
    }
    with c_api.Session(path, checked=False) as session:
        yield Served(model, pathlib.Path(path), session, arrays, files)


def holes(sides=SIDES):
    """Return two masks: whatever one leaves out, the other has."""
    mask = np.random.default_rng(1).random((*sides, 1)) < 0.5
    return np.where([mask, ~mask], 255, 0).astype("uint8")


def all_levels(channels, sides=SIDES):
    """Return an image in which each channel has all 256 levels."""
    rng = np.random.default_rng(0)
    size = sides[0] * sides[1]
    shuffled = [rng.permutation(np.arange(size) % 256) for _ in range(channels)]
    return np.stack(shuffled, -1).reshape(*sides, channels).astype("uint8")


@pytest.fixture(scope="module")
def filling(tmp_path_factory):
    """Return the export of an inpainting of RGB images of any size, which takes a label too."""
    model = translators.inpainting(classes=3)
    arrays = {
        "condition_image": np.stack([all_levels(3)] * 2),
        "condition_mask": holes(),
        "condition_label": np.array([0, 2], "int32"),
    }
    base = tmp_path_factory.mktemp("filling")
    yield from served(model, base, arrays, warmup=True, max_pixels=2**12, max_batch_size=16)


@pytest.fixture(scope="module")
def grey(tmp_path_factory):
    """Return the export of an inpainting of grey images of one size, in [0, 1]."""
    model = translators.inpainting((*SIDES, 1), "sigmoid")
    arrays = {"condition_image": np.stack([all_levels(1)] * 2), "condition_mask": holes()}
    yield from served(model, tmp_path_factory.mktemp("grey"), arrays, warmup=False)


@pytest.fixture(scope="module")
def enlarging(tmp_path_factory):
    """Return the export of a super-resolution of RGBA images of any size."""
    model = translators.enlarging(channels=4)
    arrays = {"condition": np.random.default_rng(0).integers(0, 256, (2, 9, 7, 4), "uint8")}
    yield from served(model, tmp_path_factory.mktemp("enlarging"), arrays, warmup=True)


def generated(served):
    """Return what the model makes of the good requests, given as floats, as levels."""
    model, condition = served.model, {}
    low, high = model.value_range
    for name, array in served.arrays.items():
        key = name.removeprefix("condition").lstrip("_")
        scaled = array / 255 if key == "mask" else array / 255 * (high - low) + low
        condition[key] = scaled.astype("float32") if array.ndim == 4 else array
    given = condition.get("", condition)
    return levels(model.generate(2, condition=given), model.value_range)


@pytest.mark.representatives("filling")
@pytest.mark.parametrize("kind", ["filling", "grey", "enlarging"])
def test_answers_are_those_of_generate(request, kind):
    served = request.getfixturevalue(kind)
    expected = generated(served)
    answer, decoded = served.answer(), served.answer_png()
    assert answer.dtype == np.uint8
    np.testing.assert_allclose(answer, expected, atol=0.5 + 1e-3)
    np.testing.assert_array_equal(decoded, answer)
    # Where nothing is known already, it is the network that is compared.
    assert len(np.unique(answer)) > 20
    (file, _) = served.session.run("translate_png", served.files)["image_bytes"]
    assert "translator, version 1" in Image.open(translators.io.BytesIO(file)).text["Comment"]


@pytest.mark.representatives("filling")
@pytest.mark.parametrize("kind", ["filling", "grey"])
def test_known_pixels_are_those_of_the_request(request, kind):
    """Of all 256 levels, in both ranges of values."""
    served = request.getfixturevalue(kind)
    image, mask = (served.arrays[f"condition_{name}"] for name in ("image", "mask"))
    condition = {name.removeprefix("condition_"): array for name, array in served.arrays.items()}
    floats = served.model.generate(2, condition=condition)
    known = np.broadcast_to(mask == 0, image.shape)
    for channel in range(image.shape[-1]):
        assert {*image[..., channel][known[..., channel]]} == {*range(256)}
    low, high = served.model.value_range
    given = (image.astype("float32") / np.float32(255 / (high - low)) + low).astype("float32")
    np.testing.assert_array_equal(floats[known], given[known])
    rounded = np.rint(levels(floats, served.model.value_range))
    for answer in (rounded, served.answer(), served.answer_png()):
        np.testing.assert_array_equal(answer[known], image[known])
        assert (answer[~known] != image[~known]).mean() > 0.9


def test_masks_in_bytes_are_those_in_floats(filling):
    """In Python as in a request: 255 and 1 are both 1, whatever the range of images."""
    model, mask = filling.model, filling.arrays["condition_mask"]
    image = (filling.arrays["condition_image"] / 127.5 - 1).astype("float32")
    label = filling.arrays["condition_label"]
    expected = model.generate(
        2, condition={"image": image, "mask": (mask / 255).astype("float32"), "label": label}
    )
    for given in (mask, mask // 255):
        condition = {"image": image, "mask": given, "label": label}
        np.testing.assert_array_equal(model.generate(2, condition=condition), expected)


def rgb(image, mode):
    """Return an image in a mode of Pillow's."""
    return Image.fromarray(image).convert(mode)


def animated(image):
    """Return an APNG of two frames, the first of which is the image."""
    more = [Image.fromarray(255 - image)]
    return png(Image.fromarray(image), save_all=True, append_images=more)


FORMS = {
    "grey": lambda image: png(rgb(image, "L")),
    "palette": lambda image: png(rgb(image, "P")),
    "two colors": lambda image: png(rgb(image, "1")),
    "opacity": lambda image: png(rgb(image, "RGBA")),
    "16 bits": lambda image: translators.written(image, depth=16),
    "interlaced": lambda image: translators.written(image, interlaced=True),
    "several frames": animated,
    "texts": lambda image: translators.with_texts(png(image), count=2),
    "an odd end": lambda image: png(image) + b"behind the end",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_png_is_read(filling, form):
    image = filling.arrays["condition_image"][0]
    file = FORMS[form](image)
    expected = np.stack([pixels(file, "RGB")] * 2)
    assert (expected == image).all() or form in ("grey", "palette", "two colors")
    found = filling.answer_png(condition_image=np.array([file] * 2, object))
    np.testing.assert_array_equal(found, filling.answer(condition_image=expected))


def test_an_answer_is_a_request(filling):
    """Marked files are PNGs like any other."""
    made = filling.session.run("translate_png", filling.files)["image_bytes"]
    twice = filling.answer_png(condition_image=made)
    np.testing.assert_array_equal(
        twice, filling.answer(condition_image=np.stack([*map(pixels, made)]))
    )


def huge(file, *sides):
    """Return a file whose header says other sides."""
    sides = np.array(sides, ">u4").tobytes()
    return file[:8] + translators.chunk(b"IHDR", sides + file[24:29]) + file[33:]


WRONG = {
    "no file": (lambda file: b"", "condition_image to be PNG files. Received: none in row.*1"),
    "another format": (
        lambda file: translators.io.BytesIO(b"\xff\xd8\xff\xe0" + file).getvalue(),
        "condition_image to be PNG files. Received: none in row.*1",
    ),
    "a header that is cut off": (lambda file: file[:20], "one height and width in a request"),
    "cut off": (lambda file: file[:-40], "Invalid PNG data"),
    "changed": (lambda file: file[:60] + bytes([file[60] ^ 1]) + file[61:], "Invalid PNG data"),
    "header alone": (lambda file: file[:33], "Invalid PNG"),
    "other sides": (lambda file: png(pixels(file)[1:]), "one height and width.*16 18.*15 18"),
    "no sides": (lambda file: huge(file, 0, 0), "one height and width in a request"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_png_is_refused(filling, what):
    change, said = WRONG[what]
    first, second = filling.files["condition_image"]
    refused(filling, said, condition_image=np.array([first, change(second)], object))


def refused(served, said, **others):
    """Check that a request of files is refused with a sentence, and the next one answered."""
    with pytest.raises(c_api.RequestError, match=f"(?s){said}") as caught:
        served.answer_png(**others)
    assert caught.value.code == "INVALID_ARGUMENT"
    assert served.answer_png().shape == served.arrays["condition_image"].shape


def test_headers_are_looked_at_before_anything_is_decoded(filling):
    """Two images of 4 billion pixels each would take 24 GB; one of a row too much is refused."""
    image, mask = (filling.files[f"condition_{name}"] for name in ("image", "mask"))
    for sides in ((2**16, 2**16), (2**32 - 1, 2**32 - 1), (2**31, 1), (2**10, 3)):
        files = np.array([huge(file, *sides) for file in image], object)
        said = "condition_image to be of 1 to 4096 pixels, rows times free sides"
        refused(filling, said, condition_image=files)
    refused(
        filling,
        "condition_mask to be of as many rows as condition_image|as many rows as condition_",
        condition_mask=mask[:1],
    )
    rows = {name: np.repeat(array[:1], 17, 0) for name, array in filling.files.items()}
    refused(filling, "of 1 to 16 rows", **rows)


def test_masks_between_are_refused_and_labels_as_ever(filling):
    for level in (1, 127, 254):
        mask = filling.arrays["condition_mask"].copy()
        mask[1, 2, 3] = level
        said = f"condition_mask to be 0 or 255.*{level}"
        refused(filling, said, condition_mask=translators.pngs(mask))
        with pytest.raises(c_api.RequestError, match=f"(?s){said}"):
            filling.answer(condition_mask=mask)
    refused(filling, "condition_label to be labels from 0 to 2", condition_label=np.int32([0, 3]))
    moved = filling.answer(condition_label=np.array([1, 1], "int32"))
    assert np.abs(moved.astype(int) - filling.answer()).max() > 1


def test_compressed_texts_are_never_unpacked():
    """They are cut out, wherever they are; whatever else a file holds stays as it is."""
    file = png(all_levels(3))
    cut = pngs._without_texts(tf.constant(translators.with_texts(file))).numpy()
    assert cut == file
    for other in (file[:-1], file[:50], file[:33], file[:8], FORMS["palette"](all_levels(3))):
        kept = pngs._without_texts(tf.constant(other)).numpy()
        # Of a file that is cut off a chunk's first bytes may be left out too.
        assert other.startswith(kept) and len(other) - len(kept) < 12
    # A decoder would go on for as long as there are chunks; this is not what encoders write.
    many = file[:33] + translators.chunk(b"abCd", b"") * 1000 + file[33:]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid PNG"):
        pngs.decoded(tf.constant([many]), 3)


def test_the_card_says_what_to_send(filling):
    card = json.loads((filling.path / "model_card.json").read_text())["export"]["signatures"]
    assert {*card} == {"serving_default", "sample", "sample_png", "translate", "translate_png"}
    arrays, files = (card[name]["inputs"] for name in ("translate", "translate_png"))
    assert arrays["condition_image"] == {
        "dtype": "uint8",
        "shape": ["batch", None, None, 3],
        "meaning": "images in 0 to 255",
        "limits": {"rows": [1, 16], "pixels": [1, 4096]},
    }
    assert files["condition_image"] == {
        "dtype": "string",
        "shape": ["batch"],
        "meaning": "PNG files of images; read as RGB",
        "limits": {"rows": [1, 16], "sides": [None, None], "pixels": [1, 4096]},
    }
    assert arrays["condition_mask"]["limits"]["values"] == "0 or 255"
    assert "masks" in files["condition_mask"]["meaning"]
    assert files["condition_label"]["limits"]["labels"] == [0, 2]
    assert card["serving_default"]["inputs"]["condition_image"]["dtype"] == "float32"
    text = (filling.path / "MODEL_CARD.md").read_text()
    assert "read as RGB | 1 to 16 rows; 1 to 4096 pixels; height any, width any |" in text


@pytest.mark.slow
def test_networks_of_one_size_refuse_others(grey):
    other = translators.pngs(grey.arrays["condition_image"][:, 1:])
    said = "condition_image to be PNG files of height 16 and width 18.*15 18"
    refused(grey, said, condition_image=other)
    card = json.loads((grey.path / "model_card.json").read_text())["export"]["signatures"]
    limits = card["translate_png"]["inputs"]["condition_image"]["limits"]
    assert limits == {"rows": [1, 1024], "sides": [16, 18]}
    # Colors become grey as the decoder weighs them.
    colored = np.stack([all_levels(3)] * 2)
    found = grey.answer_png(condition_image=translators.pngs(colored))
    weighed = np.stack([tf.io.decode_png(png(image), 1) for image in colored])
    np.testing.assert_array_equal(found, grey.answer(condition_image=weighed))


@pytest.mark.slow
def test_damaged_files_end_no_process(filling):
    """Bytes changed, left out and added at random: each is answered or refused."""
    rng, (first, second), refusals = np.random.default_rng(0), filling.files["condition_image"], 0
    for _ in range(300):
        file = bytearray(second)
        at = int(rng.integers(len(file)))
        kind = rng.integers(3)
        file[at : at + kind] = rng.bytes(int(rng.integers(1, 4)))
        files = np.array([first, bytes(file)], object)
        try:
            filling.answer_png(condition_image=files)
        except c_api.RequestError as error:
            assert error.code == "INVALID_ARGUMENT", error
            refusals += 1
    assert refusals > 200
    assert filling.answer_png().shape == filling.arrays["condition_image"].shape


@pytest.mark.slow
def test_a_photograph_is_enlarged_tile_by_tile(tmp_path):
    """As in one piece: floats to 1e-3, levels to one, of whatever memory there is for a tile."""
    photo = datasets.load_sample_image("china.jpg")[None]
    model = translators.enlarging()
    path = model.export(tmp_path / "enlarging", warmup=False, max_pixels=2**20 + 2**18)
    with c_api.Session(path) as session:

        def asked(name, part):
            return session.run(name, {"condition": part})["images"]

        for name, image, apart in (
            ("translate", photo, 1),
            ("serving_default", (photo / 127.5 - 1).astype("float32"), 1e-3),
        ):
            tiles = keras_gan.tiled(functools.partial(asked, name), image, overlap=5, tile=128)
            assert tiles.shape == (1, 2 * 427, 2 * 640, 3)
            assert np.abs(tiles.astype("float64") - asked(name, image)).max() <= apart
        expected = levels(model.generate(1, condition=photo))
        np.testing.assert_allclose(asked("translate", photo), expected, atol=0.5 + 1e-3)
