"""The published forms of networks have the published numbers of weights."""

import math

import keras
import pytest

from keras_gan import networks


def counted(build, *arguments, **options):
    """Return how many numbers a network trains, without memory for them.

    In a scope without state its variables have shapes and no values.
    """
    with keras.StatelessScope(initialize_variables=False):
        built = build(*arguments, **options)
    counts = [
        sum(math.prod(weight.shape) for weight in network.trainable_weights)
        for network in (built if isinstance(built, tuple) else (built,))
    ]
    keras.backend.clear_session()  # Which has them for variables that are still to be made.
    return counts if isinstance(built, tuple) else counts[0]


BATCH, EXACT = {"normalization": "batch"}, {"padding": "exact"}
UNETS = [
    (256, BATCH, 54_413_955),
    (256, {}, 54_409_603),
    (128, BATCH, 41_828_995),
    (64, BATCH, 29_244_035),
    (32, BATCH, 16_659_075),
]


@pytest.mark.representatives(2)
@pytest.mark.parametrize(("side", "options", "count"), UNETS)
def test_unet(side, options, count):
    assert counted(networks.unet, (side, side, 3), **options) == count


def test_unet_for_a_cpu():
    small = {"width": (32, 64, 128, 128), "normalization": "affine_instance"}
    assert counted(networks.unet, (32, 32, 1), **small) == 1_018_753


@pytest.mark.parametrize(
    ("depth", "count"),
    list(enumerate([9_024, 139_585, 666_433, 2_768_705, 6_964_033, 11_159_361])),
)
def test_patch(depth, count):
    shape = (256, 256, 3)
    assert counted(networks.patch, shape, shape, depth=depth, **EXACT, **BATCH) == count


def test_patch_of_cyclegan_pix2pixhd_and_for_a_cpu():
    assert counted(networks.patch, (256, 256, 3), **EXACT) == 2_764_737
    both = {"scales": 2, "padding": "wide", "features": True}
    assert counted(networks.patch, (64, 64, 3), (64, 64, 36), **both) == 2 * 2_801_601
    small = {"depth": 2, "width": 32, **BATCH}
    assert counted(networks.patch, (32, 32, 1), (32, 32, 1), **small) == 167_329


def test_sn_patch():
    assert counted(networks.sn_patch, (256, 256, 3), (256, 256, 1)) == 5_946_816


@pytest.mark.representatives(1)
@pytest.mark.parametrize("upsampling", ["transposed", "nearest"])
@pytest.mark.parametrize(("blocks", "count"), [(9, 11_378_179), (6, 7_837_699)])
def test_resnet_translator(upsampling, blocks, count):
    options = {"upsampling": upsampling, "blocks": blocks}
    assert counted(networks.resnet_translator, (256, 256, 3), **options) == count


@pytest.mark.slow
def test_resnet_translator_of_pix2pixhd():
    assert counted(networks.resnet_translator, (64, 128, 36), 3, depth=4) == 182_546_755


def test_stargan():
    assert counted(networks.stargan, (128, 128, 3), 5) == [8_430_528, 44_762_048]


@pytest.mark.slow
def test_srresnet():
    shape = (None, None, 3)
    original = counted(networks.srresnet, shape, form="original")
    assert original == 1_549_462
    slopes = 1 + 16 + 2  # One for each channel in other ports.
    assert original + slopes * (64 - 1) == 1_550_659
    assert counted(networks.srresnet, shape) == 1_517_571
    assert counted(networks.srresnet, shape, scale=2) == 1_369_859


@pytest.mark.slow  # Its 351 convolutions take long to name.
@pytest.mark.parametrize(
    ("options", "count"),
    [({}, 16_697_987), ({"blocks": 6}, 4_467_779), ({"scale": 2}, 16_703_171)],
    ids=str,
)
def test_rrdb(options, count):
    assert counted(networks.rrdb, (None, None, 3), **options) == count


@pytest.mark.slow
def test_discriminators_of_super_resolution():
    assert counted(networks.vgg_discriminator, (96, 96, 3), form="srgan") == 23_565_505
    assert counted(networks.vgg_discriminator, (128, 128, 3)) == 14_499_401
    assert counted(networks.vgg_discriminator, (256, 256, 3)) == 21_055_049
    assert counted(networks.unet_discriminator, (256, 256, 3)) == 4_376_897


