import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan import terms
from keras_gan.terms import R1


def penalty(discriminator, x, gamma=1.0):
    """R1's own value on real samples, through the step that training uses."""
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(int(np.prod(x.shape[1:])))])
    generator.add(keras.layers.Reshape(x.shape[1:]))
    model = keras_gan.GAN(generator, discriminator)
    term = R1(gamma)
    model.compile(terms=[term], run_eagerly=True)
    step = keras_gan.step.Step(model, tf.constant(x), None, model.random_state.stream())
    step.discriminate_real()
    values = term.discriminator_term(step)
    return values.numpy(), float(term.evaluate("discriminator", step)[1])


@pytest.mark.parametrize("shape", [(3,), (4, 2), (4, 4, 2), (2, 3, 2, 2)])
@pytest.mark.parametrize("batch", [1, 5])
def test_linear_critic(shape, batch):
    """For D(x) = a.x the penalty is gamma / 2 ||a||^2, on any rank and batch size."""
    discriminator = keras.Sequential(
        [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    x = np.random.default_rng(0).normal(size=(batch, *shape)).astype("float32")
    a = discriminator.layers[-1].get_weights()[0]
    values, weighted = penalty(discriminator, x, gamma=3.0)
    assert values.shape == (batch,)
    assert np.allclose(values, 0.5 * np.sum(a**2), rtol=1e-5)
    assert weighted == pytest.approx(3.0 * 0.5 * np.sum(a**2), rel=1e-5)


@keras.saving.register_keras_serializable("test")
class Quadratic(keras.Model):
    """D(x) = x.A x / 2 with a symmetric A."""

    def __init__(self, matrix):
        super().__init__()
        self.matrix = matrix
        self.built = True

    def call(self, x):
        return 0.5 * tf.reduce_sum(x * (x @ self.matrix), axis=1, keepdims=True)


def test_quadratic_critic():
    """For D(x) = x.A x / 2 and gamma = 2 the penalty is E ||A x||^2."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(4, 4)).astype("float32")
    matrix += matrix.T
    x = rng.normal(size=(100, 4)).astype("float32")
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)])
    model = keras_gan.GAN(generator, Quadratic(matrix), conditional=False)
    model.compile(terms=[R1(2.0)], run_eagerly=True)
    step = keras_gan.step.Step(model, tf.constant(x), None, model.random_state.stream())
    step.discriminate_real()
    _, weighted, _ = model.terms[0].evaluate("discriminator", step)
    assert float(weighted) == pytest.approx(np.mean(np.sum((x @ matrix) ** 2, axis=1)), rel=1e-5)


def test_patch_logits_are_summed():
    """For a patch map the penalty is on the gradient of each sample's summed logits."""
    discriminator = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.Conv2D(1, 2, strides=2, use_bias=False)]
    )
    kernel = discriminator.layers[-1].get_weights()[0]
    x = np.zeros((2, 4, 4, 1), "float32")
    values, _ = penalty(discriminator, x)
    assert np.allclose(values, 0.5 * 4 * np.sum(kernel**2), rtol=1e-5)


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
