"""R1 through training: its interval, schedule and arguments. Values: test_gradient_penalties.py."""

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan import terms
from keras_gan.terms import R1


def one_step(term, steps=1):
    """Train a linear critic by SGD on zero data, where R1 is all that moves its kernel."""
    generator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3, kernel_initializer="zeros")]
    )
    discriminator = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")]
    )
    model = keras_gan.GAN(generator, discriminator)
    model.compile(
        generator_optimizer=keras.optimizers.SGD(0.0),
        discriminator_optimizer=keras.optimizers.SGD(0.1),
        terms=[term],
    )
    kernels, logs = [], []
    for _ in range(steps):
        logs.append(model.train_on_batch(np.zeros((4, 3), "float32"), return_dict=True))
        kernels.append(float(discriminator.get_weights()[0][0, 0]))
    return kernels, logs


def test_interval_is_lazy_and_keeps_the_strength():
    """Every third step, three times as strong; the log averages the steps on which it ran."""
    kernels, logs = one_step(R1(0.5, interval=3), steps=4)
    decay = 1 - 0.1 * 0.5 * 3  # SGD on gamma / 2 |a|^2 times the interval.
    assert kernels == pytest.approx([decay, decay, decay, decay**2], rel=1e-5)
    assert logs[0]["r1"] == pytest.approx(1.5)
    assert logs[1]["r1"] == 0.0
    assert logs[3]["r1"] == pytest.approx(1.5 * decay**2)


def test_schedule_multiplies_gamma():
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([1], [1.0, 0.0])
    kernels, _ = one_step(R1(0.5, schedule=schedule), steps=4)
    assert kernels == pytest.approx([0.95, 0.95**2, 0.95**2, 0.95**2], rel=1e-5)


def test_serialization():
    schedule = keras.optimizers.schedules.CosineDecay(1.0, 100)
    for term in (R1(), R1(3.0, interval=4, schedule=schedule, name="penalty")):
        config = keras.saving.serialize_keras_object(term)
        copy = keras.saving.deserialize_keras_object(config, safe_mode=True)
        assert copy.get_config() == term.get_config()
        assert (copy.gamma, copy.interval, copy.name) == (term.gamma, term.interval, term.name)
    assert isinstance(terms.get("r1"), R1)


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: R1(-1.0), ValueError, "gamma=-1.0"),
        (lambda: R1(float("nan")), ValueError, "gamma=nan"),
        (lambda: R1(float("inf")), ValueError, "gamma=inf"),
        (lambda: R1(1.0, interval=0), ValueError, "interval=0"),
        (lambda: R1(1.0, interval=1.5), ValueError, "interval=1.5"),
        (lambda: terms.get("r11"), ValueError, "Did you mean 'r1'"),
        (lambda: terms.get(R1), TypeError, "forget to call it"),
    ],
)
def test_errors(call, kind, text):
    with pytest.raises(kind) as caught:
        call()
    assert text in str(caught.value)
