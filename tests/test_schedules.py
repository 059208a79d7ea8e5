"""Schedules: their values, on any step type, and where Keras takes them."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from integration import small

from keras_gan.schedules import Cosine, Linear, LogCosine
from keras_gan.terms import R1

ALL = [Linear, Cosine, LogCosine]


def share(step, start, end):
    return min(max((step - start) / (end - start), 0), 1)


def literal(kind, initial, final, done):
    """Return a schedule's value after a share of its way, by its definition."""
    if kind is Linear:
        return (1 - done) * initial + done * final
    eased = np.sin(np.pi / 2 * done) ** 2  # Half a cosine, written otherwise.
    if kind is Cosine:
        return (1 - eased) * initial + eased * final
    return initial ** (1 - eased) * final**eased


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("ends", [(1.0, 0.001), (0.05, 5.0), (2.0, 2.0)])
def test_values(kind, ends):
    schedule = kind(*ends, end=30, start=10)
    values = [float(schedule(step)) for step in range(40)]
    expected = [literal(kind, *ends, share(step, 10, 30)) for step in range(40)]
    assert values == pytest.approx(expected, rel=2e-5)
    assert values[:11] == [values[0]] * 11 and values[30:] == [values[30]] * 10
    assert values[0] == pytest.approx(ends[0]) and values[-1] == pytest.approx(ends[1])


@pytest.mark.parametrize("kind", [Linear, Cosine])
def test_ends_are_exact(kind):
    """A strength that ends at nearly nothing is not below 0 by rounding."""
    schedule = kind(0.7, 1e-9, end=10)
    assert schedule(0) == np.float32(0.7) and schedule(10) == np.float32(1e-9)
    assert all(schedule(step) > 0 for step in range(12))


@pytest.mark.parametrize("kind", ALL)
def test_step_types(kind):
    """Integers of any kind, tensors and variables, in graphs and with XLA."""
    schedule = kind(1.0, 0.1, end=100)
    expected = float(schedule(25))
    steps = np.int64(25), tf.constant(25, tf.int64), tf.constant(25.0), keras.Variable(25)
    for step in steps:
        value = schedule(step)
        assert value.dtype == tf.float32 and value.shape == ()
        assert float(value) == expected
    for jit in (False, True):
        compiled = tf.function(schedule.__call__, jit_compile=jit)
        assert float(compiled(tf.constant(25, tf.int64))) == pytest.approx(expected, rel=1e-6)


def test_large_steps():
    """float32 counts exactly to 16 million steps, and beyond that to one in so many."""
    schedule = Linear(0.0, 1.0, end=100_000_000)
    assert float(schedule(50_000_001)) == pytest.approx(0.5, abs=1e-7)


def test_learning_rates_and_weights():
    """An optimizer and a term follow training: SGD on gamma/2 |a|^2 tells both."""
    model = small.gan()
    generator_optimizer = keras.optimizers.SGD(Linear(0.4, 0.0, end=4))
    term = R1(1.0, schedule=Cosine(1.0, 0.0, end=2))
    model.compile("minimax", generator_optimizer, "sgd", terms=[term])
    rates, factors = [], []
    for _ in range(5):
        rates.append(float(model.generator_optimizer.learning_rate))
        factors.append(float(term.factor(model.random_state.step)))
        model.train_on_batch(small.points(4))
    assert rates == pytest.approx([0.4, 0.3, 0.2, 0.1, 0.0])
    assert factors == pytest.approx([1.0, 0.5, 0.0, 0.0, 0.0], abs=1e-7)


@pytest.mark.parametrize("kind", ALL)
def test_serialization(kind):
    schedule = kind(1.0, 0.25, end=np.int64(20), start=3)
    config = keras.optimizers.schedules.serialize(schedule)
    copy = keras.optimizers.schedules.deserialize(config)
    assert type(copy) is kind
    assert json.loads(json.dumps(schedule.get_config())) == copy.get_config()
    assert copy.get_config() == dict(initial=1.0, final=0.25, end=20, start=3)
    optimizer = keras.optimizers.Adam(schedule)
    loaded = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert float(loaded.learning_rate) == 1.0
    term = R1.from_config(R1(schedule=schedule).get_config())
    assert term.schedule.get_config() == copy.get_config()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: Linear(float("nan"), 0, end=10), "initial=nan"),
        (lambda: Cosine(1, float("inf"), end=10), "final=inf"),
        (lambda: Cosine("1", 0, end=10), "initial='1'"),
        (lambda: Linear(1, 0, end=10.0), "end=10.0"),
        (lambda: Linear(1, 0, end=True), "end=True"),
        (lambda: Linear(1, 0, end=10, start=-1), "start=-1"),
        (lambda: Linear(1, 0, end=10, start=10), "start=10, end=10"),
        (lambda: Linear(1, 0, end=0), "start=0, end=0"),
        (lambda: LogCosine(1, 0, end=10), "above 0. Received: final=0"),
        (lambda: LogCosine(-1, 1, end=10), "above 0. Received: initial=-1"),
    ],
)
def test_errors(call, text):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert text in str(caught.value)
