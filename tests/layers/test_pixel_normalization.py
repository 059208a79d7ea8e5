"""PixelNormalization against the formula."""

import numpy as np
from layer_calls import called_everywhere, normal, reloaded

from keras_gan.layers import PixelNormalization


def test_the_formula_for_vectors_and_images(tmp_path):
    for x in (normal(3, 5), 1e-4 * normal(2, 3, 4, 5)):
        layer = PixelNormalization()
        expected = x / np.sqrt(np.mean(np.square(x, dtype="float64"), -1, keepdims=True) + 1e-8)
        np.testing.assert_allclose(called_everywhere(layer, x), expected, rtol=1e-5)
        reloaded(layer, tmp_path, x)


def test_low_precision():
    """Squares that float16 can't hold."""
    x = 1000 * normal(3, 5)
    y = PixelNormalization(dtype="mixed_float16")(x)
    assert y.dtype == "float16"
    np.testing.assert_allclose(np.mean(np.square(y, dtype="float32"), -1), 1, rtol=1e-2)
