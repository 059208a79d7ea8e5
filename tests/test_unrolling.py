"""Unrolled updates: the Dirac game by hand, and where they agree with simultaneous ones."""

import keras
import numpy as np
import pytest
from integration import small

import keras_gan
from keras_gan.game.orders import Unrolled
from keras_gan.losses import LeastSquares, Minimax, NonSaturating
from tests.integration.seeding import seeded

RATE, AHEAD = 0.1, 0.3


def dirac(loss, bias=False, steps=20, ahead=keras.optimizers.SGD, **options):
    """Return (theta, psi[, bias]) after every step of `fit` from (1, 0.5[, 0])."""
    generator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    discriminator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=bias)])
    generator.set_weights([np.ones((1, 1))])
    discriminator.set_weights([np.full((1, 1), 0.5), np.zeros(1)][: 1 + bias])
    model = keras_gan.GAN(generator, discriminator, latents=None)
    sgds = keras.optimizers.SGD(RATE), ahead(AHEAD)
    model.compile(loss, *sgds, **options)
    states = []

    def record(batch, logs):
        networks = generator, discriminator
        states.append([w.item() for network in networks for w in network.get_weights()])

    zeros = np.zeros((steps, 1), "float32")
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=record)
    model.fit(zeros, np.ones_like(zeros), batch_size=1, verbose=0, callbacks=[callback])
    return states


def logistic(logit):
    return 1 / (1 + np.exp(-logit))


def discriminator_slope(loss, theta, weights):
    """Return d L_D / d (psi, bias) on the data 0 and the sample theta, by hand."""
    psi, bias = weights
    real, fake = bias, psi * theta + bias
    if isinstance(loss, LeastSquares):
        d_real, d_fake = real - 1, fake
    else:
        d_real, d_fake = -logistic(-real), logistic(fake)
    return np.array([d_fake * theta, d_real + d_fake])


def generator_value(loss, theta, weights):
    fake = weights[0] * theta + weights[1]
    if isinstance(loss, LeastSquares):
        return (fake - 1) ** 2 / 2
    return -np.log1p(np.exp(fake)) if isinstance(loss, Minimax) else np.log1p(np.exp(-fake))


def literal(loss, k, bias, steps=20, h=1e-5):
    """Play the unrolled game in float64; central differences through the whole unroll."""
    theta, weights, learned = 1.0, np.array([0.5, 0.0]), np.array([1.0, float(bias)])
    states = []

    def answered(theta):
        ahead = weights
        for _ in range(k):
            ahead = ahead - AHEAD * learned * discriminator_slope(loss, theta, ahead)
        return generator_value(loss, theta, ahead)

    for _ in range(steps):
        slope = (answered(theta + h) - answered(theta - h)) / (2 * h)
        weights = weights - AHEAD * learned * discriminator_slope(loss, theta, weights)
        theta -= RATE * slope
        states.append([theta, *weights[: 1 + bias]])
    return states


@pytest.mark.representatives(2)
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("loss", [NonSaturating(), Minimax(), LeastSquares()])
def test_dirac(loss, k):
    bias = isinstance(loss, LeastSquares)
    states = dirac(loss, bias, update="unrolled", unrolled_steps=k)
    np.testing.assert_allclose(states, literal(loss, k, bias), rtol=2e-5, atol=2e-6)


def adam(k, steps, h=1e-5, betas=(0.9, 0.999), epsilon=1e-7):
    """Play minimax in float64, the discriminator by Adam, unrolled by k of its steps."""
    theta, state = 1.0, (0.5, 0.0, 0.0, 0)
    states = []

    def step(theta, state):
        psi, m, v, count = state
        slope, count = logistic(psi * theta) * theta, count + 1
        m = betas[0] * m + (1 - betas[0]) * slope
        v = betas[1] * v + (1 - betas[1]) * slope**2
        rate = AHEAD * np.sqrt(1 - betas[1] ** count) / (1 - betas[0] ** count)
        return psi - rate * m / (np.sqrt(v) + epsilon), m, v, count

    def answered(theta):
        ahead = state
        for _ in range(k):
            ahead = step(theta, ahead)
        return -np.log1p(np.exp(ahead[0] * theta))

    for _ in range(steps):
        slope = (answered(theta + h) - answered(theta - h)) / (2 * h)
        state = step(theta, state)
        theta -= RATE * slope
        states.append([theta, state[0]])
    return states


