"""Vectors as conditions of the ready-made networks: one-hot rows are labels, others mix them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan import networks
from keras_gan.data.sampling import NO_TRUNCATION, truncated_by
from tests.integration import small
from tests.networks import training
from tests.networks.builds import BUILDS, SHAPE
from tests.networks.network_calls import disturbed, images_of, normal

SIZE = 3
every_network = pytest.mark.parametrize("name", BUILDS)


def take(network, weights):
    """Set the weights of a network of labels; the mean style has no classes, and is not read."""
    network.set_weights(
        [
            old if np.shape(old) == np.shape(new) else np.zeros(np.shape(new))
            for old, new in zip(weights, network.get_weights(), strict=True)
        ]
    )


@every_network
def test_one_hot_rows_are_labels(name):
    latents, samples = normal(4, 6), normal(4, *SHAPE, seed=1)
    labels = np.array([0, 2, 1, 2], "int32")
    rows = np.eye(SIZE, dtype="float32")[labels]
    of_labels, of_rows = BUILDS[name](num_classes=SIZE), BUILDS[name](condition_dim=SIZE)
    for network, other in zip(of_labels, of_rows, strict=True):
        disturbed(network)
        take(other, network.get_weights())
    latents = latents[:, : of_labels[0].inputs[0].shape[-1]]
    one, other = images_of(of_labels[0], [latents, labels]), images_of(of_rows[0], [latents, rows])
    np.testing.assert_allclose(one, other, atol=1e-5)
    judged = [of_labels[1]([samples, labels]), of_rows[1]([samples, rows])]
    np.testing.assert_allclose(*judged, atol=1e-5, rtol=1e-5)
    swapped = images_of(of_rows[0], [latents, rows[::-1]])
    assert np.abs(other - swapped).max() > 1e-3, "the condition changes nothing"


@pytest.mark.parametrize("name", ["dcgan", "sngan", "biggan"])
def test_the_projection_is_linear_in_the_vector(name):
    """What Miyato and Koyama's formula says: D(x, a + b) - D(x, 0) is the sum of both parts."""
    _, discriminator = BUILDS[name](condition_dim=SIZE)
    disturbed(discriminator)
    x, a, b = normal(4, *SHAPE), normal(4, SIZE, seed=1), normal(4, SIZE, seed=2)
    nothing, first, second, both = (
        keras.ops.convert_to_numpy(discriminator([x, each])) for each in (0 * a, a, b, a + b)
    )
    np.testing.assert_allclose(both - nothing, first + second - 2 * nothing, atol=1e-4, rtol=1e-4)


def test_a_vector_counts_beside_latents_as_a_label_does():
    generator, _ = networks.dcgan(SHAPE, 64, condition_dim=40)
    kernel = generator.get_layer("condition_embedding").kernel
    added = normal(2000, 40) @ keras.ops.convert_to_numpy(kernel)
    assert np.std(added) == pytest.approx(0.2, rel=0.05)


@every_network
def test_labels_and_a_vector_are_one_too_many(name):
    with pytest.raises(ValueError, match="num_classes=3, condition_dim=3"):
        BUILDS[name](num_classes=3, condition_dim=3)
    with pytest.raises(ValueError, match="condition_dim=0"):
        BUILDS[name](condition_dim=0)


@pytest.mark.parametrize("name", ["dcgan", "sngan", "sagan"])
def test_a_classifier_needs_classes(name):
    with pytest.raises(ValueError, match="Expected `num_classes`"):
        BUILDS[name](condition_dim=3, head="classifier")


def test_a_projection_begins_at_a_style_under_its_vector():
    generator, _ = BUILDS["stylegan2"](condition_dim=SIZE)
    disturbed(generator)
    targets, given = normal(2, *SHAPE), normal(2, SIZE, seed=1)
    options = {"seed": 0, "verbose": 0, "steps": 1}
    found = networks.project(generator, targets, condition=given, **options)
    alone = networks.project(generator, targets[1], condition=given[1], **options)
    np.testing.assert_allclose(found.styles[1], alone.styles[0], atol=1e-4)
    latents = tf.random.stateless_normal((10_000, 6), [0, -1], alg="philox")
    for vector, own in zip(given, (True, False), strict=True):
        mapped = generator([latents, tf.repeat(vector[None], 10_000, axis=0)])["styles"][:, 0]
        tried = np.vstack([np.mean(mapped, axis=0), mapped[:256]])
        assert (np.abs(tried - found.styles[0, 0]).max(axis=1).min() < 1e-5) == own
    for wrong in (normal(2, 2), normal(3, SIZE), np.full((2, SIZE), np.nan), 1):
        with pytest.raises(ValueError, match="Expected"):
            networks.project(generator, targets, condition=wrong, **options)


@pytest.mark.slow
@every_network
def test_trained_saved_resumed_and_exported(name, tmp_path):
    model = training.game(lambda: BUILDS[name](condition_dim=SIZE))
    images, _ = training.examples(SHAPE, SIZE)
    given = normal(len(images), SIZE)
    data = (images, given)
    before = model.generate(2, seed=0, condition=given[:2])
    training.trained(model, data)
    made = model.generate(2, seed=0, condition=given[:2])
    assert np.abs(made - before).max() > 0
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.generate(2, seed=0, condition=given[:2]), made)
    for each in (model, loaded):
        each.fit(*data, batch_size=training.BATCH, shuffle=False, verbose=0)
    states = small.state(model), small.state(loaded)
    seeds = [key for key in states[0] if key.startswith("average") and "seed" in key]
    small.assert_equal_states(*states, without=seeds)
    served = tf.saved_model.load(model.export(str(tmp_path / "served"))).signatures["sample"]
    inputs = {"seed": tf.constant([0, 1], tf.int64), "condition": tf.constant(given[:2])}
    if "truncation" in served.structured_input_signature[1]:
        inputs["truncation"] = tf.constant([NO_TRUNCATION[truncated_by(model)]])
    levels = served(**inputs)["images"].numpy().astype("int32")
    expected = np.round((model.generate(2, seed=0, condition=given[:2]) + 1) * 127.5)
    assert np.abs(levels - np.clip(expected, 0, 255)).max() <= 1
