"""ScheduledAdam, against NumPy: its moments, its correction, and wherever an optimizer goes."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from integration import small

from keras_gan.schedules import Cosine, Linear, LogCosine, ScheduledAdam
from tests.precision import precision

RISING = {"initial": 0.9, "final": 0.99}


def cosine(initial, final, end, step):
    return initial + (final - initial) * np.sin(np.pi / 2 * min(step / end, 1)) ** 2


def literal(gradients, weight, beta_1=0.0, end=8, epsilon=1e-7):
    """Return the weight after each update, with both schedules a cosine of `end` updates.

    As PyTorch does it that is given betas before each step: moments by the present beta_2, and a
    correction by a power of it.
    """
    first = second = np.zeros_like(weight)
    weights = []
    for t, gradient in enumerate(gradients, 1):
        rate = cosine(0.2, 0.05, end, t - 1)
        beta_2 = cosine(0.9, 0.99, end, t - 1)
        first = beta_1 * first + (1 - beta_1) * gradient
        second = beta_2 * second + (1 - beta_2) * gradient**2
        step = np.sqrt(1 - beta_2**t) / (1 - beta_1**t) * first
        weight = weight - rate * step / (np.sqrt(second) + epsilon)
        weights.append(weight)
    return weights


def scheduled(end=8, **options):
    options = {"beta_1": 0.0, "beta_2": Cosine(0.9, 0.99, end=end), **options}
    return ScheduledAdam(Cosine(0.2, 0.05, end=end), **options)


@pytest.mark.parametrize("beta_1", [0.0, 0.5])
@pytest.mark.parametrize("graph", [False, True])
def test_updates_are_those_of_the_definition(beta_1, graph):
    gradients = np.random.default_rng(0).normal(size=(12, 5))
    weight = keras.Variable(np.linspace(-1, 1, 5), dtype="float32")
    start = weight.numpy().astype("float64")
    optimizer = scheduled(beta_1=beta_1)
    optimizer.build([weight])

    def update(gradient):
        optimizer.apply([gradient], [weight])

    update = tf.function(update) if graph else update
    for gradient, expected in zip(gradients, literal(gradients, start, beta_1), strict=True):
        update(tf.constant(gradient, tf.float32))
        np.testing.assert_allclose(weight.numpy(), expected, rtol=0, atol=2e-6)


def test_a_number_is_keras_adam_to_the_bit():
    gradients = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
    weights = [keras.Variable(np.ones(5), dtype="float32") for _ in range(2)]
    settings = {"beta_1": 0.3, "beta_2": 0.95, "epsilon": 1e-3}
    optimizers = keras.optimizers.Adam(0.1, **settings), ScheduledAdam(0.1, **settings)
    for gradient in gradients:
        for optimizer, weight in zip(optimizers, weights, strict=True):
            optimizer.apply([tf.constant(gradient)], [weight])
    np.testing.assert_array_equal(*(weight.numpy() for weight in weights))


def test_the_correction_is_exact_where_the_schedule_is_slow():
    """The weights of the squares add up to 1 less the product of all beta_2, here of R3GAN's."""
    updates = 20_000_000 // 512
    betas = [cosine(0.9, 0.99, updates, step) for step in range(2000)]
    exact = 1 - np.cumprod(betas)
    ours = 1 - np.array(betas) ** np.arange(1, 2001)
    np.testing.assert_allclose(ours, exact, rtol=1e-6)


def test_it_counts_its_own_updates_and_is_read_as_a_number():
    optimizer = ScheduledAdam(beta_2=Linear(0.5, 0.9, end=4))
    weight = keras.Variable(np.ones(1), dtype="float32")
    seen = []
    for _ in range(6):
        seen.append(float(optimizer.beta_2))
        optimizer.apply([tf.ones(1)], [weight])
    assert seen == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9, 0.9])
    optimizer.beta_2 = 0.25
    assert optimizer.beta_2 == 0.25


def adams(end=8):
    return {f"{player}_optimizer": scheduled(end) for player in small.PLAYERS}


def trained(model, epochs=1):
    model.fit(small.points(24), batch_size=8, shuffle=False, epochs=epochs, verbose=0)
    return model


