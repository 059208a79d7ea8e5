"""Every leaf that the tests know, through the C API, which looks at nothing before the graph."""

import re

import numpy as np
import pytest

import keras_gan
from tests.serving import c_api

from . import conditions
from .conditions import LEAVES, OTHERS, ROWS, SEEDS
from .wrong_leaves import any_values, condition, highest, lowest, named, says, wrong_rows


@pytest.fixture(scope="module")
def all_leaves(tmp_path_factory):
    """Return a model of all leaves, of which its discriminator sees three, and its export."""
    judged = ["floats", "pair", "smaller"]
    given = [{name: name for name in names} for names in (LEAVES, judged)]
    model = conditions.gan(*given, discriminator_condition=judged)
    base = tmp_path_factory.mktemp("all") / "all"
    return model, model.export(base, warmup=False, include_discriminator=True)


@pytest.fixture(scope="module")
def bare(all_leaves):
    """Return a session of that export that hands on whatever it is given."""
    with c_api.Session(all_leaves[1], checked=False) as session:
        yield session


@pytest.mark.slow
@pytest.mark.parametrize(
    ("signature", "first"),
    [
        ("sample", {"seed": SEEDS}),
        ("serving_default", {"latents": np.zeros((ROWS, 3), "float32")}),
        ("interpolate", {"seed_a": SEEDS, "seed_b": SEEDS, "position": np.zeros(ROWS, "float32")}),
        ("discriminate", {"images": np.zeros((ROWS, 2), "float32")}),
    ],
)
def test_every_leaf_within_the_graph(bare, signature, first):
    """Through the C API, which looks at nothing before the graph does."""
    structure = {name: name for name in LEAVES}
    right = keras_gan.utils.nests.by_name("condition", condition(structure, highest))
    keys = bare.signatures[signature].inputs
    good = {**first, **{key: array for key, array in right.items() if key in keys}}
    before, refused = bare.run(signature, good), 0
    for leaf, key in named(structure).items():
        for what, array in [*wrong_rows(leaf), *wrong_forms(right[key])] if key in good else ():
            with pytest.raises(c_api.RequestError) as caught:
                bare.run(signature, {**good, key: array})
                pytest.fail(f"{what} was answered")
            assert caught.value.code == "INVALID_ARGUMENT", (what, caught.value)
            if what.startswith(leaf):
                said = f"Expected {key} to be [^.]*{says(leaf)}"
                assert re.search(said, caught.value.message), (what, caught.value)
            refused += 1
        for name, array in bare.run(signature, good).items():
            np.testing.assert_array_equal(array, before[name])
    assert refused > (50 if signature == "discriminate" else 250), refused


def wrong_forms(array):
    """Yield `(what, array)` of rows of other types and shapes."""
    for dtype in ("float64", "int64", "int32", "float32", "uint8", "bool", "object"):
        if dtype != array.dtype.name and array.dtype.kind != "U":
            yield f"type {dtype}", np.zeros(array.shape, dtype).astype(dtype)
    yield "no rows", array[:0]
    yield "a row too few", array[:-1]
    yield "no batch", array[0]
    yield "an axis more", array[..., None]


@pytest.mark.slow
def test_right_leaves_are_answered_whatever_stands_behind(all_leaves, bare):
    model, _ = all_leaves
    structure = {name: name for name in LEAVES}
    wholes = [condition(structure, lowest), condition(structure, highest)]
    for choice in (0, -1):
        whole = condition(structure, lowest)
        for name, leaf in OTHERS.items():
            if values := any_values(leaf.dtype):
                whole[name] = np.full_like(whole[name], values[choice])
        wholes.append(whole)
    for whole in wholes:
        arrays = {f"condition_{name}": array for name, array in whole.items()}
        found = bare.run("sample", {"seed": SEEDS, **arrays})["images"]
        expected = model.generate(ROWS, seed=int(SEEDS[0]), condition=whole)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
