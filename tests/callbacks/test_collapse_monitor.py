"""CollapseMonitor speaks up when a generator collapses, and holds its peace when it does not."""

import csv
import types
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import pdist

import keras_gan
from keras_gan.callbacks import CollapseMonitor, CollapseWarning
from keras_gan.data.condition import Condition
from tests.integration import small
from tests.integration.seeding import seeded

RING = keras_gan.datasets.Ring(std=0.05)


class FakeGAN:
    """What the monitor sees of a GAN: samples of a given width, and the count of steps."""

    distribute_strategy = tf.distribute.get_strategy()

    def __init__(self, widths=(), conditional=False, num_classes=None, shape=(4,), per_epoch=1000):
        self.widths = list(widths)
        self.conditional = conditional
        silent = types.SimpleNamespace(generator_condition=None, discriminator_condition=None)
        self.condition = Condition(silent, True, conditional, num_classes=num_classes)
        self.shape = shape
        self.per_epoch = per_epoch
        self.epoch = self.steps = 0
        self.calls = []

    def generate(self, n, seed=None, condition=None):
        self.calls.append((n, seed, condition))
        width = self.widths[self.epoch] if self.widths else 1.0
        return np.float32(width) * samples(n, self.shape)


def samples(n, shape=(4,), seed=0):
    return np.random.default_rng(seed).normal(size=(n, *shape)).astype("float32")


def watch(monitor, epochs=(), model=None):
    """Show a monitor the logs of epochs, and return the logs that it has added to."""
    model = model or FakeGAN()
    epochs = [dict(logs) for logs in epochs or [{}] * len(model.widths)]
    monitor.set_model(model)
    monitor.on_train_begin()
    for epoch, logs in enumerate(epochs):
        model.epoch, model.steps = epoch, model.steps + model.per_epoch
        monitor.on_epoch_end(epoch, logs)
    monitor.on_train_end()
    return epochs


def figures(key, *values):
    return [{key: value} for value in values]


def warned(monitor):
    return [(one.epoch, one.key) for one in monitor.warnings]


def test_diversity_is_the_mean_distance_relative_to_real_samples():
    real = samples(100, seed=1) * 3 + 50
    model = FakeGAN([1.0, 0.5, 2.0])
    history = watch(CollapseMonitor(real=real, samples=40, seed=7), model=model)
    one = pdist(samples(40)).mean() / pdist(real).mean()
    expected = [one, one / 2, one * 2]
    np.testing.assert_allclose([logs["diversity"] for logs in history], expected, rtol=1e-5)
    assert set(model.calls) == {(40, 7, None)}


def test_diversity_of_parts_is_that_of_all_their_numbers():
    model = FakeGAN()
    parts = {"a": samples(12, (2, 2, 1)), "b": samples(12, seed=1) * 9}
    model.generate = lambda n, seed=None, condition=None: parts
    real = {"a": samples(9, (2, 2, 1), 2), "b": samples(9, seed=3)}
    history = watch(CollapseMonitor(real=real, samples=12), [{}], model)
    rows, real_rows = (
        np.concatenate([each["a"].reshape(len(each["a"]), -1), each["b"]], axis=1)
        for each in (parts, real)
    )
    expected = pdist(rows).mean() / pdist(real_rows).mean()
    assert history[0]["diversity"] == pytest.approx(expected, rel=1e-5)


def test_diversity_of_images_and_of_single_numbers():
    for shape, real in (((3, 3, 2), samples(9, (3, 3, 2), 1)), ((1,), samples(9, (), 1))):
        (logs,) = watch(CollapseMonitor(real=real, samples=12), model=FakeGAN([1.0], shape=shape))
        distances = [
            pdist(rows.reshape(len(rows), -1)).mean() for rows in (samples(12, shape), real)
        ]
        np.testing.assert_allclose(logs["diversity"], distances[0] / distances[1], rtol=1e-5)


def test_diversity_without_real_samples_is_relative_to_the_best_so_far():
    model = FakeGAN([9.0, 1.0, 2.0, 1.0, 4.0], per_epoch=500)
    history = watch(CollapseMonitor(patience=9), model=model)
    # The first epoch is within the warm-up.
    expected = [1.0, 1.0, 1.0, 0.5, 1.0]
    np.testing.assert_allclose([logs["diversity"] for logs in history], expected, rtol=1e-6)


