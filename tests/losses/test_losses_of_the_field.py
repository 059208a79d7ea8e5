"""Every loss beyond the first papers', against NumPy, its divergence and its equilibrium."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from discrete_games import expected_loss, random_games
from literal_losses import BOUNDED, CASES, F_GAN, STABLE

from keras_gan import losses
from keras_gan.losses import FDivergence, Hinge, NonSaturating, RelativisticAverage, Wasserstein
from keras_gan.losses import RelativisticPairing as Pairing

REAL = np.array([-5, 1.4, 12.5, 2.7])
FAKE = np.array([10, 4.4, -5.5, 3.6])
AVERAGED = np.array([-2, 0.4, 12.5, 2.7])

# loss, real logits, generator, discriminator: published values.
GOLDEN = [
    (Wasserstein(), REAL, -3.125, 0.225),
    (Hinge(), REAL, -3.125, 6.75),
    (Pairing(), REAL, 4.597435, 4.822435),
    (RelativisticAverage(), AVERAGED, 4.940114, 4.390114),
]


def named(cases):
    return pytest.mark.parametrize("case", cases, ids=lambda case: repr(case.loss))


def gradients(function, *logits):
    tensors = [tf.constant(value) for value in logits]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        total = tf.reduce_sum(function(*tensors))
    return [g.numpy() for g in tape.gradient(total, tensors, unconnected_gradients="zero")]


@pytest.mark.parametrize(("loss", "real", "generator", "discriminator"), GOLDEN, ids=repr)
def test_golden_values_of_the_field(loss, real, generator, discriminator):
    assert np.mean(loss.generator_loss(FAKE, real)) == pytest.approx(generator, abs=1e-5)
    assert np.mean(loss.discriminator_loss(real, FAKE)) == pytest.approx(discriminator, abs=1e-5)


@named(CASES)
def test_equals_the_formula(case):
    rng = np.random.default_rng(0)
    for shape in [(5,), (5, 1), (5, 3, 3, 1)]:
        real, fake = rng.normal(scale=2, size=(2, *shape))
        d, g = case.loss.discriminator_loss(real, fake), case.loss.generator_loss(fake, real)
        assert d.shape == g.shape == shape
        np.testing.assert_allclose(d, case.discriminator(real, fake), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(g, case.generator(real, fake), rtol=1e-9, atol=1e-12)


@named(CASES)
def test_gradients_are_those_of_finite_differences(case):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(2, 7))
    for function in (
        case.loss.discriminator_loss,
        lambda r, f: case.loss.generator_loss(f, r),
    ):
        for side, gradient in enumerate(gradients(function, real, fake)):
            for i in range(len(real)):
                moved = [real.copy(), fake.copy()], [real.copy(), fake.copy()]
                for sign, pair in zip((1e-6, -1e-6), moved, strict=True):
                    pair[side][i] += sign
                up, down = (np.sum(function(*pair)) for pair in moved)
                assert gradient[i] == pytest.approx((up - down) / 2e-6, abs=1e-6)


@named(STABLE)
def test_any_logits_are_finite(case):
    real = np.array([-1e4, -100, 0, 100, 1e4], "float32")
    for fake in (real, real[::-1].copy()):
        for function in (
            case.loss.discriminator_loss,
            lambda r, f: case.loss.generator_loss(f, r),
        ):
            assert np.isfinite(function(real, fake)).all()
            assert all(np.isfinite(g).all() for g in gradients(function, real, fake))


@named([case for case in CASES if case not in STABLE])
def test_exponential_losses_are_finite_within_their_range(case):
    real = np.linspace(-85, 85, 11).astype("float32")
    for function in (case.loss.discriminator_loss, lambda r, f: case.loss.generator_loss(f, r)):
        assert np.isfinite(function(real, real)).all()
        assert all(np.isfinite(g).all() for g in gradients(function, real, real))


@named(BOUNDED)
def test_no_discriminator_breaks_the_bound(case):
    assert case.loss.divergence_name == case.name
    p, q, logits = random_games(1000, seed=1)
    exact = np.array([case.divergence(*pair) for pair in zip(p, q, strict=True)])
    for outputs in (logits, case.optimum(p, q) + 0.01 * logits):
        assert (case.loss.divergence(expected_loss(case.loss, p, q, outputs)) <= exact + 1e-9).all()


@named(BOUNDED)
def test_the_best_discriminator_reaches_the_divergence(case):
    p, q, _ = random_games(50, seed=1)
    exact = [case.divergence(*pair) for pair in zip(p, q, strict=True)]
    bound = case.loss.divergence(expected_loss(case.loss, p, q, case.optimum(p, q)))
    assert bound == pytest.approx(exact, abs=1e-6)


def test_who_proves_nothing_says_so():
    for loss in (Wasserstein(), *(RelativisticAverage(form) for form in ("logistic", "hinge"))):
        assert loss.divergence_name is None
        assert loss.divergence(0.5) is None
    assert Wasserstein().logged_name == "critic_gap"
    assert Wasserstein().logged(0.25) == -0.25
    assert (2 * Wasserstein()).logged(0.5) == -0.25
    assert (2 * Wasserstein()).logged_name == "critic_gap"
    assert (Wasserstein() + Hinge()).logged_name is None


@named(CASES)
def test_equilibrium_of_the_field(case):
    """Where p = q, no discriminator does better than the constant of the equilibrium."""
    assert case.loss.equilibrium == pytest.approx(case.equilibrium)
    twice = (2 * case.loss).equilibrium
    assert twice == pytest.approx(tuple(v if v is None else 2 * v for v in case.equilibrium))
    constants = np.linspace(-3, 3, 60001)
    per_constant = np.asarray(
        [case.discriminator(np.full(2, c), np.full(2, c)).mean() for c in constants[::100]]
    )
    least = case.loss.equilibrium.discriminator
    assert per_constant.min() == pytest.approx(least, abs=1e-5)
    if case.equilibrium[1] is not None:
        best = np.full(2, constants[::100][per_constant.argmin()])
        assert case.generator(best, best).mean() == pytest.approx(case.equilibrium[1], abs=0.01)


INVARIANT = (Wasserstein, Pairing, RelativisticAverage)


@named(CASES)
def test_who_is_invariant_under_a_shift(case):
    real, fake = np.random.default_rng(0).normal(size=(2, 9))
    before = case.loss.discriminator_loss(real, fake)
    after = case.loss.discriminator_loss(real + 3, fake + 3)
    assert np.allclose(before, after) == isinstance(case.loss, INVARIANT)


@named([case for case in CASES if case.loss.uses_real_logits])
def test_relativistic_generators_swap_the_sides(case):
    real, fake = np.random.default_rng(0).normal(size=(2, 9))
    np.testing.assert_array_equal(
        case.loss.generator_loss(fake, real), case.loss.discriminator_loss(fake, real)
    )
    with pytest.raises(ValueError, match="real_logits=None"):
        case.loss.generator_loss(fake)


def test_the_relativistic_average_of_esrgan_is_half_of_ours():
    """Its code takes the mean of the two halves, of which ours is the sum."""
    real, fake = np.random.default_rng(0).normal(size=(2, 9))

    def cross_entropy(logits, label):
        p = 1 / (1 + np.exp(-logits))
        return -np.mean(np.log(p if label else 1 - p))

    advantage, other = real - fake.mean(), fake - real.mean()
    loss = RelativisticAverage()
    for of_real, value in [
        (1, loss.discriminator_loss(real, fake)),
        (0, loss.generator_loss(fake, real)),
    ]:
        halves = cross_entropy(advantage, of_real), cross_entropy(other, 1 - of_real)
        assert np.mean(halves) == pytest.approx(np.mean(value) / 2, rel=1e-9)


@named(F_GAN)
def test_conjugates_and_activations(case):
    """f*(t) = sup_u ut - f(u), searched for; and g grows, so that a logit above says real."""
    # Below -2 the paper's conjugate of Pearson's row is that of f on negative u too.
    loss, outputs = case.loss, np.linspace(-2 if case.name == "pearson" else -3, 0.6, 19)
    # L_D + L_G = -g(D(x)): the conjugates cancel.
    activation = -np.asarray(loss.discriminator_loss(outputs, outputs))
    activation -= np.asarray(loss.generator_loss(outputs))
    assert (np.diff(activation) > 0).all()
    u = np.exp(np.linspace(-25, 12, 200_001))
    # q = 1 and p = u make `divergence` f itself.
    f = np.array([case.divergence(value, 1.0) for value in u[::20]])
    for t, conjugate in zip(activation, -np.asarray(loss.generator_loss(outputs)), strict=True):
        assert np.max(u[::20] * t - f) == pytest.approx(conjugate, abs=1e-4)


@named(F_GAN)
def test_undecided_is_where_p_equals_q(case):
    at = float(case.optimum(np.array(1.0), np.array(1.0)))
    assert list(case.loss.says_real(np.array([at - 1e-3, at + 1e-3]))) == [False, True]


@named(CASES)
def test_round_trip_and_weights(case):
    for loss in (case.loss, 0.5 * case.loss + NonSaturating()):
        config = keras.saving.serialize_keras_object(loss)
        copy = keras.saving.deserialize_keras_object(config, safe_mode=True)
        assert repr(copy) == repr(loss)
        value = copy.discriminator_loss(REAL, FAKE)
        np.testing.assert_array_equal(value, loss.discriminator_loss(REAL, FAKE))
        assert copy.uses_real_logits == loss.uses_real_logits
    half = 0.5 * np.asarray(case.loss.discriminator_loss(REAL, FAKE))
    np.testing.assert_allclose((0.5 * case.loss).discriminator_loss(REAL, FAKE), half)
    assert type(losses.get(case.loss.name)) is type(case.loss)


@named(CASES)
def test_low_precision_and_shapes(case):
    low = keras.ops.cast(FAKE, "bfloat16")
    for value in (case.loss.discriminator_loss(low, low), case.loss.generator_loss(low, low)):
        assert keras.backend.standardize_dtype(value.dtype) == "float32"
    with pytest.raises(ValueError, match=r"shapes \(4, 1\) and \(4,\)"):
        case.loss.discriminator_loss(REAL[:, None], FAKE)


@pytest.mark.parametrize("first", [4, 5, 8])
@pytest.mark.parametrize("form", ["logistic", "least_squares", "hinge"])
def test_averages_are_those_of_all_replicas(form, first, two_replicas):
    """Two replicas have the losses, and the gradients, of one device on the whole batch.

    Whatever their shares: the first has that many samples of eight.
    """
    loss = RelativisticAverage(form)
    real, fake = np.random.default_rng(0).normal(size=(2, 8)).astype("float32")
    whole = np.asarray(loss.discriminator_loss(real, fake))
    d_real, d_fake = gradients(loss.discriminator_loss, real, fake)

    @tf.function
    def share(real, fake):
        with tf.GradientTape() as tape:
            tape.watch((real, fake))
            value = loss.discriminator_loss(real, fake)
            total = tf.reduce_sum(value)
        return value, tape.gradient(total, (real, fake))

    def half(array):
        return two_replicas.experimental_distribute_values_from_function(
            lambda context: tf.constant(np.split(array, [first])[context.replica_id_in_sync_group])
        )

    values, (to_real, to_fake) = two_replicas.run(share, (half(real), half(fake)))
    for parts, expected_whole in ((values, whole), (to_real, d_real), (to_fake, d_fake)):
        joined = np.concatenate([np.asarray(part) for part in parts.values])
        np.testing.assert_allclose(joined, expected_whole, rtol=1e-5, atol=1e-6)


def test_wrong_rows_and_forms():
    with pytest.raises(ValueError, match=r"'kl', 'pearson'.*Received: divergence='chi'"):
        FDivergence("chi")
    with pytest.raises(ValueError, match="Received: form='pairing'"):
        RelativisticAverage("pairing")


def test_the_gan_row_is_the_minimax_game():
    gan, minimax = FDivergence("gan"), losses.Minimax()
    for method in ("discriminator_loss", "generator_loss"):
        value = getattr(gan, method)(REAL, FAKE)
        np.testing.assert_allclose(value, getattr(minimax, method)(REAL, FAKE), atol=1e-12)
    js = FDivergence("jensen_shannon")
    difference = gan.discriminator_loss(REAL, FAKE) - js.discriminator_loss(REAL, FAKE)
    np.testing.assert_allclose(difference, 2 * math.log(2))
