"""Terms that evaluation tells of: in inference mode, by rows, without a trace."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from tests.integration import small
from tests.integration.seeding import seeded

SHAPE = (6,)


@keras.saving.register_keras_serializable("test")
class Copied(keras_gan.terms.Term):
    """Distance to the target, and to what the generator makes of its own output."""

    player = "generator"
    evaluated = True

    def generator_term(self, step):
        # What training asks for, in evaluation too.
        again = step.generator(step.fake, training=True)
        self.seen = step
        assert step.generated["samples"] is step.fake
        return keras.ops.mean(abs(step.fake - step.real) + abs(again - step.condition), axis=1)


@keras.saving.register_keras_serializable("test")
class Judged(keras_gan.terms.Term):
    """A term of both players, on what the discriminator says in any way it can be asked."""

    evaluated = True

    def discriminator_term(self, step):
        _, logits = step.discriminate(step.real)
        return abs(logits - step.fake_logits) + 0 * step.real_logits

    def generator_term(self, step):
        return abs(step.generate() - step.fake) + abs(step.discriminator(step.fake))


def translator(**options):
    """Return a compiled GAN whose players behave otherwise in training."""
    seeded(2)
    x, y = keras.Input(SHAPE), keras.Input(SHAPE)
    g = keras.layers.Dense(6)(keras.layers.BatchNormalization(momentum=0.5)(x))
    d = keras.layers.Dense(1)(keras.layers.Dropout(0.5)(y))
    model = keras_gan.GAN(keras.Model(x, g), keras.Model(y, d), None, "generator", seed=3)
    terms = [Copied(2.0, interval=2), Judged(), keras_gan.terms.R1()]
    model.compile(terms=terms, ema=0.5, **options)
    return model


def data(n=10):
    rng = np.random.default_rng(0)
    return [rng.normal(3, 2, (n, *SHAPE)).astype("float32") for _ in range(2)]


def expected(model, real, condition):
    """Return the evaluated terms of all samples at once, by the networks themselves."""
    g, d = model.sampling_network, model.discriminator
    fake, says = np.asarray(g(condition)), lambda x: np.asarray(d(x))
    copied = np.abs(fake - real) + np.abs(np.asarray(g(fake)) - condition)
    return {
        "copied": copied.mean(),
        "judged/discriminator": np.abs(says(real) - says(fake)).mean(),
        "judged/generator": np.abs(says(fake)).mean(),
    }


@pytest.fixture(scope="module")
def fitted():
    model = translator()
    history = model.fit(*data(), batch_size=5, epochs=2, validation_data=data(7), verbose=0)
    return model, history.history


def test_they_are_told_of_each_epoch(fitted):
    model, history = fitted
    assert not {"val_r1", "val_r1/discriminator"} & history.keys()
    for name, value in expected(model, *data(7)).items():
        assert history[f"val_{name}"][-1] == pytest.approx(value, rel=1e-5), name
        assert history[name][-1] != pytest.approx(value, rel=1e-2), "training saw other samples"


def test_a_smaller_last_batch_weighs_less_and_nothing_moves(fitted):
    """Seven samples in batches of five; the interval of two steps is that of training alone."""
    model, _ = fitted
    before = small.state(model)
    results = model.evaluate(*data(7), batch_size=5, return_dict=True, verbose=0)
    assert {name: results[name] for name in expected(model, *data(7))} == pytest.approx(
        expected(model, *data(7)), rel=1e-5
    )
    small.assert_equal_states(before, small.state(model))
    assert model.test_on_batch(*data(7), return_dict=True)["copied"] == pytest.approx(
        results["copied"], rel=1e-5
    )
    listed = model.evaluate(*data(7), batch_size=5, verbose=0)
    assert listed == pytest.approx(list(results.values()))


def test_a_callback_may_watch_them():
    model = translator(run_eagerly=True)
    stop = keras.callbacks.EarlyStopping("val_copied", mode="min", patience=9)
    with np.testing.suppress_warnings() as quiet:
        told = quiet.record(UserWarning)
        model.fit(*data(4), validation_data=data(3), callbacks=[stop], verbose=0)
    assert not [w for w in told if "watches" in str(w.message)]
    assert np.isfinite(stop.best)


@pytest.mark.slow
def test_replicas_weigh_them_by_rows(two_replicas):
    one = translator()
    with two_replicas.scope():
        two = translator()
    found = []
    for model in (one, two):
        batches = tf.data.Dataset.from_tensor_slices(tuple(data(10))).batch(4)
        found.append(model.evaluate(batches, return_dict=True, verbose=0))
    for name, value in expected(one, *data(10)).items():
        assert [results[name] for results in found] == pytest.approx([value] * 2, rel=1e-5)
