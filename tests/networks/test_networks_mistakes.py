"""Mistakes that other implementations of these networks had, each looked for in ours."""

import itertools

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

import keras_gan
from keras_gan import datasets, networks, terms
from tests.integration import small
from tests.networks import training
from tests.networks.builds import BUILDS, SHAPE
from tests.networks.network_calls import disturbed, images_of, normal

CLASSES = 3
every_network = pytest.mark.parametrize("name", BUILDS)


def told(name):
    """Return both networks with classes, their weights other than at the start."""
    pair = BUILDS[name](num_classes=CLASSES)
    for network in pair:
        disturbed(network)
    return pair


@every_network
def test_the_label_and_the_latents_both_count(name):
    """One image for each class, a constant condition, labels that are not used."""
    generator, _ = told(name)
    latents = normal(2, generator.inputs[0].shape[-1])
    latents, labels = np.repeat(latents, CLASSES, axis=0), np.tile(np.arange(CLASSES), 2)
    images = np.asarray(images_of(generator, [latents, labels]))
    for one, other in itertools.combinations(range(len(images)), 2):
        assert np.abs(images[one] - images[other]).max() > 1e-3, "two of them are one image"


@every_network
def test_a_discriminator_that_is_told_the_label_uses_it(name):
    """A conditional critic might be unconditional in effect."""
    _, discriminator = told(name)
    same = np.repeat(normal(1, *SHAPE), CLASSES, axis=0)
    logits = np.ravel(discriminator([same, np.arange(CLASSES)], training=False))
    assert min(abs(a - b) for a, b in itertools.combinations(logits, 2)) > 1e-4


def test_digits_are_loaded_as_they_are():
    """Mirrored by a default that nobody asked for."""
    source = load_digits().images.reshape(-1, 64) / 8 - 1
    given = {tuple(image.round(4)) for image in source.astype("float32")}
    batch, _ = next(iter(datasets.load("digits", batch_size=500, seed=0)))
    found = {tuple(np.ravel(image).round(4)) for image in batch.numpy()}
    assert found <= given


@pytest.mark.parametrize(("name", "rows"), [("dcgan", 5), ("dcgan", 6), ("stylegan2", 5)])
def test_the_last_batch_may_be_smaller(name, rows):
    """Groups of the minibatch's deviation, and shrunk batches of path lengths, of one image."""
    lengths = []
    if name == "dcgan":
        pair = networks.dcgan(SHAPE, 6, width=4, minibatch_std=True)
    else:
        pair, lengths = BUILDS[name](), [terms.PathLength(of="styles", interval=1)]
    model = keras_gan.GAN(*pair, seed=0)
    model.compile("non_saturating", **small.adams(1e-3), terms=lengths)
    logs = model.fit(normal(rows, *SHAPE).clip(-1, 1), batch_size=4, verbose=0).history
    assert np.isfinite(list(logs.values())).all()


def test_no_way_from_the_mean_is_one_image_of_each_class():
    """Truncation by the mean of the network that samples come from: of the average, its own."""
    pair = BUILDS["stylegan2"](num_classes=CLASSES)
    model = keras_gan.GAN(*pair, seed=0)
    model.compile("non_saturating", **small.adams(1e-2), ema=0.9)
    images, labels = training.examples(SHAPE, CLASSES, steps=8)
    model.fit(images, labels, batch_size=4, verbose=0)
    condition = np.repeat(np.arange(CLASSES), 2)
    samples = model.generate(2 * CLASSES, seed=0, condition=condition, truncation=0.0)
    np.testing.assert_array_equal(samples[::2], samples[1::2])
    assert np.abs(samples[0] - samples[2]).max() > 1e-4
    means = [
        np.asarray(network.get_layer("mean_style").mean)
        for network in (model.generator, model.sampling_network)
    ]
    assert np.abs(means[0] - means[1]).max() > 0
    styles = model.sampling_network([normal(CLASSES, 6), np.arange(CLASSES)])["styles"]
    assert np.abs(np.asarray(styles)[:, 0] - means[1]).max() > 1e-3, "the test can tell"


def test_each_player_has_a_rate_of_its_own():
    """A discriminator that learned at the generator's rate in silence."""
    model = keras_gan.GAN(*BUILDS["dcgan"](), seed=0)
    still, learning = (keras.optimizers.SGD(rate) for rate in (0.0, 1.0))
    model.compile("non_saturating", generator_optimizer=learning, discriminator_optimizer=still)
    players = model.generator.trainable_weights, model.discriminator.trainable_weights
    before = [[np.array(weight) for weight in weights] for weights in players]
    model.fit(*training.examples(SHAPE, steps=1), batch_size=4, verbose=0)
    moved = [
        any(not np.array_equal(*pair) for pair in zip(olds, map(np.array, weights), strict=True))
        for olds, weights in zip(before, players, strict=True)
    ]
    assert moved == [True, False]


@pytest.mark.parametrize("wrong", [CLASSES, -1])
def test_labels_out_of_range_are_refused(wrong):
    """Labels from 1 on, which TensorFlow looks up in silence, as zeros, on GPUs."""
    model = keras_gan.GAN(*BUILDS["dcgan"](num_classes=CLASSES), seed=0)
    model.compile("non_saturating")
    images, labels = training.examples(SHAPE, CLASSES, steps=1)
    labels[-1] = wrong
    with pytest.raises(ValueError, match="label"):
        model.fit(images, labels, batch_size=4, verbose=0)
