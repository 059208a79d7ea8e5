"""Losses and terms know nothing of each other: every pair of them trains."""

import contextlib

import keras
import numpy as np
import pytest

import keras_gan
from tests.integration import small
from tests.integration.game_pieces import LOSSES, TERMS, image_networks, images, missing

STEPS = 5


def test_every_loss_and_term_is_there():
    assert not missing()


def finite(model, logs):
    """Tell whether everything that training computes and changes is finite."""
    arrays = [*logs.values(), *small.state(model).values()]
    return all(np.isfinite(np.asarray(array, "float64")).all() for array in arrays)


def moved(before, model):
    """Tell for each player whether any of its weights moved."""
    after = small.weights(model)
    return any(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def play(loss, term):
    """Train fresh vector networks eagerly; return the model, its weights before, and the logs."""
    model = small.gan()
    model.compile(LOSSES[loss](), terms=[TERMS[term]()], run_eagerly=True, **small.adams(1e-3))
    before = small.weights(model)
    for batch in range(STEPS):
        logs = model.train_on_batch(small.points(8, seed=batch), return_dict=True)
    return model, before, logs


@pytest.mark.parametrize("loss", LOSSES)
def test_every_term_with(loss):
    """Five eager steps on vectors: finite, and both players move."""
    for term in TERMS:
        model, before, logs = play(loss, term)
        assert finite(model, logs), (loss, term, logs)
        assert moved(before, model), (loss, term)
        for name in model.terms[0].log_names:
            assert name in logs, (loss, term)


@contextlib.contextmanager
def precision(policy, floatx="float32"):
    """Compute under a dtype policy within the context."""
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("term", TERMS)
def test_in_float64(term):
    with precision("float64", floatx="float64"):
        model, before, logs = play("hinge", term)
    assert finite(model, logs)
    assert moved(before, model)
    dtypes = {keras.backend.standardize_dtype(w.dtype) for w in model.discriminator.weights}
    assert dtypes == {"float64"}


# Tracing is what costs: each way of running trains four games, which between them hold all losses
# (those of one game as a weighted sum) and all terms.
GAMES = 4
GROUPS = [(list(LOSSES)[i::GAMES], list(TERMS)[i::GAMES]) for i in range(GAMES)]
WAYS = {
    "graph": {},
    "simultaneous": {"update": "simultaneous"},
    "xla": {"jit_compile": True},
    "mixed_bfloat16": {},
}


def image_game(group, **options):
    """Return a compiled model on images that plays all losses and terms of a group at once."""
    keras.utils.set_random_seed(0)
    loss = sum((1.0 * LOSSES[name]() for name in group[0][1:]), 1.0 * LOSSES[group[0][0]]())
    made = [TERMS[name]() for name in group[1]]
    model = keras_gan.GAN(*image_networks(), seed=1)
    model.compile(loss, terms=made, **{**small.adams(1e-3), **options})
    return model


def assert_trains(model):
    """Take five steps, and look at all that they have made."""
    before = small.weights(model)
    data = keras_gan.datasets.from_arrays(images(8 * STEPS), batch_size=8, seed=0)
    history = model.fit(data, epochs=1, verbose=0).history
    logs = {name: values[-1] for name, values in history.items()}
    assert finite(model, logs), logs
    assert moved(before, model)
    assert {name for term in model.terms for name in term.log_names} <= logs.keys()


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: "+".join(group[1]))
@pytest.mark.parametrize("way", WAYS)
def test_on_images(way, group):
    with precision(way if way == "mixed_bfloat16" else "float32"):
        assert_trains(image_game(group, **WAYS[way]))


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: "+".join(group[1]))
def test_on_images_on_two_replicas(group, two_replicas):
    with two_replicas.scope():
        model = image_game(group)
    assert_trains(model)
    for layer in (model.generator, model.discriminator, *model.terms):
        for variable in layer.weights:
            first, second = (np.asarray(copy) for copy in variable.value.values)
            np.testing.assert_array_equal(first, second, err_msg=variable.path)
