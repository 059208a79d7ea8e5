"""Penalties on the discriminator's gradient against closed forms and literal NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from term_steps import (
    Quadratic,
    compiled,
    draws_of,
    linear_critic,
    linear_generator,
    normal,
    step_of,
    symmetric,
    values_of,
)

import keras_gan
from keras_gan.terms import DRAGAN, R1, R2, GradientPenalty
from keras_gan.terms.norms import norm

ALL = {
    "r1": lambda: R1(3.0),
    "r2": lambda: R2(3.0),
    "gradient_penalty": lambda: GradientPenalty(3.0, target=0.25),
    "dragan": lambda: DRAGAN(3.0, target=0.25),
}


def expected(name, slope):
    """The weighted penalty of a critic whose gradient has this norm everywhere."""
    return 3.0 * (0.5 * slope**2 if name in ("r1", "r2") else (slope - 0.25) ** 2)


@pytest.mark.parametrize("shape", [(3,), (4, 2), (4, 4, 2), (2, 3, 2, 2)])
@pytest.mark.parametrize("batch", [1, 5])
def test_linear_critic(shape, batch):
    """On any rank and batch size: gamma / 2 ||a||^2, and weight (||a|| - target)^2."""
    critic, penalties = linear_critic(shape), {name: make() for name, make in ALL.items()}
    model = compiled(critic, list(penalties.values()))
    step = step_of(model, normal(batch, *shape))
    slope = np.linalg.norm(critic.get_weights()[0].astype("float64"))
    for name, penalty in penalties.items():
        assert values_of(penalty, step).shape == (batch,)
        weighted = float(penalty.evaluate("discriminator", step)[1])
        assert weighted == pytest.approx(expected(name, slope), rel=1e-5), name


def quadratic(terms, n=50, size=4, pack=1):
    """Return a model with D(x) = x.A x / 2, A, a step, and its real and fake samples."""
    matrix = symmetric(size * pack)
    model = compiled(Quadratic(matrix, pack), terms, shape=(size,), conditional=False)
    real, fake = normal(n, size, seed=1), 3.0 + normal(n, size, seed=2)
    return model, matrix, step_of(model, real, fake), real, fake


def test_r1_and_r2_on_a_quadratic_critic():
    """For D(x) = x.A x / 2 and gamma = 2 the penalties are E ||A x||^2."""
    penalties = [R1(2.0), R2(2.0)]
    _, matrix, step, *both = quadratic(penalties)
    for penalty, x in zip(penalties, both, strict=True):
        weighted = float(penalty.evaluate("discriminator", step)[1])
        assert weighted == pytest.approx(np.mean(np.sum((x @ matrix) ** 2, axis=1)), rel=1e-5)


@pytest.mark.parametrize("pack", [1, 2])
def test_gradient_penalty_on_a_quadratic_critic(pack):
    """(||A x^|| - 1)^2 with x^ = eps x + (1 - eps) x~, one eps for each pack of samples."""
    penalty = GradientPenalty()
    model, matrix, step, real, fake = quadratic([penalty], pack=pack)
    values = values_of(penalty, step)
    rows = 50 // pack
    eps = tf.random.stateless_uniform((rows, 1), draws_of(model).next()).numpy()
    real, fake = real.reshape(rows, -1), fake.reshape(rows, -1)
    between = eps * real + (1 - eps) * fake
    literal = (np.linalg.norm(between @ matrix, axis=1) - 1) ** 2
    assert values.shape == (rows,)
    np.testing.assert_allclose(values, literal, rtol=1e-4)


def test_dragan_on_a_quadratic_critic():
    """(||A (x + delta)|| - k)^2 with delta = std(x) u / 2, one u for each number."""
    penalty = DRAGAN(target=2.0)
    model, matrix, step, real, _ = quadratic([penalty])
    values = values_of(penalty, step)
    u = tf.random.stateless_uniform(real.shape, draws_of(model).next()).numpy()
    assert len(np.unique(u)) == u.size and u.min() >= 0 and u.max() > 0.9
    around = real + 0.5 * np.std(real) * u
    np.testing.assert_allclose(
        values, (np.linalg.norm(around @ matrix, axis=1) - 2) ** 2, rtol=1e-4
    )


def test_packed_critics_are_penalized_on_their_whole_input():
    """D of two samples side by side: ||A p||^2 / 2 for each pack p."""
    penalties = [R1(), R2()]
    _, matrix, step, *both = quadratic(penalties, pack=2)
    for penalty, x in zip(penalties, both, strict=True):
        packs = x.reshape(25, 8)
        literal = 0.5 * np.sum((packs @ matrix) ** 2, axis=1)
        np.testing.assert_allclose(values_of(penalty, step), literal, rtol=1e-4)


@pytest.mark.parametrize("name", ALL)
def test_packing_layer(name):
    """Images side by side on the channel axis: one row, and the slope of the whole pack."""
    layers = keras_gan.layers.Packing(2), keras.layers.Flatten(), keras.layers.Dense(1)
    critic, penalty = keras.Sequential([keras.Input((4, 4, 1)), *layers]), ALL[name]()
    model = compiled(critic, [penalty])
    values = values_of(penalty, step_of(model, normal(6, 4, 4, 1)))
    slope = np.linalg.norm(layers[-1].get_weights()[0])
    np.testing.assert_allclose(values, np.full(3, expected(name, slope) / 3), rtol=1e-5)


def test_interpolation_is_uniform_and_each_samples_own():
    penalty = GradientPenalty()
    model, _, step, real, fake = quadratic([penalty], n=4000)
    penalty.discriminator_term(step)
    seen = model.discriminator.seen[-1].numpy()
    line = real - fake
    eps = np.sum((seen - fake) * line, axis=1) / np.sum(line**2, axis=1)
    np.testing.assert_allclose(seen, fake + eps[:, None] * line, atol=1e-5)
    assert eps.min() >= 0 and eps.max() <= 1
    # Of 2^23 values that float32 has there, two of 4000 draws may well agree.
    assert len(np.unique(eps)) > 3980
    assert stats.kstest(eps, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(eps[:-1], eps[1:])[0, 1]) < 0.05


def test_penalties_of_a_step_draw_independently():
    twice = [GradientPenalty(), GradientPenalty(name="second")]
    model, _, step, *_ = quadratic(twice)
    first, second = (values_of(penalty, step) for penalty in twice)
    assert not np.allclose(first, second)
    assert len(model.discriminator.seen) == 4


@pytest.mark.parametrize("slope", [0.2, 3.0])
def test_one_sided(slope):
    """Nothing below the target, gradient included; the two-sided value above."""
    critic = linear_critic((2,))
    critic.layers[-1].set_weights([np.float32([[slope], [0.0]]), np.zeros(1, "float32")])
    penalty = GradientPenalty(one_sided=True)
    model = compiled(critic, [penalty])
    with tf.GradientTape() as tape:
        value, _, _ = penalty.evaluate("discriminator", step_of(model, normal(4, 2)))
    gradient = tape.gradient(value, critic.trainable_variables[0]).numpy()
    above = max(slope - 1.0, 0.0)
    assert float(value) == pytest.approx(above**2, rel=1e-5)
    np.testing.assert_allclose(gradient, [[2 * above], [0.0]], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ALL)
def test_finite_where_the_gradient_is_zero(name):
    """A critic that is flat: the root's gradient would be infinite there."""
    critic, penalty = linear_critic((3,)), ALL[name]()
    critic.set_weights([np.zeros((3, 1), "float32"), np.ones(1, "float32")])
    model = compiled(critic, [penalty])
    with tf.GradientTape() as tape:
        value, _, _ = penalty.evaluate("discriminator", step_of(model, normal(4, 3)))
    gradient = tape.gradient(value, critic.trainable_variables[0]).numpy()
    assert float(value) == pytest.approx(expected(name, 0.0) / 3, rel=1e-6)
    np.testing.assert_array_equal(gradient, np.zeros((3, 1)))


