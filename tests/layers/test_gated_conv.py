"""GatedConv2D, against Keras's own convolution of twice as many channels."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_calls import called_everywhere, normal, reloaded

from keras_gan.layers import GatedConv2D


@pytest.mark.representatives(2)
@pytest.mark.parametrize(
    "options",
    [{"strides": 2}, {"dilation_rate": 2}, {"padding": "valid", "use_bias": False}],
    ids=str,
)
def test_features_are_multiplied_by_gates(options):
    x = normal(2, 7, 6, 3)
    layer = GatedConv2D(4, 3, **options)
    y = called_everywhere(layer, x)
    plain = keras.layers.Conv2D(8, 3, **{"padding": "same", **options})
    plain.build(x.shape)
    plain.set_weights(layer.get_weights())
    features, gates = np.split(plain(x).numpy(), 2, axis=-1)
    elu = np.where(features > 0, features, np.expm1(features))
    np.testing.assert_allclose(y, elu / (1 + np.exp(-gates)), rtol=1e-5, atol=1e-6)


def test_with_open_gates_it_is_a_plain_convolution():
    x = normal(1, 6, 6, 2)
    layer = GatedConv2D(3, 3, activation=None)
    layer.build(x.shape)
    kernel, bias = layer.get_weights()
    bias[:3], bias[3:] = normal(3), np.inf
    layer.set_weights([kernel, bias])
    plain = keras.layers.Conv2D(3, 3, padding="same")
    plain.build(x.shape)
    plain.set_weights([kernel[..., :3], bias[:3]])
    np.testing.assert_allclose(layer(x), plain(x), rtol=1e-6, atol=1e-6)
    layer.convolution.bias.assign(-bias)
    assert not np.any(layer(x))


def test_low_precision_and_round_trip(tmp_path):
    x = normal(1, 6, 6, 2)
    low = GatedConv2D(3, 3, dtype="mixed_bfloat16")
    assert low(x).dtype == tf.bfloat16
    assert low.convolution.kernel.dtype == "float32"
    layer = GatedConv2D(
        2, (3, 1), (1, 2), "valid", 1, "relu", kernel_initializer="he_normal", use_bias=False
    )
    kept = reloaded(layer, tmp_path, x)
    assert kept.get_config() == layer.get_config()


def test_what_is_no_number_of_filters_is_refused():
    with pytest.raises(ValueError, match=r"at least 1.*Received: filters=0"):
        GatedConv2D(0, 3)
