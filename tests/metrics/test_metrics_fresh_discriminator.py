import math
import random

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan.metrics import FreshDiscriminator, fresh_discriminator

N = 40_000
REAL = np.random.default_rng(5).normal(3, 1, (N, 1)).astype("float32")


def normal(mean, std):
    return lambda x: np.exp(-0.5 * ((x - mean) / std) ** 2) / (std * math.sqrt(2 * math.pi))


def uniform(x):
    """The density of the uniform distribution of mean 3 and standard deviation 1."""
    return np.where(np.abs(x - 3) < math.sqrt(3), 1 / math.sqrt(12), 0.0)


def exact_js(p, q):
    """JS in nats by the trapezoidal rule."""
    x = np.linspace(-12, 18, 600_001)
    p, q = p(x), q(x)
    m = (p + q) / 2
    terms = [
        np.where(d > 0, d * np.log(np.maximum(d, 1e-300) / np.maximum(m, 1e-300)), 0)
        for d in (p, q)
    ]
    return np.trapezoid(sum(terms), x) / 2


def normal_samples(mean, std):
    return lambda rng, n: rng.normal(mean, std, (n, 1))


def uniform_samples(rng, n):
    return rng.uniform(3 - math.sqrt(3), 3 + math.sqrt(3), (n, 1))


GENERATORS = {
    "shifted": (normal_samples(3.3, 1), normal(3.3, 1), 0.97),
    "narrow": (normal_samples(3, 0.7), normal(3, 0.7), 0.97),
    "collapsed": (normal_samples(3, 0.03), normal(3, 0.03), 0.97),
    # A network rounds the edges off.
    "right mean and std, wrong shape": (uniform_samples, uniform, 0.85),
    "equal": (normal_samples(3, 1), normal(3, 1), 0.97),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", GENERATORS)
def test_it_finds_what_there_is(name):
    draw, density, power = GENERATORS[name]
    js, error = fresh_discriminator(REAL, draw(np.random.default_rng(6), N)).values()
    true = exact_js(normal(3, 1), density)
    assert js <= true + 4 * error + 1e-4
    assert js >= power * true - 4 * error - 2e-4


def shuffled(rows, side):
    """Return rows in the order in which the first half trains and the second judges."""
    return rows[np.random.default_rng([0, side]).permutation(len(rows))]


def test_it_judges_on_samples_it_was_not_trained_on():
    # The halves that train tell real from generated perfectly; those that judge are equal.
    rng, n = np.random.default_rng(0), 500
    real, fake = rng.normal(3, 1, (2, 2 * n, 1))
    train = [shuffled(np.arange(2 * n), side)[:n] for side in range(2)]
    real[train[0]], fake[train[1]] = np.abs(real[train[0]]) + 3.5, -np.abs(fake[train[1]])
    assert fresh_discriminator(real, fake, epochs=5)["js"] < 0


def linear(weight):
    """Return a maker of a discriminator that is given and can't learn."""

    def make():
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.set_weights([np.array([[weight]]), np.zeros(1)])
        model.trainable = False
        return model

    return make


def test_the_bound_of_a_given_discriminator_by_hand():
    # Of the judging halves alone, and both sides count equally though one has more samples.
    real, fake = REAL[:300], -REAL[300:420]
    found = fresh_discriminator(real, fake, discriminator=linear(0.3))
    judged = shuffled(real, 0)[150:], shuffled(fake, 1)[60:]
    losses = np.log1p(np.exp(-0.3 * judged[0])), np.log1p(np.exp(0.3 * judged[1]))
    expected = math.log(2) - (losses[0].mean() + losses[1].mean()) / 2
    error = math.sqrt(losses[0].var(ddof=1) / 150 + losses[1].var(ddof=1) / 60) / 2
    assert found == pytest.approx({"js": expected, "standard_error": error}, rel=1e-4)


def test_many_dimensions_and_few_samples_prove_nothing_false():
    # A network that kept its last weights would know these by heart and prove -0.5.
    real, fake = np.random.default_rng(0).normal(size=(2, 400, 64))
    js, error = fresh_discriminator(real, fake).values()
    assert -0.1 < js < 3 * error


@pytest.mark.slow
def test_images_are_judged_in_their_own_shape():
    # Both sides have the same pixels, in another order: no single pixel tells them apart.
    rng = np.random.default_rng(0)
    real = np.repeat(rng.normal(size=(200, 8, 4, 1)), 2, axis=2)
    fake = rng.permuted(real, axis=2)
    metric = FreshDiscriminator(epochs=5)
    metric.update_state(real=real[:100], fake=fake[:150])
    metric.update_state(real=real[100:], fake=fake[150:])
    assert metric.result() == fresh_discriminator(real, fake, epochs=5)
    assert metric.result()["js"] > 0.2


def test_features_that_never_vary():
    real = np.concatenate([REAL[:200], np.zeros((200, 1))], axis=1)
    assert np.isfinite(fresh_discriminator(real, real + np.array([0.1, 0]), epochs=2)["js"])


def test_a_seed_fixes_the_result_and_leaves_the_callers_state_alone():
    def draws():
        return random.random(), np.random.rand(), float(keras.random.uniform(()))

    keras.utils.set_random_seed(3)
    expected = *draws(), float(tf.random.uniform(()))
    keras.utils.set_random_seed(3)
    arguments = {"real": REAL[:300], "fake": REAL[300:500], "epochs": 3}
    first = fresh_discriminator(**arguments, seed=1)
    assert (*draws(), float(tf.random.uniform(()))) == expected
    assert fresh_discriminator(**arguments, seed=1) == first
    assert fresh_discriminator(**arguments, seed=2) != first


@pytest.mark.slow
def test_inside_a_strategys_scope(two_replicas):
    expected = fresh_discriminator(REAL[:50], REAL[50:100], epochs=1)
    with two_replicas.scope():
        assert fresh_discriminator(REAL[:50], REAL[50:100], epochs=1) == expected


def test_a_config_brings_it_back_unless_it_had_a_discriminator():
    metric = FreshDiscriminator(epochs=3, seed=7, name="fresh")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert again.get_config() == metric.get_config() and again.unavailable is None
    metric = FreshDiscriminator(discriminator=linear(0.3))
    assert metric.unavailable is None
    for _ in range(2):  # What was lost stays lost.
        metric = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
        assert "`discriminator`" in metric.unavailable
    metric.update_state(real=REAL[:20], fake=REAL[20:40])
    with pytest.raises(ValueError, match="build the metric again"):
        metric.result()


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (REAL[:9], REAL[:20], r"at least 10 .*Received: real.shape=\(9, 1\)"),
        (REAL[:20], REAL[:20, [0, 0]], r"one shape.*fake.shape=\(20, 2\)"),
        (REAL[:20, 0], REAL[:20, 0], r"batch axis first.*real.shape=\(20,\)"),
        (REAL[:20] * np.nan, REAL[:20], "NaN or infinity in real"),
    ],
)
def test_what_it_refuses(real, fake, message):
    with pytest.raises(ValueError, match=message):
        fresh_discriminator(real, fake)
