"""unet, resnet_translator and stargan: what they make, of which sides, and by which layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from network_calls import call, normal

from keras_gan.networks import resnet_translator, stargan, unet


@pytest.mark.representatives(2)
@pytest.mark.parametrize(
    ("shape", "maps"),
    [
        ((16, 16, 1), [(8, 8), (4, 4), (2, 2), (1, 1)]),
        ((32, 64, 2), [(16, 32), (8, 16), (4, 8), (2, 4), (1, 2)]),
        ((48, 80, 1), [(24, 40), (12, 20), (6, 10), (3, 5)]),
    ],
    ids=str,
)
def test_unet_halves_both_sides_as_often_as_they_allow(shape, maps):
    network = unet(shape, 3, width=1)
    stages = [network.get_layer(f"down_{stage}") for stage in range(1, len(maps) + 1)]
    assert [stage.output.shape[1:3] for stage in stages] == maps
    assert [stage.filters for stage in stages] == [1, 2, 4, 8, 8][: len(maps)]
    assert network.output_shape == (None, *shape[:2], 3)
    images = call(network, normal(1, *shape))
    assert np.abs(images).max() <= 1 and images.std() > 0


def test_unet_normalizes_all_but_the_first_and_the_innermost_stage():
    def followed(network, layer):
        consumers = network.get_layer(layer)._outbound_nodes
        return [type(node.operation).__name__ for node in consumers]

    network = unet((16, 16, 1), width=2)
    norm, leaky, relu = ["GroupNormalization"], ["LeakyReLU"], ["ReLU"]
    encoder = [followed(network, f"down_{stage}") for stage in (1, 2, 3, 4)]
    assert encoder == [leaky, norm, norm, relu]
    assert [followed(network, f"up_{stage}") for stage in (4, 3, 2)] == [norm] * 3
    assert followed(network, "up_1") == ["Activation"]


@pytest.mark.representatives(1)
@pytest.mark.parametrize(("depth", "count"), [(8, 3), (7, 2), (6, 1), (5, 0)])
def test_unet_drops_between_stages_of_full_width_in_training_alone(depth, count):
    """As CycleGAN's code does, by its rule for smaller images: the innermost stage never drops."""
    with keras.StatelessScope(initialize_variables=False):
        network = unet((2**depth, 2**depth, 1), width=1)
    keras.backend.clear_session()
    dropping = [layer for layer in network.layers if isinstance(layer, keras.layers.Dropout)]
    assert [layer.rate for layer in dropping] == [0.5] * count


def test_a_source_has_one_translation():
    network = unet((16, 16, 1), width=(1, 2, 2, 2))
    x = normal(2, 16, 16, 1)
    np.testing.assert_array_equal(call(network, x), call(network, x))
    drawn = [call(network, x, training=True) for _ in range(2)]
    assert np.abs(drawn[0] - drawn[1]).max() > 0
    without = unet((16, 16, 1), width=(1, 2, 2, 2), dropout=0)
    without.set_weights([w for w in network.get_weights() if w.dtype == "float32"])
    alone = np.concatenate([call(without, x[i : i + 1], training=True) for i in range(2)])
    np.testing.assert_allclose(call(network, x), alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"source_shape": (100, 96, 1)}, r"that 8 divides.*Nearest to 100: 96 and 104\."),
        ({"source_shape": (32, 33, 1)}, r"that 4 divides.*Nearest to 33: 32 and 36\."),
        ({"source_shape": (32, 20, 1), "depth": 3}, "Nearest to 20: 16 and 24.*depth=3"),
        ({"source_shape": (8, 8, 1), "depth": 4}, "at least 16 pixels. Nearest to 8: 16"),
        ({"source_shape": (None, 32, 1)}, r"Expected `depth`.*source_shape=\(None, 32, 1\)"),
        ({"width": (8,)}, r"width=\(8,\), depth=None"),
        ({"width": (8, 8), "depth": 3}, r"width=\(8, 8\), depth=3"),
        ({"width": (8, 0)}, "at least 1.*width=0"),
        ({"depth": 1}, "at least 2.*depth=1"),
        ({"dropout": 1.0}, "below 1.*dropout=1.0"),
        ({"normalization": "spectral"}, "'affine_instance'.*normalization='spectral'"),
        ({"channels": 0}, "at least 1.*channels=0"),
    ],
    ids=str,
)
def test_what_unet_can_t_take_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        unet(**{"source_shape": (32, 32, 1), **arguments})


