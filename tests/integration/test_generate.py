"""A seed names a sample: in `generate`, in every batch; and what judges samples."""

import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan import latents

from . import small


@pytest.fixture(scope="module")
def model():
    """Return a trained model with an average that differs from the generator."""
    model = small.gan(norm=True)
    model.compile(ema=0.9, metrics=[Toy()], metric_samples=10, **small.adams(0.05))
    model.fit(small.points(16), batch_size=8, epochs=2, verbose=0)
    return model


@pytest.fixture(scope="module")
def labelled():
    """Return an untrained conditional model."""
    return small.gan(classes=3)


class Toy:
    """A metric of the mean of real and generated samples, with what it was shown."""

    name = "toy"

    def reset_state(self):
        self.seen = {"real": [], "fake": []}

    def update_state(self, real=None, fake=None):
        for side, samples in (("real", real), ("fake", fake)):
            if samples is not None:
                self.seen[side].append(np.asarray(samples))

    def result(self):
        return {side: np.concatenate(seen).mean() for side, seen in self.seen.items()}


def test_a_sample_depends_on_its_seed_alone(model):
    whole = model.generate(7, seed=3)
    assert whole.shape == (7, 2)
    assert whole.dtype == np.float32
    for batch_size in (1, 2, 5, 64):
        np.testing.assert_allclose(
            model.generate(7, seed=3, batch_size=batch_size), whole, rtol=1e-5, atol=1e-6
        )
    np.testing.assert_allclose(model.generate(2, seed=8), whole[5:], rtol=1e-5, atol=1e-6)
    assert len(np.unique(whole[:, 0])) == 7
    negative = model.generate(4, seed=-2)
    np.testing.assert_allclose(negative[2:], model.generate(2, seed=0), rtol=1e-5, atol=1e-6)


PRIORS = [
    latents.Normal(5),
    latents.Normal((2, 3)),
    latents.Uniform(5, low=0, high=2),
    latents.TruncatedNormal(5, threshold=0.7),
]


@pytest.mark.parametrize("prior", PRIORS, ids=repr)
def test_latents_of_a_seed_are_bit_equal_in_any_batch(prior):
    seeds = tf.range(100, 117, dtype=tf.int64)
    whole = prior.sample(seeds).numpy()
    assert whole.shape == (17, *prior.shape)
    for first in range(0, 17, 4):
        np.testing.assert_array_equal(prior.sample(seeds[first : first + 4]), whole[first:][:4])
    np.testing.assert_array_equal(tf.function(prior.sample)(seeds), whole)
    assert len(np.unique(whole)) == whole.size


def graph_of(prior, truncation=None):
    """Return `prior.sample` as a graph: eagerly, thousands of seeds take a while."""
    return tf.function(lambda seeds: prior.sample(seeds, truncation))


def test_latents_of_many_seeds_have_the_priors_moments():
    seeds = tf.range(2000, dtype=tf.int64)
    z = graph_of(latents.Normal(4))(seeds).numpy()
    # 8,000 draws: standard errors 0.011 (mean), 0.008 (deviation); rows are independent.
    assert z.mean() == pytest.approx(0, abs=0.05)
    assert z.std() == pytest.approx(1, abs=0.04)
    assert np.abs(np.corrcoef(z[:-1, 0], z[1:, 0])[0, 1]) < 0.1
    u = graph_of(latents.Uniform(4, low=1, high=3))(seeds).numpy()
    assert (u.min(), u.max()) == (pytest.approx(1, abs=0.01), pytest.approx(3, abs=0.01))


def test_truncation_bounds_the_latents():
    seeds = tf.range(500, dtype=tf.int64)
    for prior in (latents.Normal(4), latents.TruncatedNormal(4, threshold=2)):
        z = graph_of(prior, truncation=0.5)(seeds).numpy()
        assert 0.45 < np.abs(z).max() <= 0.5
        # The uniform limit has deviation 0.5 / sqrt(3); the normal's curvature takes a bit off.
        assert z.std() == pytest.approx(0.2841, abs=0.02)


