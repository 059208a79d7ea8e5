"""Losses and terms know nothing of each other: every pair of them trains."""

import itertools

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan import terms
from tests.integration import small
from tests.integration.game_pieces import (
    LOSS_GROUPS,
    LOSSES,
    TERMS,
    image_networks,
    images,
    missing,
    summed,
)
from tests.precision import precision

# Enough for a lazy term to run, to rest, and to run again.
STEPS = 3


def test_every_loss_and_term_is_there():
    assert not missing()
    assert set(LOSSES) == set(itertools.chain.from_iterable(LOSS_GROUPS.values()))
    assert set(LOSS_GROUPS) == {losses for losses, _ in GROUPS}
    assert set(TERMS) <= {name for _, added in GROUPS for name in added}


def test_a_player_that_does_not_train_is_noticed():
    model = small.gan(norm=True)
    model.compile("hinge", generator_optimizer=keras.optimizers.SGD(0.0))
    before = trained(model)
    model.train_on_batch(small.points(8))
    assert not moved(before, model)


def finite(model, logs):
    """Tell whether everything that training computes and changes is finite."""
    arrays = [*logs.values(), *small.state(model).values()]
    return all(np.isfinite(np.asarray(array, "float64")).all() for array in arrays)


def trained(model):
    """Return copies of what each player's optimizer trains."""
    networks = model.generator, model.discriminator
    return [[np.array(v) for v in network.trainable_variables] for network in networks]


def moved(before, model):
    """Tell whether some of what each player's optimizer trains has moved: of both players."""
    return all(
        any(not np.array_equal(a, b) for a, b in zip(old, new, strict=True))
        for old, new in zip(before, trained(model), strict=True)
    )


def play(model, loss, term):
    """Train a model on vectors eagerly; return its weights before, and the logs."""
    model.compile(LOSSES[loss](), terms=[TERMS[term]()], run_eagerly=True, **small.sgds(1e-2))
    before = trained(model)
    logs = model.train_on_batch(small.points(8), return_dict=True)
    if model.terms[0].variables:  # What a term keeps from one step is for the next one.
        logs = model.train_on_batch(small.points(8, seed=1), return_dict=True)
    return before, logs


@pytest.fixture(scope="module")
def start():
    """Return networks that all pairs play on in turn, and the weights that each begins with."""
    networks = small.networks()
    return networks, [network.get_weights() for network in networks]


# In the quick suite, losses and terms by turns; the other pairs are slow.
DIAGONAL = [f"{loss}-{term}" for loss, term in zip(LOSSES, itertools.cycle(TERMS), strict=False)]


@pytest.mark.representatives(*DIAGONAL[::2])
@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_pair(start, loss, term):
    """Eager steps on vectors: finite, and both players move."""
    for network, weights in zip(*start, strict=True):
        network.set_weights(weights)
    model = keras_gan.GAN(*start[0], seed=7)
    before, logs = play(model, loss, term)
    assert finite(model, logs), logs
    assert moved(before, model)
    assert {name for term in model.terms for name in term.log_names} <= logs.keys()


@pytest.mark.representatives("r1")
@pytest.mark.parametrize("term", TERMS)
def test_in_float64(term):
    with precision("float64", floatx="float64"):
        model = small.gan()
        before, logs = play(model, "hinge", term)
    assert finite(model, logs)
    assert moved(before, model)
    dtypes = {keras.backend.standardize_dtype(w.dtype) for w in model.discriminator.weights}
    assert dtypes == {"float64"}


# Each way of running trains four games, which between them hold all losses and all terms, and the
# pairs that papers mean.
SOME_LAZY = {**TERMS, "lazy_r1": lambda: terms.R1(interval=2, name="lazy_r1")}
GROUPS = [
    ("unbounded", ["gradient_penalty", "one_sided", "weight_clipping"]),
    ("relativistic", ["r1", "r2", "feature_matching"]),
    (
        "squares",
        [
            "lecam",
            "consistency",
            "balanced_consistency",
            "latent_consistency",
            "orthogonal_regularization",
        ],
    ),
    ("logistic", ["lazy_r1", "path_length", "dragan"]),
]
# Graphs as they come are what two replicas run.
WAYS = {
    "simultaneous": {"update": "simultaneous"},
    "xla": {"jit_compile": True},
    "mixed_bfloat16": {},
}


def image_game(group, **options):
    """Return a compiled model on images that plays all losses and terms of a group at once."""
    keras.utils.set_random_seed(0)
    made = [SOME_LAZY[name]() for name in group[1]]
    model = keras_gan.GAN(*image_networks(), seed=1)
    model.compile(summed(group[0]), terms=made, **{**small.adams(1e-3), **options})
    return model


def assert_trains(model):
    """Take some steps, and look at all that they have made."""
    before = trained(model)
    data = keras_gan.datasets.from_arrays(images(8 * STEPS), batch_size=8, seed=0)
    history = model.fit(data, epochs=1, verbose=0).history
    logs = {name: values[-1] for name, values in history.items()}
    assert finite(model, logs), logs
    assert moved(before, model)
    assert {name for term in model.terms for name in term.log_names} <= logs.keys()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "group"),
    [
        pytest.param(way, group, id=f"{way}-{'+'.join(group[1])}")
        for way in WAYS
        for group in GROUPS
        # XLA takes minutes for path lengths and DRAGAN in one step; each has an XLA test elsewhere.
        if (way, group[0]) != ("xla", "logistic")
    ],
)
def test_on_images(way, group):
    options = dict(WAYS[way])
    # Tracing is what costs. Only a lazy term, which has branches, differs in a graph.
    if way != "xla" and "lazy_r1" not in group[1]:
        options["run_eagerly"] = True
    with precision(way if way == "mixed_bfloat16" else "float32"):
        assert_trains(image_game(group, **options))


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS, ids=lambda group: "+".join(group[1]))
def test_on_images_on_two_replicas(group, two_replicas):
    with two_replicas.scope():
        model = image_game(group)
    assert_trains(model)
    for layer in (model.generator, model.discriminator, *model.terms):
        for variable in layer.weights:
            first, second = (np.asarray(copy) for copy in variable.value.values)
            np.testing.assert_array_equal(first, second, err_msg=variable.path)
