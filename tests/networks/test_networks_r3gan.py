"""r3gan: the paper's weights, a literal of both networks, the start, and training."""

import keras
import numpy as np
import pytest
import r3gan_literal as literal
import training
from network_calls import call, normal
from test_networks_counts import counted

from keras_gan import GAN, GeneratorAverage, schedules, terms
from keras_gan.networks import r3gan
from tests.precision import precision

FFHQ_64 = (768,) * 4 + (384,)
IMAGENET = {"group_size": 32, "num_classes": 1000}
FORMS = {
    "CIFAR-10": (32, {"widths": (768,) * 4}, 20_732_160, 20_683_776),
    "conditional": (32, {"widths": (768,) * 4, "num_classes": 10}, 20_781_952, 21_280_512),
    "FFHQ-64": (64, {"widths": FFHQ_64}, 22_429_824, 22_381_440),
    "FFHQ-256": (256, {"widths": (*FFHQ_64, 192, 96)}, 23_057_952, 23_009_568),
    "ImageNet-32": (32, {"widths": (1536,) * 4, **IMAGENET}, 82_914_304, 86_548_992),
    "ImageNet-64": (64, {"widths": (1536,) * 5, **IMAGENET}, 103_570_432, 107_205_120),
    "tiny": (32, {"blocks": 1}, 274_912, 266_848),
}
# Widths with and without a change between stages; two groups and more.
WIDTHS = (8, 8, 4)
SMALL = {"latent_dim": 5, "widths": WIDTHS, "group_size": 4}


@pytest.mark.representatives("conditional", "tiny")
@pytest.mark.parametrize("form", FORMS)
def test_counts_of_the_paper(form):
    side, options, generator, discriminator = FORMS[form]
    counts = counted(r3gan, (side, side, 3), **{"blocks": 2, **options})
    assert counts == [generator, discriminator]


def disturbed(pair):
    """Return networks whose weights are random, those that start at 0 too."""
    for network in pair:
        for i, weight in enumerate(network.weights):
            noise = normal(*weight.shape, seed=i)
            weight.assign(noise / np.sqrt(np.prod(weight.shape[:-1])) + 0.1)
    return pair


@pytest.mark.parametrize("num_classes", [None, 3])
def test_both_networks_are_those_of_the_paper(num_classes):
    options = {**SMALL, "blocks": 2, "num_classes": num_classes}
    generator, discriminator = disturbed(r3gan((16, 16, 2), **options))
    labels = [] if num_classes is None else [np.array([2, 0, 1], "int32")]
    z, x = normal(3, 5), normal(3, 16, 16, 2)
    for network, judge, inputs in (
        (generator, literal.generated, z),
        (discriminator, literal.judged, x),
    ):
        expected = judge(network, WIDTHS, 2, inputs.astype("float64"), *labels)
        ours = call(network, inputs, *labels)
        assert ours.shape == expected.shape
        np.testing.assert_allclose(ours, expected, rtol=0, atol=2e-5 * np.abs(expected).max())
    groups = [layer.groups for layer in literal.grouped_layers(discriminator)]
    assert groups == [2, 2, 4, 4, 4, 4, 8]  # Twice 4, 8 and 8 by 4, and the depthwise end.


def test_at_the_start_both_networks_are_linear():
    """The last convolution of every block is 0, and the block the identity."""
    for network, shape in zip(r3gan((32, 32, 3), latent_dim=7), ((7,), (32, 32, 3)), strict=True):
        one, other = normal(2, *shape), normal(2, *shape, seed=1)
        first, second, both = (call(network, x) for x in (one, other, 2 * one - 3 * other))
        assert np.abs(first).max() > 0.01
        scale = np.abs(both).max()
        np.testing.assert_allclose(both, 2 * first - 3 * second, rtol=0, atol=1e-5 * scale)
        convolutions = [x for x in network.layers if isinstance(x, keras.layers.Conv2D)]
        assert sum(not np.any(layer.get_weights()[0]) for layer in convolutions) == 4


def test_the_start_of_the_weights():
    generator, discriminator = r3gan((16, 16, 3), widths=(256, 256, 256), blocks=2, num_classes=10)
    gain = np.sqrt(2 / 1.04) * 6**-0.25
    stds = [gain / np.sqrt(256), gain / np.sqrt(9 * 16), 0.0]
    for network in (generator, discriminator):
        convolutions = [x for x in network.layers if isinstance(x, keras.layers.Conv2D)]
        blocks = [x for x in convolutions if 3 not in (x.filters, x.kernel.shape[2])]
        blocks = [x for x in blocks if x.kernel_size != (4, 4)]
        assert len(blocks) == 3 * 6
        for i, layer in enumerate(blocks):
            assert layer.kernel.numpy().std() == pytest.approx(stds[i % 3], rel=0.02)
            assert layer.bias is None or not np.any(layer.bias.numpy())
            assert (layer.bias is None) == (i % 3 == 2)
    for network, name, std in (
        (generator, "condition_embedding", 10**-0.5),
        (discriminator, "condition_embedding", (10 * 256) ** -0.5),
        (discriminator, "projection", 256**-0.5),
    ):
        kernel = network.get_layer(name).kernel.numpy()
        assert kernel.std() == pytest.approx(std, rel=0.1), name
    basis = generator.get_layer("basis").get_weights()[0]
    assert basis.shape == (4, 4, 256) and basis.std() == pytest.approx(1, rel=0.05)