@pytest.mark.representatives(1)
@pytest.mark.parametrize("k", [1, 3])
def test_adam(k):
    """Adam's steps are unrolled as Adam's, through its moments."""
    options = dict(ahead=keras.optimizers.Adam, steps=30, update="unrolled", unrolled_steps=k)
    states = dirac(Minimax(), **options)
    np.testing.assert_allclose(states, adam(k, 30), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_adam_where_no_gradient_comes():
    """A unit that is dead on the whole batch leaves the generator's gradient finite.

    With XLA: op by op, TensorFlow takes 0 for 0 times the root's infinite slope.
    """
    seeded(0)
    hidden = keras.layers.Dense(3, activation="relu", name="hidden")
    discriminator = keras.Sequential([keras.Input((2,)), hidden, keras.layers.Dense(1)])
    model = keras_gan.GAN(small.networks()[0], discriminator, seed=0)
    hidden.bias.assign([-100.0, 1.0, 1.0])
    model.compile("non_saturating", update="unrolled", jit_compile=True)
    model.fit(small.points(16), batch_size=8, verbose=0)
    assert all(np.isfinite(w).all() for w in model.generator.get_weights())


def test_by_default_the_virtual_steps_are_as_large_as_real_ones():
    """One virtual step is the next real one, from moments that have seen some steps already."""
    model = small.gan()
    model.compile("non_saturating", update="unrolled", unrolled_steps=1, run_eagerly=True)
    model.fit(small.points(32), batch_size=8, verbose=0)
    looked, ahead_of = [], Unrolled.weights_ahead

    def looking(*args):
        looked[:] = ahead_of(*args)
        return list(looked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Unrolled, "weights_ahead", looking)
        model.train_on_batch(small.points(8, seed=1))
    for ahead, real in zip(looked, model.discriminator.trainable_variables, strict=True):
        np.testing.assert_allclose(ahead, real, rtol=1e-5, atol=1e-6)


def test_one_step_on_paper():
    """L_G = softplus(-psi' theta) with psi' = psi - eta theta sigmoid(psi theta)."""
    theta, psi = 1.0, 0.5
    ahead = psi - AHEAD * theta * logistic(psi * theta)
    bend = logistic(psi * theta) * logistic(-psi * theta)
    slope_of_ahead = -AHEAD * (logistic(psi * theta) + theta * psi * bend)
    slope = -logistic(-ahead * theta) * (ahead + theta * slope_of_ahead)
    (state,) = dirac(
        NonSaturating(), steps=1, update="unrolled", unrolled_steps=1, run_eagerly=True
    )
    assert state == pytest.approx([theta - RATE * slope, ahead], rel=1e-6)


@pytest.mark.slow
def test_modes_of_running_agree():
    """XLA, and several steps in one call of the compiled function."""
    options = dict(update="unrolled", unrolled_steps=2)
    expected = literal(Minimax(), 2, False)
    compiled = dirac(Minimax(), jit_compile=True, **options)
    np.testing.assert_allclose(compiled, expected, rtol=2e-5, atol=2e-6)
    several = dirac(Minimax(), steps_per_execution=10, **options)
    np.testing.assert_allclose(several, expected[9::10], rtol=2e-5, atol=2e-6)


@pytest.mark.slow
def test_unrolling_tames_the_simultaneous_game():
    """Where simultaneous minimax spirals outwards, looking ahead leads in."""
    radius = np.hypot(1.0, 0.5)
    options = dict(steps=400, steps_per_execution=400)
    assert np.hypot(*dirac(Minimax(), update="simultaneous", **options)[-1]) > 1.5 * radius
    assert np.hypot(*dirac(Minimax(), update="unrolled", **options)[-1]) < 0.1 * radius


def critic(extra=False):
    """A discriminator with batch statistics, and perhaps an output that no loss reads."""
    x = keras.Input((2,))
    h = keras.layers.Dense(4)(x)
    h = keras.layers.BatchNormalization()(h)
    logits = keras.layers.Dense(1, name="logits")(keras.layers.Activation("tanh")(h))
    features = keras.layers.Dense(3, name="features")(h)
    outputs = {"logits": logits, "features": features} if extra else logits
    return keras.Model(x, outputs)


def played(rate, extra=False, steps=3, norm=True, **options):
    """Return a model with such a critic after some steps in eager mode."""
    seeded(0)
    model = keras_gan.GAN(small.networks(norm=norm)[0], critic(extra), seed=0)
    sgds = keras.optimizers.SGD(0.1), keras.optimizers.SGD(rate)
    model.compile("non_saturating", *sgds, run_eagerly=True, **options)
    model.fit(small.points(8 * steps), batch_size=8, verbose=0)
    return model


@pytest.mark.slow
def test_without_a_learning_rate_it_is_simultaneous():
    """Moving statistics too: the discriminator's are updated by its own step alone."""
    small.assert_equal_states(
        small.state(played(0.0, update="unrolled")),
        small.state(played(0.0, update="simultaneous")),
        without=["seed_generator_state"],
    )


@pytest.mark.slow
def test_the_discriminator_steps_as_in_a_simultaneous_game():
    """Terms act on its own step; of virtual steps nothing is left."""
    unrolled, simultaneous = (
        played(0.1, steps=1, update=update, terms=["r1"]) for update in ("unrolled", "simultaneous")
    )
    for a, b in zip(
        unrolled.discriminator.weights, simultaneous.discriminator.weights, strict=True
    ):
        np.testing.assert_array_equal(a, b)
    kernels = [model.generator.trainable_weights[0].numpy() for model in (unrolled, simultaneous)]
    assert np.abs(kernels[0] - kernels[1]).max() > 1e-5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_outputs_without_a_loss_stay_as_they_are():
    """And several discriminator steps come before the unrolled one."""
    model = played(0.1, extra=True, steps=4, update="unrolled", discriminator_steps=2)
    assert (model.steps, int(model.discriminator_optimizer.iterations)) == (2, 4)
    untouched = played(0.0, extra=True, steps=1, update="simultaneous").discriminator
    for name, same in (("features", True), ("logits", False)):
        kernels = [d.get_layer(name).kernel for d in (model.discriminator, untouched)]
        assert np.array_equal(*kernels) == same


@pytest.mark.slow
def test_replicas_agree_with_one_device(two_replicas):
    """Virtual steps too are those of the whole batch."""
    x = np.random.default_rng(0).normal(size=(24, 2)).astype("float32")
    z = np.random.default_rng(1).normal(size=(24, 3)).astype("float32")

    def train():
        seeded(0)
        model = keras_gan.GAN(*small.networks(), latents=None)
        sgds = keras.optimizers.SGD(0.3), keras.optimizers.SGD(1.0)
        model.compile("non_saturating", *sgds, update="unrolled", unrolled_steps=3)
        model.fit(x, z, batch_size=8, shuffle=False, verbose=0)
        return small.weights(model)

    alone = train()
    with two_replicas.scope():
        shared = train()
    for a, b in zip(alone, shared, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("optimizer", "text"),
    [
        (lambda: keras.optimizers.RMSprop(), "discriminator_optimizer=RMSprop"),
        (lambda: keras.optimizers.AdamW(), "discriminator_optimizer=AdamW"),
        (lambda: keras.optimizers.SGD(0.1, momentum=0.5), "SGD with momentum"),
        (lambda: keras.optimizers.Adam(clipnorm=1.0), "Adam with clipnorm"),
    ],
)
def test_optimizers_that_are_not_unrolled(optimizer, text):
    with pytest.raises(ValueError, match=text):
        small.gan().compile(discriminator_optimizer=optimizer(), update="unrolled")


def test_saved_with_the_model(tmp_path):
    model = small.gan()
    for options, steps in (
        (dict(update="unrolled", unrolled_steps=3), 3),
        (dict(update="unrolled"), 5),
        (dict(update="simultaneous"), None),
    ):
        model.compile(**options)
        model.save(tmp_path / "model.keras")
        copy = keras.saving.load_model(tmp_path / "model.keras")
        assert (copy.update, copy.unrolled_steps) == (options["update"], steps)


@pytest.mark.parametrize(
    "options",
    [
        dict(unrolled_steps=3),
        dict(unrolled_steps=3, update="simultaneous"),
        dict(unrolled_steps=0, update="unrolled"),
        dict(unrolled_steps=2.0, update="unrolled"),
        dict(unrolled_steps=True, update="unrolled"),
        dict(unrolled_steps="5", update="unrolled"),
    ],
)
def test_errors(options):
    with pytest.raises(ValueError) as caught:
        small.gan().compile(**options)
    assert f"unrolled_steps={options['unrolled_steps']!r}" in str(caught.value)
