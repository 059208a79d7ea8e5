"""The published forms of the translators and their discriminators have the published weights."""

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
