"""What the terms of translations have in common: precision, gradients, order, files, replicas."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from term_steps import frozen_layers, normal, step_of

import keras_gan
from keras_gan import terms
from keras_gan.terms import patch_nce
from tests.integration.seeding import seeded

layers = keras.layers
NAMES = ["inner", "source"]


def networks():
    """Return a translator that encodes, and a discriminator of pairs, of 8 x 8 images."""
    source, target = (keras.Input((8, 8, 1), name=name) for name in ("source", "target"))
    x = layers.Conv2D(3, 4, 2, "same", activation="tanh", name="inner")(source)
    generator = keras.Model(source, layers.Conv2DTranspose(1, 4, 2, "same", activation="tanh")(x))
    x = layers.Concatenate()([target, source])
    x = layers.LeakyReLU(0.2)(layers.Conv2D(3, 4, 2, "same")(x))
    return generator, keras.Model([target, source], layers.Conv2D(1, 3)(x))


def added(features=None, **options):
    """Return every term that a pair of images is enough for."""
    features = features or frozen_layers(preprocess="torch")
    return [
        terms.Reconstruction(5.0, **options),
        terms.Reconstruction(features=features, name="perceptual", **options),
        terms.Reconstruction(norm="charbonnier", name="charbonnier", **options),
        terms.Style(2.0, features, **options),
        terms.Contextual(0.1, features, **options),
        terms.TotalVariation(0.1, **options),
        terms.PairedFeatureMatching(5.0, **options),
        # More positions than there are: no draw decides which.
        terms.PatchNCE(NAMES, 0.5, positions=99, width=4, **options),
    ]


def model_of(listed, **options):
    seeded(0)
    model = keras_gan.GAN(*networks(), latents=None, seed=1)
    sgds = {f"{p}_optimizer": keras.optimizers.SGD(0.05) for p in ("generator", "discriminator")}
    model.compile("least_squares", terms=listed, **{**sgds, **options})
    return model


def pairs(n=4):
    return [np.tanh(normal(n, 8, 8, 1, seed=seed)) for seed in range(2)]


def test_values_are_float32_in_mixed_precision():
    """And those of the same weights in float32, to what 16 bits hold of a forward."""
    found = {}
    listed = added()
    for policy in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(policy)
        try:
            model = model_of(listed if policy == "float32" else added(), run_eagerly=True)
        finally:
            keras.config.set_dtype_policy("float32")
        for i, variable in enumerate((*model.generator.weights, *model.discriminator.weights)):
            variable.assign(normal(*variable.shape, seed=i))
        for term, other in zip(model.terms, listed, strict=True):
            for variable, value in zip(term.weights, other.weights, strict=True):
                variable.assign(value)
        target, source = pairs()
        step = step_of(model, target, condition=tf.constant(source), player="generator")
        unreduced = {term.name: term.generator_term(step) for term in model.terms}
        assert {value.dtype for value in unreduced.values()} == {tf.float32}
        assert {value.shape for value in unreduced.values()} == {(4,)}
        found[policy] = {name: float(np.mean(value)) for name, value in unreduced.items()}
    for name, value in found["float32"].items():
        rel = 0.15 if name == "contextual" else 0.05  # An exponent of distances times 1 / h.
        assert found["mixed_bfloat16"][name] == pytest.approx(value, rel=rel), name


def test_gradients_against_finite_differences(monkeypatch, double_precision):
    """With respect to the generator's weights, with the keys of `PatchNCE` as they are."""
    contrast, kept = patch_nce.contrast, []

    def with_kept_keys(queries, keys, temperature):
        kept.append(keys)
        return contrast(queries, kept[(len(kept) - 1) % len(NAMES)], temperature)

    monkeypatch.setattr(patch_nce, "contrast", with_kept_keys)
    # Not `Contextual`: the nearest position of one may be another a step on.
    listed = [term for term in added() if term.name != "contextual"]
    model = model_of(listed, run_eagerly=True)
    target, source = pairs()
    variables = model.generator.trainable_variables
    start = [variable.numpy() for variable in variables]
    lines = [normal(*variable.shape, seed=i) for i, variable in enumerate(variables)]

    def values(at):
        for variable, old, line in zip(variables, start, lines, strict=True):
            variable.assign(old + at * line)
        step = step_of(model, target, condition=tf.constant(source), player="generator")
        return [tf.reduce_mean(term.generator_term(step)) for term in listed]

    with tf.GradientTape(persistent=True) as tape:
        here = values(0.0)
    h = 1e-6
    ends = zip(values(h), values(-h), strict=True)
    for term, value, (up, down) in zip(listed, here, ends, strict=True):
        gradients = zip(tape.gradient(value, variables), lines, strict=True)
        slope = sum(np.sum(gradient.numpy() * line) for gradient, line in gradients)
        assert abs(slope) > 1e-4, term.name
        assert slope == pytest.approx(float(up - down) / (2 * h), rel=1e-5), term.name


@pytest.mark.slow
def test_all_in_one_graph_and_on_from_a_file(tmp_path):
    """Some lazy and scheduled, in 16 bits; a loaded model repeats the next steps to the bit."""
    features = frozen_layers(preprocess="torch")
    schedule = keras_gan.schedules.Linear(1.0, 0.5, end=10)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        listed = added(features)
        for term in listed[1::2]:  # Not all: each branch is traced by itself.
            term.interval, term.schedule = 2, schedule
        model = model_of(listed, update="simultaneous")
    finally:
        keras.config.set_dtype_policy("float32")
    target, source = pairs(12)
    logs = model.fit(target, source, batch_size=4, shuffle=False, verbose=0).history
    assert {term.name for term in listed} <= logs.keys()
    assert all(np.isfinite(value).all() for value in logs.values())
    model.save(tmp_path / "model.keras")
    loaded = keras_gan.load_model(tmp_path / "model.keras")
    for term in loaded.terms:
        if getattr(term, "features", None):
            term.features.restore(features.source.network)
    for m in (model, loaded):
        m.run_eagerly, m.train_function = True, None
    for _ in range(2):
        both = [m.train_on_batch(target[:4], source[:4], return_dict=True) for m in (model, loaded)]
        assert both[0] == both[1]
    for one, other in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy(), err_msg=one.path)


@pytest.mark.slow
def test_two_replicas_are_one_device(two_replicas):
    """The frozen network was made outside of the strategy's scope, as a user's own is."""
    target, source = pairs(8)
    features = frozen_layers(preprocess="torch")
    found = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            model = model_of(added(features))
        dataset = tf.data.Dataset.from_tensor_slices((target, source)).batch(8)
        logs = model.fit(dataset, verbose=0).history
        found.append((logs, [weight.numpy() for weight in model.weights]))
    (logs, weights), (other_logs, other_weights) = found
    for key, value in logs.items():
        np.testing.assert_allclose(other_logs[key], value, rtol=1e-4, atol=1e-6, err_msg=key)
    for one, other in zip(weights, other_weights, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=2e-6)
