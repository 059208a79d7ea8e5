"""patch and sn_patch: what a logit sees, maps of logits, and what is too small."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from network_calls import call, kernels_within_wrappers, normal

from keras_gan.networks import patch, sn_patch
from keras_gan.networks.normalization import normalize

FIELDS = 1, 16, 34, 70, 142, 286
SIZES = [pytest.param(n, marks=[pytest.mark.slow] * (n > 3)) for n in range(6)]


@pytest.mark.parametrize("depth", SIZES)
def test_a_logit_sees_a_full_square_of_the_receptive_field(depth):
    field = FIELDS[depth]
    side = 2 * field + 2 ** (depth + 2)
    network = patch((side, side, 1), depth=depth, width=1, normalization=None, padding="exact")
    x = tf.constant(normal(1, side, side, 1))
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = network(x)
        middle = logits.shape[1] // 2
        logit = logits[0, middle, middle, 0]
    seen = tape.gradient(logit, x).numpy()[0, ..., 0] != 0
    rows, columns = np.nonzero(seen.any(axis=1))[0], np.nonzero(seen.any(axis=0))[0]
    assert rows[-1] - rows[0] + 1 == columns[-1] - columns[0] + 1 == field
    assert seen.sum() == field**2


MAPS = {  # By depth: the maps of 256, 128, 64 and 32 pixels with PyTorch's padding of 1.
    0: (256, 128, 64, 32),
    1: (126, 62, 30, 14),
    2: (62, 30, 14, 6),
    3: (30, 14, 6, 2),
    4: (14, 6, 2, None),
}


@pytest.mark.representatives("3")
@pytest.mark.parametrize("depth", MAPS)
def test_maps_with_exact_padding_are_the_published_ones(depth):
    for side, rows in zip((256, 128, 64, 32), MAPS[depth], strict=True):
        options = {"depth": depth, "width": 1, "padding": "exact"}
        if rows is None:
            with pytest.raises(ValueError, match=r"at least \d+ pixels"):
                patch((side, side, 1), **options)
        else:
            assert patch((side, side, 1), **options).output_shape == (None, rows, rows, 1)


@pytest.mark.slow
def test_other_paddings_keep_and_grow_the_map():
    assert patch((256, 128, 1), width=1).output_shape == (None, 32, 16, 1)
    # pix2pixHD's: by ceil((4 - 1) / 2) = 2 on each side.
    assert patch((256, 128, 1), width=1, padding="wide").output_shape == (None, 35, 19, 1)
    assert patch((33, 47, 1), depth=2, width=1).output_shape == (None, 9, 12, 1)


@pytest.mark.slow
def test_each_scale_judges_the_image_at_half_the_size_of_the_one_before():
    network = patch((32, 48, 2), depth=1, width=2, scales=3, normalization=None)
    assert [shape[1:3] for shape in network.output_shape] == [(16, 24), (8, 12), (4, 6)]
    image = tf.Variable(normal(1, 32, 48, 2))
    with tf.GradientTape(persistent=True) as tape:
        totals = [tf.reduce_sum(logits) for logits in network(image)]
    weights = network.trainable_weights
    each = [
        [i for i, g in enumerate(tape.gradient(total, weights)) if g is not None]
        for total in totals
    ]
    assert [len(own) for own in each] == [6, 6, 6]
    assert sorted(i for own in each for i in own) == list(range(18))


def test_features_are_named_and_end_before_the_logits():
    network = patch((16, 16, 1), depth=2, width=2, features=True)
    shapes = {name: x.shape[1:] for name, x in network.output.items()}
    layers = {"layer_1": (8, 8, 2), "layer_2": (4, 4, 4), "layer_3": (4, 4, 8)}
    assert shapes == {"logits": (4, 4, 1), **layers}
    plain = patch((16, 16, 1), depth=2, width=2)
    plain.set_weights(network.get_weights())
    x = normal(2, 16, 16, 1)
    np.testing.assert_array_equal(network(x)["logits"], plain(x))
    two = patch((16, 16, 1), depth=1, width=2, scales=2, features=True).output
    names = {f"scale_{scale}_layer_{layer}" for scale in (1, 2) for layer in (1, 2)}
    assert two.keys() == {"logits", *names} and len(two["logits"]) == 2


def test_the_source_is_judged_with_the_image():
    network = patch((16, 16, 1), (16, 16, 3), depth=1, width=2)
    image, source = normal(1, 16, 16, 1), normal(1, 16, 16, 3)
    assert np.abs(call(network, image, source) - call(network, image, -source)).max() > 0
    with pytest.raises(ValueError, match=r"image_shape=\(16, 16, 1\), source_shape=\(16, 8, 3\)"):
        patch((16, 16, 1), (16, 8, 3))


@pytest.mark.slow
def test_spectral_normalization_is_of_all_kernels_and_of_nothing_else():
    network = patch((16, 16, 1), depth=2, width=2, normalization="spectral")
    assert kernels_within_wrappers(network) == (4, 4)
    kinds = {type(layer).__name__ for layer in network.layers}
    assert not kinds & {"GroupNormalization", "BatchNormalization"}
    small = sn_patch((32, 24, 1), (32, 24, 1), width=4, depth=4)
    assert kernels_within_wrappers(small) == (4, 4)
    assert small.output_shape == (None, 2, 2, 16)
    assert type(small.layers[-2]).__name__ == "SpectralNormalization"


def test_one_image_s_logits_do_not_depend_on_the_others():
    network = patch((16, 16, 1), depth=2, width=4)
    images = normal(3, 16, 16, 1)
    alone = np.concatenate([call(network, images[i : i + 1], training=True) for i in range(3)])
    np.testing.assert_allclose(call(network, images, training=True), alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["instance", "affine_instance", "batch"])
def test_one_pixel_is_never_normalized(kind):
    """It would be zero for a batch of one, whatever the image."""
    with pytest.raises(ValueError, match=r"one pixel minus its mean.*\(None, 1, 1, 4\)"):
        normalize(keras.Input((1, 1, 4)), kind)
    zero = keras.layers.GroupNormalization(groups=-1)(normal(1, 1, 1, 4))
    assert not np.any(zero)
    assert normalize(keras.Input((1, 1, 4)), None).shape == (None, 1, 1, 4)
    # The smallest side that is left is named, and it is a legal one.
    with pytest.raises(ValueError, match=r"at least 9 pixels\. Nearest to 8: 9\."):
        patch((8, 9, 1), depth=3, width=1, normalization=kind)
    assert patch((9, 9, 1), depth=3, width=1, normalization=kind).output_shape[1:3] == (2, 2)


def test_free_sides_that_are_too_small_are_refused_when_they_come():
    network = patch((None, None, 1), depth=3, width=1)
    assert call(network, normal(1, 9, 21, 1)).shape == (1, 2, 3, 1)
    with pytest.raises(ValueError, match=r"at least 9 pixels.*shape \(1, 8, 21, 1\)"):
        network(normal(1, 8, 21, 1))
    graph = tf.function(network, input_signature=[tf.TensorSpec((None, None, None, 1))])
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected sides of at least 9 pixels"):
        graph(normal(1, 8, 21, 1))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"depth": -1}, ValueError, "at least 0.*depth=-1"),
        ({"scales": 0}, ValueError, "at least 1.*scales=0"),
        ({"padding": "valid"}, ValueError, r"'same', 'exact', 'wide'.*padding='valid'"),
        ({"normalization": "layer"}, ValueError, "'spectral'.*normalization='layer'"),
        ({"features": "all"}, TypeError, "True or False.*features='all'"),
        ({"image_shape": 32}, TypeError, r"height, width, channels.*image_shape=32"),
        ({"image_shape": (32, 32)}, ValueError, r"may be None.*image_shape=\(32, 32\)"),
        ({"image_shape": (32, 0, 1)}, ValueError, r"None or a whole.*image_shape\[1\]=0"),
        ({"image_shape": (32, 32, None)}, ValueError, r"whole number.*image_shape\[2\]=None"),
    ],
    ids=str,
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        patch(**{"image_shape": (32, 32, 1), **arguments})
