import math
import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, stats

import keras_gan
from keras_gan.metrics import DualityGap, duality_gap
from keras_gan.metrics.responses import Arena

REAL = np.random.default_rng(5).normal(3, 1, (6000, 1)).astype("float32")
QUICK = {"steps": 30, "batch_size": 32}


def generator_of(mean, std):
    """Return a generator of N(mean, std)."""
    generator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)], name="generator")
    generator.set_weights([np.array([[std]]), np.array([mean])])
    return generator


def mute(network, layers):
    """Set layers to zero, from the last backwards, so that the network says 0."""
    weighted = [layer for layer in network.layers if layer.weights]
    for layer in weighted[-layers:]:
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    return network


@pytest.fixture(scope="module")
def solved():
    """Return a game whose discriminator says 0, and a metric bound to it."""
    discriminator = mute(keras_gan.networks.mlp((1,), width=32)[1], 1)
    model = keras_gan.GAN(generator_of(3, 1), discriminator)
    model.compile("non_saturating")
    metric = DualityGap()
    metric.bind(model)
    metric.update_state(real=REAL)
    return model, metric


def exact_js(mean, std):
    p, q = stats.norm(3, 1).pdf, stats.norm(mean, std).pdf

    def term(x):
        return sum(d(x) * math.log(2 * d(x) / (p(x) + q(x))) for d in (p, q) if d(x) > 0) / 2

    return integrate.quad(term, -10, 16, points=(mean, mean - std, mean + std), limit=500)[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mean", "std", "power"), [(3, 1, 1), (4, 1, 0.95), (3, 0.5, 0.9), (9, 1, 0.98), (3, 0.1, 0.85)]
)
def test_a_game_solved_by_hand(solved, mean, std, power):
    # V(G', 0) is -log 4 for every G': nothing is to be gained from a discriminator that says 0.
    model, metric = solved
    model.generator.set_weights([np.array([[std]]), np.array([mean])])
    responses = metric.responses()
    true = 2 * exact_js(mean, std)
    assert responses.value == pytest.approx(-math.log(4), abs=1e-6)
    assert responses.generator == pytest.approx(-math.log(4), abs=1e-6)
    # The judging samples are 3,000 of each side, whose own figures vary.
    assert power * true - 0.02 < responses.discriminator + math.log(4) < true + 0.04
    if (mean, std) == (4, 1):  # Once is enough: it plays the whole game again.
        assert metric.result() == responses.discriminator - responses.generator


@pytest.mark.slow
def test_a_dead_discriminator_does_not_hide_what_there_is(solved):
    # With all weights zero no gradient leads anywhere: the response from there gains nothing.
    model, metric = solved
    model.generator.set_weights([np.array([[1.0]]), np.array([4.0])])
    before = model.discriminator.get_weights()
    mute(model.discriminator, 3)
    try:
        assert metric.result() == pytest.approx(2 * exact_js(4, 1), abs=0.04)
    finally:
        model.discriminator.set_weights(before)


@pytest.mark.slow
def test_a_discriminator_that_can_be_fooled():
    # D(x) = x - 3, and G' puts all its samples where D is largest: the largest value there is.
    discriminator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)], name="slope")
    discriminator.set_weights([np.array([[1.0]]), np.array([-3.0])])
    model = keras_gan.GAN(generator_of(3, 1), discriminator)
    model.compile("non_saturating")
    arena = Arena(model, steps=500, learning_rate=0.05, batch_size=256, seed=0)
    responses = arena.respond(REAL)
    top = float(arena._box[1][0])  # Of 2,400 real and as many generated N(3, 1).
    assert 5.9 < top < 8.5
    on_real = np.log1p(np.exp(3 - REAL[3000:])).mean()
    assert responses.generator == pytest.approx(-on_real - np.log1p(np.exp(top - 3)), abs=0.15)
    value = integrate.quad(
        lambda x: -2 * math.log1p(math.exp(3 - x)) * stats.norm(3).pdf(x), -5, 11
    )
    assert responses.value == pytest.approx(value[0], abs=0.05)


@pytest.mark.slow
def test_the_value_is_minus_the_models_own_discriminator_loss():
    model = keras_gan.GAN(generator_of(1, 0), keras_gan.networks.mlp((1,), width=4)[1])
    model.compile(keras_gan.losses.LeastSquares(-1, 1, 0))
    judging = np.random.default_rng([0]).permutation(100)[50:]
    on_real, on_fake = model.discriminate(REAL[judging]), model.discriminate(np.ones((50, 1)))
    expected = -np.mean((on_real - 1) ** 2 / 2 + (on_fake + 1) ** 2 / 2)
    first, second = (Arena(model, 2, 1e-3, 8, seed).respond(REAL[:100]) for seed in (0, 1))
    assert first.value == pytest.approx(expected, rel=1e-5)
    assert second.discriminator != first.discriminator


@pytest.fixture(scope="module")
def conditional():
    """Return a model with everything that could be disturbed, one step after its start."""
    generator, discriminator = keras_gan.networks.mlp(
        (2,), latent_dim=3, width=8, num_classes=3, dropout=0.3
    )
    model = keras_gan.GAN(generator, discriminator, seed=0)
    model.compile("non_saturating", terms=["r1"], ema=0.5)
    x, labels = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 3
    model.fit(x.astype("float32"), labels, batch_size=30, verbose=0)
    return model, x.astype("float32"), labels


@pytest.fixture(scope="module")
def bound(conditional):
    """Return a metric bound to that model, which has its samples."""
    model, x, labels = conditional
    metric = DualityGap(**QUICK)
    metric.bind(model)
    metric.update_state(real=(x, labels))
    return metric


@pytest.fixture(scope="module")
def expected(bound):
    return bound.result()