def test_free_sides_that_don_t_halve_are_refused_when_they_come():
    network = unet((None, None, 1), width=2, depth=3)
    assert call(network, normal(1, 16, 40, 1)).shape == (1, 16, 40, 1)
    with pytest.raises(ValueError, match=r"that 8 divides.*Nearest to 20: 16 and 24"):
        network(normal(1, 16, 20, 1))
    graph = tf.function(network, input_signature=[tf.TensorSpec((None, None, None, 1))])
    assert graph(normal(1, 8, 24, 1)).shape == (1, 8, 24, 1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected sides that 8 divides"):
        graph(normal(1, 16, 20, 1))


@pytest.mark.representatives("transposed")
@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
def test_resnet_translator_keeps_the_sides_of_any_image_that_fits(upsampling):
    network = resnet_translator((None, None, 2), 1, 2, blocks=1, upsampling=upsampling)
    for sides in ((8, 8), (12, 20)):
        images = call(network, normal(1, *sides, 2))
        assert images.shape == (1, *sides, 1)
        assert np.abs(images).max() <= 1
    with pytest.raises(ValueError, match=r"4 divides, of at least 8 pixels. Nearest to 4: 8\."):
        network(normal(1, 4, 8, 2))
    with pytest.raises(ValueError, match="Nearest to 18: 16 and 20"):
        resnet_translator((18, 16, 2))
    with pytest.raises(ValueError, match=r"'nearest', 'transposed'.*upsampling='bilinear'"):
        resnet_translator((16, 16, 2), upsampling="bilinear")


@pytest.mark.slow
def test_its_features_have_names():
    network = resnet_translator((16, 16, 1), width=2, blocks=2, depth=2)
    names = [layer.name for layer in network.layers]
    assert {"source", "down_1", "down_2", "block_1", "block_2", "images"} <= set(names)


def test_transposed_convolutions_are_pytorch_s_with_padding_1_and_output_padding_1():
    """Output 2i + k - 1 gets input i times kernel row k: the halving's zeros are cut off again."""
    network = resnet_translator((8, 8, 1), width=1, blocks=1, depth=1, upsampling="transposed")
    up = next(x for x in network.layers if isinstance(x, keras.layers.Conv2DTranspose))
    crop = next(x for x in network.layers if isinstance(x, keras.layers.Cropping2D))
    x, kernel = normal(1, 4, 4, 2), up.kernel.numpy()
    expected = np.zeros((8, 8))
    for i, j, k, m in np.ndindex(4, 4, 3, 3):
        row, column = 2 * i + k - 1, 2 * j + m - 1
        if 0 <= row < 8 and 0 <= column < 8:
            expected[row, column] += x[0, i, j] @ kernel[k, m, 0]
    np.testing.assert_allclose(crop(up(x))[0, ..., 0], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_every_pixel_of_a_translation_may_depend_on_the_whole_source():
    network = unet((16, 16, 1), width=2, normalization=None)
    # Positive throughout, so that no ReLU stands in the way.
    network.set_weights([np.abs(w) for w in network.get_weights()])
    x = tf.constant(np.abs(normal(1, 16, 16, 1)))
    with tf.GradientTape() as tape:
        tape.watch(x)
        corner = network(x)[0, 0, 0, 0]
    assert np.abs(tape.gradient(corner, x)).min() > 0


@pytest.mark.slow
def test_stargan_s_generator_follows_the_target():
    generator, discriminator = stargan((32, 48, 1), labels=3, width=4, blocks=1)
    image, labels = normal(2, 32, 48, 1), np.eye(3, dtype="float32")
    one, other = (
        keras.ops.convert_to_numpy(generator({"image": image, "target": labels[[k, k]]}))
        for k in (0, 1)
    )
    assert one.shape == (2, 32, 48, 1) and np.abs(one).max() <= 1
    assert np.abs(one - other).max() > 1e-3
    outputs = discriminator(image)
    assert outputs["logits"].shape == (2, 2, 3, 1) and outputs["classes"].shape == (2, 3)


@pytest.mark.slow
def test_stargan_halves_to_two_pixels_and_six_times_at_most():
    for side, depth in ((8, 2), (32, 4), (128, 6), (256, 6)):
        with keras.StatelessScope(initialize_variables=False):
            _, discriminator = stargan((side, side, 1), labels=2, width=1, blocks=1)
        keras.backend.clear_session()
        assert discriminator.output["logits"].shape[1] == side // 2**depth
        assert discriminator.output["classes"].shape == (None, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_shape": (None, 32, 1)}, r"fixed sides.*image_shape=\(None, 32, 1\)"),
        ({"image_shape": (40, 32, 1)}, "16 divides.*Nearest to 40: 32 and 48.*depth=4"),
        ({"labels": 0}, "at least 1.*labels=0"),
        ({"blocks": 0}, "at least 1.*blocks=0"),
        ({"depth": 1}, "at least 2.*depth=1"),
    ],
    ids=str,
)
def test_what_stargan_can_t_take_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        stargan(**{"image_shape": (32, 32, 1), "labels": 2, **arguments})


def tutorial_s_generator():
    """Return the U-Net of TensorFlow's pix2pix tutorial, as the library's layers would say it.

    Its convolutions have no biases, and its innermost map of one pixel is normalized.
    """
    layers = keras.layers
    source = x = keras.Input((256, 256, 3))
    skips = []
    for stage, size in enumerate((64, 128, 256, 512, 512, 512, 512, 512)):
        x = layers.Conv2D(size, 4, 2, "same", use_bias=False)(x)
        x = layers.LeakyReLU()(layers.BatchNormalization()(x) if stage else x)
        skips.append(x)
    for stage, size in enumerate((512, 512, 512, 512, 256, 128, 64)):
        x = layers.Conv2DTranspose(size, 4, 2, "same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(layers.Dropout(0.5)(x) if stage < 3 else x)
        x = layers.Concatenate()([x, skips[-2 - stage]])
    return keras.Model(source, layers.Conv2DTranspose(3, 4, 2, "same", activation="tanh")(x))


@pytest.mark.slow
def test_the_tutorial_of_tensorflow_normalizes_one_stage_more():
    with keras.StatelessScope(initialize_variables=False):
        tutorial = tutorial_s_generator()
        ours = unet((256, 256, 3), normalization="batch")

    def count(weights):
        return sum(int(np.prod(w.shape)) for w in weights if w.dtype == "float32")

    assert count(tutorial.weights) == 54_425_859
    assert count(tutorial.trainable_weights) == 54_414_979
    innermost = 2 * 512
    assert count(ours.trainable_weights) == 54_414_979 - innermost
    keras.backend.clear_session()