def test_generate_truncates(model):
    free, bound = (model.generate(64, seed=0, truncation=t) for t in (None, 1e-3))
    centre = model(np.zeros((1, 3), "float32")).numpy()
    np.testing.assert_allclose(bound, np.repeat(centre, 64, axis=0), atol=0.01)
    assert np.abs(free - centre).max() > 0.05


def test_no_seed_is_another_sample_each_time(model):
    one, two = model.generate(3), model.generate(3)
    assert not np.isin(one, two).any()


def test_the_average_makes_the_samples(model):
    z = model.latents.sample(tf.range(4, dtype=tf.int64))
    averaged = model.average.network(z).numpy()
    raw = model.generator(z, training=False).numpy()
    assert np.abs(averaged - raw).max() > 1e-3
    for samples in (
        model.generate(4, seed=0),
        model(z).numpy(),
        model.predict(z, verbose=0),
    ):
        np.testing.assert_allclose(samples, averaged, rtol=1e-5, atol=1e-6)


AVERAGES = {
    "decay": (0.75, [0.75, 0.75]),
    "half-life of two batches": (keras_gan.GeneratorAverage(half_life=16), [0.5**0.5] * 2),
    # The half-life is capped at half of the images seen: 4 of 8, then 8 of 16.
    "ramp-up": (keras_gan.GeneratorAverage(half_life=1000, ramp_up=0.5), [0.25, 0.5]),
}


