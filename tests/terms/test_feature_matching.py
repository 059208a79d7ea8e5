"""Feature matching against literal NumPy, by name and by the discriminator's own layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from term_steps import (
    Quadratic,
    compiled,
    linear_critic,
    linear_generator,
    normal,
    step_of,
    symmetric,
)

import keras_gan
from keras_gan.terms import FeatureMatching


def discriminators():
    """Return one discriminator with named outputs, one with logits alone, of the same layers."""
    x = keras.Input((3,))
    features = keras.layers.Dense(5, activation="tanh")(x)
    logits = keras.layers.Dense(1)(features)
    return keras.Model(x, {"logits": logits, "features": features}), keras.Model(x, logits)


def value_of(discriminator, term, real, fake, **options):
    model = compiled(discriminator, [term], linear_generator(real.shape[1:]), **options)
    step = step_of(model, real, fake, player="generator")
    return float(term.evaluate("generator", step)[0])


def test_a_named_output_and_the_last_layers_input_are_the_same():
    named, plain = discriminators()
    real, fake = normal(6, 3), normal(6, 3, seed=1)
    values = [
        value_of(named, FeatureMatching(output="features"), real, fake),
        value_of(plain, FeatureMatching(), real, fake),
        value_of(named, FeatureMatching(), real, fake),
    ]
    kernel, bias = plain.layers[1].get_weights()
    means = [np.tanh(x @ kernel + bias).mean(axis=0) for x in (real, fake)]
    literal = np.sum((means[0] - means[1]) ** 2)
    np.testing.assert_allclose(values, literal, rtol=1e-4)


@pytest.mark.slow
def test_training_matches_the_features():
    """With little else to learn from, the generator's mean features go to those of the data."""
    model = keras_gan.GAN(linear_generator((3,)), discriminators()[1], seed=1)
    model.compile(
        terms=[FeatureMatching(100.0)],
        generator_optimizer=keras.optimizers.Adam(0.05),
        discriminator_optimizer=keras.optimizers.SGD(0.0),
    )
    data = 1.0 + 0.1 * normal(640, 3)
    history = model.fit(data, batch_size=64, epochs=8, verbose=0).history["feature_matching"]
    assert history[-1] < 0.1 * history[0]


def test_the_discriminators_layers_are_not_the_terms(tmp_path):
    _, plain = discriminators()
    term = FeatureMatching()
    model = compiled(plain, [term], linear_generator((3,)))
    assert term.weights == [] and list(term._flatten_layers(include_self=False)) == []
    assert len(model.game.generator.variables) == len(model.generator.trainable_variables)
    x = normal(8, 3)
    model.train_on_batch(x)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    logs = [m.train_on_batch(x, return_dict=True)["feature_matching"] for m in (model, loaded)]
    assert logs[0] == logs[1] > 0


def test_the_generators_gradient_comes_through_the_generated_samples_alone():
    _, plain = discriminators()
    term = FeatureMatching()
    model = compiled(plain, [term], linear_generator((3,)))
    real = tf.constant(normal(6, 3))
    with tf.GradientTape() as tape:
        tape.watch(real)
        step = step_of(model, real, player="generator")
        value = term.generator_term(step)
    gradient, of_real = tape.gradient(value, [model.generator.trainable_variables[0], real])
    assert np.abs(gradient).max() > 0 and of_real is None


@pytest.mark.parametrize("classes", [None, 3])
def test_the_ready_made_networks(classes):
    """The features are the flattened last map, before the projection of a label too."""
    _, discriminator = keras_gan.networks.dcgan(
        (8, 8, 1), latent_dim=2, width=2, num_classes=classes
    )
    term = FeatureMatching()
    generator = keras_gan.networks.dcgan((8, 8, 1), latent_dim=2, width=2, num_classes=classes)[0]
    model = compiled(discriminator, [term], generator)
    labels = tf.constant([0, 1, 2, 0]) if classes else None
    step = step_of(model, normal(4, 8, 8, 1), condition=labels, player="generator")
    features = keras.Model(
        discriminator.inputs[0], discriminator.get_layer("score" if classes else "logits").input
    )
    means = [np.mean(features(x), axis=0) for x in (step.real, step.fake)]
    literal = np.sum((means[0] - means[1]) ** 2)
    assert float(term.generator_term(step)) == pytest.approx(literal, rel=1e-4)


def test_wrappers_and_layers_without_weights_are_passed():
    x = keras.Input((4, 4, 1))
    features = keras.layers.Conv2D(3, 2)(x)
    patches = keras.layers.Conv2D(1, 2)(features)
    flat = keras.layers.Activation("linear")(keras.layers.Flatten()(patches))
    term, images = FeatureMatching(), [normal(5, 4, 4, 1, seed=seed) for seed in range(2)]
    value = value_of(keras.Model(x, flat), term, *images)
    means = [np.mean(keras.Model(x, features)(image), axis=0) for image in images]
    assert value == pytest.approx(np.sum((means[0] - means[1]) ** 2), rel=1e-4)


def test_a_sequential_discriminator():
    layers = [keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(1)]
    discriminator = keras.Sequential([keras.Input((3,)), *layers])
    real, fake = normal(6, 3), normal(6, 3, seed=1)
    means = [np.mean(layers[0](x), axis=0) for x in (real, fake)]
    value = value_of(discriminator, FeatureMatching(), real, fake)
    assert value == pytest.approx(np.sum((means[0] - means[1]) ** 2), rel=1e-4)


def nested():
    x = keras.Input((3,))
    return keras.Model(x, linear_critic((3,))(x))


@pytest.mark.parametrize(
    ("discriminator", "term", "text"),
    [
        (lambda: Quadratic(symmetric(3)), FeatureMatching(), 'pass `output="features"`'),
        (nested, FeatureMatching(), 'pass `output="features"`'),
        (lambda: linear_critic((3,)), FeatureMatching(output="features"), "returns no dict"),
        (lambda: discriminators()[0], FeatureMatching(output="f"), "['features', 'logits']"),
    ],
)
def test_features_that_cannot_be_found_are_refused_by_compile(discriminator, term, text):
    with pytest.raises(ValueError) as caught:
        compiled(discriminator(), [term], shape=(3,), conditional=False)
    assert text in str(caught.value)


def test_lazy_on_several_replicas_is_refused(two_replicas):
    with two_replicas.scope():
        model = keras_gan.GAN(linear_generator((3,)), linear_critic((3,)))
        with pytest.raises(ValueError, match="can't be lazy") as caught:
            model.compile(terms=[FeatureMatching(interval=2)])
    for named in ("interval > 1", "['feature_matching']", "MirroredStrategy", "2 replicas"):
        assert named in str(caught.value)
