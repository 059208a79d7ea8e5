"""Fingerprints tell apart what gives other figures, and nothing else."""

import keras
import numpy as np
import pytest

from keras_gan import metrics
from keras_gan.metrics.features import caching, from_model


def subtraction(swap=False, policy="float32"):
    """Return a model of two layers in a row, one taken from the other: its wiring alone differs."""
    x = keras.Input((2,))
    first = keras.layers.Dense(2, kernel_initializer="ones", dtype=policy)(x)
    second = keras.layers.Dense(2, kernel_initializer="ones", dtype=policy)(first)
    branches = [second, first] if swap else [first, second]
    return keras.Model(x, keras.layers.Subtract(dtype=policy)(branches))


def test_of_a_model_the_wiring_and_the_dtype_count_and_numbered_names_do_not():
    first = from_model(subtraction()).fingerprint
    assert from_model(subtraction()).fingerprint == first
    assert from_model(subtraction(swap=True)).fingerprint != first
    assert from_model(subtraction(policy="mixed_bfloat16")).fingerprint != first
    frozen = subtraction()
    frozen.trainable = False
    assert from_model(frozen).fingerprint == first


def test_a_layer_named_as_an_activation_is_no_activation():
    def fingerprint(activation, name):
        ones = {"kernel_initializer": "ones"}
        hidden = keras.layers.Dense(2, activation, **ones)
        layers = [keras.Input((2,)), hidden, keras.layers.Dense(1, name=name, **ones)]
        return from_model(keras.Sequential(layers)).fingerprint

    assert fingerprint("relu", "relu") == fingerprint("relu", "last")
    assert fingerprint("relu", "relu") != fingerprint("tanh", "tanh")


def test_of_data_what_float32_can_not_hold_counts():
    rng = np.random.default_rng(0)
    far, wide = 1e9 + rng.normal(size=(20, 2)), 1e9 + 3 * rng.normal(size=(20, 2))
    assert caching.fingerprint_of(far) != caching.fingerprint_of(wide)
    narrow = rng.normal(size=(20, 2)).astype("float32")
    assert caching.fingerprint_of(narrow) == caching.fingerprint_of(narrow.astype("float64"))
    mixed = np.concatenate([narrow.astype("float64"), far])
    assert caching.fingerprint_of([mixed[:7], mixed[7:]]) == caching.fingerprint_of(mixed)


def test_of_data_the_order_counts_where_it_is_asked_for():
    data = np.random.default_rng(0).normal(size=(20, 2)).astype("float32")
    assert caching.fingerprint_of(data) == caching.fingerprint_of(data[::-1])
    ordered = caching.fingerprint_of(data, ordered=True)
    assert ordered == caching.fingerprint_of([data[:3], data[3:]], ordered=True)
    assert ordered != caching.fingerprint_of(data[::-1], ordered=True)


def test_a_reference_is_of_the_data_in_its_order(tmp_path):
    """Blocks of the kernel distance are other blocks for rows in another order."""
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(60, 2)), rng.normal(size=(60, 2))
    for rows in (real, real[::-1]):
        metric = metrics.KernelDistance().set_reference(rows, tmp_path, verbose=0)
        metric.update_state(fake=fake)
        assert metric.result() == pytest.approx(metrics.kernel_distance(rows, fake), rel=1e-9)


def test_a_second_reference_takes_the_place_of_the_first(tmp_path):
    rng = np.random.default_rng(0)
    first, second, fake = (rng.normal(i, 1, size=(60, 2)) for i in range(3))
    metric = metrics.FrechetDistance().set_reference(first, tmp_path, verbose=0)
    metric.set_reference(second, tmp_path, verbose=0)
    metric.update_state(fake=fake)
    expected = metrics.FrechetDistance()
    expected.update_state(real=second, fake=fake)
    assert metric.result() == pytest.approx(expected.result(), rel=1e-9)


def test_code_of_a_users_own_counts(tmp_path):
    """Two classes of one name in one module that keep other things of the same samples."""

    def make(factor):
        class Own(metrics.QualityMetric):
            def prepare(self, rows):
                return rows * self.factor

            def compute(self, real, fake):
                return real.values.sum() + fake.values.sum()

            def get_config(self):
                return {**super().get_config(), "factor": self.factor}

        Own.factor = factor
        return Own()

    ones = np.ones((4, 1))
    for factor in (1.0, 2.0):
        metric = make(factor).set_reference(ones, tmp_path, verbose=0)
        metric.update_state(fake=ones)
        assert metric.result() == 8 * factor


def test_the_duality_gap_has_no_reference():
    with pytest.raises(ValueError, match="no statistics"):
        metrics.DualityGap().set_reference(np.zeros((30, 1)))