@pytest.mark.parametrize("compiled_by_xla", [False, True])
def test_norms_gradient_at_zero(compiled_by_xla):
    """The root's gradient there, infinite times zero, is NaN with XLA alone."""
    x = tf.constant([[0.0, 0.0], [3.0, 4.0]])
    gradient = tf.function(lambda x: tf.gradients(norm(x), x)[0], jit_compile=compiled_by_xla)
    np.testing.assert_allclose(gradient(x), [[0.0, 0.0], [0.6, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(norm(x), [0.0, 5.0])


@pytest.mark.parametrize("name", ALL)
def test_patch_logits_are_summed(name):
    """For a patch map the gradient is that of each sample's summed logits."""
    convolution = keras.layers.Conv2D(1, 2, strides=2, use_bias=False)
    critic, penalty = keras.Sequential([keras.Input((4, 4, 1)), convolution]), ALL[name]()
    model = compiled(critic, [penalty])
    slope = 2 * np.linalg.norm(convolution.get_weights()[0])  # Four patches, each with its own.
    weighted = penalty.evaluate("discriminator", step_of(model, normal(3, 4, 4, 1)))[1]
    assert float(weighted) == pytest.approx(expected(name, slope), rel=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_conditional_critics_are_asked_under_the_condition(name):
    """For D(x, y) = e_y.x the gradient at a sample of class y is e_y."""
    z, y = keras.Input((2,)), keras.Input((), dtype="int32")
    x = keras.Input((3,))
    generator = keras.Model([z, y], keras.layers.Dense(3)(z))
    embedding = keras.layers.Embedding(4, 3, embeddings_initializer="normal")
    critic = keras.Model([x, y], keras.layers.Dot(axes=-1)([embedding(y), x]))
    penalty = ALL[name]()
    model = compiled(critic, [penalty], generator)
    labels = tf.constant([3, 0, 0, 1, 2])
    values = values_of(penalty, step_of(model, normal(5, 3), condition=labels))
    slopes = np.linalg.norm(embedding.get_weights()[0][labels.numpy()], axis=1)
    literal = [expected(name, slope) / 3 for slope in slopes]
    np.testing.assert_allclose(values, literal, rtol=1e-5)


def test_a_critic_that_ignores_its_samples_has_gradient_zero():
    samples = keras.Input((3,))
    flat = keras.layers.Dense(1)(keras.ops.zeros_like(samples))
    penalty = GradientPenalty()
    model = compiled(keras.Model(samples, flat), [penalty], linear_generator((3,)))
    np.testing.assert_array_equal(values_of(penalty, step_of(model, normal(4, 3))), np.ones(4))
