"""Path length regularization against explicit Jacobians."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from term_steps import (
    compiled,
    draws_of,
    linear_critic,
    linear_generator,
    normal,
    step_of,
    values_of,
)

import keras_gan
from keras_gan.game.seeds import SeedStream
from keras_gan.terms import PathLength


def directions(model, shape):
    """Return the directions that a step's path lengths are taken in."""
    draws = tf.random.stateless_normal(shape, draws_of(model).next()).numpy()
    return draws / np.sqrt(np.prod(shape[1:-1]))


@pytest.mark.parametrize("shape", [(3,), (4, 2), (4, 4, 1), (2, 3, 2, 2)])
def test_linear_generator(shape):
    """(||W y|| - a)^2 for G(z) = z W: J is the same everywhere."""
    generator, term = linear_generator(shape, latent_dim=5), PathLength(3.0)
    model = compiled(linear_critic(shape), [term], generator)
    term.length.assign(0.7)
    step = step_of(model, normal(6, *shape), player="generator")
    y = directions(model, (6, *shape)).reshape(6, -1)
    literal = (np.linalg.norm(y @ generator.get_weights()[0].T, axis=1) - 0.7) ** 2
    mean, weighted, _ = term.evaluate("generator", step)
    assert float(mean) == pytest.approx(literal.mean(), rel=1e-4)
    assert float(weighted) == pytest.approx(3 * literal.mean(), rel=1e-4)


def test_nonlinear_generator():
    """The Jacobian of each sample by automatic differentiation, one output at a time."""
    generator, term = linear_generator((4, 3), latent_dim=5, activation="tanh"), PathLength()
    model = compiled(linear_critic((4, 3)), [term], generator)
    step = step_of(model, normal(6, 4, 3), player="generator")
    with tf.GradientTape() as tape:
        tape.watch(step.latents)
        samples = generator(step.latents)
    jacobian = tape.batch_jacobian(samples, step.latents).numpy()
    y = directions(model, (6, 4, 3))
    lengths = np.linalg.norm(np.einsum("bijk,bij->bk", jacobian, y), axis=1)
    np.testing.assert_allclose(values_of(term, step, "generator"), lengths**2, rtol=1e-4)
    assert float(term.length.numpy()) == pytest.approx(0.01 * lengths.mean(), rel=1e-4)


def test_steps_of_styles():
    """(||W y|| - a)^2 for samples w W of styles w, whatever the mapping network of two layers."""
    z = keras.Input((5,))
    styles = keras.layers.Dense(6)(keras.layers.Dense(4, "tanh")(z))
    synthesis = keras.layers.Dense(3, name="synthesis")
    generator = keras.Model(z, {"samples": synthesis(styles), "styles": styles})
    term = PathLength(of="styles")
    model = compiled(linear_critic((3,)), [term], generator)
    term.length.assign(0.7)
    step = step_of(model, normal(6, 3), player="generator")
    y = directions(model, (6, 3))
    # By finite differences: how much w W . y grows along each axis of the styles.
    given = step.generated["styles"].numpy()
    moved = [synthesis(given + 0.5 * axis) - synthesis(given - 0.5 * axis) for axis in np.eye(6)]
    gradient = np.stack([np.sum(difference * y, axis=1) for difference in moved], axis=1)
    literal = (np.linalg.norm(gradient, axis=1) - 0.7) ** 2
    np.testing.assert_allclose(values_of(term, step, "generator"), literal, rtol=1e-3, atol=1e-6)


def test_steps_of_one_style_for_each_layer():
    """For images A w, linear in 3 styles of 4: the root of the mean over layers of |A^T y|^2.

    The penalty is 0 where the average is that length, and without the root its expectation over
    directions is the mean over layers of |A|^2 / (H W).
    """
    z = keras.Input((5,))
    styles = keras.layers.Reshape((3, 4))(keras.layers.Dense(12)(z))
    flat = keras.layers.Dense(32, use_bias=False, name="synthesis")(keras.layers.Flatten()(styles))
    images = keras.layers.Reshape((4, 4, 2))(flat)
    generator = keras.Model(z, {"samples": images, "styles": styles})
    term, count = PathLength(of="styles", decay=1.0), 512
    model = compiled(linear_critic((4, 4, 2)), [term], generator)
    step = step_of(model, normal(count, 4, 4, 2), player="generator")
    y = directions(model, (count, 4, 4, 2)).reshape(count, -1)
    matrix = generator.get_layer("synthesis").kernel.numpy().reshape(3, 4, 32)
    squares = np.einsum("lwi,bi->blw", matrix, y) ** 2
    lengths = np.sqrt(squares.sum(2).mean(1))
    np.testing.assert_allclose(values_of(term, step, "generator"), lengths**2, rtol=1e-4)
    assert float(term.length.numpy()) == pytest.approx(lengths.mean(), rel=1e-4)
    expected = np.mean(np.sum(matrix**2, axis=(1, 2))) / 16
    assert np.mean(lengths**2) == pytest.approx(expected, rel=0.03)
    term.length.assign(lengths[0])
    step = step_of(model, normal(count, 4, 4, 2), player="generator")
    assert values_of(term, step, "generator")[0] == pytest.approx(0, abs=1e-8)


