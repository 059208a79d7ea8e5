import math

import keras
import numpy as np
import pytest

from keras_gan import losses
from keras_gan.losses import LeastSquares, Minimax, NonSaturating

REAL = np.array([-5, 1.4, 12.5, 2.7], "float32")[:, None]
FAKE = np.array([10, 4.4, -5.5, 3.6], "float32")[:, None]

# loss, generator, discriminator: published values, over the logits above.
GOLDEN = [
    (Minimax(), -4.510821, 5.833866),
    (NonSaturating(), 1.385821, 5.833866),
    (NonSaturating(label_smoothing=0.1), 1.385821, 6.123866),
    (LeastSquares(0, 1, 1), 17.69625, 41.73375),
]
ALL = [
    Minimax(),
    NonSaturating(),
    NonSaturating(label_smoothing=0.1),
    Minimax(label_smoothing=0.2),
    LeastSquares(),
    LeastSquares(-1, 1, 0),
    0.5 * NonSaturating() + 0.25 * LeastSquares(),
    2 * Minimax(),
]


@pytest.mark.parametrize(("loss", "generator", "discriminator"), GOLDEN, ids=repr)
def test_golden_values(loss, generator, discriminator):
    assert np.mean(loss.generator_loss(FAKE)) == pytest.approx(generator, abs=1e-5)
    assert np.mean(loss.discriminator_loss(REAL, FAKE)) == pytest.approx(discriminator, abs=1e-5)


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_losses_are_unreduced(loss):
    for shape in [(4, 1), (4,), (4, 3, 3, 1)]:
        logits = np.random.default_rng(0).normal(size=shape).astype("float32")
        assert loss.discriminator_loss(logits, -logits).shape == shape
        assert loss.generator_loss(logits, -logits).shape == shape


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_logistic_loss_is_cross_entropy(smoothing):
    """The discriminator's loss is Keras's own cross-entropy against targets 1 - s and 0."""
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    expected = entropy(np.full((4, 1), 1 - smoothing), REAL) + entropy(np.zeros((4, 1)), FAKE)
    loss = NonSaturating(label_smoothing=smoothing)
    assert np.mean(loss.discriminator_loss(REAL, FAKE)) == pytest.approx(float(expected), rel=1e-6)
    assert np.mean(loss.generator_loss(FAKE)) == pytest.approx(
        float(entropy(np.ones((4, 1)), FAKE)), rel=1e-6
    )


ZERO_LOGITS = [
    (Minimax(), 2 * math.log(2), -math.log(2)),
    (NonSaturating(), 2 * math.log(2), math.log(2)),
    (LeastSquares(0, 1, 1), 0.5, 0.5),
    (LeastSquares(-1, 1, 0), 1.0, 0.0),
]


@pytest.mark.parametrize(("loss", "discriminator", "generator"), ZERO_LOGITS, ids=repr)
def test_values_at_zero_logits(loss, discriminator, generator):
    zeros = np.zeros((3, 1), "float32")
    assert np.allclose(loss.discriminator_loss(zeros, zeros), discriminator, atol=1e-6)
    assert np.allclose(loss.generator_loss(zeros), generator, atol=1e-6)


def test_minimax_is_a_zero_sum_game_in_the_fakes():
    real_half = np.logaddexp(0, -REAL.astype("float64"))
    fake_half = Minimax().discriminator_loss(REAL, FAKE) - real_half
    assert np.allclose(Minimax().generator_loss(FAKE), -np.asarray(fake_half), atol=1e-5)


@pytest.mark.parametrize(
    ("loss", "equilibrium"),
    [
        (Minimax(), (2 * math.log(2), -math.log(2))),
        (NonSaturating(), (2 * math.log(2), math.log(2))),
        (LeastSquares(0, 1, 1), (0.25, 0.125)),
        (LeastSquares(-1, 1, 0), (1.0, 0.0)),
        (3 * NonSaturating(), (6 * math.log(2), 3 * math.log(2))),
    ],
    ids=repr,
)
def test_equilibrium(loss, equilibrium):
    assert loss.equilibrium == pytest.approx(equilibrium)


@pytest.mark.parametrize(
    "loss", [loss for loss in ALL if len(getattr(loss, "losses", [0])) == 1], ids=repr
)
def test_equilibrium_is_the_best_constant_discriminator(loss):
    """Where the distributions are equal, no constant does better: found by a fine search."""
    constants = np.linspace(-3, 3, 60001)
    values = np.asarray(loss.discriminator_loss(constants, constants))
    best = values.argmin()
    assert values[best] == pytest.approx(loss.equilibrium.discriminator, abs=1e-6)
    generator = float(loss.generator_loss(constants[best : best + 1])[0])
    assert generator == pytest.approx(loss.equilibrium.generator, abs=1e-3)