@pytest.mark.representatives(1)
@pytest.mark.parametrize("ema, betas", AVERAGES.values(), ids=AVERAGES)
def test_the_average_follows_its_formula(ema, betas):
    """Weights and buffers alike, at each step."""
    model = small.gan(norm=True)
    model.compile(ema=ema, run_eagerly=True, **small.adams(0.05))
    expected = model.generator.get_weights()
    for beta in betas:
        model.fit(small.points(8), batch_size=8, verbose=0)
        pairs = zip(expected, model.generator.get_weights(), strict=True)
        expected = [beta * old + (1 - beta) * new for old, new in pairs]
    averaged = model.average.network.get_weights()
    for one, other, raw in zip(averaged, expected, model.generator.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
        assert np.abs(one - raw).max() > 1e-4


def test_conditions_follow_their_rows(labelled):
    condition = np.array([0, 2, 1, 1, 0])
    samples = labelled.generate(5, seed=0, condition=condition, batch_size=2)
    for i, label in enumerate(condition):
        alone = labelled.generate(1, seed=i, condition=[label])
        np.testing.assert_allclose(alone[0], samples[i], rtol=1e-5, atol=1e-6)
    for label in (1, np.int64(1)):
        np.testing.assert_allclose(
            labelled.generate(5, seed=0, condition=label),
            labelled.generate(5, seed=0, condition=np.full(5, 1)),
        )
    assert not np.allclose(samples[0], labelled.generate(1, seed=0, condition=np.array([1]))[0])


def test_lists_of_labels_are_arrays(labelled):
    np.testing.assert_array_equal(
        labelled.generate(3, seed=0, condition=[0, 1, 2]),
        labelled.generate(3, seed=0, condition=np.arange(3)),
    )


def test_discriminate_takes_arrays_as_conditions(labelled):
    x, y = small.points(6), small.labels(6)
    np.testing.assert_array_equal(
        labelled.discriminate(x, y), labelled.discriminate(tf.constant(x), tf.constant(y))
    )


def test_predict_and_call_of_a_conditional_model(labelled):
    z, y = np.ones((4, 3), "float32"), np.array([0, 1, 2, 0], "int32")
    expected = labelled.generator([z, y], training=False).numpy()
    np.testing.assert_allclose(labelled(z, y).numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(labelled([z, y]).numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(labelled.predict([z, y], verbose=0), expected, rtol=1e-5)


def test_discriminate_returns_logits(model, labelled):
    x, y = small.points(6), small.labels(6)
    np.testing.assert_allclose(
        model.discriminate(x), model.discriminator(x, training=False), rtol=1e-6
    )
    np.testing.assert_allclose(
        labelled.discriminate(x, tf.constant(y)),
        labelled.discriminator([x, y], training=False),
        rtol=1e-6,
    )


def test_sampling_does_not_touch_training(model):
    before = small.state(model)
    model.generate(5)
    model.evaluate(small.points(8), verbose=0)
    small.assert_equal_states(before, small.state(model))


# Evaluation


def test_evaluate_is_deterministic_and_consistent(model):
    x = small.points(24, seed=5)
    first, second = (model.evaluate(x, batch_size=8, return_dict=True, verbose=0) for _ in "12")
    assert first == second
    logits = np.array(model.discriminate(x))
    assert first["real_score"] == pytest.approx(logits.mean(), abs=1e-5)
    assert first["js"] == pytest.approx(np.log(2) - first["d_loss"] / 2, abs=1e-5)
    assert model.evaluate(x, batch_size=8, verbose=0) == list(first.values())
    assert first.keys() == {
        *("d_loss", "g_loss", "real_score", "fake_score", "js", "toy/real", "toy/fake")
    }


def test_quality_metrics_see_the_held_out_data_and_fixed_samples(model):
    metric = model.quality.metrics[0]
    x = small.points(24, seed=5)
    results = model.evaluate(x, batch_size=8, return_dict=True, verbose=0)
    np.testing.assert_array_equal(np.concatenate(metric.seen["real"]), x)
    fake = np.concatenate(metric.seen["fake"])
    assert fake.shape == (10, 2)
    assert results["toy/real"] == pytest.approx(x.mean(), abs=1e-6)
    assert results["toy/fake"] == pytest.approx(fake.mean(), abs=1e-6)
    model.evaluate(x[:8], verbose=0)
    np.testing.assert_array_equal(np.concatenate(metric.seen["fake"]), fake)


def batches(*arrays, shuffle=False):
    return keras_gan.datasets.from_arrays(*arrays, batch_size=5, shuffle=shuffle)


def test_evaluate_does_not_depend_on_what_ran_before():
    """A shuffled dataset starts anew each time: else figures would move while nothing does."""
    model = small.gan(classes=3)
    model.compile(metrics=[Toy()], metric_samples=7, run_eagerly=True)
    data = batches(small.points(12), small.labels(12), shuffle=True)
    first, second = (model.evaluate(data, return_dict=True, verbose=0) for _ in "12")
    assert first == second


@pytest.mark.representatives("array")
@pytest.mark.parametrize("kind", ["array", "dataset"])
def test_quality_metrics_of_validation_data(kind):
    model, metric = small.gan(classes=3), Toy()
    model.compile(metrics=[metric], metric_samples=7, run_eagerly=True)
    x, y = small.points(12), small.labels(12)
    validation = (x, y) if kind == "array" else batches(x, y)
    history = model.fit(x, y, validation_data=validation, epochs=2, verbose=0).history
    assert {"val_toy/real", "val_toy/fake"} <= history.keys()
    assert "toy/real" not in history
    assert len(history["val_toy/fake"]) == 2
    assert np.concatenate(metric.seen["fake"]).shape == (7, 2)
    # The last epoch's figure is that of the weights it ended with.
    again = model.evaluate(x, y, return_dict=True, verbose=0)
    assert history["val_toy/fake"][-1] == pytest.approx(again["toy/fake"], abs=1e-5)


def test_metrics_are_in_no_checkpoint(model, tmp_path):
    names = {weight.path for weight in model.weights}
    assert not any("toy" in name for name in names)
    assert not any("toy" in metric.name for metric in model.metrics)