def test_the_average_is_of_the_steps_before():
    generator, term = linear_generator((3,), latent_dim=2), PathLength(decay=0.25)
    model = compiled(linear_critic((3,)), [term], generator)
    average = 0.0
    for _ in range(4):
        step = step_of(model, normal(6, 3), player="generator")
        lengths = np.linalg.norm(directions(model, (6, 3)) @ generator.get_weights()[0].T, axis=1)
        values = values_of(term, step, "generator")
        np.testing.assert_allclose(values, (lengths - average) ** 2, rtol=1e-4)
        average += 0.25 * (lengths.mean() - average)
        assert float(term.length.numpy()) == pytest.approx(average, rel=1e-5)
        model.random_state.advance()


def test_finite_where_the_generator_is_flat():
    generator, term = linear_generator((3,)), PathLength()
    generator.set_weights([np.zeros_like(w) for w in generator.get_weights()])
    model = compiled(linear_critic((3,)), [term], generator)
    term.length.assign(1.0)
    with tf.GradientTape() as tape:
        step = step_of(model, normal(4, 3), player="generator")
        value = term.evaluate("generator", step)[0]
    assert float(value) == 1.0
    np.testing.assert_array_equal(tape.gradient(value, generator.trainable_variables[0]), 0)


def test_lazily_the_average_moves_when_the_term_runs():
    term = PathLength(decay=0.5, interval=2)
    rates = {f"{p}_optimizer": keras.optimizers.SGD(0.0) for p in ("generator", "discriminator")}
    model = keras_gan.GAN(linear_generator((3,)), linear_critic((3,)), seed=0)
    model.compile(terms=[term], **rates)
    lengths = []
    for _ in range(4):
        model.train_on_batch(normal(8, 3))
        lengths.append(float(term.length.numpy()))
    assert 0 < lengths[0] == lengths[1] < lengths[2] == lengths[3]


@pytest.mark.parametrize("name", ["path_length", "latent_consistency"])
def test_generators_without_latents_are_refused(name):
    condition = keras.Input((2,))
    generator = keras.Model(condition, keras.layers.Dense(3)(condition))
    model = keras_gan.GAN(generator, linear_critic((3,)), latents=None)
    with pytest.raises(ValueError, match=rf"{name}.*latents=None"):
        model.compile(terms=[name])


@pytest.mark.slow
def test_two_replicas_average_over_the_whole_batch(two_replicas):
    """Each draws directions of its own; the average is that of all lengths together."""
    with two_replicas.scope():
        generator = linear_generator((3,))
        model = keras_gan.GAN(generator, linear_critic((3,)), seed=5)
        rates = {p: keras.optimizers.SGD(0.0) for p in ("generator", "discriminator")}
        model.compile(
            terms=[PathLength(decay=0.5, interval=2)],
            **{f"{p}_optimizer": optimizer for p, optimizer in rates.items()},
        )
    model.fit(normal(8, 3), batch_size=8, verbose=0)
    w = np.asarray(generator.trainable_variables[0])
    lengths = []
    for replica in range(2):
        seed, replica = tf.constant([5, 0], "int64"), tf.constant(replica, "int64")
        seeds = SeedStream(tf.random.experimental.stateless_fold_in(seed, replica))
        seeds.next()  # The latents'.
        y = tf.random.stateless_normal((4, 3), seeds.next()).numpy()
        lengths.append(np.linalg.norm(y @ w.T, axis=1))
    first, second = (np.asarray(value) for value in model.terms[0].length.value.values)
    assert first == second
    assert first == pytest.approx(0.5 * np.mean(lengths), rel=1e-5)
    assert not np.allclose(*lengths)
