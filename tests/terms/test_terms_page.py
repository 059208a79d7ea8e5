"""The examples of docs/terms.md run, one after the other, as a reader would run them."""

import pathlib
import re

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan import terms
from keras_gan.utils.registry import classes_of

PAGE = pathlib.Path(keras_gan.__file__).parents[1] / "docs" / "terms.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)


@pytest.fixture(scope="module")
def namespace():
    """Return what the blocks share: the names that the ones before have defined."""
    return {}


@pytest.fixture
def small_and_eager(monkeypatch):
    """Let the page's networks be narrow, and every compile take one training step, untraced."""
    networks, fit, build = keras_gan.networks.dcgan, keras_gan.GAN.fit, keras_gan.GAN.compile
    monkeypatch.setattr(
        keras_gan.networks, "dcgan", lambda *args, **kwargs: networks(*args, width=2, **kwargs)
    )
    trained = []

    def compile_and_train(model, *args, **kwargs):
        build(model, *args, **{**kwargs, "run_eagerly": True})
        samples = np.random.default_rng(0).uniform(
            -1, 1, size=(4 * model.discriminator_steps, 8, 8, 1)
        )
        history = fit(model, samples.astype("float32"), batch_size=4, verbose=0).history
        trained.append((history, [name for term in model.terms for name in term.log_names]))

    monkeypatch.setattr(keras_gan.GAN, "compile", compile_and_train)
    monkeypatch.setattr(
        keras_gan.GAN, "fit", lambda model, data, **kwargs: fit(model, data.take(1), verbose=0)
    )
    return trained


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: str(BLOCKS.index(block)))
def test_blocks(block, namespace, small_and_eager):
    exec(block, namespace)
    calls = block.count("model.compile(")
    assert calls == len(small_and_eager)
    for history, names in small_and_eager:
        assert set(names) <= history.keys()
        assert all(np.isfinite(values).all() for values in history.values())


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
    for model_defaults in keras_gan.game.optimizers.OptimizerPair("auto", "auto").optimizers:
        assert float(model_defaults.learning_rate) == pytest.approx(2e-4)
        assert isinstance(model_defaults, keras.optimizers.Adam)
