"""CycleGAN against literal code of the official losses, and how many forwards it takes."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cycle_gan import domains
from integration import small

import keras_gan


def official_gradients(model, a, b):
    """Return the gradients of both players of the official losses: lambda 10, identity 0.5."""
    to_b, to_a = model.a_to_b, model.b_to_a
    d_a, d_b = model.discriminator_a, model.discriminator_b

    def mse(logits, target):
        return tf.reduce_mean((logits - target) ** 2)

    def l1(one, other):
        return tf.reduce_mean(tf.abs(one - other))

    with tf.GradientTape() as tape:
        fake_b, fake_a = to_b(a), to_a(b)
        g_loss = mse(d_b(fake_b), 1.0) + mse(d_a(fake_a), 1.0)
        g_loss += 10.0 * (l1(to_a(fake_b), a) + l1(to_b(fake_a), b))
        g_loss += 0.5 * 10.0 * (l1(to_b(b), b) + l1(to_a(a), a))
    g_variables = model.generator.trainable_variables
    g_gradients = tape.gradient(g_loss, g_variables)
    with tf.GradientTape() as tape:
        d_loss = 0.5 * (mse(d_a(a), 1.0) + mse(d_a(fake_a), 0.0))
        d_loss += 0.5 * (mse(d_b(b), 1.0) + mse(d_b(fake_b), 0.0))
    d_variables = model.discriminator.trainable_variables
    return g_gradients, tape.gradient(d_loss, d_variables), g_loss, d_loss


def test_the_defaults_are_the_official_losses_to_a_factor(double_precision):
    """A fourth of the generators' and half of the discriminators', for every variable."""
    model = domains.cycle_gan()
    rates = small.sgds(1.0)
    model.compile(**rates, update="simultaneous", run_eagerly=True)
    assert [(term.name, term.weight) for term in model.terms] == [("cycle", 5), ("identity", 2.5)]
    a, b = domains.images(4, 0), domains.images(4, 1)
    g_gradients, d_gradients, g_loss, d_loss = official_gradients(model, a, b)
    players = model.generator, model.discriminator
    before = [[v.numpy() for v in player.trainable_variables] for player in players]
    logs = model.train_on_batch({"a": a, "b": b}, return_dict=True)
    pairs = zip(players, before, (g_gradients, d_gradients), (1 / 4, 1 / 2), strict=True)
    for player, weights, gradients, factor in pairs:
        assert len(gradients) == 8
        for old, new, gradient in zip(weights, player.trainable_variables, gradients, strict=True):
            np.testing.assert_allclose(old - new.numpy(), factor * gradient, rtol=1e-6, atol=1e-12)
    total = logs["g_loss"] + 5 * logs["cycle"] + 2.5 * logs["identity"]
    assert total == pytest.approx(float(g_loss) / 4, rel=1e-6)
    assert logs["d_loss"] == pytest.approx(float(d_loss) / 2, rel=1e-6)


@pytest.mark.slow
def test_each_direction_is_traced_once_for_each_of_its_forwards():
    """Translation, cycle and identity are three forwards; an epoch more adds none."""
    counted = {part: domains.Counted() for part in "ab"}
    networks = [
        keras.Sequential([*domains.translation().layers, counted[part]]) for part in ("b", "a")
    ]
    for network in networks:
        network.build((None, *domains.SHAPE))
    model = keras_gan.CycleGAN(*networks, domains.critic(), domains.critic(), seed=0)
    model.compile()
    for layer in counted.values():
        layer.calls = 0
    data = domains.images(8, 0), domains.images(8, 1)
    model.fit(data, batch_size=4, epochs=2, verbose=0)
    assert [layer.calls for layer in counted.values()] == [3, 3]

    for layer in counted.values():
        layer.calls = 0
    for rows in (1, 5, 8):
        model.translate(data[0][:rows], to="b", batch_size=3)
    assert (counted["a"].calls, counted["b"].calls) == (0, 1)
    made = model.translate(data[0], to="b", batch_size=3)
    np.testing.assert_allclose(made, model.a_to_b(data[0]), atol=1e-6)
