"""NumPy arrays as datasets."""

import numpy as np
import pytest
import tensorflow as tf

from keras_gan.datasets import from_arrays


def test_samples_stay_with_their_conditions():
    x = np.random.default_rng(0).normal(size=(17, 4, 3))
    condition = {"sum": x.sum(axis=(1, 2)), "pair": (np.arange(17), x[:, 0])}
    seen = 0
    for batch, given in from_arrays(x, condition, batch_size=4):
        np.testing.assert_allclose(given["sum"], tf.reduce_sum(batch, [1, 2]), rtol=1e-5)
        np.testing.assert_array_equal(x[given["pair"][0]].astype("float32"), batch)
        np.testing.assert_array_equal(given["pair"][1], batch[:, 0])
        seen += len(batch)
    assert seen == 16


def test_one_array_gives_bare_batches_with_its_own_values():
    x = np.arange(12.0).reshape(6, 2) * 100
    dataset = from_arrays(x, batch_size=2, shuffle=False)
    assert dataset.element_spec == tf.TensorSpec([2, 2], tf.float32)
    np.testing.assert_array_equal(np.concatenate(list(dataset)), x)


def test_lists_are_arrays_and_text_is_kept():
    dataset = from_arrays([[1.0], [2.0]], ["é", "word"], batch_size=2, shuffle=False)
    x, text = next(iter(dataset))
    np.testing.assert_array_equal(x, [[1.0], [2.0]])
    assert text.numpy().tolist() == ["é".encode(), b"word"]


def test_arrays_are_not_copied():
    x = np.zeros((4, 1), "float32")
    dataset = from_arrays(x, batch_size=4)
    x[:] = 7
    np.testing.assert_array_equal(next(iter(dataset)), x)


X = np.zeros((6, 2), "float32")


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"x": X, "condition": np.zeros(5)}, ValueError, r"same number.*\(6, 2\), \(5,\)"),
        ({"x": X, "condition": {"a": X, "b": (X[:1],)}}, ValueError, r"same number.*\(1, 2\)"),
        ({"x": X, "condition": 3}, ValueError, r"first dimension.*\(\)"),
        ({"x": X[:0]}, ValueError, r"no samples.*\(0, 2\)"),
        ({"x": ["a", "b"]}, TypeError, "`x` must be a numeric array"),
        ({"x": X, "condition": [object(), *"abcde"]}, TypeError, "of numbers, or of texts"),
        ({"x": X, "condition": {"a": [None] * 6}}, TypeError, "of numbers, or of texts"),
        ({"x": X, "batch_size": 0}, ValueError, "`batch_size`.*Received: batch_size=0"),
        ({"x": X, "batch_size": 2.0}, ValueError, "`batch_size`.*Received: batch_size=2.0"),
        ({"x": X, "seed": -1}, ValueError, "`seed`.*Received: seed=-1"),
        ({"x": X, "seed": 2**32}, ValueError, f"`seed`.*at most {2**32 - 1}"),
        ({"x": X, "seed": None}, ValueError, "`seed`.*Received: seed=None"),
    ],
)
def test_errors(arguments, error, message):
    with pytest.raises(error, match=message):
        from_arrays(**arguments)
