"""The card of an export: what the model knows of itself, and what only people do."""

import datetime
import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan.export import card as cards
from tests.integration import small

STATED = {
    "data": "The optical digits of the UCI repository, 1,797 of them",
    "intended_use": "To show how a generator is served",
    "known_limits": "Fours look like nines",
    "license": "CC BY 4.0",
    "protocol": "`evaluate` on the test split, 1,000 samples",
    "metrics": {"frechet": np.float32(0.5), "coverage": {"smallest": 0.25, "classes": 10}},
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Return a trained model with its version's directory."""
    model = small.gan(norm=True)
    model.compile(
        loss="hinge",
        terms=[keras_gan.terms.R1(2.5, interval=4)],
        ema=0.9,
        augmentation="instance_noise",
        **small.adams(0.002),
    )
    model.fit(small.points(16), batch_size=8, verbose=0)
    path = model.export(tmp_path_factory.mktemp("exports") / "points", version=3, card=STATED)
    return model, pathlib.Path(path)


@pytest.fixture(scope="module")
def card(exported):
    """Return the card as a program reads it."""
    return json.loads((exported[1] / "model_card.json").read_text())


def test_beside_it_lies_the_list_of_all_files(exported):
    path = exported[1]
    listed = json.loads((path / "files.json").read_text())["files"]
    there = {each.relative_to(path).as_posix() for each in path.rglob("*") if each.is_file()}
    assert listed.keys() == there - {"files.json"}
    assert {"saved_model.pb", "model_card.json"} < listed.keys()
    assert keras_gan.export.verify(path)


def test_a_card_says_what_people_said(card):
    assert card["data"] == STATED["data"]
    assert card["intended_use"] == STATED["intended_use"]
    assert card["known_limits"] == STATED["known_limits"]
    assert card["license"] == STATED["license"]
    assert card["metrics"] == {
        "values": {"frechet": 0.5, "coverage": {"smallest": 0.25, "classes": 10}},
        "protocol": STATED["protocol"],
    }


def test_a_card_says_what_made_the_model(exported, card):
    model, _ = exported
    assert (card["name"], card["version"]) == ("points", 3)
    assert card["date"] == datetime.datetime.now(datetime.UTC).date().isoformat()
    training = card["training"]
    assert training["loss"].startswith("Hinge(")
    assert training["terms"] == ["R1(interval=4, gamma=2.5)"]
    assert training["generator_optimizer"].startswith("Adam(learning_rate=0.002")
    assert training["average"] == "GeneratorAverage(decay=0.9)"
    assert training["augmentation"].startswith("InstanceNoise(")
    assert (training["steps"], training["seed"]) == (2, 7)
    assert card["generator"]["parameters"] == model.generator.count_params()
    assert card["generator"]["averaged"] is True
    assert card["generator"]["latents"] == "Normal(size=3)"
    assert card["versions"]["tensorflow"] == tf.__version__
    assert card["versions"]["keras"] == keras.__version__
    assert card["versions"]["keras_gan"] == keras_gan.__version__


@pytest.mark.slow
def test_a_card_tells_sums_and_schedules(tmp_path):
    model = small.gan()
    rate = keras_gan.schedules.Cosine(1e-3, 1e-5, 100)
    losses = keras_gan.losses
    model.compile(
        loss=0.5 * losses.NonSaturating() + 2 * losses.LeastSquares(),
        generator_optimizer=keras.optimizers.SGD(rate),
    )
    path = pathlib.Path(model.export(tmp_path / "points", warmup=False))
    training = json.loads((path / "model_card.json").read_text())["training"]
    assert training["loss"] == repr(model.loss)
    assert "NonSaturating" in training["loss"] and "LeastSquares" in training["loss"]
    assert training["generator_optimizer"].startswith("SGD(learning_rate=Cosine(")
    assert "0.001" in training["generator_optimizer"]


def test_a_card_lists_the_signatures_that_are_there(exported, card):
    signatures = tf.saved_model.load(str(exported[1])).signatures
    listed = card["export"]["signatures"]
    assert listed.keys() == signatures.keys()
    for name, signature in signatures.items():
        found = {"inputs": signature.structured_input_signature[1]}
        found["outputs"] = signature.structured_outputs
        for side, specs in found.items():
            assert listed[name][side].keys() == specs.keys()
            for key, spec in specs.items():
                entry = listed[name][side][key]
                assert entry["dtype"] == spec.dtype.name
                assert entry["shape"] == ["batch", *spec.shape[1:]]
                assert entry["meaning"]


def test_the_readers_card_says_the_same(exported, card):
    text = (exported[1] / "MODEL_CARD.md").read_text()
    assert text.startswith("# points, version 3\n")
    for part in (
        *(STATED[key] for key in ("data", "intended_use", "known_limits", "license", "protocol")),
        *("| frechet | 0.5 |", "| coverage: smallest | 0.25 |", "| coverage: classes | 10 |"),
        *("R1(interval=4, gamma=2.5)", f"| tensorflow | {tf.__version__} |"),
        *(f"| `{name}` | input |" for name in card["export"]["signatures"]),
    ):
        assert part in text, part
    assert "Not stated" not in text


def test_a_card_says_what_was_not_stated(tmp_path):
    model = small.gan()
    path = pathlib.Path(model.export(tmp_path / "points", warmup=False))
    card = json.loads((path / "model_card.json").read_text())
    for key in ("data", "intended_use", "license"):
        assert card[key] == cards.NOT_STATED
    assert card["known_limits"] == cards.KNOWN_LIMITS
    assert card["metrics"]["values"] == {}
    assert "| figures | none |" in (path / "MODEL_CARD.md").read_text()
    assert card["training"] == {"steps": 0, "seed": 7}


@pytest.mark.parametrize(
    "card, error, match",
    [
        ("digits", TypeError, "Expected `card` to be a dict"),
        ({"usage": "any"}, ValueError, r"keys among .*'data'.*Received: \['usage'\]"),
        ({"data": 3}, TypeError, r"Expected card\['data'\] to be a text. Received: 3"),
        ({"metrics": {"a": "good"}}, ValueError, r"finite numbers by name\. Received: 'good'"),
        ({"metrics": {"a": float("nan")}}, ValueError, r"finite numbers by name\. Received: nan"),
        ({"metrics": {"a": np.zeros(3)}}, ValueError, "finite numbers by name"),
    ],
)
def test_what_is_no_card_is_refused_before_anything_is_written(tmp_path, card, error, match):
    with pytest.raises(error, match=match):
        small.gan().export(tmp_path / "served", card=card)
    assert not (tmp_path / "served").exists()
