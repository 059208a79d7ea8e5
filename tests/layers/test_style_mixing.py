"""StyleMixing: where styles are cut, how often, and that inference does not mix."""

import numpy as np
import pytest
import tensorflow as tf
from layer_calls import called_everywhere, normal, reloaded

from keras_gan.layers import StyleMixing


def cutoffs(layer, calls):
    """Return the first layer of each call that has second styles, all samples agreeing on it."""
    first, second = np.zeros((3, 2), "float32"), np.ones((3, 2), "float32")
    mixed = tf.function(lambda: layer([first, second], training=True))
    found = []
    for _ in range(calls):
        styles = mixed().numpy()
        cutoff = layer.num_styles - int(styles[0, :, 0].sum())
        expected = np.arange(layer.num_styles) >= cutoff
        np.testing.assert_array_equal(styles, np.tile(expected[None, :, None], (3, 1, 2)))
        found.append(cutoff)
    return np.bincount(found, minlength=layer.num_styles + 1)


def test_cutoffs_are_as_likely_and_mixing_has_its_probability():
    counts = cutoffs(StyleMixing(5, probability=0.8), 1000)
    assert counts[0] == 0  # The first layer keeps its style.
    assert counts[5] == pytest.approx(200, abs=60)
    np.testing.assert_allclose(counts[1:5], 200, atol=60)


@pytest.mark.parametrize("num_styles", [1, 4])
def test_no_mixing(num_styles):
    layer = StyleMixing(num_styles, probability=0.0 if num_styles > 1 else 1.0)
    assert cutoffs(layer, 5)[num_styles] == 5


def test_at_inference_all_layers_have_the_first(tmp_path):
    first, second = normal(3, 5), normal(3, 5, seed=1)
    layer = StyleMixing(4, probability=1.0)
    y = called_everywhere(layer, first, second)
    np.testing.assert_array_equal(y, np.repeat(first[:, None], 4, axis=1))
    assert reloaded(layer, tmp_path, first, second).get_config() == layer.get_config()


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"from 0 to 1.*probability=2"):
        StyleMixing(4, 2)
    with pytest.raises(ValueError, match=r"two styles.*Received"):
        StyleMixing(4)([normal(3, 5), normal(3, 4)])
