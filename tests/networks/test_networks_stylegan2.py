"""stylegan2: the papers' weights, a literal of both networks, seeds, truncation and training."""

import keras
import numpy as np
import pytest
import stylegan2_literal as literal
import training
from network_calls import normal
from test_networks_counts import counted

import keras_gan
from keras_gan import terms
from keras_gan.layers.mean_style import styles_truncated
from keras_gan.networks import stylegan2
from tests.precision import precision

PAPER = {"latent_dim": 512, "max_channels": 512}
CIFAR = {**PAPER, "channel_base": 32768, "residual": False, "mixing": 0.0}
# Side, channels, options, weights of the generator and of the discriminator.
FORMS = {
    "cpu": (32, 3, {}, 263_987, 288_993),
    "cpu_labels": (32, 1, {"num_classes": 10}, 268_331, 327_008),
    "cpu_wide": (
        32,
        3,
        {"channel_base": 2048, "max_channels": 128, "latent_dim": 128},
        1_050_195,
        1_153_473,
    ),
    "cifar": (32, 3, CIFAR, 19_947_539, 20_720_641),
    "cifar_labels": (32, 3, {**CIFAR, "num_classes": 10}, 20_215_315, 23_089_664),
    "paper256": (
        256,
        3,
        {**PAPER, "channel_base": 16384, "mapping_layers": 8},
        24_767_458,
        24_001_089,
    ),
    "ffhq1024": (
        1024,
        3,
        {**PAPER, "channel_base": 32768, "mapping_layers": 8},
        30_370_060,
        29_012_513,
    ),
}
SIDES = (4, 8, 16)
# Widths that differ from stage to stage.
SMALL = {"latent_dim": 5, "style_dim": 4, "channel_base": 48, "max_channels": 6}


@pytest.mark.parametrize("form", FORMS)
def test_counts_of_the_papers(form):
    side, channels, options, *counts = FORMS[form]
    assert counted(stylegan2, (side, side, channels), **options) == counts


@pytest.mark.parametrize(
    ("form", "of_generator", "of_discriminator"),
    [("cifar", 525_312, None), ("cifar_labels", 793_088, 2_106_880)],
)
def test_counts_of_the_mapping_networks(form, of_generator, of_discriminator):
    def mappings(*arguments, **options):
        pair = stylegan2(*arguments, **options)
        return tuple(
            n.get_layer("mapping") for n in pair if "mapping" in [x.name for x in n.layers]
        )

    side, channels, options, *_ = FORMS[form]
    counts = [count for count in (of_generator, of_discriminator) if count]
    assert counted(mappings, (side, side, channels), **options) == counts


def small(num_classes=None, **options):
    return stylegan2((16, 16, 2), **{**SMALL, "num_classes": num_classes, **options})


def disturbed(network):
    """Return a network whose biases and strengths are not 0, and mean styles neither."""
    for i, weight in enumerate(network.weights):
        if weight.name in ("bias", "strength", "mean"):
            weight.assign(weight + 0.5 * normal(*weight.shape, seed=i))
    return network


def images_of(generator, inputs, psi=None, **options):
    with styles_truncated(psi):
        return keras.tree.map_structure(np.asarray, generator(inputs, **options))


@pytest.mark.parametrize(("num_classes", "noise"), [(None, "constant"), (3, "latents")])
def test_the_generator_is_that_of_the_paper(num_classes, noise):
    generator = disturbed(small(num_classes, noise=noise)[0])
    latents, labels = normal(3, 5), np.array([2, 0, 1])
    vectors = normal(3, 16 + 2 * 64 + 2 * 256, seed=1)
    inputs = latents if noise == "constant" else {"z": latents, "noise": vectors}
    rows = None
    if num_classes:
        inputs, rows = [inputs, labels], np.eye(3)[labels]
    made = images_of(generator, inputs)
    styles = literal.mapped(generator.get_layer("mapping"), 2, latents.astype("float64"), rows)
    expected = np.repeat(styles[:, None], 6, axis=1)
    np.testing.assert_allclose(made["styles"], expected, rtol=1e-5, atol=1e-6)
    maps = [None] * 3 if noise == "constant" else vectors
    images = [
        literal.drawn(generator, own, SIDES, noise)
        for own, noise in zip(expected, maps, strict=True)
    ]
    assert made["samples"].dtype == "float32"
    np.testing.assert_allclose(made["samples"], images, rtol=0, atol=1e-5)


def test_each_layer_draws_by_its_own_style():
    generator = disturbed(small()[0])
    from_styles = keras.Model(generator.get_layer("styles").output, generator.output["samples"])
    styles = normal(2, 6, 4)
    expected = [literal.drawn(generator, own, SIDES) for own in styles.astype("float64")]
    np.testing.assert_allclose(from_styles(styles), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("num_classes", "residual"), [(None, True), (3, False)])
