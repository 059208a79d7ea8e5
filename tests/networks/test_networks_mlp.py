"""mlp: shapes, labels, round trips, and the words of its errors."""

import keras
import numpy as np
import pytest
from network_calls import call, kernels_within_wrappers, normal

from keras_gan import GAN
from keras_gan.networks import mlp


@pytest.mark.parametrize(
    ("sample_shape", "expected"),
    [((1,), (1,)), ((2,), (2,)), (5, (5,)), ([3], (3,)), ((8, 8, 1), (8, 8, 1)), ((6, 2), (6, 2))],
    ids=str,
)
def test_makes_and_scores_samples_of_the_shape(sample_shape, expected):
    generator, discriminator = mlp(sample_shape, latent_dim=3, width=8)
    samples = call(generator, normal(4, 3))
    assert samples.shape == (4, *expected)
    assert call(discriminator, samples).shape == (4, 1)


def test_width_and_depth_set_the_hidden_layers():
    for network in mlp((2,), width=7, depth=3):
        dense = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
        assert [layer.units for layer in dense][:-1] == [7, 7, 7]


def test_the_networks_compute_what_the_formula_says():
    generator, _ = mlp((2,), latent_dim=3, width=4, depth=1)
    first, bias, last, offset = generator.get_weights()
    bias, offset = normal(4, seed=1), normal(2, seed=2)
    generator.set_weights([first, bias, last, offset])
    latents = normal(5, 3)
    hidden = latents @ first + bias
    expected = np.where(hidden > 0, hidden, 0.2 * hidden) @ last + offset
    np.testing.assert_allclose(call(generator, latents), expected, rtol=1e-5, atol=1e-6)


def test_samples_have_no_bounds_unless_asked():
    generator, _ = mlp((2,), latent_dim=3)
    assert np.abs(call(generator, np.float32(1000) * normal(8, 3))).max() > 1
    bounded, _ = mlp((2,), latent_dim=3, output_activation="tanh")
    assert np.abs(call(bounded, np.float32(1000) * normal(8, 3))).max() <= 1


def test_labels_change_samples_and_scores_and_the_core_finds_their_number():
    generator, discriminator = mlp((2,), latent_dim=4, num_classes=5)
    latents, labels = normal(2, 4), np.array([0, 4], "int32")
    samples = call(generator, latents, labels)
    assert np.abs(samples - call(generator, latents, labels[::-1])).max() > 0
    scores = call(discriminator, samples, labels)
    assert scores.shape == (2, 1)
    assert np.abs(scores - call(discriminator, samples, labels[::-1])).max() > 0
    assert GAN(generator, discriminator).num_classes == 5


def test_spectral_norm_normalizes_every_kernel_of_the_discriminator():
    options = {"latent_dim": 4, "depth": 3, "num_classes": 5}
    generator, discriminator = mlp((2,), **options, spectral_norm=True)
    assert kernels_within_wrappers(discriminator) == (5, 5)
    assert kernels_within_wrappers(mlp((2,), **options)[1]) == (5, 0)
    assert kernels_within_wrappers(generator)[1] == 0
    assert GAN(generator, discriminator).num_classes == 5


@pytest.mark.parametrize("num_classes", [None, 3])
def test_saved_networks_load_in_safe_mode_and_from_their_configs(tmp_path, num_classes):
    labels = [] if num_classes is None else [np.array([0, 2], "int32")]
    normalized = num_classes is not None
    pair = mlp((4, 3), latent_dim=6, num_classes=num_classes, dropout=0.1, spectral_norm=normalized)
    for network, x in zip(pair, (normal(2, 6), normal(2, 4, 3)), strict=True):
        path = tmp_path / f"{network.name}.keras"
        network.save(path)
        loaded = keras.saving.load_model(path, safe_mode=True)
        copied = keras.Model.from_config(network.get_config())
        copied.set_weights(network.get_weights())
        for other in (loaded, copied):
            np.testing.assert_array_equal(call(other, x, *labels), call(network, x, *labels))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"sample_shape": ()}, TypeError, r"whole number or a tuple.*sample_shape=\(\)"),
        ({"sample_shape": 0}, ValueError, r"at least 1.*sample_shape=0"),
        ({"sample_shape": (2, -1)}, ValueError, r"at least 1.*sample_shape\[1\]=-1"),
        ({"sample_shape": (None,)}, ValueError, r"whole number.*sample_shape\[0\]=None"),
        ({"latent_dim": 0}, ValueError, "at least 1.*latent_dim=0"),
        ({"width": 2.5}, ValueError, "whole number.*width=2.5"),
        ({"depth": 0}, ValueError, "at least 1.*depth=0"),
        ({"num_classes": 1}, ValueError, "at least 2.*num_classes=1"),
        ({"dropout": 1}, ValueError, "below 1.*dropout=1"),
    ],
    ids=str,
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        mlp(**{"sample_shape": (2,), **arguments})
