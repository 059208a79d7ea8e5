"""srresnet, rrdb and their discriminators: sizes, what is added to the source, first values."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from network_calls import call, kernels_within_wrappers, normal

from keras_gan.networks import rrdb, srresnet, unet_discriminator, vgg_discriminator

TINY = {"width": 2, "blocks": 1}


def zeroed(network):
    """Return a network whose last convolution adds nothing."""
    last = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    last.kernel.assign(tf.zeros_like(last.kernel))
    return network


@pytest.mark.representatives("3", "4")
@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
def test_the_modified_form_adds_details_to_the_bilinear_enlargement(scale):
    network = srresnet((None, None, 2), scale, **TINY)
    x = normal(1, 5, 7, 2)
    assert network.output_shape == (None, None, None, 2)
    base = x if scale == 1 else tf.image.resize(x, (5 * scale, 7 * scale), "bilinear").numpy()
    np.testing.assert_allclose(call(zeroed(network), x), base, rtol=1e-5, atol=1e-6)
    shuffles = [x for x in network.layers if type(x).__name__ == "PixelShuffle"]
    assert int(np.prod([layer.scale for layer in shuffles])) == scale


def test_the_base_keeps_its_digits_in_low_precision():
    """bfloat16 has 8 bits for what an 8-bit image needs 8 bits and a sign of."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = srresnet((4, 4, 1), 1, **TINY)
    finally:
        keras.config.set_dtype_policy("float32")
    x = normal(1, 4, 4, 1)
    np.testing.assert_array_equal(call(zeroed(network), x), x)


@pytest.mark.slow
def test_shuffled_maps_start_as_nearest_upsampling():
    network = srresnet((4, 4, 1), 4, form="original", **TINY)
    for layer in network.layers:
        if type(layer).__name__ == "PixelShuffle":
            features = keras.Model(network.input, layer.output)
            blocks = call(features, normal(1, 4, 4, 1))
            first = blocks[:, ::2, ::2].repeat(2, axis=1).repeat(2, axis=2)
            np.testing.assert_allclose(blocks, first, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("scale", "sides"), [(4, (5, 6)), (2, (6, 4)), (1, (8, 4))])
def test_rrdb_enlarges_by_its_scale(scale, sides):
    network = rrdb((*sides, 3), scale, 1, growth=2, **TINY)
    assert network.output_shape == (None, sides[0] * scale, sides[1] * scale, 1)


@pytest.mark.slow
def test_a_block_of_rrdb_adds_a_fifth_of_a_fifth():
    """With all kernels of the dense blocks 0 but the last ones, the sum can be written down."""
    network = rrdb((4, 4, 1), growth=1, **TINY)
    x = normal(1, 4, 4, 1)
    block = network.get_layer("block_1")
    entry = next(layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D))
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer is not entry:
            layer.kernel.assign(tf.zeros_like(layer.kernel))
            layer.bias.assign(tf.ones_like(layer.bias))
    ends = keras.Model(network.input, [entry.output, block.output])
    first, last = (keras.ops.convert_to_numpy(y) for y in ends(x))
    # Each dense block adds 0.2 times its last bias, 1; the block 0.2 times what they made.
    np.testing.assert_allclose(last, first + 0.2 * (first + 3 * 0.2), rtol=1e-5, atol=1e-6)


@pytest.mark.representatives(2)
@pytest.mark.parametrize(
    ("form", "shape", "maps"),
    [
        ("esrgan", (32, 32, 1), (4, 4)),
        ("esrgan", (33, 18, 1), (5, 3)),
        ("srgan", (24, 40, 1), (3, 5)),
        ("srgan", (96, 96, 1), (6, 6)),
    ],
)
def test_vgg_discriminators_halve_to_a_small_map(form, shape, maps):
    network = vgg_discriminator(shape, width=1, form=form)
    flat = next(layer for layer in network.layers if isinstance(layer, keras.layers.Flatten))
    assert flat.input.shape[1:3] == maps
    assert network.output_shape == (None, 1)


@pytest.mark.slow
def test_unet_discriminator_scores_every_pixel_by_normalized_kernels():
    network = unet_discriminator((16, 24, 1), (16, 24, 2), width=2)
    assert network.output_shape == (None, 16, 24, 1)
    assert kernels_within_wrappers(network) == (10, 8)  # All but the first and the last.


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: srresnet((8, 8, 1), 5), r"\[1, 2, 3, 4, 8\].*scale=5"),
        (lambda: srresnet((8, 8, 1), form="edsr"), "'original'.*form='edsr'"),
        (lambda: srresnet((8, 8, 3), channels=1), r'form="original".*channels=1'),
        (lambda: srresnet((8, 8, 3), blocks=0), "at least 1.*blocks=0"),
        (lambda: rrdb((8, 8, 1), 3), r"\[4, 2, 1\].*scale=3"),
        (lambda: rrdb((8, 9, 1), 2), "that 2 divides.*Nearest to 9: 8 and 10.*scale=2"),
        (lambda: rrdb((8, 6, 1), 1), "that 4 divides.*Nearest to 6: 4 and 8.*scale=1"),
        (lambda: vgg_discriminator((None, 8, 1)), r"fixed sides.*image_shape=\(None, 8, 1\)"),
        (lambda: vgg_discriminator((7, 8, 1)), "at least 8 pixels. Nearest to 7: 8"),
        (lambda: vgg_discriminator((8, 8, 1), form="vgg"), "'esrgan', 'srgan'.*form='vgg'"),
        (lambda: unet_discriminator((20, 16, 1)), "that 8 divides.*Nearest to 20: 16 and 24"),
    ],
)
def test_what_they_can_t_take_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.slow
def test_free_sides_of_rrdb_are_checked_when_images_come():
    network = rrdb((None, None, 1), 2, growth=1, **TINY)
    assert call(network, normal(1, 4, 6, 1)).shape == (1, 8, 12, 1)
    with pytest.raises(ValueError, match="Nearest to 5: 4 and 6"):
        network(normal(1, 4, 5, 1))


def test_sides_that_a_graph_does_not_know():
    """As an export traces a network: its bilinear base is that of known sides."""
    x = np.random.default_rng(0).uniform(-1, 1, (2, 8, 16, 3)).astype("float32")
    spec = tf.TensorSpec((None, None, None, 3), tf.float32)
    for network in (
        srresnet((None, None, 3), 2, **TINY),
        unet_discriminator((None, None, 3), width=2),
    ):
        graph = tf.function(network, input_signature=[spec], autograph=False)
        np.testing.assert_allclose(graph(x), network(x), atol=1e-5)