def test_serialized_and_resumed(tmp_path):
    optimizer = scheduled(clipnorm=1.0, epsilon=1e-4, name="other")
    config = keras.saving.serialize_keras_object(optimizer)
    copy = keras.saving.deserialize_keras_object(json.loads(json.dumps(config)))
    assert type(copy) is ScheduledAdam
    assert copy.get_config() == optimizer.get_config()
    assert float(copy.beta_2) == pytest.approx(0.9)
    model = small.gan()
    model.compile(run_eagerly=True, **adams())
    trained(model).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert float(loaded.generator_optimizer.beta_2) == float(model.generator_optimizer.beta_2)
    assert float(loaded.generator_optimizer.beta_2) == pytest.approx(cosine(0.9, 0.99, 8, 3))
    small.assert_equal_states(small.state(trained(model)), small.state(trained(loaded)))


@pytest.mark.slow
def test_under_a_loss_scale_an_overflow_does_not_count():
    with precision("mixed_float16"):
        model = small.gan()
        scales = {"generator": 2.0, "discriminator": 2.0**100}
        optimizers = {
            name: keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=scale)
            for (name, optimizer), scale in zip(adams().items(), scales.values(), strict=True)
        }
        model.compile(**optimizers)
        before = small.weights(model)
        trained(model)
    inner = model.generator_optimizer.inner_optimizer
    assert float(inner.beta_2) == pytest.approx(cosine(0.9, 0.99, 8, 3))
    assert not np.array_equal(before[0], small.weights(model)[0])
    skipped = model.discriminator_optimizer.inner_optimizer
    assert int(skipped.iterations) == 0
    assert float(skipped.beta_2) == pytest.approx(0.9)
    assert np.isfinite(np.concatenate([w.ravel() for w in small.weights(model)])).all()


@pytest.mark.slow
def test_two_replicas_train_as_one_device(two_replicas):
    def game(strategy):
        with strategy.scope():
            model = small.gan(latents=None, conditional="generator")
            model.compile(**adams(end=2))
        z = np.random.default_rng(3).normal(size=(24, 3)).astype("float32")
        data = tf.data.Dataset.from_tensor_slices((small.points(24), z)).batch(8)
        model.fit(data, verbose=0)
        return model

    one, two = game(tf.distribute.get_strategy()), game(two_replicas)
    for variable in two.discriminator_optimizer.variables:
        first, second = (copy.numpy() for copy in variable.value.values)
        np.testing.assert_array_equal(first, second)
    for a, b in zip(small.weights(one), small.weights(two), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_unrolled_steps_take_the_present_beta_2():
    def game(optimizer):
        model = small.gan()
        rest = {"generator_optimizer": keras.optimizers.SGD(0.1), "run_eagerly": True}
        order = {"update": "unrolled", "unrolled_steps": 2}
        model.compile(discriminator_optimizer=optimizer, **order, **rest)
        return small.weights(trained(model))

    plain = game(keras.optimizers.Adam(0.2, beta_1=0.0, beta_2=0.9))
    still = game(ScheduledAdam(0.2, beta_1=0.0, beta_2=Linear(0.9, 0.9, end=1)))
    moving = game(ScheduledAdam(0.2, beta_1=0.0, beta_2=Linear(0.9, 0.1, end=2)))
    for a, b in zip(plain, still, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(plain, moving, strict=True))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: ScheduledAdam(beta_2=1.0), ValueError, "below 1. Received: beta_2=1.0"),
        (lambda: ScheduledAdam(beta_2=-0.1), ValueError, "at least 0.*beta_2=-0.1"),
        (lambda: ScheduledAdam(beta_2="0.9"), TypeError, "number. Received: beta_2='0.9'"),
        (lambda: ScheduledAdam(beta_2=Cosine(0.9, 1.0, end=9)), ValueError, "`beta_2` to stay bel"),
        (lambda: ScheduledAdam(beta_2=Cosine(-0.1, 0.5, end=9)), ValueError, "`beta_2` to stay at"),
        (lambda: ScheduledAdam(beta_2=LogCosine(2, 0.5, end=9)), ValueError, "initial=2.0"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()
