"""Style and contextual losses against literal NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from term_steps import frozen_layers, normal

from keras_gan.terms import Contextual, Style, style


def test_gram_matrices():
    maps = normal(2, 3, 5, 4)
    for one, found in zip(maps, style.gram(maps), strict=True):
        f = one.reshape(15, 4).T
        np.testing.assert_allclose(found, f @ f.T / (4 * 3 * 5), rtol=1e-5)
    series = normal(2, 7, 4)
    np.testing.assert_allclose(style.gram(series)[1], series[1].T @ series[1] / 28, rtol=1e-5)


def literal_similarity(real, fake, h):
    """As the paper has it, position by position."""
    center = real.mean(axis=0)
    real, fake = real - center, fake - center
    n, m = len(fake), len(real)
    d = np.array([[1 - x @ y / np.linalg.norm(x) / np.linalg.norm(y) for y in real] for x in fake])
    shares = np.zeros((n, m))
    for i in range(n):
        w = np.exp((1 - d[i] / (d[i].min() + 1e-5)) / h)
        shares[i] = w / w.sum()
    return np.mean([shares[:, j].max() for j in range(m)])


@pytest.mark.parametrize("h", [0.5, 0.1])
def test_contextual_similarity(h):
    real, fake = normal(2, 6, 4), normal(2, 5, 4, seed=1)
    found = style.similarity(real, fake, h)
    literal = [literal_similarity(*pair, h) for pair in zip(real, fake, strict=True)]
    np.testing.assert_allclose(found, literal, rtol=1e-4)


def test_contextual_similarity_does_not_mind_where():
    """An image and its positions in another order are as near as can be."""
    real = normal(1, 8, 4)
    order = np.random.default_rng(0).permutation(8)
    same = float(style.similarity(real, real[:, order], 0.1)[0])
    assert same == pytest.approx(float(style.similarity(real, real, 0.1)[0]), rel=1e-4)
    assert same > 0.99 > float(style.similarity(real, normal(1, 8, 4, seed=1), 0.1)[0])


def test_vectors_of_no_length():
    """Stay 0, with a finite gradient."""
    assert (np.asarray(style.unit(np.zeros((2, 3), "float32"))) == 0).all()
    zeros = tf.zeros((2, 3))
    with tf.GradientTape() as tape:
        tape.watch(zeros)
        total = tf.reduce_sum(style.unit(zeros))
    assert np.isfinite(tape.gradient(total, zeros)).all()


def test_the_terms_compare_them_for_each_sample():
    real, fake = normal(2, 3, 5, 4), normal(2, 3, 5, 4, seed=1)
    features = frozen_layers()
    grams = [np.asarray(style.gram(maps)) for maps in (real, fake)]
    for norm, literal in (("l1", np.abs), ("l2", np.square)):
        found = Style(1.0, features, norm=norm).distance(real, fake)
        np.testing.assert_allclose(found, literal(grams[0] - grams[1]).mean((1, 2)), rtol=1e-4)
    rows = [x.reshape(2, 15, 4) for x in (real, fake)]
    likeness = [literal_similarity(*pair, 0.3) for pair in zip(*rows, strict=True)]
    found = Contextual(1.0, features, bandwidth=0.3).distance(real, fake)
    np.testing.assert_allclose(found, -np.log(likeness), rtol=1e-3)