def test_the_discriminator_is_that_of_the_paper(num_classes, residual):
    discriminator = disturbed(small(num_classes, residual=residual)[1])
    images, labels, embedded = normal(3, 16, 16, 2), np.array([2, 0, 1]), None
    if num_classes:
        rows = np.eye(3)[labels]
        embedded = literal.mapped(discriminator.get_layer("mapping"), 8, one_hot=rows)
    logits = discriminator([images, labels] if num_classes else images)
    expected = literal.judged(discriminator, images, SIDES, residual, embedded)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=2e-6)


def test_a_style_changes_nothing_that_is_drawn_before_it():
    generator = disturbed(small()[0])
    given = generator.get_layer("styles").output
    styles = normal(1, 6, 4)
    for first, side in ((2, 4), (4, 8)):
        other = styles.copy()
        other[:, first:] = normal(1, 6 - first, 4, seed=1)
        before = keras.Model(given, generator.get_layer(f"{side}_colors").output)
        after = keras.Model(given, generator.get_layer(f"{2 * side}_colors").output)
        np.testing.assert_array_equal(before(styles), before(other))
        assert np.abs(after(styles) - after(other)).max() > 1e-3


def test_mixing_takes_the_styles_of_the_sample_before():
    generator = disturbed(small(3, mixing=1.0)[0])
    latents, labels = normal(4, 5), np.array([2, 0, 1, 1])
    own = images_of(generator, [latents, labels])["styles"]
    other = images_of(generator, [np.roll(latents, 1, axis=0), labels])["styles"]
    cutoffs = set()
    for _ in range(8):
        styles = images_of(generator, [latents, labels], training=True)["styles"]
        kept = [np.array_equal(styles[:, i], own[:, i]) for i in range(6)]
        cutoff = kept.index(False)
        np.testing.assert_array_equal(styles[:, :cutoff], own[:, :cutoff])
        np.testing.assert_allclose(styles[:, cutoff:], other[:, cutoff:], rtol=1e-5, atol=1e-7)
        cutoffs.add(cutoff)
    assert len(cutoffs) > 1 and min(cutoffs) > 0


def test_truncation():
    """psi 0 makes one image of each class, psi 1 changes nothing; the mean is of first styles."""
    generator = small(3, mixing=1.0)[0]
    latents, labels = normal(6, 5), np.array([0, 1, 2, 0, 1, 2])
    own = images_of(generator, [latents, labels])["styles"][:, 0]
    images_of(generator, [latents, labels], training=True)
    expected = 0.005 * np.stack([own[labels == label].mean(0) for label in range(3)])
    mean = generator.get_layer("mean_style").mean
    np.testing.assert_allclose(mean, expected, rtol=1e-3, atol=1e-7)
    mean.assign(normal(3, 4))
    whole = images_of(generator, [latents, labels])["samples"]
    made = images_of(generator, [latents, labels], psi=1.0)["samples"]
    np.testing.assert_allclose(made, whole, rtol=1e-4, atol=1e-5)
    typical = images_of(generator, [latents, labels], psi=0.0)["samples"]
    np.testing.assert_allclose(typical[:3], typical[3:], rtol=1e-5, atol=1e-6)
    assert np.abs(typical[0] - typical[1]).max() > 1e-2


def test_at_the_start_noise_of_any_kind_is_nothing():
    generator = small(noise="constant", mixing=0.0)[0]
    quiet, fed = (small(noise=noise, mixing=0.0)[0] for noise in (None, "latents"))
    for other in (quiet, fed):
        by_path = {weight.path: weight for weight in generator.weights}
        for weight in other.weights:
            weight.assign(by_path[weight.path])
    latents = normal(2, 5)
    made = images_of(generator, latents)["samples"]
    drawn = images_of(generator, latents, training=True)["samples"]
    np.testing.assert_array_equal(drawn, made)
    np.testing.assert_array_equal(images_of(quiet, latents)["samples"], made)
    given = {"z": latents, "noise": normal(2, 656)}
    np.testing.assert_array_equal(images_of(fed, given)["samples"], made)


