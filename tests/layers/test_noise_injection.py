"""NoiseInjection: drawn in training, fixed at inference, or given."""

import keras
import numpy as np
import pytest
from layer_calls import called_everywhere, normal, reloaded

from keras_gan.layers import NoiseInjection


def strong(x, strength=0.5):
    layer = NoiseInjection()
    layer.build([x.shape, (None, *x.shape[1:3], 1)] if strength is None else x.shape)
    layer.strength.assign(0.5)
    return layer


def test_it_starts_as_nothing():
    x = normal(3, 4, 5, 6)
    layer = NoiseInjection()
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer(x, training=True), x)
    assert [tuple(w.shape) for w in layer.trainable_variables] == [()]


def test_at_inference_it_is_fixed_and_in_training_each_sample_has_its_own():
    x = normal(4, 32, 32, 3)
    layer = strong(x)
    fixed = layer(x) - x
    np.testing.assert_allclose(fixed[0], np.tile(0.5 * layer.fixed, (1, 1, 3)), atol=1e-6)
    np.testing.assert_allclose(fixed, np.broadcast_to(fixed[0], x.shape), atol=1e-6)
    first, second = (np.array(layer(x, training=True)) - x for _ in range(2))
    np.testing.assert_allclose(first[..., 0], first[..., 2], atol=1e-6)
    maps = [np.ravel(y[..., 0]) for y in (first[0], first[1], second[0], np.array(fixed[0]))]
    np.testing.assert_allclose(np.corrcoef(maps), np.eye(4), atol=0.12)
    assert np.std(first) == pytest.approx(0.5, rel=0.05)


def test_the_gradient_of_the_strength_is_the_sum_of_noise():
    x, noise = normal(2, 4, 4, 3), normal(2, 4, 4, 1, seed=1)
    layer = strong(x, None)
    y = called_everywhere(layer, x, noise)
    np.testing.assert_allclose(y, x + 0.5 * noise, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(layer([x, noise], training=True), y)
    assert not layer.non_trainable_variables or layer.fixed is None


def test_low_precision_and_round_trip(tmp_path):
    x, noise = normal(2, 4, 4, 3), normal(2, 4, 4, 1)
    assert NoiseInjection(dtype="mixed_bfloat16")(x, training=True).dtype == "bfloat16"
    reloaded(strong(x), tmp_path, x)
    reloaded(strong(x, None), tmp_path, x, noise)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"fixed sides.*Received.*None"):
        NoiseInjection()(keras.Input((None, 4, 3)))
    with pytest.raises(ValueError, match=r"one channel.*Received.*\(2, 4, 4, 3\)"):
        NoiseInjection()([normal(2, 4, 4, 3), normal(2, 4, 4, 3)])
