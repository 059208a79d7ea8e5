"""Ways of running the same game agree; recompiling, and one step written out by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan

from . import small
from .seeding import seeded


def trained(**options):
    model = small.gan(seed=3, dropout=0.3)
    model.compile(**{**small.adams(), "ema": 0.9, "terms": ["r1"], **options})
    data = keras_gan.datasets.from_arrays(small.points(), batch_size=4, seed=0)
    history = model.fit(data, epochs=2, verbose=0).history
    return small.state(model), history


@pytest.fixture(scope="module")
def reference():
    """Return the state and history of a plain run."""
    return trained()


@pytest.mark.representatives("{}", "{'run_eagerly': True}")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"run_eagerly": True},
        {"jit_compile": False},
        {"steps_per_execution": 4},
        {"steps_per_execution": 3},
    ],
    ids=str,
)
def test_ways_of_running_agree(reference, options):
    """Same seed, same result: in a graph again, eagerly, several steps in one call."""
    assert_same_run(reference, trained(**options))


@pytest.mark.slow
def test_several_steps_in_one_call_agree_without_terms():
    assert_same_run(trained(terms=[]), trained(terms=[], steps_per_execution=4))


@pytest.mark.slow
@pytest.mark.parametrize("terms", [["r1"], []], ids=str)
def test_xla_agrees(terms):
    """Without random draws: XLA makes other floats of the same bits."""
    runs = []
    for jit_compile in (False, True):
        generator, critic = small.gan(seed=3).generator, small.gan(seed=4).discriminator
        model = keras_gan.GAN(generator, critic, latents=None, seed=0)
        model.compile(ema=0.9, terms=terms, jit_compile=jit_compile, **small.adams())
        z = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
        history = model.fit(small.points(), z, batch_size=4, epochs=2, verbose=0).history
        runs.append((small.state(model), history))
    assert_same_run(*runs)


def assert_same_run(reference, run):
    state, history = run
    assert state.keys() == reference[0].keys()
    for name, value in reference[0].items():
        np.testing.assert_allclose(state[name], value, rtol=2e-3, atol=2e-5, err_msg=name)
    for key, values in reference[1].items():
        np.testing.assert_allclose(history[key], values, rtol=2e-3, atol=2e-4, err_msg=key)


@pytest.mark.slow
def test_another_seed_is_another_run(reference):
    """Not by the initial weights alone: the latents of training differ."""
    seeded(3)
    pair = small.networks(dropout=0.3)
    model = keras_gan.GAN(*pair, seed=4)
    model.compile(ema=0.9, terms=["r1"], **small.adams())
    data = keras_gan.datasets.from_arrays(small.points(), batch_size=4, seed=0)
    model.fit(data, epochs=2, verbose=0)
    assert not np.allclose(small.state(model)["generator 0"], reference[0]["generator 0"], 1e-4)


def test_seeds_beyond_32_bits():
    model = small.gan()
    for seed in (-1, 2**33):
        model = keras_gan.GAN(*small.networks(), seed=seed)
        model.compile(run_eagerly=True)
        model.fit(small.points(8), batch_size=4, verbose=0)
        assert int(model.random_state.step) == 2


def test_recompiling_changes_the_game_and_keeps_the_networks():
    model = small.gan()
    model.compile(ema=0.9, terms=["r1"], **small.adams())
    data = small.points(8)
    first = model.fit(data, batch_size=4, verbose=0).history
    weights = small.weights(model)
    model.compile("least_squares", discriminator_steps=2, **small.sgds(0.0))
    small.assert_unchanged(weights, model)
    second = model.fit(data, batch_size=4, verbose=0).history
    assert {"js", "r1"} <= first.keys()
    assert second.keys() == {"d_loss", "g_loss", "real_score", "fake_score", "triangular"}
    assert model.average is None
    assert int(model.generator_optimizer.iterations) == 1
    assert int(model.discriminator_optimizer.iterations) == 2
    small.assert_unchanged(weights, model)


def test_recompiling_leaves_nothing_behind_in_files(tmp_path):
    model = small.gan()
    model.compile(ema=0.9, terms=["r1"], **small.adams())
    model.compile(**small.sgds())
    model.save_weights(tmp_path / "model.weights.h5")
    fresh = small.gan(seed=8)
    fresh.compile(**small.sgds())
    fresh.load_weights(tmp_path / "model.weights.h5")
    small.assert_equal_states(small.state(model), small.state(fresh))
    assert len(model.weights) == len(fresh.weights)


def test_one_training_step_from_scratch():
    """`fit` makes the updates that Algorithm 1 makes, written out with other tools."""
    model = small.gan(latents=keras_gan.latents.Uniform(3))
    latents = []

    class Keep(keras_gan.terms.Term):
        def discriminator_term(self, step):
            latents.append(step.latents)
            return step.real_logits

    model.compile(terms=[Keep(weight=0.0)], run_eagerly=True, **small.sgds(0.5))
    generator, critic = map(keras.models.clone_model, (model.generator, model.discriminator))
    generator.set_weights(model.generator.get_weights())
    critic.set_weights(model.discriminator.get_weights())
    x = small.points(8)
    history = model.fit(x, batch_size=8, verbose=0, shuffle=False).history
    fake = generator(latents[0])
    with tf.GradientTape() as tape:
        d_loss = tf.reduce_mean(tf.math.softplus(-critic(x)) + tf.math.softplus(critic(fake)))
    move(critic, tape, d_loss)
    with tf.GradientTape() as tape:
        g_loss = tf.reduce_mean(tf.math.softplus(-critic(generator(latents[0]))))
    move(generator, tape, g_loss)
    for ours, theirs in zip(
        small.weights(model), [*generator.get_weights(), *critic.get_weights()], strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert history["d_loss"] == [pytest.approx(float(d_loss), rel=1e-5)]
    assert history["g_loss"] == [pytest.approx(float(g_loss), rel=1e-5)]
    assert history["js"] == [pytest.approx(np.log(2) - float(d_loss) / 2, rel=1e-4, abs=1e-6)]


def move(network, tape, loss, rate=0.5):
    gradients = tape.gradient(loss, network.trainable_variables)
    for variable, gradient in zip(network.trainable_variables, gradients, strict=True):
        variable.assign_sub(rate * gradient)


def test_train_on_batch_is_a_step_of_fit():
    models = [small.gan(), small.gan()]
    x = small.points(8)
    for model in models:
        model.compile(**small.sgds())
    models[0].fit(x, batch_size=8, shuffle=False, verbose=0)
    logs = models[1].train_on_batch(x, return_dict=True)
    assert {"d_loss", "g_loss"} <= logs.keys()
    for one, two in zip(*map(small.weights, models), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-7)