def test_sums_have_no_equilibrium_and_no_bound():
    loss = NonSaturating() + LeastSquares()
    assert loss.equilibrium is None
    assert loss.divergence(1.0) is None
    assert loss.divergence_name is None


def test_weighted_sum_is_the_sum():
    loss = 0.5 * NonSaturating() + 0.25 * (LeastSquares() + 2 * Minimax())
    parts = [(0.5, NonSaturating()), (0.25, LeastSquares()), (0.5, Minimax())]
    expected = sum(w * np.asarray(part.discriminator_loss(REAL, FAKE)) for w, part in parts)
    assert np.allclose(loss.discriminator_loss(REAL, FAKE), expected, rtol=1e-6)
    expected = sum(w * np.asarray(part.generator_loss(FAKE)) for w, part in parts)
    assert np.allclose(loss.generator_loss(FAKE), expected, rtol=1e-6)
    assert repr(loss).startswith("0.5 * NonSaturating(")


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_serialization(loss):
    config = keras.saving.serialize_keras_object(loss)
    copy = keras.saving.deserialize_keras_object(config, safe_mode=True)
    assert type(copy) is type(loss)
    assert copy.get_config() == loss.get_config()
    assert np.array_equal(copy.generator_loss(FAKE), loss.generator_loss(FAKE))
    assert losses.get(config).get_config() == loss.get_config()


def test_names():
    assert isinstance(losses.get("minimax"), Minimax)
    assert isinstance(losses.get("non_saturating"), NonSaturating)
    assert isinstance(losses.get("least_squares"), LeastSquares)


def test_low_precision_logits_are_widened():
    logits = keras.ops.cast(FAKE, "bfloat16")
    assert (
        keras.backend.standardize_dtype(NonSaturating().generator_loss(logits).dtype) == "float32"
    )


ERRORS = [
    (lambda: losses.get("non_saturatin"), ValueError, "Did you mean 'non_saturating'"),
    (lambda: losses.get("zzz"), ValueError, "'least_squares', 'minimax', 'non_saturating', "),
    (lambda: losses.get(NonSaturating), TypeError, "forget to call it"),
    (lambda: losses.get(3), TypeError, "Received: loss=3"),
    (lambda: NonSaturating(label_smoothing=1.0), ValueError, "label_smoothing=1.0"),
    (lambda: Minimax(label_smoothing=0.51), ValueError, "at most 0.5"),
    (lambda: Minimax(label_smoothing=-0.1), ValueError, "label_smoothing=-0.1"),
    (lambda: NonSaturating("0.1"), TypeError, "label_smoothing='0.1'"),
    (lambda: LeastSquares(1, 1, 1), ValueError, "fake_label=1, real_label=1"),
    (lambda: LeastSquares(float("nan")), ValueError, "fake_label=nan"),
    (lambda: LeastSquares(0, float("inf"), 1), ValueError, "real_label=inf"),
    (lambda: LeastSquares(0, 1, "1"), TypeError, "target='1'"),
    (lambda: losses.WeightedSum(["hinge"], [1]), TypeError, "Received: 'hinge'"),
    (lambda: losses.WeightedSum([NonSaturating()], ["1"]), TypeError, "weight='1'"),
    (lambda: -1 * NonSaturating(), ValueError, "weight=-1"),
    (lambda: float("nan") * NonSaturating(), ValueError, "weight=nan"),
    (lambda: losses.WeightedSum([NonSaturating()], []), ValueError, "1 losses and 0 weights"),
    (
        lambda: NonSaturating().discriminator_loss(np.zeros((4, 1)), np.zeros(4)),
        ValueError,
        "shapes (4, 1) and (4,)",
    ),
    (
        lambda: LeastSquares().discriminator_loss(np.zeros((4, 1)), np.zeros((3, 1))),
        ValueError,
        "shapes (4, 1) and (3, 1)",
    ),
]


@pytest.mark.parametrize(("call", "kind", "text"), ERRORS, ids=[row[2] for row in ERRORS])
def test_errors(call, kind, text):
    with pytest.raises(kind) as caught:
        call()
    assert text in str(caught.value)


def test_only_losses_can_be_added():
    with pytest.raises(TypeError):
        NonSaturating() + 1
    with pytest.raises(TypeError):
        NonSaturating() * NonSaturating()