def test_many_real_samples_are_thinned_evenly():
    real = np.repeat([[0.0], [1.0]], 50_000, axis=0)
    assert CollapseMonitor(real=real).real.mean() == 0.5


@pytest.mark.parametrize(
    ("key", "fine", "fallen"),
    [
        ("density_coverage/coverage", 0.11, 0.09),
        ("val_density_coverage/coverage", 0.11, 0.09),
        ("val_precision_recall/recall", 0.06, 0.04),
        ("mode_coverage/spread", 0.26, 0.24),
    ],
)
def test_floors(key, fine, fallen):
    with pytest.warns(CollapseWarning, match=f"in epoch 5, {key} is {fallen} .* at least"):
        monitor = CollapseMonitor(samples=None)
        watch(monitor, figures(key, *[fine] * 2, *[fallen] * 5))
    # Below half of the best would be lower: what fell is below the floor.
    assert warned(monitor) == [(5, key)]
    assert monitor.warnings[0].expected > fallen


def quiet(monitor, epochs=(), model=None):
    """Assert that nothing is warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", CollapseWarning)
        watch(monitor, epochs, model)
    assert monitor.warnings == []


def test_figures_in_good_order_are_passed_over():
    key = "val_precision_recall/recall"
    quiet(CollapseMonitor(samples=None), figures(key, *[0.06] * 9))
    quiet(CollapseMonitor(samples=None), figures(key, 0.8, *[0.41] * 9))
    quiet(CollapseMonitor(samples=None), figures(key, *[float("nan")] * 9))
    # Of other metrics, or the real side's.
    others = ("val_other/recall", "recall", "multi_scale_ssim/real", "val_nearest_neighbour/fake")
    for other in others:
        quiet(CollapseMonitor(samples=None), figures(other, 1.0, *[0.0] * 9))
    quiet(CollapseMonitor(samples=None), figures("multi_scale_ssim/fake", *[0.99] * 9))


def test_a_floor_of_ones_own():
    epochs = figures("val_precision_recall/recall", *[0.3] * 5)
    quiet(CollapseMonitor(samples=None), epochs)
    monitor = CollapseMonitor(samples=None, floors={"recall": 0.4, "modes": 8})
    with pytest.warns(CollapseWarning, match=r"in epoch 3, .*recall is 0.3 .* at least 0.4"):
        watch(monitor, epochs)
    with pytest.warns(CollapseWarning, match=r"mode_coverage/modes is 7 .* at least 8"):
        watch(monitor, figures("mode_coverage/modes", 8, 7, 7, 7))


@pytest.mark.parametrize(
    ("key", "best", "fine", "fallen"),
    [
        ("val_precision_recall/recall", 0.8, 0.41, 0.39),
        ("mode_coverage/modes", 8, 4, 3),
        ("val_class_coverage/classes", 1000, 500, 499),
        ("class_coverage/smallest", 0.1, 0.06, 0.04),
        # As varied as the data is all that can be lost, however varied it was before.
        ("mode_coverage/spread", 9.0, 0.51, 0.49),
    ],
)
def test_a_fall_below_half_of_the_best(key, best, fine, fallen):
    quiet(CollapseMonitor(samples=None), figures(key, best, *[fine] * 9))
    monitor = CollapseMonitor(samples=None)
    with pytest.warns(CollapseWarning):
        watch(monitor, figures(key, 0.7 * best, best, *[fallen] * 9))
    assert warned(monitor) == [(5, key)]
    assert monitor.warnings[0].healthy_epoch == 2
    assert monitor.warnings[0].expected == pytest.approx(
        min(best, 9) / 18 if best == 9 else best / 2
    )


def test_the_share_of_the_best_that_must_be_kept():
    epochs = figures("val_precision_recall/recall", 0.8, *[0.7] * 5)
    with pytest.warns(CollapseWarning, match="should be at least 0.72"):
        watch(CollapseMonitor(samples=None, fall=0.9), epochs)
    epochs = figures("val_precision_recall/recall", 0.8, *[0.06] * 5)
    quiet(CollapseMonitor(samples=None, fall=0), epochs)


def test_similar_images_are_judged_by_the_real_ones():
    def epochs(fake, real, key="val_multi_scale_ssim"):
        return [{f"{key}/fake": fake, f"{key}/real": real}] * 5

    quiet(CollapseMonitor(samples=None), epochs(0.59, 0.2))
    quiet(CollapseMonitor(samples=None), epochs(0.94, 0.9))
    quiet(CollapseMonitor(samples=None), epochs(1.0, 1.0))
    monitor = CollapseMonitor(samples=None)
    text = r"val_multi_scale_ssim/fake, as \(1 - fake\) / \(1 - real\), is 0.45 .* at least 0.5"
    with pytest.warns(CollapseWarning, match=text):
        watch(monitor, epochs(0.64, 0.2))
    assert warned(monitor) == [(3, "val_multi_scale_ssim/fake")]


def test_it_is_patient_and_warns_once_until_recovered():
    key = "val_precision_recall/recall"
    low, high = [0.0] * 2, [0.5]
    monitor = CollapseMonitor(samples=None, patience=2)
    with pytest.warns(CollapseWarning) as record:
        # Falls in epochs 2, 4 to 7, and 9 to 10.
        watch(monitor, figures(key, *high, 0.0, *high, *low, *low, *high, *low))
    assert warned(monitor) == [(5, key), (10, key)]
    assert [one.healthy_epoch for one in monitor.warnings] == [3, 8]
    texts = [str(one.message) for one in record if one.category is CollapseWarning]
    assert len(texts) == 2
    for part in ("epoch 5", "R1", "minibatch", "learning rate", "augmentation"):
        assert part in texts[0]
    assert "checkpoint of epoch 3 or before" in texts[0]


def test_epochs_without_the_figure_do_not_count():
    key = "val_precision_recall/recall"
    epochs = [{key: 0.5}, {}, {key: 0.0}, {}, {key: 0.0}, {}, {key: 0.0}]
    monitor = CollapseMonitor(samples=None)
    with pytest.warns(CollapseWarning):
        watch(monitor, epochs)
    assert warned(monitor) == [(7, key)]


def test_a_fall_at_the_end_of_training_is_not_lost():
    key = "val_precision_recall/recall"
    monitor = CollapseMonitor(samples=None, patience=5)
    with pytest.warns(CollapseWarning, match="in epoch 3, .* low 2 times"):
        watch(monitor, figures(key, 0.5, 0.0, 0.0))
    assert warned(monitor) == [(3, key)]
    quiet(monitor, figures(key, 0.5, 0.0, 0.5))


def test_nothing_is_judged_while_the_generator_warms_up():
    key, model = "val_precision_recall/recall", FakeGAN(per_epoch=100)
    quiet(CollapseMonitor(samples=None), figures(key, *[0.0] * 9), model)
    monitor = CollapseMonitor(samples=None, warmup=200, patience=1)
    with pytest.warns(CollapseWarning):
        watch(monitor, figures(key, *[0.0] * 9), FakeGAN(per_epoch=100))
    assert warned(monitor) == [(2, key)]


def test_a_hand_set_generator_that_narrows():
    real, key = samples(100, seed=1), "diversity"
    monitor = CollapseMonitor(real=real)
    with pytest.warns(CollapseWarning, match="diversity is 0.4"):
        watch(monitor, model=FakeGAN([1.0, 1.0, 0.4, 0.3, 0.4]))
    assert warned(monitor) == [(5, key)]
    monitor = CollapseMonitor(real=real)
    with pytest.warns(CollapseWarning, match="at least 0.3"):
        watch(monitor, model=FakeGAN([0.1] * 3))
    monitor = CollapseMonitor()
    with pytest.warns(CollapseWarning, match="at least 0.5"):
        watch(monitor, model=FakeGAN([0.2, 0.2, *[0.08] * 3]))
    assert warned(monitor) == [(5, key)]
    with pytest.warns(CollapseWarning):
        watch(monitor, model=FakeGAN([0.0] * 3))
    quiet(CollapseMonitor(real=real), model=FakeGAN([0.6, 2.5, 1.0, 0.8, 1.0, 1.1]))
    quiet(CollapseMonitor(), model=FakeGAN([float("nan")] * 5))


def train(rate, terms, monitors, **options):
    """Train on the ring with the generator at a rate, the discriminator at 1e-3."""
    seeded(0)
    networks = keras_gan.networks.mlp((2,), latent_dim=4, width=32)
    model = keras_gan.GAN(*networks, seed=0)
    model.compile(
        generator_optimizer=keras.optimizers.Adam(rate, beta_1=0.9),
        discriminator_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.5 if terms else 0.9),
        terms=terms,
        steps_per_execution=200,
    )
    dataset = RING.dataset(batch_size=64, size=64 * 200)
    return model.fit(dataset, epochs=7, verbose=0, callbacks=monitors, **options).history


@pytest.mark.slow
def test_a_collapsing_gan_is_found_and_a_healthy_one_is_not(tmp_path):
    real, path = RING.sample(500, seed=0), tmp_path / "log.csv"
    monitor = CollapseMonitor(real=real)
    with pytest.warns(CollapseWarning, match="diversity"):
        history = train(1e-2, [], [monitor, keras.callbacks.CSVLogger(str(path))])
    first = monitor.warnings[0]
    assert first.value == history["diversity"][first.epoch - 1] < first.expected
    with open(path) as file:
        logged = [float(row["diversity"]) for row in csv.DictReader(file)]
    np.testing.assert_allclose(logged, history["diversity"])
    healthy = CollapseMonitor(real=real), CollapseMonitor()
    with warnings.catch_warnings():
        warnings.simplefilter("error", CollapseWarning)
        history = train(1e-3, ["r1"], healthy[::-1])
    np.testing.assert_allclose(history["diversity"], 1, atol=0.2)


@pytest.mark.parametrize(
    ("condition", "count", "expected"),
    [
        (None, 10, [0, 1, 2] * 3 + [0]),
        (1, 10, 1),
        ([2, 0], 2, [2, 0]),
        (np.array([2, 0, 1]), 3, [2, 0, 1]),
    ],
)
def test_conditions(condition, count, expected):
    model = FakeGAN([1.0], conditional=True, num_classes=3)
    watch(CollapseMonitor(samples=10, condition=condition), model=model)
    n, seed, received = model.calls[-1]
    assert (n, seed) == (count, 0)
    np.testing.assert_array_equal(received, expected)


def test_nests_of_conditions():
    model = FakeGAN([1.0], conditional=True)
    condition = {"label": np.arange(6), "source": np.zeros((6, 2))}
    watch(CollapseMonitor(condition=condition), model=model)
    assert model.calls[-1][0] == 6


@pytest.mark.parametrize("condition", [None, 2, [0, 1, 2, 0]])
def test_a_conditional_gan(condition):
    model = small.gan(classes=3)
    quiet(CollapseMonitor(samples=8, condition=condition), [{}], GANSteps(model))


class GANSteps:
    """A GAN that says how many steps it took."""

    steps, per_epoch = 0, 1

    def __init__(self, model):
        self.model = model

    def __getattr__(self, name):
        return getattr(self.model, name)


@pytest.mark.parametrize(
    ("model", "options", "text"),
    [
        (FakeGAN(conditional=True), {}, "takes a condition: pass `condition=`.*=None"),
        (FakeGAN(conditional=True), {"condition": [1]}, "at least 2 rows.*condition of 1 rows"),
        (FakeGAN(), {"real": np.eye(3)}, r"shape.*real.shape=\(3, 3\), samples of shape \(4,\)"),
    ],
)
def test_what_does_not_fit_the_model_is_refused(model, options, text):
    with pytest.raises(ValueError, match=text):
        watch(CollapseMonitor(**options), model=model)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"samples": 1}, "`samples`.*at least 2.*Received: samples=1"),
        ({"seed": -1}, "Received: seed=-1"),
        ({"patience": 0}, "Received: patience=0"),
        ({"warmup": -1}, "Received: warmup=-1"),
        ({"fall": 1}, r"`fall` to be .* below 1. Received: fall=1"),
        ({"floors": {"fid": 3}}, r"Expected `floors` named as in \['classes', .*Received: .*'fid'"),
        ({"floors": {"recall": -1}}, r"Received: floors\['recall'\]=-1"),
        ({"real": np.ones((1, 2))}, "at least 2 samples"),
        ({"real": np.ones((5, 2))}, "not all equal"),
        ({"real": np.full((5, 2), np.nan)}, "finite"),
        ({"real": 3.0}, r"Received: real of shape \(\)"),
    ],
)
def test_arguments_out_of_range_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        CollapseMonitor(**options)
