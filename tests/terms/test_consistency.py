"""Consistency regularization against literal NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
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
from keras_gan.terms import ConsistencyRegularization, LatentConsistency


def doubled():
    return keras.layers.Rescaling(2.0)


@pytest.mark.parametrize("on", [("real",), ("fake",), ("real", "fake"), "fake"])
def test_linear_critic(on):
    """For D(x) = a.x + b and T(x) = 2 x the penalty is (a.x)^2, on each side asked for."""
    critic, term = linear_critic((4, 3)), ConsistencyRegularization(on=on, augmentation=doubled())
    critic.layers[-1].set_weights([normal(12, 1), np.ones(1, "float32")])
    model = compiled(critic, [term])
    real, fake = normal(5, 4, 3, seed=1), normal(5, 4, 3, seed=2)
    step = step_of(model, real, fake)
    a = critic.get_weights()[0][:, 0]
    sides = {"real": real, "fake": fake}
    literal = sum(np.square(sides[side].reshape(5, -1) @ a) for side in term.on)
    values = values_of(term, step)
    np.testing.assert_allclose(values, literal, rtol=1e-4)
    weighted = term.evaluate("discriminator", step)[1]
    assert float(weighted) == pytest.approx(10 * np.mean(literal), rel=1e-4)


def test_squares_are_summed_over_the_logits_of_a_sample():
    convolution = keras.layers.Conv2D(1, 2, strides=2, use_bias=False)
    critic = keras.Sequential([keras.Input((4, 4, 1)), convolution])
    term = ConsistencyRegularization(augmentation=doubled())
    x = normal(3, 4, 4, 1)
    logits = np.asarray(critic(x))
    values = values_of(term, step_of(compiled(critic, [term]), x))
    np.testing.assert_allclose(values, np.sum(logits**2, axis=(1, 2, 3)), rtol=1e-4)


def test_one_forward_for_each_side_and_none_twice():
    term = ConsistencyRegularization(on=("real", "fake"), augmentation=doubled())
    model = compiled(Quadratic(symmetric(3)), [term], shape=(3,), conditional=False)
    step = step_of(model, normal(4, 3), normal(4, 3, seed=1))
    term.discriminator_term(step)
    assert len(model.discriminator.seen) == 4
    np.testing.assert_allclose(model.discriminator.seen[2], 2 * step.real)
    np.testing.assert_allclose(model.discriminator.seen[3], 2 * step.fake)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ConsistencyRegularization(on=("real", "fake"), augmentation=doubled()),
        LatentConsistency,
    ],
)
def test_the_discriminators_part_leaves_the_generator_alone(make):
    """With simultaneous updates too, where generated samples are not cut off."""
    term = make()
    model = compiled(linear_critic((3,)), [term])
    generator, discriminator = model.generator, model.discriminator
    with tf.GradientTape(persistent=True) as tape:
        step = step_of(model, normal(4, 3), player="generator")
        step.fake_logits = tf.stop_gradient(step.fake_logits)
        value = tf.reduce_sum(term.discriminator_term(step))
    assert tape.gradient(value, generator.trainable_variables) == [None, None]
    assert tape.gradient(value, discriminator.trainable_variables[0]) is not None


def test_images_are_flipped_and_moved():
    """By default: one of two mirror images, moved by at most an eighth, as each sample draws."""
    term = ConsistencyRegularization()
    model = compiled(linear_critic((8, 8, 1)), [term])
    x = np.tile(np.arange(1.0, 65.0, dtype="float32").reshape(1, 8, 8, 1), (200, 1, 1, 1))
    framed = np.pad(x[0, :, :, 0], 2)
    allowed = {
        image[1 + i : 9 + i, 1 + j : 9 + j].tobytes()
        for mirrored in (framed, framed[:, ::-1])
        for image in [np.pad(mirrored[2:-2, 2:-2], 2)]
        for i in range(3)
        for j in range(3)
    }
    step_of(model, x)
    drawn = np.asarray(term.augmentation(x, training=True))
    seen = {image[:, :, 0].tobytes() for image in drawn}
    assert seen == allowed


def test_other_samples_get_a_little_noise():
    term = ConsistencyRegularization()
    compiled(linear_critic((5,)), [term])
    noise = np.asarray(term.augmentation(np.zeros((2000, 5), "float32"), training=True))
    assert noise.std() == pytest.approx(0.05, rel=0.05)


def test_the_random_state_is_the_models():
    """So that training seeds it, differently on every replica, and saves it."""
    term = ConsistencyRegularization()
    model = compiled(linear_critic((8, 8, 1)), [term])
    assert len(model.seed_states) == 2
    x = normal(4, 8, 8, 1)
    first, again = (values_of(term, step_of(model, x)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    model.random_state.advance()
    assert not np.allclose(first, values_of(term, step_of(model, x)))


def test_samples_in_half_precision_are_transformed_in_float32():
    term = ConsistencyRegularization(augmentation=doubled())
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = compiled(linear_critic((3,)), [term])
    finally:
        keras.config.set_dtype_policy("float32")
    assert values_of(term, step_of(model, normal(4, 3))).dtype == "float32"


def test_subclassed_networks_have_to_name_their_transformation():
    def networks():
        generator = Quadratic(symmetric(3))
        return keras_gan.GAN(
            generator,
            Quadratic(symmetric(3)),
            latents=keras_gan.latents.Normal(3),
            conditional=False,
        )

    unbuilt = ConsistencyRegularization(augmentation=doubled())
    for term in ("consistency_regularization", unbuilt):
        with pytest.raises(ValueError, match="pass one that is built"):
            networks().compile(terms=[term])
    unbuilt.augmentation.build((None, 3))
    networks().compile(terms=[unbuilt])


def test_a_transformation_made_outside_of_the_scope_is_refused(two_replicas):
    noise = keras.layers.GaussianNoise(0.1)
    with two_replicas.scope():
        model = keras_gan.GAN(linear_generator((3,)), linear_critic((3,)))
    with pytest.raises(ValueError, match="outside the strategy's scope"):
        model.compile(terms=[ConsistencyRegularization(augmentation=noise)])


def test_latent_consistency():
    """For G(z) = W z and D(x) = a.x: (a.W d)^2 for D, and -|W d|^2 / size for G."""
    generator = linear_generator((2, 3), latent_dim=2, bias=False)
    critic, term = linear_critic((2, 3)), LatentConsistency(noise=0.1)
    model = compiled(critic, [term], generator)
    w, a = generator.get_weights()[0], critic.get_weights()[0]
    step, seeds = step_of(model, normal(50, 2, 3)), draws_of(model)
    players = {}
    for player in ("discriminator", "generator"):
        mean, weighted, _ = term.evaluate(player, step)
        delta = tf.random.stateless_normal((50, 2), seeds.next(), stddev=0.1).numpy()
        players[player] = float(mean), float(weighted), delta
    mean, weighted, delta = players["discriminator"]
    assert mean == pytest.approx(np.mean((delta @ w @ a) ** 2), rel=1e-3)
    assert weighted == pytest.approx(20 * mean, rel=1e-6)
    mean, weighted, other = players["generator"]
    assert mean == pytest.approx(np.mean((other @ w) ** 2), rel=1e-3)
    assert weighted == pytest.approx(-0.5 * mean, rel=1e-6)
    assert not np.allclose(delta, other)


@pytest.mark.parametrize(("generator_weight", "grows"), [(50.0, True), (0.0, False)])
def test_latent_consistency_moves_the_generator_away(generator_weight, grows):
    """Its own part alone makes W larger, where the adversarial part has no say."""
    generator = linear_generator((2,), latent_dim=2, bias=False)
    critic, term = linear_critic((2,)), LatentConsistency(0.0, generator_weight, noise=0.5)
    critic.set_weights([np.zeros((2, 1), "float32"), np.zeros(1, "float32")])
    rates = {"generator": 0.1, "discriminator": 0.0}
    optimizers = {f"{player}_optimizer": keras.optimizers.SGD(r) for player, r in rates.items()}
    model = compiled(critic, [term], generator, **optimizers)
    before = np.linalg.norm(generator.get_weights()[0])
    logs = model.train_on_batch(normal(64, 2), return_dict=True)
    after = np.linalg.norm(generator.get_weights()[0])
    assert (after > 1.1 * before) if grows else after == before
    assert logs["latent_consistency/generator"] > 0
    assert logs["latent_consistency/discriminator"] == 0
