"""ReACGAN's data-to-data cross-entropy against its formula, written out pair by pair."""

import math

import heads
import keras
import numpy as np
import pytest
import tensorflow as tf
from term_steps import normal, step_of, values_of

import keras_gan
from keras_gan.terms import DataToDataCrossEntropy

NAME = "data_to_data_cross_entropy"


def literal(embeddings, proxies, labels, temperature=0.5, margin=0.98):
    """Eq. (8) of the paper, each sample and pair by itself; its m_n is 1 - m_p."""

    def cosine(a, b):
        return np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b))

    embeddings, proxies = embeddings.astype("float64"), proxies.astype("float64")
    values = []
    for i, (own, label) in enumerate(zip(embeddings, labels, strict=True)):
        near = math.exp(min(cosine(own, proxies[label]) - margin, 0) / temperature)
        far = [
            math.exp(max(cosine(own, other) - (1 - margin), 0) / temperature)
            for j, other in enumerate(embeddings)
            if labels[j] != label and j != i
        ]
        values.append(-math.log(near / (near + sum(far))))
    return np.array(values)


@pytest.fixture(scope="module")
def attached():
    term = DataToDataCrossEntropy()
    return term, heads.model_of(term)


def test_each_player_against_the_formula(attached):
    """Real samples for the discriminator, generated ones for the generator."""
    term, model = attached
    x, labels = heads.data(7)
    step = step_of(model, x, condition=labels, player="generator")
    proxies = term.proxies.numpy()
    for player, samples in (("discriminator", x), ("generator", step.fake)):
        told = np.asarray(model.discriminator(samples)["embedding"])
        expected = literal(told, proxies, labels)
        np.testing.assert_allclose(values_of(term, step, player), expected, rtol=1e-5)
        shifted = literal(told, proxies, (labels + 1) % 3)
        assert np.abs(expected - shifted).max() > 0.1
    rows = tf.one_hot(labels, 3)
    step = step_of(model, x, condition=rows.numpy().argmax(1).astype("int32"))
    first = values_of(term, step)
    step.condition = rows
    np.testing.assert_array_equal(values_of(term, step), first)


@pytest.mark.parametrize(("temperature", "margin"), [(0.1, 0.9), (1e-3, 0.98)])
def test_other_temperatures_and_margins(temperature, margin):
    """Down to where the powers of single precision end."""
    term = DataToDataCrossEntropy(temperature=temperature, margin=margin)
    model = heads.model_of(term)
    x, labels = heads.data(7)
    found = values_of(term, step_of(model, x, condition=labels))
    told = np.asarray(model.discriminator(x)["embedding"])
    if temperature == 1e-3:  # The literal formula ends earlier: log(near + far) is its largest.
        assert np.isfinite(found).all() and found.min() >= 0
        return
    expected = literal(told, term.proxies.numpy(), labels, temperature, margin)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def seen(term, told, labels):
    step = type("Seen", (), {"real_outputs": {"embedding": told}, "condition": labels})
    return term.discriminator_term(step)


def test_lengths_do_not_matter(attached):
    term, _ = attached
    told, labels = normal(6, 5), tf.constant([0, 1, 2, 0, 1, 2])
    lengths = np.arange(1, 7, dtype="float32")[:, None]
    first = seen(term, tf.constant(told), labels)
    np.testing.assert_allclose(seen(term, tf.constant(told * lengths), labels), first, rtol=1e-5)


def test_what_is_good_enough_is_left_alone(attached):
    """At its proxy, and at right angles to the others: nothing to gain, and no slope."""
    term, _ = attached
    labels = tf.constant([0, 1, 2, 0])
    told = tf.gather(tf.convert_to_tensor(term.proxies), labels)  # Orthogonal at the start.
    with tf.GradientTape() as tape:
        tape.watch(told)
        values = seen(term, told, labels)
    # One for its own proxy, one for each sample of another class.
    np.testing.assert_allclose(values, np.log([3, 4, 4, 3]), rtol=1e-5)
    np.testing.assert_allclose(tape.gradient(values, told), 0, atol=1e-6)
    alone = seen(term, told, tf.zeros(4, "int32"))
    assert alone.numpy()[0] == 0, "a batch of one class has none to be told from"


def test_slopes_against_finite_differences(attached):
    term, _ = attached
    # In float64: of float32 numbers a step of 1e-5 would be rounded by a hundredth of it.
    told, direction = (normal(5, 5, seed=seed).astype("float64") for seed in (3, 4))
    labels = np.array([0, 1, 2, 0, 1])
    with tf.GradientTape() as tape:
        point = tf.constant(told, tf.float32)
        tape.watch(point)
        value = tf.reduce_mean(seen(term, point, tf.constant(labels)))
    slope = float(np.sum(tape.gradient(value, point).numpy() * direction))
    h, proxies = 1e-5, term.proxies.numpy()
    ends = [literal(told + s * h * direction, proxies, labels).mean() for s in (1, -1)]
    assert slope == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-3)
    assert abs(slope) > 1e-2


def test_the_discriminator_trains_the_proxies(attached):
    term, model = attached
    assert any(v is term.proxies for v in model.game.discriminator.variables)
    assert not any(v is term.proxies for v in model.game.generator.variables)
    before = term.proxies.numpy()
    logs = model.train_on_batch(*heads.data(), return_dict=True)
    assert {f"{NAME}/discriminator", f"{NAME}/generator"} <= logs.keys()
    assert np.abs(term.proxies.numpy() - before).max() > 1e-5
    before = [v.numpy() for v in model.variables]
    tested = model.test_on_batch(*heads.data(), return_dict=True)
    assert f"{NAME}/generator" in tested
    for old, new in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, new)


def test_what_can_not_be_is_refused():
    with pytest.raises(ValueError, match="reads labels, and this model takes none"):
        heads.model_of(DataToDataCrossEntropy(), labelled=False)
    with pytest.raises(ValueError, match=r"output='embedding'.*'classes', 'logits'"):
        heads.model_of(DataToDataCrossEntropy(), outputs={"classes": 3})
    label, z = keras.Input((1,)), keras.Input((2,))
    generator = keras.Model([z, label], keras.layers.Dense(6)(z))
    _, discriminator = heads.networks()
    model = keras_gan.GAN(generator, discriminator, conditional="generator")
    with pytest.raises(ValueError, match=r"pass `num_classes=` to `GAN`.*num_classes=None"):
        model.compile(terms=[NAME])
