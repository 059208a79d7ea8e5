"""Paired feature matching against literal NumPy, by name and by the discriminator's own layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from term_steps import Quadratic, normal, step_of, symmetric, values_of

import keras_gan
from keras_gan.layers import SpectralNormalization
from keras_gan.terms import PairedFeatureMatching

layers = keras.layers


def stack(x, scale, wrap=lambda layer: layer):
    """Return the activations of a PatchGAN of two blocks, and its logits."""
    found = []
    for i, norm in enumerate((None, layers.GroupNormalization(groups=-1))):
        x = wrap(layers.Conv2D(3, 4, 2, "same", name=f"block_{scale}_{i}"))(x)
        x = x if norm is None else norm(x)
        found.append(x := layers.LeakyReLU(0.2)(x))
    return found, layers.Conv2D(1, 3, padding="same", name=f"logits_{scale}")(x)


def discriminators(named=False, wrap=lambda layer: layer):
    """Return D of two scales, with or without named features, and one model of all of them."""
    target, source = (keras.Input((8, 8, 1), name=name) for name in ("target", "source"))
    pair = layers.Concatenate()([target, source])
    scales = [stack(x, i, wrap) for i, x in enumerate((pair, layers.AveragePooling2D(2)(pair)))]
    features, logits = zip(*scales, strict=True)
    outputs = list(logits)
    if named:
        by_block = {f"block_{i}": [scale[i] for scale in features] for i in range(2)}
        outputs = {"logits": list(logits), **by_block}
    inputs = [target, source]
    return keras.Model(inputs, outputs), keras.Model(inputs, [list(scale) for scale in features])


def model_of(discriminator, term):
    source = keras.Input((8, 8, 1))
    generator = keras.Model(source, layers.Conv2D(1, 3, padding="same")(source))
    model = keras_gan.GAN(generator, discriminator, latents=None, seed=0)
    model.compile("least_squares", terms=[term], run_eagerly=True)
    return model


def literal(features, real, fake, source):
    """Return the distances of each scale, added up over its layers, for each sample."""
    sides = [features([tf.constant(x), tf.constant(source)]) for x in (real, fake)]
    return [
        sum(np.abs(np.asarray(a) - np.asarray(b)).mean((1, 2, 3)) for a, b in zip(*of, strict=True))
        for of in zip(*sides, strict=True)
    ]


@pytest.mark.parametrize("how", ["found", "named", "normalized"])
def test_each_sample_each_layer_each_scale(how):
    outputs = ["block_0", "block_1"] if how == "named" else None
    wrap = SpectralNormalization if how == "normalized" else lambda layer: layer
    discriminator, features = discriminators(how == "named", wrap)
    term = PairedFeatureMatching(outputs=outputs)
    model = model_of(discriminator, term)
    assert term.needs_real_outputs is (how == "named")
    real, source = normal(3, 8, 8, 1), normal(3, 8, 8, 1, seed=1)
    step = step_of(model, real, condition=tf.constant(source), player="generator")
    found = term.generator_term(step)
    expected = literal(features, real, step.fake, source)
    assert len(found) == len(expected) == 2
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4)
    mean = term.evaluate("generator", step)[0]
    assert float(mean) == pytest.approx(np.mean(expected), rel=1e-4)


def test_only_the_generators_side_has_a_gradient():
    discriminator, _ = discriminators()
    term = PairedFeatureMatching()
    model = model_of(discriminator, term)
    real, source = (tf.constant(normal(3, 8, 8, 1, seed=seed)) for seed in range(2))
    with tf.GradientTape() as tape:
        tape.watch(real)
        step = step_of(model, real, condition=source, player="generator")
        value = term.evaluate("generator", step)[0]
    kernel = model.generator.trainable_variables[0]
    gradient, of_real = tape.gradient(value, [kernel, real])
    assert np.abs(gradient).max() > 0 and of_real is None
    assert not term.weights  # The discriminator's layers are not the term's.
    assert len(model.game.generator.variables) == len(model.generator.trainable_variables)


def test_one_head():
    """A discriminator of vectors; its activations are found behind layers without weights."""
    target, source = keras.Input((3,)), keras.Input((3,))
    first = layers.ReLU()(layers.Dense(4)(layers.Concatenate()([target, source])))
    logits = layers.Reshape((1,))(layers.Dense(1)(layers.Dropout(0.0)(first)))
    discriminator = keras.Model([target, source], logits)
    generator = keras.Sequential([keras.Input((3,)), layers.Dense(3)])
    term = PairedFeatureMatching()
    model = keras_gan.GAN(generator, discriminator, latents=None)
    model.compile(terms=[term], run_eagerly=True)
    real, given = normal(5, 3), tf.constant(normal(5, 3, seed=1))
    step = step_of(model, real, condition=given, player="generator")
    inner = keras.Model([target, source], first)
    sides = [np.asarray(inner([tf.constant(x), given])) for x in (real, step.fake)]
    expected = np.abs(sides[0] - sides[1]).mean(1)
    np.testing.assert_allclose(values_of(term, step, "generator"), expected, rtol=1e-5)


def test_features_that_cannot_be_found_are_refused_by_compile():
    for outputs, text in ((["block_0", "block_2"], "outputs='block_2'"), (["x"], "'block_1'")):
        with pytest.raises(ValueError) as caught:
            model_of(discriminators(named=True)[0], PairedFeatureMatching(outputs=outputs))
        assert text in str(caught.value)
    generator = keras.Sequential([keras.Input((3,)), layers.Dense(3)])
    options = {"latents": None, "conditional": "generator"}
    x = keras.Input((3,))
    nested = keras.Model(x, keras.Sequential([keras.Input((3,)), layers.Dense(1)])(x))
    for unseen in (Quadratic(symmetric(3)), nested):
        with pytest.raises(ValueError, match=r'and pass `outputs=\["first", "second"\]`'):
            keras_gan.GAN(generator, unseen, **options).compile(terms=[PairedFeatureMatching()])
