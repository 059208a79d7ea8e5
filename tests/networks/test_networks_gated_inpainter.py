"""gated_inpainter: known pixels to the bit, nothing of the hole, gradients in the hole alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan.networks import gated_inpainter, sn_patch

TINY = {"width": 4, "dilations": (2,)}


def request(seed=0):
    mask = np.zeros((2, 16, 24, 1), "float32")
    mask[0, 3:9, 5:12] = mask[1, 8:11, :6] = 1
    image = np.random.default_rng(seed).uniform(-1, 1, (2, 16, 24, 1)).astype("float32")
    return {"image": image * (1 - mask), "mask": mask}


@pytest.fixture(scope="module")
def networks():
    return {stages: gated_inpainter((16, 24, 1), stages=stages, **TINY) for stages in (1, 2)}


def samples(outputs):
    return outputs["samples"] if isinstance(outputs, dict) else outputs


@pytest.mark.parametrize("stages", [1, 2])
def test_known_pixels_are_those_of_the_request_to_the_bit(networks, stages):
    inputs = request()
    made = samples(networks[stages](inputs)).numpy()
    known = inputs["mask"] == 0
    assert made.dtype == "float32"
    np.testing.assert_array_equal(made[known], inputs["image"][known])
    hole = made[~known]
    assert np.abs(hole).max() < 1 and hole.std() > 0


def test_a_new_network_passes_on_what_it_is_given():
    """Through its gated layers; with Glorot's kernels the holes of two images differ by 1e-7."""
    network = gated_inpainter((16, 24, 1), width=32, stages=1, dilations=(2, 4))
    first, second = (network(request(seed)).numpy() for seed in (0, 1))
    hole = request()["mask"] > 0
    assert 0.05 < np.abs(first - second)[hole].mean() < 1


@pytest.mark.representatives("2")
@pytest.mark.parametrize("stages", [1, 2])
def test_what_stands_in_the_hole_does_not_matter(networks, stages):
    inputs = request()
    other = {**inputs, "image": np.where(inputs["mask"] > 0, np.float32(np.nan), inputs["image"])}
    made, again = (samples(networks[stages](each)).numpy() for each in (inputs, other))
    np.testing.assert_array_equal(made, again)


@pytest.mark.slow
def test_the_first_stage_paints_the_whole_image_and_is_a_side_output(networks):
    outputs = networks[2](request())
    assert outputs.keys() == {"samples", "coarse"}
    assert outputs["coarse"].shape == (2, 16, 24, 1)
    known = request()["mask"] == 0
    assert np.abs(outputs["coarse"].numpy()[known] - request()["image"][known]).max() > 0.1


@pytest.mark.slow
def test_weights_get_gradients_from_the_hole_alone(networks):
    inputs, network = request(), networks[1]
    painted = network.get_layer("coarse").output
    inner = keras.Model(network.input, painted)
    with tf.GradientTape() as tape:
        raw = inner(inputs)
        tape.watch(raw)
        made = tf.where(inputs["mask"] > 0, raw, inputs["image"])
        total = tf.reduce_sum(made**2)
    np.testing.assert_array_equal(made, network(inputs))
    assert np.array_equal(tape.gradient(total, raw).numpy() != 0, inputs["mask"] > 0)
    known = np.float32(inputs["mask"] == 0)
    for where, learns in ((known, False), (1 - known, True)):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(network(inputs) ** 2 * where)
        gradients = tape.gradient(total, network.trainable_weights)
        assert [np.any(gradient) for gradient in gradients] == [learns] * len(gradients)


@pytest.mark.slow
def test_generate_and_the_loaded_model_keep_the_known_pixels(tmp_path, networks):
    discriminator = sn_patch((16, 24, 1), (16, 24, 1), width=2, depth=2)
    options = {"latents": None, "discriminator_condition": "mask"}
    model = keras_gan.GAN(networks[1], discriminator, **options)
    inputs = request(3)
    model.save(tmp_path / "model.keras")
    known = inputs["mask"] == 0
    for each in (model, keras_gan.load_model(tmp_path / "model.keras")):
        made = each.generate(2, condition=inputs, seed=0)
        np.testing.assert_array_equal(made[known], inputs["image"][known])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"image_shape": (28, 32, 1)}, ValueError, "8 divides.*Nearest to 28: 24 and 32.*stages=2"),
        ({"image_shape": (30, 32, 1), "stages": 1}, ValueError, "4 divides.*30: 28 and 32"),
        ({"width": 6}, ValueError, "multiple of 4.*width=6"),
        ({"width": 2}, ValueError, "at least 4.*width=2"),
        ({"stages": 3}, ValueError, r"\[1, 2\].*stages=3"),
        ({"dilations": 2}, ValueError, "tuple of whole numbers.*dilations=2"),
        ({"dilations": (2, 0)}, ValueError, "at least 1.*dilations=0"),
    ],
    ids=str,
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        gated_inpainter(**{"image_shape": (32, 32, 1), **arguments})
