"""Recipes: the numbers of papers and of their code, and that networks train by them."""

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan import recipes, terms


def rates(recipe, step=0):
    """Return both players' learning rates at an update."""
    found = []
    for player in ("generator", "discriminator"):
        optimizer = recipe[f"{player}_optimizer"]
        optimizer.iterations.assign(step)
        found.append(float(optimizer.learning_rate))
    return found


def betas(recipe):
    return [
        (recipe[f"{player}_optimizer"].beta_1, float(recipe[f"{player}_optimizer"].beta_2))
        for player in ("generator", "discriminator")
    ]


def test_sngan():
    recipe = recipes.sngan(steps=100)
    assert recipe["loss"] == "hinge" and recipe["discriminator_steps"] == 5
    assert betas(recipe) == [(0.0, 0.9)] * 2
    assert rates(recipe) == pytest.approx([2e-4, 2e-4])
    # The discriminator has five updates to a step: both rates are 0 at the same step.
    assert rates(recipe, 50) == pytest.approx([1e-4, 1.8e-4])
    assert rates(recipe, 500) == pytest.approx([0, 0])
    assert rates(recipe, 250)[1] == pytest.approx(1e-4)


def test_sagan():
    recipe = recipes.sagan()
    assert recipe["loss"] == "hinge" and "discriminator_steps" not in recipe
    assert rates(recipe) == pytest.approx([1e-4, 4e-4]) and betas(recipe) == [(0.0, 0.9)] * 2


def test_biggan():
    recipe = recipes.biggan(batch_size=64)
    assert recipe["loss"] == "hinge" and recipe["discriminator_steps"] == 2
    assert rates(recipe) == pytest.approx([5e-5, 2e-4]) and betas(recipe) == [(0.0, 0.999)] * 2
    assert recipe["generator_optimizer"].epsilon == 1e-6 and recipe["terms"] == []
    beta = 0.5 ** (64 / recipe["ema"].half_life)
    assert beta == pytest.approx(0.9999, abs=1e-8)
    (orthogonal,) = recipes.biggan(orthogonal=1e-4)["terms"]
    assert isinstance(orthogonal, terms.OrthogonalRegularization) and orthogonal.weight == 1e-4


def test_stylegan2():
    """At 32 pixels by hand: gamma 0.0002 32² / 64; c = 4 / 5 and 16 / 17."""
    recipe = recipes.stylegan2(image_size=32, batch_size=64)
    r1, lengths = recipe["terms"]
    assert (r1.gamma, r1.interval) == (pytest.approx(0.0032), 16)
    assert (lengths.weight, lengths.of, lengths.interval) == (2.0, "styles", 4)
    # Those that the authors' code prints for CIFAR-10.
    assert rates(recipe) == pytest.approx([0.0020, 0.0023529], rel=1e-4)
    assert [beta for _, beta in betas(recipe)] == pytest.approx([0.99199, 0.99059], abs=1e-5)
    assert (recipe["ema"].half_life, recipe["ema"].ramp_up) == (20_000, 0.05)
    other = recipes.stylegan2(gamma=0.01, path_length=0, half_life=500_000)
    assert [term.name for term in other["terms"]] == ["r1"] and other["terms"][0].gamma == 0.01
    assert rates(other)[0] == pytest.approx(0.0020)
    assert 0.5 ** (64 / other["ema"].half_life) == pytest.approx(0.99991128, abs=1e-8)


def test_wavegan():
    recipe = recipes.wavegan()
    assert recipe["loss"] == "wasserstein" and recipe["discriminator_steps"] == 5
    assert rates(recipe) == pytest.approx([1e-4, 1e-4]) and betas(recipe) == [(0.5, 0.9)] * 2
    (penalty,) = recipe["terms"]
    assert isinstance(penalty, terms.GradientPenalty) and penalty.weight == 10


def test_hifigan():
    """Divided by 16, as `LeastSquares` is half the mean of eight heads, and theirs the sum."""
    recipe = recipes.hifigan(steps_per_epoch=10)
    assert recipe["loss"] == "least_squares" and betas(recipe) == [(0.8, 0.99)] * 2
    assert rates(recipe, 9) == pytest.approx([2e-4] * 2)
    assert rates(recipe, 20) == pytest.approx([2e-4 * 0.999**2] * 2, rel=1e-6)
    assert recipe["generator_optimizer"].weight_decay == 0.01
    features, spectral = recipe["terms"]
    assert (features.weight * 16 / 8, spectral.weight * 16) == (2, 45)
    assert spectral.spectrogram.max_freq == 11_025
    assert recipes.hifigan(heads=3)["terms"][1].weight == 7.5


