"""Matching-aware terms: values by hand, rows that have no other condition, and what they teach."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from term_steps import compiled, normal, step_of, values_of

import keras_gan
from keras_gan import terms
from keras_gan.terms import MatchingAware, MatchingAwareGradientPenalty
from keras_gan.utils.registry import classes_of

ROWS, SIZE, TOLD = 4, 3, 2


@keras.saving.register_keras_serializable("test")
class Bilinear(keras.Model):
    """D(x, y) = x.A y, y a vector or the number of a class."""

    def __init__(self, matrix, classes=False):
        super().__init__()
        self.matrix, self.classes = matrix, classes
        self.built = True

    def call(self, inputs):
        x, y = inputs
        y = tf.one_hot(y, self.matrix.shape[1]) if self.classes else y
        return tf.reduce_sum(x * (y @ tf.transpose(self.matrix)), axis=1, keepdims=True)


def generator(dtype="float32"):
    told = keras.Input((TOLD,) if dtype == "float32" else (), dtype=dtype)
    z = keras.Input((2,))
    return keras.Model([z, told], keras.layers.Dense(SIZE)(z))


def model_of(term, classes=False, loss="hinge"):
    made = generator("int32" if classes else "float32")
    discriminator = Bilinear(normal(SIZE, TOLD, seed=1), classes)
    return compiled(discriminator, [term], made, (SIZE,), conditional=True, loss=loss)


def hinge(x):
    return np.maximum(1 + x, 0)


def softplus(x):
    return np.log1p(np.exp(x))


# The half of each loss that generated samples are in.
FAKES = {"hinge": hinge, "non_saturating": softplus}


@pytest.mark.parametrize("loss", FAKES)
def test_wrong_conditions_take_the_place_of_a_share_of_the_generated(loss):
    """Of a loss with two halves: half of f(D(G)) becomes f(D(x, y'))."""
    x, fake, y = normal(ROWS, SIZE), normal(ROWS, SIZE, seed=2), normal(ROWS, TOLD, seed=3)
    term = MatchingAware()
    step = step_of(model_of(term, loss=loss), x, fake, y)
    matrix, before = normal(SIZE, TOLD, seed=1), y[[3, 0, 1, 2]]
    wrong, made = (np.sum(a * (b @ matrix.T), 1) for a, b in ((x, before), (fake, y)))
    expected = FAKES[loss](wrong) - FAKES[loss](made)
    np.testing.assert_allclose(values_of(term, step), expected, rtol=1e-5)


def test_of_a_relativistic_loss_the_real_half_knows_of_them_too():
    x, fake, y = normal(ROWS, SIZE), normal(ROWS, SIZE, seed=2), normal(ROWS, TOLD, seed=3)
    term = MatchingAware()
    step = step_of(model_of(term, loss="relativistic_pairing"), x, fake, y)
    matrix, before = normal(SIZE, TOLD, seed=1), y[[3, 0, 1, 2]]
    real, wrong, made = (np.sum(a * (b @ matrix.T), 1) for a, b in ((x, y), (x, before), (fake, y)))
    expected = softplus(wrong - real) - softplus(made - real)
    np.testing.assert_allclose(values_of(term, step), expected, rtol=1e-5)


@pytest.mark.parametrize("classes", [True, False])
def test_where_the_other_condition_is_the_same_there_is_none(classes):
    labels = np.array([1, 1, 0, 1], "int32")
    y = labels if classes else np.eye(2, dtype="float32")[labels]
    term = MatchingAware()
    step = step_of(model_of(term, classes), normal(ROWS, SIZE), condition=y)
    found = values_of(term, step)
    # The row before the first is the last.
    assert (found == 0).tolist() == [True, True, False, False]


def test_a_nest_of_strings_and_labels():
    told = {"words": np.array(["a", "a", "b"]), "label": np.array([0, 0, 0], "int32")}
    others = {k: tf.constant(np.roll(v, 1, axis=0)) for k, v in told.items()}
    equal = terms.matching_aware._equal_rows({k: tf.constant(v) for k, v in told.items()}, others)
    assert equal.numpy().tolist() == [False, True, False]
    moved = terms.matching_aware._of_the_row_before(tf.constant(told["words"]))
    assert moved.numpy().tolist() == [b"b", b"a", b"a"]


def test_the_penalty_by_hand():
    """(|A y|² + |A^T x|²)^(power / 2), the condition's part only of numbers."""
    x, y, matrix = normal(ROWS, SIZE), normal(ROWS, TOLD, seed=3), normal(SIZE, TOLD, seed=1)
    for power in (6.0, 2.0):
        term = MatchingAwareGradientPenalty(power=power)
        step = step_of(model_of(term), x, condition=y)
        squares = np.sum((y @ matrix.T) ** 2, 1) + np.sum((x @ matrix) ** 2, 1)
        np.testing.assert_allclose(values_of(term, step), squares ** (power / 2), rtol=1e-4)
    labels = np.array([1, 0, 0, 1], "int32")
    term = MatchingAwareGradientPenalty()
    step = step_of(model_of(term, classes=True), x, condition=labels)
    squares = np.sum(matrix[:, labels] ** 2, 0)
    np.testing.assert_allclose(values_of(term, step), squares**3, rtol=1e-4)


def test_packs_of_samples():
    """A pack has no other condition only where none of its samples has one."""
    packed = keras.Sequential([keras_gan.layers.Packing(2), keras.layers.Dense(1)])
    told = [keras.Input((SIZE,)), keras.Input((TOLD,))]
    network = keras.Model(told, packed(keras.layers.Concatenate()(told)))
    term, penalty = MatchingAware(), MatchingAwareGradientPenalty()
    model = compiled(network, [term, penalty], generator(), (SIZE,), conditional=True)
    y = np.eye(2, dtype="float32")[[0, 0, 0, 0, 0, 1]]
    step = step_of(model, normal(6, SIZE), condition=y)
    assert (values_of(term, step) == 0).tolist() == [False, True, False]
    kernel = network.get_weights()[0]
    np.testing.assert_allclose(values_of(penalty, step), np.sum(kernel**2) ** 3, rtol=1e-4)


def train(steps, added):
    """Return how a critic trained with a frozen generator tells right from wrong conditions."""
    keras.utils.set_random_seed(0)
    x, told = keras.Input((2,)), keras.Input((2,))
    hidden = keras.layers.Concatenate()([x, told])
    hidden = keras.layers.Dense(32, "relu")(hidden)
    network = keras.Model([x, told], keras.layers.Dense(1)(hidden))
    z, given = keras.Input((2,)), keras.Input((2,))
    # Samples of every condition far from all real ones: nothing has to be learned of conditions.
    far = keras.Model([z, given], keras.layers.Dense(2, kernel_initializer="zeros")(z))
    model = keras_gan.GAN(far, network, seed=0)
    optimizers = keras.optimizers.SGD(0.0), keras.optimizers.Adam(1e-2)
    model.compile("non_saturating", *optimizers, terms=added)
    rng = np.random.default_rng(0)
    labels = np.eye(2, dtype="float32")[rng.integers(0, 2, 32 * steps)]
    samples = 3 + 2 * labels + 0.1 * rng.normal(size=labels.shape).astype("float32")
    model.fit(samples, labels, batch_size=32, shuffle=False, verbose=0)
    right, wrong = network([samples[:64], labels[:64]]), network([samples[:64], 1 - labels[:64]])
    return float(np.mean(right > wrong + 1))


def test_a_discriminator_learns_what_conditions_say():
    assert train(150, [MatchingAware()]) == 1.0
    assert train(150, []) < 0.6


def test_they_are_saved_and_known_by_name():
    schedule = keras_gan.schedules.Linear(0.0, 1.0, end=10)
    for term in (MatchingAware(0.25, 2, schedule), MatchingAwareGradientPenalty(3.0, 4.0)):
        config = keras.saving.serialize_keras_object(term)
        copy = keras.saving.deserialize_keras_object(config, safe_mode=True)
        assert copy.get_config() == term.get_config()
    known = classes_of("keras_gan.terms", terms.Term)
    assert known["matching_aware_gradient_penalty"] is MatchingAwareGradientPenalty


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: MatchingAware(1.5), "from 0 to 1.*weight=1.5"),
        (lambda: MatchingAwareGradientPenalty(-1.0), "weight=-1.0"),
        (lambda: MatchingAwareGradientPenalty(power=1), "at least 2.*power=1"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()


@pytest.mark.parametrize("name", ["matching_aware", "matching_aware_gradient_penalty"])
def test_a_discriminator_without_conditions_is_refused(name):
    networks = keras_gan.networks.mlp((2,), width=4)
    with pytest.raises(ValueError, match=f"'{name}'.*given both.*Received: conditional=False"):
        keras_gan.GAN(*networks).compile(terms=[name])
