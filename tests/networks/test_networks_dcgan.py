"""dcgan: shapes at every kind of side, labels, round trips, and the words of its errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from network_calls import call, kernels_within_wrappers, normal

from keras_gan import GAN
from keras_gan.networks import dcgan

SHAPES = [
    (8, 8, 1),
    (9, 9, 1),
    (12, 12, 3),
    (16, 16, 2),
    (28, 28, 1),
    (31, 33, 1),
    (32, 32, 3),
    (48, 48, 3),
    (64, 64, 3),
    (100, 100, 3),
    (128, 128, 3),
    (256, 256, 3),
    (8, 256, 1),
    (100, 28, 3),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_makes_and_scores_images_of_the_shape(shape):
    generator, discriminator = dcgan(shape, latent_dim=5, width=4)
    images = call(generator, normal(2, 5))
    assert images.shape == (2, *shape)
    assert np.abs(images).max() <= 1
    assert call(discriminator, images).shape == (2, 1)
    assert generator.output_shape[1:] == shape == discriminator.input_shape[1:]


@pytest.mark.parametrize(
    ("side", "maps"),
    [(8, 2), (12, 3), (16, 4), (17, 3), (28, 4), (48, 3), (64, 4), (100, 4), (128, 4), (256, 4)],
)
def test_the_smallest_map_has_two_to_four_pixels_a_side(side, maps):
    generator, discriminator = dcgan((side, side, 1), width=2)
    first = next(layer for layer in generator.layers if isinstance(layer, keras.layers.Reshape))
    assert first.output.shape[1:3] == (maps, maps)
    last = [layer for layer in discriminator.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    assert last.output.shape[1:3] == (maps, maps)


def test_every_pixel_of_a_cropped_image_depends_on_the_latents_and_is_judged():
    generator, discriminator = dcgan((9, 13, 1), latent_dim=8, width=8)
    images = call(generator, normal(16, 8))
    assert images.std(axis=0).min() > 0
    x = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = discriminator(x)
    assert np.abs(tape.gradient(score, x).numpy()).max(axis=0).min() > 0


def test_width_sets_the_channels_up_to_eight_times():
    _, discriminator = dcgan((128, 128, 3), width=3)
    convolutions = [x for x in discriminator.layers if isinstance(x, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [3, 6, 12, 24, 24]


def test_one_image_s_logit_does_not_depend_on_the_others():
    _, discriminator = dcgan((16, 16, 1), width=4)
    images = normal(6, 16, 16, 1)
    together = call(discriminator, images, training=True)
    alone = np.concatenate(
        [call(discriminator, images[i : i + 1], training=True) for i in range(6)]
    )
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)


def test_logits_are_not_linear_in_the_contrast_of_an_image():
    _, discriminator = dcgan((16, 16, 1), width=4)
    for layer in discriminator.layers:
        if getattr(layer, "bias", None) is not None:
            layer.bias.assign(normal(*layer.bias.shape))
    image = normal(1, 16, 16, 1)
    # Positively homogeneous would mean equal steps.
    low, middle, high = (
        call(discriminator, image * scale)[0, 0] for scale in np.float32([0, 1, 2])
    )
    assert abs((high - middle) - (middle - low)) > 1e-3


def test_labels_change_the_image_and_its_score_and_the_core_finds_their_number():
    generator, discriminator = dcgan((8, 8, 1), latent_dim=4, width=4, num_classes=7)
    latents, labels = normal(2, 4), np.array([1, 6], "int32")
    images = call(generator, latents, labels)
    assert images.shape == (2, 8, 8, 1)
    assert np.abs(images - call(generator, latents, labels[::-1])).max() > 0
    scores = call(discriminator, images, labels)
    assert scores.shape == (2, 1)
    assert np.abs(scores - call(discriminator, images, labels[::-1])).max() > 0
    model = GAN(generator, discriminator)
    assert model.conditional
    assert model.num_classes == 7


def test_the_score_of_a_label_is_a_linear_score_plus_a_projection():
    _, discriminator = dcgan((8, 8, 1), width=4, num_classes=3)
    images, labels = normal(5, 8, 8, 1), np.array([0, 1, 2, 1, 0], "int32")
    head = discriminator.get_layer("score")
    features = keras.Model(discriminator.inputs[0], head.input)
    kernel, bias = (keras.ops.convert_to_numpy(w) for w in head.weights)
    table = keras.ops.convert_to_numpy(discriminator.get_layer("label_embedding").embeddings)
    features = call(features, images)
    expected = features @ kernel[:, 0] + bias + np.sum(table[labels] * features, axis=1)
    np.testing.assert_allclose(call(discriminator, images, labels)[:, 0], expected, rtol=1e-4)


def test_a_classifier_names_the_class_of_images_and_takes_no_label():
    options = {"latent_dim": 4, "width": 4, "num_classes": 7, "spectral_norm": True}
    generator, discriminator = dcgan((8, 8, 1), **options, head="classifier")
    images = normal(5, 8, 8, 1)
    outputs = discriminator(images)
    assert {name: tuple(x.shape) for name, x in outputs.items()} == {
        "logits": (5, 1),
        "classes": (5, 7),
    }
    head = discriminator.get_layer("classes")
    features = call(keras.Model(discriminator.input, head.input), images)
    kernel, bias = np.asarray(head.normalized_kernel()), np.asarray(head.layer.bias)
    np.testing.assert_allclose(outputs["classes"], features @ kernel + bias, rtol=1e-4, atol=1e-5)
    model = GAN(generator, discriminator)
    assert model.num_classes == 7 and len(discriminator.inputs) == 1


def test_dropout_and_normalization_are_as_asked():
    def kinds(network):
        return {type(layer).__name__ for layer in network.layers}

    generator, discriminator = dcgan((8, 8, 1))
    assert "BatchNormalization" in kinds(generator)
    assert not kinds(discriminator) & {"BatchNormalization", "Dropout"}
    generator, discriminator = dcgan((8, 8, 1), dropout=0.5, batch_normalization=False)
    assert "BatchNormalization" not in kinds(generator)
    images = normal(4, 8, 8, 1)
    drawn = call(discriminator, images, training=True), call(discriminator, images, training=True)
    assert np.abs(drawn[0] - drawn[1]).max() > 0
    np.testing.assert_array_equal(call(discriminator, images), call(discriminator, images))


@pytest.mark.representatives(1)
@pytest.mark.parametrize("num_classes", [None, 4])
def test_saved_networks_load_in_safe_mode_and_from_their_configs(tmp_path, num_classes):
    labels = [] if num_classes is None else [np.array([0, 3], "int32")]
    more = {} if num_classes is None else {"spectral_norm": True, "minibatch_std": True}
    pair = dcgan((28, 28, 1), latent_dim=6, width=4, num_classes=num_classes, dropout=0.2, **more)
    for network, x in zip(pair, (normal(2, 6), normal(2, 28, 28, 1)), strict=True):
        path = tmp_path / f"{network.name}.keras"
        network.save(path)
        loaded = keras.saving.load_model(path, safe_mode=True)
        copied = keras.Model.from_config(network.get_config())
        copied.set_weights(network.get_weights())
        for other in (loaded, copied):
            np.testing.assert_array_equal(call(other, x, *labels), call(network, x, *labels))


@pytest.mark.parametrize("num_classes", [None, 4])
def test_spectral_norm_normalizes_every_kernel_of_the_discriminator(num_classes):
    options = {"latent_dim": 6, "width": 4, "num_classes": num_classes}
    _, plain = dcgan((28, 28, 1), **options)
    generator, discriminator = dcgan((28, 28, 1), **options, spectral_norm=True)
    count = 4 if num_classes is None else 5  # three convolutions, the score and the labels
    assert kernels_within_wrappers(discriminator) == (count, count)
    assert kernels_within_wrappers(plain) == (count, 0)
    assert kernels_within_wrappers(generator)[1] == 0
    inner = ["conv2d", "leaky", "flatten"]  # numbered by Keras
    names = [
        [layer.name for layer in network.layers if not any(part in layer.name for part in inner)]
        for network in (plain, discriminator)
    ]
    assert names[0] == names[1]
    assert GAN(generator, discriminator).num_classes == num_classes


def test_minibatch_std_shows_the_last_convolution_the_spread_of_the_batch():
    _, discriminator = dcgan((8, 8, 1), latent_dim=6, width=4, minibatch_std=True)
    layers = [type(layer).__name__ for layer in discriminator.layers]
    place = layers.index("MinibatchStdDev")
    assert layers[place + 1] == "Conv2D" and "Conv2D" not in layers[place + 2 :]
    assert discriminator.layers[place + 1].kernel.shape[2] == 4 + 1
    images = normal(4, 8, 8, 1)
    alone = call(discriminator, images[:1])
    assert np.abs(call(discriminator, images)[:1] - alone).max() > 1e-6
    assert discriminator.layers[place].group_size == 4


def test_logits_and_images_are_float32_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        generator, discriminator = dcgan((8, 8, 1), latent_dim=4, width=4, num_classes=3)
    finally:
        keras.config.set_dtype_policy("float32")
    labels = np.array([0, 2], "int32")
    images = call(generator, normal(2, 4), labels)
    logits = call(discriminator, images, labels)
    assert images.dtype == logits.dtype == "float32"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"image_shape": (7, 8, 1)}, ValueError, r"from 8 to 256.*image_shape=\(7, 8, 1\)"),
        ({"image_shape": (8, 257, 1)}, ValueError, r"from 8 to 256.*image_shape=\(8, 257, 1\)"),
        ({"image_shape": (8, 8)}, ValueError, r"height, width, channels.*image_shape=\(8, 8\)"),
        ({"image_shape": (8, 8, 0)}, ValueError, r"at least 1.*image_shape\[2\]=0"),
        ({"image_shape": (8, 8.5, 1)}, ValueError, r"whole number.*image_shape\[1\]=8.5"),
        ({"image_shape": (None, 8, 1)}, ValueError, r"whole number.*image_shape\[0\]=None"),
        ({"image_shape": "8x8"}, TypeError, r"whole number or a tuple.*image_shape='8x8'"),
        ({"latent_dim": 0}, ValueError, "at least 1.*latent_dim=0"),
        ({"width": -4}, ValueError, "at least 1.*width=-4"),
        ({"width": 16.0}, ValueError, "whole number.*width=16.0"),
        ({"width": True}, ValueError, "whole number.*width=True"),
        ({"num_classes": 1}, ValueError, "at least 2.*num_classes=1"),
        ({"num_classes": "10"}, ValueError, "whole number.*num_classes='10'"),
        ({"dropout": 1.0}, ValueError, "below 1.*dropout=1.0"),
        ({"dropout": -0.1}, ValueError, "at least 0 .*dropout=-0.1"),
        ({"dropout": "high"}, TypeError, "number.*dropout='high'"),
        ({"depth": 4}, ValueError, "at most 3 for 8 pixels.*depth=4"),
        ({"depth": 0}, ValueError, "at least 1.*depth=0"),
        ({"head": "linear"}, ValueError, "one of.*'projection', 'classifier'.*head='linear'"),
        ({"head": "classifier"}, ValueError, "`num_classes`.*classifier.*num_classes=None"),
        ({"kernel_size": 1}, ValueError, "at least 2.*kernel_size=1"),
    ],
    ids=str,
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        dcgan(**{"image_shape": (8, 8, 1), **arguments})
