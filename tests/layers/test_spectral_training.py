"""SpectralNormalization in the training step: when it moves, on what, and what it comes to."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from integration import small
from keras import layers
from spectral_literal import (
    disturb,
    kernel_of,
    normalized_layers,
    power_steps,
    sigma_of,
    spectral_norm,
    weight_matrix,
)

import keras_gan
from keras_gan.layers import SpectralNormalization as Normalized
from tests.integration.seeding import seeded

CLASSES = 3


def volumes(count=8):
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, 4, 4, 4, 1)).astype("float32"), small.labels(count, CLASSES)


def every_kind():
    """Return conditional networks that hold every kind of layer, the generator one of them."""
    z, y = keras.Input((3,)), keras.Input((), dtype="int32")
    joined = layers.Concatenate()([z, layers.Embedding(CLASSES, 2)(y)])
    samples = layers.Reshape((4, 4, 4, 1))(Normalized(layers.Dense(64))(joined))
    generator = keras.Model([z, y], samples)
    x, y = keras.Input((4, 4, 4, 1)), keras.Input((), dtype="int32")
    h = Normalized(layers.Conv3D(3, 2, activation="tanh"))(x)
    h = Normalized(layers.Conv3DTranspose(2, 2))(h)
    h = layers.Reshape((8, 8, 2))(h)
    h = Normalized(layers.Conv2D(3, 3, activation="tanh"))(h)
    h = Normalized(layers.Conv2DTranspose(2, 3))(h)
    h = layers.Reshape((32, 4))(h)
    h = Normalized(layers.Conv1D(3, 3, activation="tanh"))(h)
    h = Normalized(layers.Conv1DTranspose(2, 3))(h)
    h = Normalized(layers.Dense(5, activation="tanh"))(layers.Flatten()(h))
    # Keras's own start, of 0.05 at most, would turn faster than one power step can follow.
    embedding = layers.Embedding(CLASSES, 5, embeddings_initializer="glorot_uniform")
    projection = layers.Dot(1)([Normalized(embedding)(y), h])
    score = Normalized(layers.Dense(1))(h)
    return generator, keras.Model([x, y], layers.Add()([score, projection]))


@pytest.fixture(scope="module")
def trained():
    """Return a GAN of every kind of layer after 30 steps from random directions, with R1."""
    seeded(0)
    model = keras_gan.GAN(*every_kind(), seed=0)
    model.compile(terms=["r1"], ema=0.9, **small.adams(2e-3))
    for layer in normalized_layers(model.generator, model.discriminator):
        disturb(layer)
    start = [spectral_norm(layer) for layer in normalized_layers(model.discriminator)]
    history = model.fit(*volumes(), batch_size=8, epochs=30, verbose=0).history
    return model, start, history


@pytest.mark.slow
def test_thirty_steps_bring_every_kind_to_a_norm_of_one(trained):
    model, start, history = trained
    found = normalized_layers(model.discriminator)
    kinds = {type(layer.layer).__name__ for layer in found}
    assert len(kinds) == 8
    assert max(start) > 1.05
    for layer in [*found, *normalized_layers(model.generator)]:
        assert spectral_norm(layer) == pytest.approx(1, abs=0.01), layer.layer.name
    assert np.isfinite(list(history.values())).all()
    assert history["r1"][0] > 0


@pytest.mark.slow
def test_the_average_is_normalized_by_its_own_average_vectors(trained):
    model, _, _ = trained
    (layer,) = normalized_layers(model.average.network)
    kernel = kernel_of(layer).numpy()
    np.testing.assert_allclose(layer.normalized_kernel(), kernel / sigma_of(layer), rtol=1e-4)
    assert spectral_norm(layer) == pytest.approx(1, abs=0.01)


@pytest.mark.slow
def test_looking_changes_nothing(trained):
    model, _, _ = trained
    before = small.state(model)
    x, y = volumes()
    model.discriminate(x, y)
    model.evaluate(x, y, batch_size=4, verbose=0)
    model.generate(3, seed=0, condition=1)
    small.assert_equal_states(before, small.state(model))


def frozen(update="alternating", **options):
    """Return a GAN whose weights don't move, but u and v do, from a slow start."""
    seeded(2)
    generator = keras.Sequential([keras.Input((3,)), Normalized(layers.Dense(6))])
    discriminator = keras.Sequential(
        [
            keras.Input((6,)),
            Normalized(layers.Dense(7, activation="tanh")),
            Normalized(layers.Dense(5, activation="tanh")),
            layers.Dense(1),
        ]
    )
    model = keras_gan.GAN(generator, discriminator, seed=0)
    model.compile(update=update, **{**small.sgds(0.0), **options})
    for layer in normalized_layers(generator, discriminator):
        disturb(layer)
    return model


