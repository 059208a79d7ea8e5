"""Every leaf of a condition has limits, whatever looks it up, and sides of any length have one."""

import concurrent.futures
import dataclasses
import json
import pathlib

import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf

import keras_gan
from keras_gan.export import lookups, warmup
from keras_gan.export.limits import Limits
from keras_gan.export.signatures import Signatures
from tests.integration import small
from tests.serving import c_api

from . import conditions
from .conditions import LEAVES, ROWS, SEEDS
from .wrong_leaves import FEW, condition, highest, inputs_of, lowest, named, says, wrong_rows

Invalid = tf.errors.InvalidArgumentError
PIXELS = 64


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Return a model of a nest of conditions, its export's path, and `sample`, loaded."""
    model = conditions.gan(FEW)
    path = model.export(tmp_path_factory.mktemp("few") / "few", warmup=False, max_pixels=PIXELS)
    return model, path, tf.saved_model.load(path).signatures["sample"]


def asked(signature, inputs):
    """Return the images that a loaded signature answers with."""
    tensors = {name: tf.constant(array) for name, array in inputs.items()}
    return signature(**tensors, truncation=tf.constant([np.inf]))["images"].numpy()


def test_wrong_leaves_are_refused_by_name(few):
    _, _, sample = few
    good, count = inputs_of(FEW, lowest), 0
    for leaf, name in named(FEW).items():
        for what, array in wrong_rows(leaf):
            with pytest.raises(Invalid, match=f"Expected {name} to be [^.]*{says(leaf)}"):
                asked(sample, {**good, name: array})
                pytest.fail(f"{what} was answered")
            count += 1
        for array in (good[name][:0], good[name][:-1]):
            with pytest.raises(Invalid, match="as many rows as"):
                asked(sample, {**good, name: array})
    assert count > 30


@pytest.mark.parametrize("of", [lowest, highest])
def test_right_leaves_are_answered_as_by_generate(few, of):
    model, _, sample = few
    expected = model.generate(ROWS, seed=int(SEEDS[0]), condition=condition(FEW, of))
    np.testing.assert_allclose(asked(sample, inputs_of(FEW, of)), expected, rtol=1e-5, atol=1e-6)