def test_gated_inpainter():
    assert counted(networks.gated_inpainter, (256, 256, 3)) == 4_052_478


RESNETS = {
    "sngan-32": ("sngan", 32, {"width": 256, "discriminator_width": 128}, 4_276_739, 1_053_825),
    "sngan-32-for-a-cpu": ("sngan", 32, {}, 126_019, 66_849),
    "sngan-32-64": ("sngan", 32, {"width": 64}, 368_771, 264_769),
    "sngan-48": ("sngan", 48, {"width": 64}, 4_878_083, 10_141_441),
    "sngan-64": ("sngan", 64, {"width": 64}, 12_220_675, 10_141_441),
    "cgan-pd-32": (
        "sngan",
        32,
        {"width": 256, "discriminator_width": 128, "num_classes": 10},
        4_304_387,
        1_055_105,
    ),
    "biggan-128": (
        "biggan",
        128,
        {"width": 96, "num_classes": 1000, "attention": 64},
        70_433_988,
        87_982_370,
    ),
    "biggan-32-authors": (
        "biggan",
        32,
        {"latent_dim": 128, "width": 64, "num_classes": 10, "hierarchical": False},
        4_304_387,
        4_207_361,
    ),
    "biggan-32-studiogan": (
        "biggan",
        32,
        {"latent_dim": 80, "width": 96, "num_classes": 10, "attention": 16},
        9_416_196,
        9_641_090,
    ),
    "biggan-32-for-a-cpu": (
        "biggan",
        32,
        {"latent_dim": 80, "num_classes": 10, "embedding_dim": 32, "attention": 16},
        302_788,
        270_530,
    ),
}


@pytest.mark.representatives("cgan-pd-32", "sngan-48", "biggan-32-authors", "biggan-32-for-a-cpu")
@pytest.mark.parametrize(
    ("name", "side", "options", "made", "judged"), RESNETS.values(), ids=list(RESNETS)
)
def test_residual_networks(name, side, options, made, judged):
    if name == "biggan":  # Orthogonal kernels of that size take long to draw.
        options = {**options, "initializer": "normal"}
    assert counted(getattr(networks, name), (side, side, 3), **options) == [made, judged]


def test_sngan_of_its_authors_has_no_last_bias():
    options = {"width": 256, "discriminator_width": 128}
    with keras.StatelessScope(initialize_variables=False):
        _, discriminator = networks.sngan((32, 32, 3), **options)
    weights = discriminator.trainable_weights
    ours = sum(math.prod(weight.shape) for weight in weights)
    keras.backend.clear_session()
    assert [weight.shape for weight in weights if weight.path.endswith("logits/bias")] == [(1,)]
    assert ours - 1 == 1_053_824


@pytest.mark.slow
def test_sagan():
    """Counted by hand: no others are published."""

    def block(i, o):
        return 9 * i * o + o + 9 * o * o + o + i * o + o

    def attention(channels):
        return 5 * channels**2 // 4 + 1

    pairs = [(1024, 1024), (1024, 512), (512, 256), (256, 128), (128, 64)]
    made = 128 * 16 * 1024 + 16 * 1024 + attention(256) + 2 * 64 + 9 * 64 * 3 + 3
    made += sum(block(i, o) + 2 * 1000 * (i + o) for i, o in pairs)
    pairs = [(3, 64), (64, 128), (128, 256), (256, 512), (512, 1024)]
    judged = sum(block(i, o) for i, o in pairs) + 2 * (9 * 1024**2 + 1024)
    judged += attention(128) + 1024 + 1 + 1000 * 1024
    assert (made, judged) == (42_078_852, 39_463_618)
    options = {"width": 64, "num_classes": 1000}
    assert counted(networks.sagan, (128, 128, 3), **options) == [made, judged]
    options = {"width": 256, "discriminator_width": 128, "num_classes": 10}
    both = [4_304_387 + attention(256), 1_055_105 + attention(128)]  # Beside cGAN-PD-32.
    assert counted(networks.sagan, (32, 32, 3), **options) == both == [4_386_308, 1_075_586]
