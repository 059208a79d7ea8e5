"""Low-precision networks train as float32 ones do, to the precision they have."""

import keras
import numpy as np
import pytest

import keras_gan

from . import small


@pytest.fixture
def policy():
    """Return `keras.config.set_dtype_policy`, undone after the test."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


def one_step(update="alternating", terms=("r1",), rate=0.5, scale=None, **options):
    """Return both players' weights before and after one SGD step, and its logs."""
    model = small.gan(wide=8)
    optimizers = small.sgds(rate)
    if scale:
        optimizers = {
            name: keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=scale)
            for name, optimizer in optimizers.items()
        }
    model.compile(update=update, terms=list(terms), **optimizers, **options)
    before = small.weights(model)
    history = model.fit(small.points(16), batch_size=16, shuffle=False, verbose=0).history
    return model, before, small.weights(model), history


def assert_close_updates(one, other, tolerance):
    """Assert that two steps from the same start moved every weight alike."""
    for i, (a, b, c) in enumerate(zip(one[1], one[2], other[2], strict=True)):
        full, low = b - a, c - a
        assert np.abs(full).max() > 1e-4, f"weight {i} did not move"
        error = np.abs(full - low).max() / np.abs(full).max()
        assert error < tolerance, f"weight {i}: relative error {error:g}"


@pytest.mark.representatives("mixed_float16-0.02-alternating")
@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
@pytest.mark.parametrize("name, tolerance", [("mixed_float16", 0.02), ("mixed_bfloat16", 0.06)])
def test_updates_are_those_of_float32(policy, name, tolerance, update):
    full = one_step(update)
    policy(name)
    low = one_step(update)
    assert low[0].generator.layers[1].compute_dtype == name.removeprefix("mixed_")
    assert all(weight.dtype == np.float32 for weight in low[2])
    assert_close_updates(full, low, tolerance)
    for key, values in full[3].items():
        np.testing.assert_allclose(low[3][key], values, rtol=0.05, atol=0.02, err_msg=key)


def test_both_float16_optimizers_scale_their_losses(policy):
    policy("mixed_float16")
    model, *_ = one_step()
    for player in small.PLAYERS:
        optimizer = getattr(model, f"{player}_optimizer")
        assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer), player
        assert int(optimizer.inner_optimizer.iterations) == 1
        assert optimizer.name == player


@pytest.mark.slow
@pytest.mark.parametrize("scale", [2.0, 2.0**12])
def test_a_users_loss_scale_cancels_out(scale):
    """In float32 the scale changes nothing: forgotten in a step, it would divide its update."""
    plain, scaled = one_step(), one_step(scale=scale)
    assert_close_updates(plain, scaled, 1e-4)
    for key, values in plain[3].items():
        np.testing.assert_allclose(scaled[3][key], values, rtol=1e-5, atol=1e-6, err_msg=key)


def test_an_overflow_leaves_the_weights_and_lowers_the_scale(policy):
    policy("mixed_float16")
    model = small.gan()
    optimizers = {
        f"{player}_optimizer": keras.optimizers.LossScaleOptimizer(
            keras.optimizers.SGD(0.1), initial_scale=2.0**100
        )
        for player in small.PLAYERS
    }
    model.compile(**optimizers)
    before = small.weights(model)
    model.fit(small.points(8), batch_size=8, verbose=0)
    small.assert_unchanged(before, model)
    for player in small.PLAYERS:
        assert float(getattr(model, f"{player}_optimizer").dynamic_scale) == 2.0**99


@pytest.mark.slow
def test_one_low_precision_player_is_scaled_alone(policy):
    generator, _ = small.networks()
    policy("mixed_float16")
    _, critic = small.networks()
    policy("float32")
    model = keras_gan.GAN(generator, critic)
    model.compile(**small.sgds())
    scaled = keras.optimizers.LossScaleOptimizer
    assert isinstance(model.discriminator_optimizer, scaled)
    assert not isinstance(model.generator_optimizer, scaled)
    history = model.fit(small.points(8), batch_size=4, verbose=0).history
    assert np.isfinite(list(history.values())).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mixed_float16", "mixed_bfloat16"])
def test_average_sampling_and_saving(policy, name, tmp_path):
    policy(name)
    model = small.gan(norm=True, dropout=0.2)
    model.compile(ema=0.5, **small.adams())
    model.fit(small.points(8), batch_size=4, epochs=2, verbose=0)
    samples = model.generate(4, seed=0)
    assert samples.dtype == np.float32
    assert np.isfinite(samples).all()
    assert model.discriminate(samples).dtype == "float32"
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    small.assert_equal_states(small.state(model), small.state(loaded), without=["seed_gen"])
    np.testing.assert_array_equal(loaded.generate(4, seed=0), samples)


@pytest.mark.slow
def test_learning_rate_callbacks_reach_through_the_scaling(policy):
    policy("mixed_float16")
    model = small.gan()
    model.compile(**small.sgds(0.1))
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    history = model.fit(small.points(8), epochs=2, callbacks=[schedule], verbose=0).history
    for player in small.PLAYERS:
        np.testing.assert_allclose(history[f"learning_rate_{player}"], [0.05, 0.025], rtol=1e-6)
