"""The page docs/terms.md has every term, and the defaults that it states."""

import pathlib

import keras
import pytest

import keras_gan
from keras_gan import terms
from keras_gan.utils.registry import classes_of

PAGE = pathlib.Path(keras_gan.__file__).parents[1] / "docs" / "terms.md"


def test_every_term_has_its_place_on_the_page():
    text = PAGE.read_text()
    for name, cls in classes_of("keras_gan.terms", terms.Term).items():
        assert f'`"{name}"`' in text and f"`{cls.__name__}`" in text
        heading = next(line for line in text.splitlines() if cls.__name__ in line and "##" in line)
        anchor = heading.lstrip("# ").lower().replace(" ", "-")
        assert f"(#{anchor})" in text


def test_constants_of_the_page_are_the_defaults():
    assert terms.GradientPenalty().weight == terms.DRAGAN().weight == 10
    assert terms.ConsistencyRegularization().weight == 10
    zcr = terms.LatentConsistency()
    assert (zcr.weight, zcr.generator_weight, zcr.noise) == (20, 0.5, 0.05)
    assert (terms.LeCam().decay, terms.PathLength().weight) == (0.99, 2)
    assert terms.OrthogonalRegularization().weight == 1e-4
    assert terms.WeightClipping().bound == 0.01
    for model_defaults in keras_gan.game.optimizers.both("auto", "auto"):
        assert float(model_defaults.learning_rate) == pytest.approx(2e-4)
        assert isinstance(model_defaults, keras.optimizers.Adam)