@pytest.mark.representatives("alternating-3")
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("update", ["alternating", "simultaneous", "unrolled"])
def test_one_power_step_for_each_update(update, steps):
    """None for the other player's update, nor for any of the forwards."""
    model = frozen(update, discriminator_steps=steps, run_eagerly=True)
    before = small.weights(model)
    players = {"generator": 2, "discriminator": 2 * steps}
    starts = [layer.u.numpy() for layer in normalized_layers(model.generator, model.discriminator)]
    x = np.random.default_rng(0).normal(size=(8 * steps, 6)).astype("float32")
    model.fit(x, batch_size=4, verbose=0)
    assert model.steps == 2
    starts = iter(starts)
    for player, count in players.items():
        for layer in normalized_layers(getattr(model, player)):
            start = next(starts)
            u, v = power_steps(weight_matrix(layer), start, count)
            np.testing.assert_allclose(layer.u, u, atol=1e-5)
            np.testing.assert_allclose(layer.v, v, atol=1e-5)
            for other in (count - 1, count + 1):
                u = power_steps(weight_matrix(layer), start, other)[0]
                assert np.abs(layer.u.numpy() - u).max() > 1e-4, "the test would not notice"
    vectors = {id(w) for layer in normalized_layers(model) for w in (layer.u, layer.v)}
    for old, weight in zip(before, weights_of(model), strict=True):
        assert np.array_equal(old, weight) == (id(weight) not in vectors), weight.path


@pytest.mark.representatives(1)
@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_a_generator_that_moves_leaves_the_discriminator_as_it_is(update):
    """Its kernels, and its u and v: they take the steps of the discriminator's own updates."""
    model = frozen(update, generator_optimizer=keras.optimizers.SGD(1.0), run_eagerly=True)
    before = small.weights(model)
    starts = [layer.u.numpy() for layer in normalized_layers(model.discriminator)]
    x = np.random.default_rng(0).normal(size=(8, 6)).astype("float32")
    model.fit(x, batch_size=4, verbose=0)
    for start, layer in zip(starts, normalized_layers(model.discriminator), strict=True):
        u, v = power_steps(weight_matrix(layer), start, 2)
        np.testing.assert_allclose(layer.u, u, atol=1e-5)
        np.testing.assert_allclose(layer.v, v, atol=1e-5)
    generated = {id(weight) for weight in model.generator.trainable_weights}
    judged = {id(weight) for weight in model.discriminator.trainable_weights}
    for old, weight in zip(before, weights_of(model), strict=True):
        if id(weight) in generated:
            assert not np.array_equal(old, weight), weight.path
        if id(weight) in judged:
            assert np.array_equal(old, weight), weight.path


def test_a_shared_layer_takes_one_step():
    seeded(2)
    shared = Normalized(layers.Dense(6, activation="tanh"))
    x = keras.Input((6,))
    inner = keras.Sequential([keras.Input((6,)), shared])
    discriminator = keras.Model(x, layers.Dense(1)(inner(shared(x))))
    generator = keras.Sequential([keras.Input((3,)), layers.Dense(6)])
    model = keras_gan.GAN(generator, discriminator)
    model.compile(run_eagerly=True, **small.sgds(0.0))
    disturb(shared)
    start = shared.u.numpy()
    model.train_on_batch(np.ones((4, 6), "float32"))
    np.testing.assert_allclose(shared.u, power_steps(weight_matrix(shared), start, 1)[0], atol=1e-6)


