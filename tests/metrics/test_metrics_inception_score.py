"""The inception score against loops over the probabilities, and its extreme values."""

import math

import literal
import numpy as np
import pytest

from keras_gan.metrics import InceptionScore, features, inception_score


def dirichlet(n, classes, seed=0, concentration=0.5):
    return np.random.default_rng(seed).dirichlet([concentration] * classes, n)


def as_metric(probabilities, splits):
    """Let the samples be their own probabilities."""
    metric = InceptionScore(features.pixels(value_range=None), splits=splits)
    metric.update_state(fake=probabilities)
    return metric.result()


@pytest.mark.parametrize("score", [inception_score, as_metric])
@pytest.mark.parametrize(
    ("n", "classes", "splits"), [(30, 4, 1), (30, 4, 10), (37, 3, 10), (12, 10, 5), (10, 2, 10)]
)
def test_against_loops(score, n, classes, splits):
    probabilities = dirichlet(n, classes)
    result = score(probabilities, splits=splits)
    assert set(result) == {"mean", "std"}
    assert result == pytest.approx(
        literal.inception_score(probabilities, splits), rel=1e-9, abs=1e-12
    )


def test_ten_splits_by_default():
    probabilities = dirichlet(53, 4)
    expected = literal.inception_score(probabilities, 10)
    assert inception_score(probabilities) == pytest.approx(expected, rel=1e-9)
    metric = InceptionScore(features.pixels(value_range=None))
    metric.update_state(fake=probabilities)
    assert metric.result() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_one_for_uniform_probabilities(classes):
    result = inception_score(np.full((40, classes), 1 / classes))
    assert result == pytest.approx({"mean": 1.0, "std": 0.0}, abs=1e-9)


@pytest.mark.parametrize("classes", [2, 10])
def test_one_when_every_sample_gets_the_same(classes):
    result = inception_score(np.tile(dirichlet(1, classes), (40, 1)))
    assert result == pytest.approx({"mean": 1.0, "std": 0.0}, abs=1e-9)


@pytest.mark.parametrize(("classes", "splits"), [(2, 10), (10, 10), (10, 1), (50, 2)])
def test_number_of_classes_for_certain_and_balanced_ones(classes, splits):
    order = np.random.default_rng(0).permutation(classes * splits)
    balanced = np.tile(np.eye(classes), (splits, 1))[np.argsort(order)]  # In every split.
    result = inception_score(balanced, splits=splits)
    assert result == pytest.approx({"mean": classes, "std": 0.0}, abs=1e-9)


def test_one_for_a_single_certain_class():
    collapsed = np.tile(np.eye(10)[3], (40, 1))
    assert inception_score(collapsed) == pytest.approx({"mean": 1.0, "std": 0.0}, abs=1e-9)


def test_order_of_the_samples_says_nothing():
    """Sorted by class, splits in order would each see one class and score 1."""
    ordered = np.repeat(np.eye(10), 100, axis=0)
    assert inception_score(ordered)["mean"] > 9
    assert inception_score(ordered, splits=1)["mean"] == pytest.approx(10, rel=1e-9)


def test_deviation_is_that_of_the_population():
    """Splits that score 1 and 2 deviate by 1/2; over n - 1 it would be 0.707."""
    order = np.random.default_rng(0).permutation(4)  # The order in which splits are cut.
    probabilities = np.array([[1.0, 0], [1, 0], [1, 0], [0, 1]])[np.argsort(order)]
    assert inception_score(probabilities, splits=2) == pytest.approx(
        {"mean": 1.5, "std": 0.5}, rel=1e-9
    )


def test_zeros_among_the_probabilities():
    probabilities = np.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [0.25, 0.75, 0.0]])
    result = inception_score(probabilities, splits=1)
    assert result == pytest.approx(literal.inception_score(probabilities, 1), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("tiny", [1e-300, 1e-30, 1e-10])
def test_tiny_probabilities(tiny):
    probabilities = np.array([[tiny, 1 - tiny], [1 - tiny, tiny]])
    result = inception_score(probabilities, splits=1)
    assert result["mean"] == pytest.approx(
        literal.inception_score(probabilities, 1)["mean"], rel=1e-9
    )


def test_softmax_in_float32():
    logits = np.random.default_rng(0).normal(0, 20, (40, 10)).astype("float32")
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    expected = literal.inception_score(probabilities.astype("float64"), 10)
    assert inception_score(probabilities) == pytest.approx(expected, rel=1e-5)


def test_between_one_and_the_number_of_classes():
    for seed in range(20):
        mean = inception_score(dirichlet(30, 5, seed, concentration=0.1 + seed / 10))["mean"]
        assert 1 - 1e-9 <= mean <= 5 + 1e-9


def test_exponent_is_the_mutual_information():
    """H(y) - H(y|x) is the same quantity."""
    p = dirichlet(25, 6)
    marginal = p.mean(axis=0)
    information = np.mean(np.sum(p * np.log(p), axis=1)) - np.sum(marginal * np.log(marginal))
    assert inception_score(p, splits=1)["mean"] == pytest.approx(math.exp(information), rel=1e-9)
