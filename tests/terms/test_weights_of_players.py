"""Terms on the weights themselves: orthogonal regularization and weight clipping."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from term_steps import (
    Quadratic,
    compiled,
    linear_critic,
    linear_generator,
    normal,
    step_of,
    symmetric,
)

import keras_gan
from keras_gan.terms import OrthogonalRegularization, Term, WeightClipping
from tests.integration.seeding import seeded


def overlap(matrix):
    """The sum of squared products of different columns, one by one."""
    columns = matrix.T.astype("float64")
    return sum(
        np.dot(a, b) ** 2 for i, a in enumerate(columns) for j, b in enumerate(columns) if i != j
    )


def network():
    """Return a generator of all kinds of layers, and its kernels as NumPy matrices."""
    labels = keras.Input((), dtype="int32")
    z = keras.Input((3,))
    embedded = keras.layers.Embedding(5, 4, embeddings_initializer="ones")(labels)
    dense = keras.layers.Dense(16)
    frozen = keras.layers.Dense(16, trainable=False)
    x = frozen(keras.layers.BatchNormalization()(dense(keras.layers.Concatenate()([z, embedded]))))
    transposed = keras.layers.Conv2DTranspose(3, 2, strides=2)
    x = transposed(keras.layers.Reshape((2, 2, 4))(x))
    convolution = keras.layers.Conv2D(2, 3, padding="same")
    generator = keras.Model(
        [z, labels], keras.layers.TimeDistributed(convolution)(x[:, None])[:, 0]
    )
    kernels = [layer.get_weights()[0] for layer in (dense, transposed, convolution)]
    matrices = [
        kernels[0],
        np.swapaxes(kernels[1], 2, 3).reshape(-1, 3),
        kernels[2].reshape(-1, 2),
    ]
    return generator, matrices


def test_orthogonal_regularization():
    """Kernels of trainable layers, those in wrappers too; no embeddings, biases and scales."""
    generator, matrices = network()
    x = keras.Input((4, 4, 2)), keras.Input((), dtype="int32")
    head = keras.layers.Dense(1)(keras.layers.Flatten()(x[0]))
    term = OrthogonalRegularization(0.5)
    model = compiled(keras.Model(x, head), [term], generator)
    step = step_of(model, normal(2, 4, 4, 2), condition=tf.constant([0, 1]), player="generator")
    value, weighted, _ = term.evaluate("generator", step)
    literal = sum(overlap(matrix) for matrix in matrices)
    assert float(value) == pytest.approx(literal, rel=1e-4)
    assert float(weighted) == pytest.approx(0.5 * literal, rel=1e-4)


def test_orthogonal_columns_are_left_alone():
    critic, term = linear_critic((3,)), OrthogonalRegularization(player="discriminator")
    generator = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(3, kernel_initializer="orthogonal")]
    )
    both = [OrthogonalRegularization(name="of_generator"), term]
    model = compiled(critic, both, generator)
    step = step_of(model, normal(2, 3), player="generator")
    assert float(both[0].generator_term(step)) == pytest.approx(0.0, abs=1e-10)
    assert float(term.discriminator_term(step)) == 0.0  # One column has no other.


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_orthogonal_regularization_of_a_player(player):
    """It is in that player's loss alone, with the gradient 4 beta W (W^T W o (1 - I))."""
    term = OrthogonalRegularization(0.5, player=player)
    other = {"generator": "discriminator", "discriminator": "generator"}[player]
    assert term.acts_on(player) and not term.acts_on(other)
    x = keras.Input((3,))
    critic = keras.Model(x, keras.layers.Dense(1)(keras.layers.Dense(3)(x)))
    model = compiled(critic, [term], linear_generator((3,), latent_dim=3))
    with tf.GradientTape() as tape:
        step = step_of(model, normal(4, 3), player=player)
        value, weighted, _ = term.evaluate(player, step)
    variables = [getattr(model, p).trainable_variables[0] for p in (player, other)]
    own, none = tape.gradient(weighted, variables)
    w = variables[0].numpy()
    assert none is None
    np.testing.assert_allclose(own, 4 * 0.5 * w @ (w.T @ w * (1 - np.eye(3))), rtol=1e-4, atol=1e-6)
    # The discriminator is the first to move: its kernel is that of the logs.
    logs = model.train_on_batch(normal(4, 3), return_dict=True)
    assert logs["orthogonal_regularization"] == pytest.approx(float(value), rel=1e-5)