def test_free_sides_have_a_limit(few):
    _, _, sample = few
    good, name = inputs_of(FEW, lowest), named(FEW)["tokens"]
    for length, right in ((0, False), (1, True), (PIXELS // ROWS, True), (17, False)):
        inputs = {**good, name: np.zeros((ROWS, length), "int32")}
        if right:
            assert np.isfinite(asked(sample, inputs)).all()
            continue
        with pytest.raises(
            Invalid, match=rf"Expected {name} to be of 1 to 64 pixels.*\[4 {length}"
        ):
            asked(sample, inputs)
    texts = np.array(["cat", "a" * (PIXELS // ROWS + 1), "", ""])
    with pytest.raises(Invalid, match=r"Expected condition_text to be of at most 64 bytes.*68"):
        asked(sample, {**good, "condition_text": texts})


def test_the_card_tells_the_limits_of_each_input(few):
    _, path, _ = few
    card = json.loads((pathlib.Path(path) / "model_card.json").read_text())["export"]
    told = {name: each["limits"] for name, each in card["signatures"]["sample"]["inputs"].items()}
    assert card["max_pixels"] == PIXELS
    assert told["seed"] == {"rows": [1, 1024]}
    assert told["truncation"] == {"rows": [1, 1024], "values": "above 0"}
    for leaf, name in named(FEW).items():
        assert told[name]["rows"] == [1, 1024]
        assert told[name].get("labels") == LEAVES[leaf].ranges, leaf
    assert told["condition_b_1"] == {
        "rows": [1, 1024],
        "pixels": [1, PIXELS],
        "labels": [0, 8],
        "values": "labels from 0 to 8",
    }
    assert told["condition_text"] == {"rows": [1, 1024], "bytes": [0, PIXELS]}
    text = (pathlib.Path(path) / "MODEL_CARD.md").read_text()
    assert "| 1 to 1024 rows; 1 to 64 pixels; labels from 0 to 8 |" in text
    assert "| max pixels | 64 |" in text


@pytest.mark.parametrize("value", [0, -1, 1.5, True, None, "many"])
def test_what_is_no_number_of_pixels_is_refused(tmp_path, value):
    with pytest.raises(ValueError, match="Expected `max_pixels` to be a whole number of at least"):
        small.gan().export(tmp_path / "points", max_pixels=value)
    assert not (tmp_path / "points").exists()


def functions_of(model, max_pixels=2**22):
    """Return the signatures of an export that is not written, and their limits."""
    signatures = Signatures(model, "float32", {"png": "", "wav": ""})
    limits = Limits(model, signatures.players(True), 16, max_pixels)
    return signatures.within(limits, include_discriminator=True), limits


def tensors(arrays):
    return {name: tf.constant(array) for name, array in arrays.items()}


def test_nothing_is_computed_for_a_wrong_request():
    """Neither by the networks, nor before the last of the checks."""
    model, counters = conditions.counting()
    functions, _ = functions_of(model)
    firsts = {"serving_default": ("latents", 3), "discriminate": ("images", 2)}
    for counter, (signature, (name, size)) in zip(counters, firsts.items(), strict=True):
        right = {name: np.zeros((ROWS, size), "float32"), "condition_label": np.arange(ROWS)}
        right["condition_label"] = right["condition_label"].astype("int32")
        wrong = [
            {**right, "condition_label": right["condition_label"] + 1},
            {**right, "condition_label": right["condition_label"] - 1},
            {**right, "condition_label": right["condition_label"][1:]},
            {**right, name: np.full((ROWS, size), np.nan, "float32")},
        ]
        functions[signature](tensors(right))
        assert counter.count == 2
        for inputs in wrong:
            with pytest.raises(Invalid, match="Expected"):
                functions[signature](tensors(inputs))
        assert counter.count == 2
        functions[signature](tensors(right))
        assert counter.count == 4
        counter.count = 0


def test_tables_of_tensorflows_own_operations_are_read(monkeypatch):
    leaves = {
        "row": conditions.Leaf(lambda x, player: conditions.Tables()(x), [0, 5], (1,)),
        "cell": conditions.Leaf(lambda x, player: conditions.Tables()(x), None, (2,)),
    }
    for name, leaf in leaves.items():
        monkeypatch.setitem(LEAVES, name, leaf)
    model = conditions.gan({name: name for name in leaves})
    signatures = Signatures(model, "float16", "")
    labels = lookups.of_model(model, signatures.players())
    found = {name: each.ranges for name, each in labels.items()}
    assert found == {"condition_row": [0, 5], "condition_cell": [[0, 2], [0, 4]]}


FORMS = {
    "one": lambda: (conditions.gan("smaller"), "smaller", "smaller"),
    "floats": lambda: (conditions.gan("floats"), "floats", "floats"),
    "tuple": lambda: (conditions.gan(("pair", "ops")), ("pair", "ops"), ("pair", "ops")),
    "a number of classes": lambda: (
        conditions.gan({"bytes": "bytes", "masked": "masked"}, num_classes=3),
        {"bytes": "fewer", "masked": "masked"},
        {"bytes": "fewer", "masked": "masked"},
    ),
    "keys": lambda: (
        conditions.gan(
            {"steps": "steps", "count": "count"},
            "ops",
            generator_condition=["steps", "count"],
            discriminator_condition="ops",
        ),
        {"steps": "steps", "count": "count"},
        {"ops": "ops"},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_conditions_of_every_form_have_limits(form, monkeypatch):
    """In both players' signatures; the whole condition is what `generate` is given."""
    fewer = dataclasses.replace(LEAVES["bytes"], ranges=[0, 2])
    monkeypatch.setitem(LEAVES, "fewer", fewer)
    model, given, judged = FORMS[form]()
    functions, _ = functions_of(model)
    latents = model.latents.sample(tf.constant(SEEDS)).numpy()
    images = np.zeros((ROWS, 2), "float32")
    for signature, name, first, structure in (
        ("serving_default", "latents", latents, given),
        ("discriminate", "images", images, judged),
    ):
        for of in (lowest, highest):
            arrays = keras_gan.utils.nests.by_name("condition", condition(structure, of))
            answer = functions[signature](tensors({name: first, **arrays}))
            whole = condition({**given, **judged} if form == "keys" else structure, of)
            if name == "latents":
                expected, found = model.generate(ROWS, int(SEEDS[0]), whole), answer["images"]
            else:
                expected, found = model.discriminate(images, whole), answer["logits"]
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
        for leaf, key in named(structure).items():
            for what, array in wrong_rows(leaf):
                with pytest.raises(Invalid, match=f"Expected {key} to be [^.]*{says(leaf)}"):
                    functions[signature](tensors({name: first, **arrays, key: array}))
                    pytest.fail(f"{what} was answered")


@pytest.mark.slow
def test_samples_that_are_labels_have_limits():
    """Each direction of a translation, and the discriminator, look floats up."""
    model = conditions.translation()
    functions, _ = functions_of(model)
    labels, vector = np.full((ROWS, 4), 4, "float32"), np.zeros((ROWS, 3), "float32")
    made = model.generate(ROWS, condition={"labels": labels, "vector": vector})
    answer = functions["labels_to_vector"](tensors({"condition_labels": labels}))
    np.testing.assert_allclose(answer["images_vector"], made["vector"], rtol=1e-5, atol=1e-6)
    judged = {"images_labels": labels, "images_vector": vector}
    logits = model.discriminate({"labels": labels, "vector": vector})
    answer = functions["discriminate"](tensors(judged))
    np.testing.assert_allclose(answer["logits"], logits, rtol=1e-5, atol=1e-6)
    for value in (-1, 5, 0.5, np.nan, np.inf, 2.0**32):
        wrong = labels.copy()
        wrong[-1, -1] = value
        for signature, key, others in (
            ("labels_to_vector", "condition_labels", {}),
            ("serving_default", "condition_labels", {"condition_vector": vector}),
            ("discriminate", "images_labels", {"images_vector": vector}),
        ):
            with pytest.raises(Invalid, match=f"Expected {key} to be whole numbers from 0 to 4"):
                functions[signature](tensors({**others, key: wrong}))


@pytest.mark.slow
def test_a_limit_of_pixels_is_on_what_is_made_too():
    model = conditions.enlarging(4)
    functions, limits = functions_of(model, max_pixels=1024)
    for shape, right in (((1, 8, 8), True), ((4, 4, 4), True), ((1, 8, 9), False)):
        image = tf.zeros((*shape, 1))
        if right:
            assert functions["serving_default"]({"condition": image})["images"].shape[0] == shape[0]
            continue
        with pytest.raises(Invalid, match=r"condition to be of 1 to 64 pixels.*\[1 8 9 1\]"):
            functions["serving_default"]({"condition": image})
    for side in (0, 33):
        with pytest.raises(Invalid, match="images to be of 1 to 1024 pixels"):
            functions["discriminate"]({"images": tf.zeros((1, side, 32, 1))})
    for name, inputs in warmup.requests(functions, limits.example).items():
        functions[name](tensors(inputs))
    with pytest.raises(ValueError, match="`max_pixels` to be a whole number of at least 16"):
        functions_of(model, max_pixels=15)


def stepping(divisor):
    """Return a GAN whose generator takes sides that a number divides, and halves them."""
    source, x = keras.Input((None, None, 1)), keras.Input((None, None, 1))
    smaller = keras.layers.MaxPooling2D(divisor)(source)
    back = keras.layers.UpSampling2D(divisor)(smaller)
    made = keras.layers.AveragePooling2D(2)(keras.layers.Add()([source, back]))
    networks = keras.Model(source, made), keras.Model(x, keras.layers.Conv2D(1, 3)(x))
    return keras_gan.GAN(*networks, latents=None, conditional="generator", seed=0)


def test_a_side_is_found_that_the_network_takes():
    """No 64 pixels: they are not divisible by 6."""
    model = stepping(6)
    traced = Signatures(model, "float32", "").generator
    assert traced.side() == 96 and traced.shapes(96) == {"images": (1, 48, 48, 1)}
    assert traced.side(lambda side: side**2 <= 200) == 12
    limits = Limits(model, [traced], 16, 200)
    (spec,) = traced.specs.values()
    assert limits.side == 12 and limits.example(spec).shape == (1, 12, 12, 1)
    with pytest.raises(
        ValueError, match=r"Expected a generator that takes .* length between 1 and"
    ):
        Limits(model, [traced], 16, 30)
    assert model.condition.example(2, side=96).shape == (2, 96, 96, 1)


@pytest.mark.slow
def test_a_network_of_odd_sides_is_exported_in_half_precision(tmp_path):
    assert stepping(6).export(tmp_path / "odd", dtype="float16", warmup=True)
    with pytest.raises(
        ValueError, match=r"Expected a generator that takes .* length between 1 and"
    ):
        stepping(600).export(tmp_path / "none")


@pytest.mark.slow
def test_a_large_image_is_refused_by_default(tmp_path):
    model = conditions.enlarging(1)
    path = model.export(tmp_path / "any", warmup=False)
    with c_api.Session(path) as session:
        with pytest.raises(c_api.RequestError, match="condition to be of 1 to 4194304 pixels"):
            session.run("serving_default", {"condition": np.zeros((1, 3000, 3000, 1), "float32")})
        large = np.zeros((1, 2048, 2048, 1), "float32")
        assert session.run("serving_default", {"condition": large})["images"].shape == large.shape


@pytest.mark.slow
def test_ten_thousand_requests_from_eight_threads(few):
    """Right and wrong ones in turns: each is answered as one thread was, and memory stays flat."""
    _, path, _ = few
    good = [
        inputs_of(FEW, of) | {"seed": SEEDS + first}
        for of in (lowest, highest)
        for first in range(8)
    ]
    wrong = [
        {**good[0], name: array}
        for leaf, name in named(FEW).items()
        for _, array in wrong_rows(leaf)
    ]
    requests = good + wrong[:16]
    with c_api.Session(path) as session:

        def ask(number):
            try:
                return session.run("sample", requests[number % len(requests)])["images"]
            except c_api.RequestError as error:
                return error.code, error.message.split("\n")[0]

        expected = [ask(number) for number in range(len(requests))]
        assert all(isinstance(each, np.ndarray) for each in expected[: len(good)])
        assert {code for code, _ in expected[len(good) :]} == {"INVALID_ARGUMENT"}

        def ask_many(first, count):
            for number in range(first, first + count):
                np.testing.assert_array_equal(ask(number), expected[number % len(requests)])

        process = psutil.Process()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(ask_many, range(8), [250] * 8))
            before = process.memory_info().rss
            list(pool.map(ask_many, range(8), [1250] * 8))
            after = process.memory_info().rss
    # A leak of 500 bytes a request would be 5 MB.
    assert after - before < 4_000_000, (before, after)