@pytest.mark.representatives("16")
@pytest.mark.parametrize("side", [16, 32, 64, 128, 256])
def test_sides_and_default_widths(side):
    generator, discriminator = r3gan((side, side, 1), latent_dim=3)
    images = call(generator, normal(2, 3))
    assert images.shape == (2, side, side, 1) and images.dtype == "float32"
    assert call(discriminator, images).shape == (2, 1)
    widths = [
        x.shape[-1] // 2 for x in (y.bias for y in literal.grouped_layers(discriminator)[:-1])
    ]
    assert widths == [min(32 * 2**i, 128) for i in range(int(np.log2(side)) - 1)]


def test_labels_name_classes():
    """Of both networks, and to permute the classes is to permute the weights of the labels."""
    pair = disturbed(r3gan((16, 16, 1), **SMALL, num_classes=4))
    assert GAN(*pair).num_classes == 4
    inputs, labels = (normal(2, 5), normal(2, 16, 16, 1)), np.array([1, 3], "int32")
    order = np.array([2, 0, 3, 1])
    for network, x in zip(pair, inputs, strict=True):
        before = call(network, x, labels)
        assert np.abs(before - call(network, x, labels[::-1])).min() > 0
        kernel = network.get_layer("condition_embedding").kernel
        kernel.assign(kernel.numpy()[np.argsort(order)])
        np.testing.assert_array_equal(call(network, x, order[labels]), before)


def recipe():
    """Return the paper's game, its schedules ending after two steps."""
    adam = {"beta_1": 0.0, "beta_2": schedules.Cosine(0.9, 0.99, end=2)}
    rate = schedules.Cosine(2e-3, 5e-4, end=2)
    fall = schedules.Cosine(1.0, 0.1, end=2)
    return {
        "loss": "relativistic_pairing",
        "generator_optimizer": schedules.ScheduledAdam(rate, **adam),
        "discriminator_optimizer": schedules.ScheduledAdam(rate, **adam),
        "terms": ["r1", terms.R2(1.0, schedule=fall)],
        "ema": GeneratorAverage(half_life=schedules.Cosine(0.0, 1000.0, end=2)),
    }


def small(num_classes):
    return r3gan((16, 16, 1), latent_dim=4, widths=(8, 8, 4), group_size=4, num_classes=num_classes)


def test_trained_op_by_op():
    model = training.game(lambda: small(3), run_eagerly=True, **recipe())
    training.trained(model, training.examples((16, 16, 1), 3))


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("num_classes", [None, 3])
def test_trained_saved_resumed_and_exported(num_classes, policy, tmp_path):
    data = training.examples((16, 16, 1), num_classes)
    model = training.game(lambda: small(num_classes), policy, **recipe())
    training.trained(model, data)
    training.assert_saved_and_resumed(model, data, tmp_path)
    training.assert_exported(model, tmp_path / "served", policy)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("num_classes", [None, 3])
def test_trained_on_two_replicas(num_classes, policy, two_replicas):
    with two_replicas.scope():
        options = recipe()
    model = training.game(lambda: small(num_classes), policy, two_replicas, **options)
    training.trained(model, training.examples((16, 16, 1), num_classes))
    training.assert_equal_replicas(model)


def test_images_and_logits_are_float32_under_mixed_precision():
    with precision("mixed_bfloat16"):
        generator, discriminator = r3gan((16, 16, 1), **SMALL, num_classes=3)
    labels = np.array([0, 2], "int32")
    images = call(generator, normal(2, 5), labels)
    assert images.dtype == call(discriminator, images, labels).dtype == "float32"
    assert literal.grouped_layers(generator)[0].compute_dtype == "bfloat16"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"image_shape": (8, 8, 1)}, ValueError, r"side of 16.*image_shape=\(8, 8, 1\)"),
        ({"image_shape": (48, 48, 1)}, ValueError, r"Pad, crop.*image_shape=\(48, 48, 1\)"),
        ({"image_shape": (16, 32, 1)}, ValueError, r"side.*image_shape=\(16, 32, 1\)"),
        ({"image_shape": (512, 512, 3)}, ValueError, r"256 pixels.*\(512, 512, 3\)"),
        ({"image_shape": (16, 16)}, ValueError, r"image_shape=\(16, 16\)"),
        ({"image_shape": "16"}, TypeError, "image_shape='16'"),
        ({"widths": (8, 8)}, ValueError, r"Expected 3 widths.*16 pixels.*widths=\(8, 8\)"),
        ({"widths": (8, 8, 4)}, ValueError, r"divide twice.*group_size=16, widths=\(8, 8, 4\)"),
        ({"widths": (8, 0, 8)}, ValueError, r"at least 1.*widths\[1\]=0"),
        ({"group_size": 0}, ValueError, "at least 1.*group_size=0"),
        ({"blocks": 0}, ValueError, "at least 1.*blocks=0"),
        ({"latent_dim": 2.5}, ValueError, "whole number.*latent_dim=2.5"),
        ({"num_classes": 1}, ValueError, "at least 2.*num_classes=1"),
    ],
    ids=str,
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        r3gan(**{"image_shape": (16, 16, 1), **arguments})