def everything(model):
    """Return all variables: weights, optimizers, seeds, the average and the logs."""
    layers = model, model.generator_optimizer, model.discriminator_optimizer
    return [np.array(variable) for layer in layers for variable in layer.variables]


def draws():
    numbers = random.random(), np.random.rand(), float(keras.random.uniform(()))
    return *numbers, float(tf.random.uniform(()))


@pytest.mark.slow
def test_nothing_of_the_model_or_the_callers_random_state_changes(conditional, expected):
    model, x, labels = conditional
    before, functions = everything(model), (model._sample, model.train_function)
    keras.utils.set_random_seed(3)
    drawn = draws()
    keras.utils.set_random_seed(3)
    assert duality_gap(model, x, labels, **QUICK) == expected
    assert draws() == drawn
    assert (model._sample, model.train_function) == functions
    after = everything(model)
    assert len(after) == len(before) > 20
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.slow
def test_evaluate_batches_and_merging(conditional, expected):
    model, x, labels = conditional
    metric, other = DualityGap(**QUICK), DualityGap(**QUICK)
    # The model and the conditions are handed over.
    quality = keras_gan.quality.Quality([metric], samples=20)
    batches = keras_gan.datasets.from_arrays(x, labels, batch_size=30, shuffle=False)
    assert quality.evaluate(model, batches) == {"duality_gap": expected}
    metric.reset_state(keep_real=True)
    assert metric.result() == expected
    metric.reset_state()
    with pytest.raises(ValueError, match="0 real samples"):
        metric.result()
    metric.update_state(real=(x[:20], labels[:20]))
    metric.update_state(fake=x)  # Not looked at.
    other.update_state(real=(x[20:], labels[20:]))
    metric.merge_state([other])
    assert metric.result() == expected


@pytest.mark.slow
def test_the_averaged_generator_is_judged_as_it_is_now(conditional, bound, expected):
    model, metric = conditional[0], bound
    assert metric.result() == expected
    arena = metric._arena
    weights = model.average.network.get_weights()
    try:
        model.average.network.set_weights([3 * weight for weight in weights])
        assert metric.result() != expected
        assert metric._arena is arena  # No new copies, and no new traces.
        np.testing.assert_array_equal(arena._players[0].get_weights()[0], 3 * weights[0])
        # The copies can learn, though the average is frozen.
        assert len(arena._responders[0].trainable_variables) > 0
    finally:
        model.average.network.set_weights(weights)


@pytest.mark.slow
def test_a_generator_without_latents():
    condition, samples = keras.Input((2,)), keras.Input((1,))
    generator = keras.Model(condition, keras.layers.Dense(1)(condition))
    joined = keras.layers.Concatenate()([samples, condition])
    discriminator = keras.Model([samples, condition], keras.layers.Dense(1)(joined))
    model = keras_gan.GAN(generator, discriminator, latents=None)
    model.compile()
    rows = np.random.default_rng(0).normal(size=(60, 2)).astype("float32")
    assert np.isfinite(duality_gap(model, REAL[:60], rows, **QUICK))
    with pytest.raises(ValueError, match="takes a condition"):
        duality_gap(model, REAL[:60], **QUICK)


@pytest.mark.slow
def test_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = keras_gan.GAN(*keras_gan.networks.mlp((1,), latent_dim=2, width=8))
    finally:
        keras.config.set_dtype_policy("float32")
    model.compile()
    assert duality_gap(model, REAL[:400], steps=200) > 0.5


@pytest.mark.slow
def test_a_mirrored_model(two_replicas):
    with two_replicas.scope():
        model = keras_gan.GAN(*keras_gan.networks.mlp((1,), latent_dim=2, width=8), seed=0)
        model.compile()
    alone = keras_gan.GAN(*keras_gan.networks.mlp((1,), latent_dim=2, width=8), seed=0)
    alone.compile()
    alone.generator.set_weights(model.generator.get_weights())
    alone.discriminator.set_weights(model.discriminator.get_weights())
    expected = duality_gap(alone, REAL[:100], **QUICK)
    with two_replicas.scope():
        assert duality_gap(model, REAL[:100], **QUICK) == pytest.approx(expected, rel=1e-4)


@keras.saving.register_keras_serializable("test_duality_gap")
class Opaque(keras.Model):
    """A network whose config its constructor does not take."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def call(self, x):
        return self.layer(x)


@pytest.mark.slow
def test_what_it_refuses(conditional):
    model, x, labels = conditional
    with pytest.raises(ValueError, match=r"at least 20 real samples.*Received: 19"):
        duality_gap(model, x[:19], labels[:19])
    with pytest.raises(ValueError, match=r"`metric.bind\(model\)`"):
        metric = DualityGap()
        metric.update_state(real=REAL)
        metric.result()
    uncompiled = keras_gan.GAN(generator_of(0, 1), keras_gan.networks.mlp((1,))[1])
    with pytest.raises(ValueError, match="Expected a compiled"):
        duality_gap(uncompiled, REAL)
    discriminator = Opaque(keras.layers.Dense(1))
    discriminator(REAL[:1])
    opaque = keras_gan.GAN(generator_of(0, 1), discriminator, conditional=False)
    opaque.compile()
    with pytest.raises(ValueError, match="made from its config"):
        duality_gap(opaque, REAL)
    for arguments in ({"steps": 0}, {"batch_size": 1.5}, {"learning_rate": -1.0}, {"seed": -1}):
        with pytest.raises(ValueError, match=f"Received: {next(iter(arguments))}="):
            DualityGap(**arguments)


def test_its_config_brings_it_back():
    metric = DualityGap(steps=7, learning_rate=1e-3, batch_size=9, seed=3, name="gap")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert again.get_config() == metric.get_config()