def test_a_network_without_kernels_is_refused():
    term = OrthogonalRegularization(player="discriminator")
    with pytest.raises(ValueError, match="no trainable kernel in the discriminator"):
        compiled(Quadratic(symmetric(3)), [term], shape=(3,), conditional=False)


def clipped(term, steps):
    """Return the largest weight of a critic, all 1 at first, after each training step."""
    critic = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model = compiled(critic, [term], discriminator_optimizer=keras.optimizers.SGD(0.0))
    kernels = []
    for _ in range(steps):
        model.train_on_batch(normal(4, 3))
        kernels.append(critic.get_weights()[0].max())
    return kernels


@pytest.mark.slow
def test_weight_clipping_with_several_discriminator_steps():
    """All weights of the critic, and none of the generator's, are within the bound."""
    seeded(1)
    generator, critic = keras_gan.networks.dcgan((8, 8, 1), latent_dim=4, width=4)
    model = keras_gan.GAN(generator, critic)
    rate = {"discriminator_optimizer": keras.optimizers.RMSprop(0.01)}
    model.compile("wasserstein", terms=["weight_clipping"], discriminator_steps=2, **rate)
    model.fit(np.tanh(normal(32, 8, 8, 1)), batch_size=4, verbose=0)
    values = np.concatenate([v.numpy().ravel() for v in critic.trainable_variables])
    bound = np.float32(0.01)
    assert np.abs(values).max() == bound and (np.abs(values) == bound).mean() > 0.1
    assert max(np.abs(v.numpy()).max() for v in generator.trainable_variables) > bound


class Largest(Term):
    """Notes the critic's largest weight after each update, and whose update it was."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def after_update(self, player, step):
        self.seen.append((player, float(np.max(np.abs(step.discriminator.weights[0])))))


def test_weight_clipping_follows_each_update_of_the_discriminator():
    """Between two of them too, before the generator's turn."""
    largest, rate = Largest(), {"discriminator_optimizer": keras.optimizers.SGD(10.0)}
    terms = [WeightClipping(0.5), largest]
    model = compiled(linear_critic((3,)), terms, discriminator_steps=2, **rate)
    model.fit(3.0 + normal(8, 3), batch_size=4, verbose=0)
    assert largest.seen == [(p, 0.5) for p in ("discriminator", "discriminator", "generator")]


def test_weight_clipping_adds_to_no_loss_and_no_log():
    term = WeightClipping()
    assert term.log_names == [] and not term.acts_on("discriminator")
    model = compiled(linear_critic((3,)), [term])
    logs = model.train_on_batch(normal(4, 3), return_dict=True)
    assert not any("clip" in name for name in logs)


def test_weight_clipping_is_lazy_and_follows_its_schedule():
    piecewise = keras.optimizers.schedules.PiecewiseConstantDecay
    bounds = clipped(WeightClipping(0.5, schedule=piecewise([0, 1], [1.0, 0.5, 0.25])), steps=3)
    np.testing.assert_allclose(bounds, [0.5, 0.25, 0.125])
    lazily = WeightClipping(0.5, interval=2, schedule=piecewise([0, 1], [1.0, 0.5, 0.25]))
    np.testing.assert_allclose(clipped(lazily, steps=3), [0.5, 0.5, 0.125])


def test_lazy_weight_clipping_starts_at_a_multiple_of_the_interval():
    critic = linear_critic((3,))
    critic.set_weights([np.ones((3, 1), "float32"), np.zeros(1, "float32")])
    term = WeightClipping(0.5, interval=3)
    model = compiled(critic, [term], discriminator_optimizer=keras.optimizers.SGD(0.0))
    kernels = []
    for count in (1, 2, 3):
        model.random_state.step.assign(count)
        model.train_on_batch(normal(4, 3))
        kernels.append(float(critic.get_weights()[0].max()))
    assert kernels == [1.0, 1.0, 0.5]


@pytest.mark.slow
def test_weight_clipping_on_two_replicas(two_replicas):
    with two_replicas.scope():
        model = keras_gan.GAN(linear_generator((3,)), linear_critic((3,)), seed=0)
        model.compile(
            terms=[WeightClipping(0.05, interval=2)],
            discriminator_steps=2,
            discriminator_optimizer=keras.optimizers.SGD(1.0),
        )
    model.fit(normal(48, 3), batch_size=8, verbose=0)
    assert model.steps == 3
    for variable in model.discriminator.trainable_variables:
        first, second = (np.asarray(value) for value in variable.value.values)
        np.testing.assert_array_equal(first, second)
        assert np.abs(first).max() <= np.float32(0.05)