class Critic(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = Normalized(layers.Dense(4, activation="tanh"))
        self.score = Normalized(layers.Dense(1))

    def call(self, x):
        return self.score(self.hidden(x))


@pytest.mark.slow
def test_layers_of_a_network_that_fit_builds_move_too():
    seeded(2)
    generator = keras.Sequential([keras.Input((3,)), layers.Dense(6)])
    model = keras_gan.GAN(generator, Critic(), conditional=False)
    model.compile(run_eagerly=True, **small.sgds(0.0))
    x = np.ones((4, 6), "float32")
    model.train_on_batch(x)
    layer = model.discriminator.hidden
    disturb(layer)
    start = layer.u.numpy()
    model.fit(x, batch_size=4, verbose=0)
    np.testing.assert_allclose(layer.u, power_steps(weight_matrix(layer), start, 1)[0], atol=1e-6)


def test_a_regularizer_reaches_the_kernel_by_its_own_gradient():
    """On zero data with a frozen score nothing else moves the kernel."""
    penalized = layers.Dense(3, use_bias=False, kernel_regularizer=keras.regularizers.L2(0.05))
    discriminator = keras.Sequential([keras.Input((2,)), Normalized(penalized), layers.Dense(1)])
    generator = keras.Sequential([keras.Input((2,)), layers.Dense(2, kernel_initializer="zeros")])
    model = keras_gan.GAN(generator, discriminator)
    model.compile(
        generator_optimizer=keras.optimizers.SGD(0.0),
        discriminator_optimizer=keras.optimizers.SGD(1.0),
        run_eagerly=True,
    )
    before = penalized.get_weights()[0]
    model.train_on_batch(np.zeros((4, 2), "float32"))
    np.testing.assert_allclose(penalized.get_weights()[0], 0.9 * before, rtol=1e-5)


def given_latents(strategy, **options):
    """Return a GAN whose latents come with the data, so that replicas share them out."""
    with strategy.scope():
        seeded(4)
        generator = keras.Sequential([keras.Input((3,)), Normalized(layers.Dense(18))])
        generator.add(layers.Reshape((3, 3, 2)))
        x, z = keras.Input((3, 3, 2)), keras.Input((3,))
        h = layers.Flatten()(Normalized(layers.Conv2D(4, 2, activation="tanh"))(x))
        h = layers.Concatenate()([h, z])
        h = Normalized(layers.Dense(4, activation="tanh"))(h)
        discriminator = keras.Model([x, z], Normalized(layers.Dense(1))(h))
        model = keras_gan.GAN(generator, discriminator, latents=None, seed=0)
        model.compile(**small.sgds(0.3), **options)
        for layer in normalized_layers(generator, discriminator):
            disturb(layer)
    return model


def series(steps=3):
    rng = np.random.default_rng(0)
    shapes = (8 * steps, 3, 3, 2), (8 * steps, 3)
    data = tuple(rng.normal(size=shape).astype("float32") for shape in shapes)
    return tf.data.Dataset.from_tensor_slices(data).batch(8, drop_remainder=True)


def weights_of(model):
    return [*model.generator.weights, *model.discriminator.weights]


@pytest.fixture(scope="module")
def one_device():
    model = given_latents(tf.distribute.get_strategy(), terms=["r1"])
    before = small.weights(model)
    model.fit(series(), verbose=0)
    after = small.weights(model)
    for weight, a, b in zip(weights_of(model), before, after, strict=True):
        assert np.abs(a - b).max() > 1e-4 or weight.shape == (1,), weight.path
    return after


@pytest.mark.slow
def test_two_replicas_stay_equal_and_are_one_device(one_device, two_replicas):
    model = given_latents(two_replicas, terms=["r1"])
    model.fit(series(), verbose=0)
    for weight in weights_of(model):
        first, second = (copy.numpy() for copy in weight.value.values)
        np.testing.assert_array_equal(first, second, err_msg=weight.path)
    for one, two in zip(one_device, small.weights(model), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"jit_compile": True}, {"run_eagerly": True}], ids=str)
def test_xla_and_eager_train_as_a_graph_does(one_device, options):
    model = given_latents(tf.distribute.get_strategy(), terms=["r1"], **options)
    model.fit(series(), verbose=0)
    for one, other in zip(one_device, small.weights(model), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.slow
def test_mixed_bfloat16_trains_with_vectors_of_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = given_latents(tf.distribute.get_strategy(), terms=["r1"])
    finally:
        keras.config.set_dtype_policy("float32")
    before = small.weights(model)
    history = model.fit(series(30), verbose=0).history
    assert np.isfinite(list(history.values())).all()
    for old, new in zip(before, small.weights(model), strict=True):
        assert old.dtype == new.dtype == "float32"
        assert np.all(np.isfinite(new)) and (np.any(old != new) or new.shape == (1,))
    for layer in normalized_layers(model.generator, model.discriminator):
        assert layer.layer.compute_dtype == "bfloat16"
        assert spectral_norm(layer) == pytest.approx(1, abs=0.01)


@pytest.mark.representatives("keras")
@pytest.mark.parametrize("kind", ["keras", "weights"])
def test_a_run_that_is_saved_and_loaded_goes_on_as_if_it_had_not(kind, tmp_path):
    options = {"terms": ["r1"], "ema": 0.5, "run_eagerly": True}
    model = given_latents(tf.distribute.get_strategy(), **options)
    model.fit(series(1), verbose=0)
    if kind == "keras":
        model.save(tmp_path / "model.keras")
        resumed = keras.saving.load_model(tmp_path / "model.keras")
    else:
        model.save_weights(tmp_path / "model.weights.h5")
        resumed = given_latents(tf.distribute.get_strategy(), **options)
        resumed.load_weights(tmp_path / "model.weights.h5")
    for part in (model, resumed):
        part.fit(series(1), verbose=0)
    small.assert_equal_states(small.state(model), small.state(resumed))


def test_probabilities_are_found_out_behind_a_wrapper():
    discriminator = keras.Sequential([keras.Input((2,)), Normalized(layers.Dense(1, "sigmoid"))])
    with pytest.raises(ValueError, match="ends in a sigmoid"):
        keras_gan.GAN(small.networks()[0], discriminator)


@pytest.mark.slow
def test_a_normalized_generator_is_exported(trained, tmp_path):
    model, _, _ = trained
    served = tf.saved_model.load(model.export(str(tmp_path))).signatures["sample"]
    given = {"condition": tf.constant([2, 2]), "truncation": tf.constant([np.inf])}
    images = served(seed=tf.constant([0, 1], tf.int64), **given)["images"]
    np.testing.assert_allclose(images, model.generate(2, seed=0, condition=2), atol=1e-6)
