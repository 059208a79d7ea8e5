"""GANs whose discriminator judges packs, or the spread of a batch: losses, batches, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from integration import small
from keras import layers

import keras_gan
from keras_gan.layers import MinibatchStdDev, Packing
from tests.integration.seeding import seeded


def packed(samples=2, compiled=True, **options):
    """Return a GAN of vectors whose discriminator judges packs."""
    seeded(0)
    generator, _ = small.networks()
    hidden = [layers.Dense(4, activation="tanh"), layers.Dense(1)]
    discriminator = keras.Sequential([keras.Input((2,)), Packing(samples), *hidden])
    model = keras_gan.GAN(generator, discriminator, seed=0)
    if compiled:
        model.compile(**{**small.sgds(0.1), **options})
    return model


def dataset(count, size, drop_remainder=False):
    data = tf.data.Dataset.from_tensor_slices(small.points(count))
    return data.batch(size, drop_remainder=drop_remainder)


@pytest.fixture(scope="module")
def model():
    """Return a packed GAN with its step traced."""
    model = packed()
    model.fit(small.points(), batch_size=8, verbose=0)
    return model


def softplus(t):
    return np.logaddexp(0, t)


def test_the_loss_is_the_literal_one_and_it_trains():
    model = packed(generator_optimizer=keras.optimizers.SGD(0.0), run_eagerly=True)
    x = small.points(8)
    seed = model.random_state.stream().next()
    fake = model.generator(model.latents.batch(8, seed)).numpy()
    weights = model.discriminator.get_weights()
    kernels, biases = weights[::2], weights[1::2]
    logits = []
    for side in (x, fake):
        pairs = np.concatenate([side[0::2], side[1::2]], axis=1)
        logits.append(np.tanh(pairs @ kernels[0] + biases[0]) @ kernels[1] + biases[1])
        assert logits[-1].shape == (4, 1)
    logs = model.train_on_batch(x, return_dict=True)
    expected = np.mean(softplus(-logits[0])) + np.mean(softplus(logits[1]))
    assert logs["d_loss"] == pytest.approx(expected, rel=1e-5)
    assert logs["real_score"] == pytest.approx(logits[0].mean(), abs=1e-6)
    for before, after in zip(weights, model.discriminator.get_weights(), strict=True):
        assert np.abs(before - after).max() > 0


def test_one_logit_for_a_pack(model):
    assert model.discriminate(small.points(6)).shape == (3, 1)
    with pytest.raises(ValueError, match="a batch of 5 samples"):
        model.discriminate(small.points(5))


NONE_LEFT = r"Packing\(samples=2\)(?s:.*)drop_remainder=True(?s:.*)Received: "


@pytest.mark.parametrize(
    ("play", "received"),
    [
        (lambda m: m.fit(small.points(), batch_size=7), "batches of 7 samples"),
        (lambda m: m.fit(small.points(5)), "batches of 5 samples"),
        (lambda m: m.fit(dataset(20, 5, True)), "batches of 5 samples"),
        (lambda m: m.fit(dataset(22, 11), verbose=0), "no such batch"),
        (lambda m: m.evaluate(small.points(), batch_size=3), "batches of 3 samples"),
        (lambda m: m.evaluate(small.points(1)), "batches of 1 samples"),
        (lambda m: m.evaluate(dataset(9, 3), verbose=0), "no such batch"),
        (lambda m: m.train_on_batch(small.points(3)), "batches of 3 samples"),
        (
            lambda m: m.fit(small.points(), batch_size=8, validation_data=small.points(7)),
            "batches of 7 samples",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_batches_that_leave_samples_over_are_refused_with_both_numbers(model, play, received):
    before = small.weights(model)
    with pytest.raises(ValueError, match=NONE_LEFT + received):
        play(model)
    small.assert_unchanged(before, model)


class Odd(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return small.points((8, 5)[index])


def test_what_can_not_be_told_before_is_told_when_it_comes(model):
    with pytest.raises(tf.errors.InvalidArgumentError, match="packs of 2 samples"):
        model.fit(Odd(), verbose=0)
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="packs of 2 samples"):
        model.test_on_batch(small.points(5))


def test_an_incomplete_last_batch_is_left_out_where_packs_do_not_divide_it(model):
    def steps(data, **options):
        before = model.steps
        model.fit(data, verbose=0, **options)
        return model.steps - before

    assert steps(dataset(19, 8)) == 2  # 8, 8 and 3
    assert steps(dataset(20, 8)) == 3
    assert steps(small.points(19), batch_size=8, shuffle=False) == 2
    whole = model.evaluate(small.points(16), batch_size=8, verbose=0)
    for data in (dataset(19, 8), small.points(19)):
        assert model.evaluate(data, batch_size=8, verbose=0) == pytest.approx(whole)
    assert model.evaluate(dataset(20, 8), verbose=0) != pytest.approx(whole)


def test_several_discriminator_steps_need_batches_of_a_known_size():
    model = packed(discriminator_steps=2, run_eagerly=True)
    with pytest.raises(ValueError, match="batches of unknown size, 2 a step"):
        model.fit(dataset(32, 8))
    model.fit(dataset(32, 8, drop_remainder=True), verbose=0)
    assert model.steps == 2


@pytest.mark.parametrize("size", [6, 7])
def test_packs_divide_the_share_of_each_replica(two_replicas, size):
    with two_replicas.scope():
        model = packed()
    for data in (dataset(24, size, True), small.points(24)):
        received = f"batches of {size} samples, shared by 2 replicas"
        with pytest.raises(ValueError, match=NONE_LEFT + received):
            model.fit(data, batch_size=size)


@pytest.mark.slow
def test_replicas_train_packed_and_stay_equal(two_replicas):
    with two_replicas.scope():
        model = packed(terms=["r1"])
    history = model.fit(dataset(22, 8), verbose=0).history  # 8, 8 and 6, of which each has 3.
    assert model.steps == 2
    assert np.isfinite(list(history.values())).all()
    for weight in model.discriminator.weights:
        np.testing.assert_array_equal(*(copy.numpy() for copy in weight.value.values))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.packing = Packing(3)
        self.score = layers.Dense(1)

    def call(self, x):
        return self.score(self.packing(x))


@pytest.mark.slow
def test_a_packed_network_that_says_nothing_before_it_runs():
    generator, _ = small.networks()
    model = keras_gan.GAN(generator, Subclassed(), conditional=False)
    model.compile(run_eagerly=True)
    model.fit(small.points(), batch_size=6, verbose=0)
    assert model.discriminator.score.kernel.shape == (6, 1)


@pytest.mark.slow
def test_conditional_networks_pack_labels_too():
    generator, _ = small.networks(classes=3)
    x, y = keras.Input((2,)), keras.Input((), dtype="int32")
    packing = Packing(2)
    embedded = layers.Flatten()(layers.Embedding(3, 4)(packing(y)))
    hidden = layers.Concatenate()([packing(x), embedded])
    discriminator = keras.Model([x, y], layers.Dense(1)(hidden))
    model = keras_gan.GAN(generator, discriminator)
    model.compile(run_eagerly=True)
    history = model.fit(small.points(), small.labels(), batch_size=8, verbose=0).history
    assert np.isfinite(history["d_loss"]).all()
    assert model.discriminate(small.points(4), small.labels(4)).shape == (2, 1)


@pytest.mark.slow
def test_xla_trains_as_a_graph_does():
    """XLA knows no assertions, and draws other latents: here the generator ignores them."""
    models = []
    for jit_compile in (False, True):
        rate = keras.optimizers.SGD(0.0)
        model = packed(generator_optimizer=rate, jit_compile=jit_compile)
        model.generator.set_weights([0 * w for w in model.generator.get_weights()])
        before = model.discriminator.get_weights()
        model.fit(dataset(19, 8), verbose=0)
        models.append(model.discriminator.get_weights())
    for start, one, other in zip(before, *models, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
        assert np.abs(one - start).max() > 1e-3


@pytest.mark.slow
def test_a_spread_on_any_batch_trains_and_evaluates():
    seeded(0)
    generator, _ = small.networks()
    parts = layers.Dense(4, activation="tanh"), MinibatchStdDev(), layers.Dense(1)
    discriminator = keras.Sequential([keras.Input((2,)), *parts])
    model = keras_gan.GAN(generator, discriminator, seed=0)
    model.compile(terms=["r1"], run_eagerly=True, **small.sgds(0.1))
    before = small.weights(model)
    history = model.fit(dataset(19, 8), validation_data=dataset(9, 8), verbose=0).history
    assert np.isfinite(list(history.values())).all()
    for old, new in zip(before, small.weights(model), strict=True):
        assert np.all(np.isfinite(new)) and np.any(old != new)