def test_logits_of_equal_images_and_of_permuted_classes():
    discriminator = disturbed(small(4)[1])
    image = np.repeat(normal(1, 16, 16, 2), 4, axis=0)
    std = keras.Model(discriminator.inputs, discriminator.get_layer("minibatch_std").output)
    labels, order = np.array([0, 1, 2, 3]), np.array([2, 0, 3, 1])
    np.testing.assert_allclose(std([image, labels])[..., -1], 1e-4, rtol=1e-3)
    before = np.asarray(discriminator([image, labels]))
    kernel = discriminator.get_layer("mapping").get_layer("condition_embedding").kernel
    kernel.assign(np.asarray(kernel)[np.argsort(order)])
    np.testing.assert_allclose(discriminator([image, order[labels]]), before, rtol=1e-5)
    assert np.std(before) > 1e-3
    assert keras_gan.GAN(*small(4)).num_classes == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_shape": (24, 24, 3)}, r"16, 32.*\(24, 24, 3\)"),
        ({"image_shape": (16, 32, 3)}, r"\(side, side, channels\).*\(16, 32, 3\)"),
        ({"noise": "fixed"}, r"'constant', 'latents', None.*noise='fixed'"),
        ({"mixing": 1.5}, r"from 0 to 1.*mixing=1.5"),
        ({"channel_base": 8}, r"at least 16.*channel_base=8"),
        ({"num_classes": 1}, r"at least 2.*num_classes=1"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        stylegan2(**{"image_shape": (16, 16, 1), **options})


def game(num_classes, noise="constant"):
    """Return a function that builds the smallest networks."""
    options = {"latent_dim": 4, "channel_base": 64, "max_channels": 6, "label_mapping_layers": 2}
    return lambda: stylegan2((16, 16, 1), num_classes=num_classes, noise=noise, **options)


def recipe():
    """Return the paper's game, its lazy terms in every second step."""
    lazy = [terms.R1(1.0, interval=2), terms.PathLength(of="styles", interval=2)]
    return {"terms": lazy, "augmentation": "diff_augment", "ema": 0.9}


def assert_one_typical_image(model):
    labelled = 1 if model.conditional else None
    typical = model.generate(3, seed=5, condition=labelled, truncation=0.0)
    np.testing.assert_allclose(typical, typical[[0] * 3], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_training_in_short():
    """With R1 and path lengths, the last batch smaller than a group."""
    model = training.game(game(None), terms=recipe()["terms"])
    training.trained(model, (training.examples((16, 16, 1))[0][:-1],))
    assert float(model.terms[1].length.numpy()) > 0
    assert_one_typical_image(model)


@pytest.mark.slow
@pytest.mark.parametrize("num_classes", [None, 3])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_training(policy, num_classes, tmp_path):
    with precision(policy):
        model = training.game(game(num_classes), policy, **recipe())
        data = training.examples((16, 16, 1), num_classes)
        training.trained(model, data)
        training.assert_saved_and_resumed(model, data, tmp_path)
        training.assert_exported(model, tmp_path / "export", policy)
        assert_one_typical_image(model)


@pytest.mark.slow
def test_a_seed_names_the_noise_too(tmp_path):
    model = training.game(game(3, "latents"), **recipe())
    assert set(model.latents.parts) == {"z", "noise"}
    data = training.examples((16, 16, 1), 3)
    training.trained(model, data)
    for weight in model.sampling_network.weights:
        if weight.name == "strength":
            weight.assign(1.0)
    images = model.generate(4, seed=5, condition=1, batch_size=4)
    alone = model.generate(1, seed=7, condition=1)
    np.testing.assert_allclose(alone[0], images[2], rtol=1e-4, atol=1e-5)
    typical = model.generate(2, seed=5, condition=1, truncation=0.0)
    assert np.abs(typical[0] - typical[1]).max() > 0.1  # One style, and noise of two seeds.
    training.assert_exported(model, tmp_path / "export")
    training.assert_saved_and_resumed(model, data, tmp_path)


@pytest.mark.slow
def test_two_replicas(two_replicas):
    model = training.game(game(3), strategy=two_replicas, **recipe())
    training.trained(model, training.examples((16, 16, 1), 3))
    training.assert_equal_replicas(model)


def test_low_precision_keeps_styles_and_outputs_wide():
    with precision("mixed_bfloat16"):
        generator, discriminator = game(3)()
        model = keras_gan.GAN(generator, discriminator)
    given = [normal(2, 4), np.array([0, 2])]
    # Latents reach the mapping network as they are.
    own = images_of(generator, given)["samples"]
    np.testing.assert_array_equal(model(given), own)
    made = images_of(generator, given, training=True)
    assert made["samples"].dtype == made["styles"].dtype == "float32"
    assert generator.get_layer("16_conv").output.dtype == "bfloat16"
    assert discriminator.get_layer("8_conv_1").output.dtype == "bfloat16"
    logits = discriminator([made["samples"], np.array([0, 2])])
    assert logits.dtype == "float32" and np.isfinite(logits).all()