def test_r3gan():
    """The values at the start, in the middle of the cosine, at its end and long after."""
    recipe = recipes.r3gan(images=1_000 * 512)
    optimizer = recipe["generator_optimizer"]
    r1, r2 = recipe["terms"]
    for step, rate, beta_2, gamma, half_life in (
        (0, 2e-4, 0.9, 0.05, 0.0),
        (500, 1.25e-4, 0.945, 0.0275, 2.5e6),
        (1_000, 5e-5, 0.99, 0.005, 5e6),
        (9_000, 5e-5, 0.99, 0.005, 5e6),
    ):
        assert rates(recipe, step) == pytest.approx([rate, rate], rel=1e-5)
        assert float(optimizer.beta_2) == pytest.approx(beta_2, rel=1e-5)
        for term in (r1, r2):
            assert term.gamma * float(term.schedule(step)) == pytest.approx(gamma, rel=1e-5)
        half = float(recipe["ema"].half_life(step))
        assert half == pytest.approx(half_life, rel=1e-5, abs=1)
    assert 0.5 ** (512 / half) == pytest.approx(0.99992902, abs=1e-8)
    assert recipe["loss"] == "relativistic_pairing" and optimizer.beta_1 == 0
    assert recipe["generator_optimizer"] is not recipe["discriminator_optimizer"]


SMALL = {
    "sngan": lambda: keras_gan.networks.sngan((8, 8, 1), width=8),
    "sagan": lambda: keras_gan.networks.sagan((16, 16, 1), width=8),
    "biggan": lambda: keras_gan.networks.biggan((8, 8, 1), width=4, latent_dim=8),
    "stylegan2": lambda: keras_gan.networks.stylegan2(
        (16, 16, 1), latent_dim=8, channel_base=64, max_channels=8
    ),
    "r3gan": lambda: keras_gan.networks.r3gan((16, 16, 1), widths=(8, 8, 8), group_size=8),
    "wavegan": lambda: keras_gan.networks.wavegan((64, 1), width=4),
}


@pytest.mark.slow
def test_hifigan_trains_by_its_recipe():
    spectrogram = keras_gan.layers.LogMelSpectrogram(
        8000, 6, fft_length=32, sequence_stride=8, floor=1e-3
    )
    networks = keras_gan.networks.hifigan(
        6, (8,), 8, ((3, (1,)),), periods=(2,), scales=1, discriminator_width=128
    )
    model = keras_gan.GAN(*networks, latents=None, seed=0)
    model.compile(**recipes.hifigan(spectrogram, heads=2))
    x = np.random.default_rng(0).uniform(-0.3, 0.3, (8, 64, 1)).astype("float32")
    history = model.fit(x, np.asarray(spectrogram(x)), batch_size=4, epochs=3, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SMALL))
def test_networks_train_by_their_recipes(name):
    keras.utils.set_random_seed(0)
    generator, discriminator = SMALL[name]()
    model = keras_gan.GAN(generator, discriminator, seed=0)
    model.compile(**getattr(recipes, name)())
    x = np.random.default_rng(0).normal(size=(24, *discriminator.inputs[0].shape[1:]))
    history = model.fit(x.astype("float32"), batch_size=4, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        (recipes.sngan, {"steps": 0}),
        (recipes.sngan, {"discriminator_steps": 1.5}),
        (recipes.biggan, {"batch_size": 0}),
        (recipes.biggan, {"orthogonal": -1.0}),
        (recipes.stylegan2, {"image_size": 0}),
        (recipes.stylegan2, {"gamma": -1.0}),
        (recipes.stylegan2, {"half_life": 0}),
        (recipes.r3gan, {"gamma": float("nan")}),
        (recipes.r3gan, {"images": -5}),
        (recipes.hifigan, {"heads": 0}),
    ],
)
def test_what_they_are_not_given(recipe, options):
    (name,) = options
    with pytest.raises(ValueError, match=rf"{name}|weight|gamma"):
        recipe(**options)
