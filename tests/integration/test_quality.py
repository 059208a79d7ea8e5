"""Quality metrics of a model: in `fit`, in `evaluate`, saved, on replicas."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan import metrics
from keras_gan.quality import FIRST_SEED
from keras_gan.utils import progress

from . import small
from .counted import SAMPLES, Counted


class Drift(keras.callbacks.Callback):
    """Keep the generated samples of the evaluation's seeds, at the end of each epoch."""

    def __init__(self):
        super().__init__()
        self.samples = []

    def on_epoch_end(self, epoch, logs=None):
        self.samples.append(self.model.generate(SAMPLES, seed=FIRST_SEED))


@pytest.fixture(scope="module")
def fitted():
    """Return a trained model, its history, samples of each epoch and the trunk it used."""
    trunk, drift = Counted(), Drift()
    features = metrics.features.Features(trunk)
    model = small.gan()
    model.compile(
        metrics=[
            "frechet_distance",
            metrics.FrechetDistance(features, name="fid"),
            metrics.PrecisionRecall(features),
        ],
        metric_samples=SAMPLES,
        ema=0.5,
        **small.adams(0.05),
    )
    history = model.fit(
        small.points(), epochs=3, validation_data=small.points(24, seed=5), callbacks=[drift],
        verbose=0,
    ).history  # fmt: skip
    return model, history, drift.samples, trunk


def test_figures_are_in_the_history_under_their_names(fitted):
    _, history, _, _ = fitted
    assert {
        *("val_frechet_distance", "val_fid"),
        *("val_precision_recall/precision", "val_precision_recall/recall"),
    } <= history.keys()
    assert not any("frechet" in key for key in history if not key.startswith("val_"))
    assert np.isfinite(history["val_frechet_distance"]).all()


def test_figures_are_those_of_the_averaged_generator_on_fixed_seeds(fitted):
    model, history, samples, _ = fitted
    real = small.points(24, seed=5)
    for epoch, fake in enumerate(samples):
        moments = [(x.mean(0), np.cov(x, rowvar=False)) for x in (real, fake)]
        expected = metrics.frechet_distance(*moments[0], *moments[1])
        assert history["val_frechet_distance"][epoch] == pytest.approx(expected, rel=1e-4)
    raw = model.generator(model.latents.sample(np.arange(SAMPLES) + FIRST_SEED)).numpy()
    assert not np.allclose(raw, samples[-1], atol=1e-3)


def test_each_feature_is_extracted_once_and_real_ones_once_a_fit(fitted):
    """Two metrics share the trunk: 24 real samples in all, and 40 generated ones an epoch.

    Before the first step, each has tried two generated samples.
    """
    *_, trunk = fitted
    assert trunk.passed == 2 * 2 + 24 + 3 * SAMPLES


def test_evaluate_reads_its_data_each_time(fitted):
    model, *_ = fitted
    near, far = small.points(24, seed=5), small.points(24, seed=5) + 3
    first, second, third = (
        model.evaluate(x, return_dict=True, verbose=0)["fid"] for x in (near, far, near)
    )
    assert second > first + 1
    assert first == pytest.approx(third, rel=1e-9)


@pytest.mark.slow
def test_model_checkpoint_keeps_the_best_by_a_metric(tmp_path):
    path = str(tmp_path / "best.keras")
    model = small.gan()
    model.compile(metrics=["frechet_distance"], metric_samples=SAMPLES, **small.adams(0.05))
    checkpoint = keras.callbacks.ModelCheckpoint(
        path, monitor="val_frechet_distance", mode="min", save_best_only=True
    )
    history = model.fit(
        small.points(), epochs=4, validation_data=small.points(24), callbacks=[checkpoint],
        verbose=0,
    ).history["val_frechet_distance"]  # fmt: skip
    loaded = keras.saving.load_model(path)
    results = loaded.evaluate(small.points(24), return_dict=True, verbose=0)
    assert len(set(history)) == 4
    assert results["frechet_distance"] == pytest.approx(min(history), rel=1e-4)


@pytest.mark.slow
def test_metrics_do_not_change_training():
    states = []
    for quality in ([], ["frechet_distance", "kernel_distance", "fresh_discriminator"]):
        model = small.gan(dropout=0.3)
        model.compile(metrics=quality, metric_samples=SAMPLES, ema=0.9, **small.adams())
        model.fit(
            small.points(), epochs=2, batch_size=8, validation_data=small.points(24), verbose=0
        )
        states.append(small.state(model))
    small.assert_equal_states(*states)


@pytest.mark.slow
def test_extractors_enter_no_file(tmp_path):
    """Files are as large with a metric on a large network as without one."""
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(5000, name="wide")])
    features = metrics.features.from_model(network)
    sizes = []
    for quality in ([], [metrics.FrechetDistance(features)]):
        model = small.gan()
        model.compile(metrics=quality)
        model.save(tmp_path / "model.keras")
        model.save_weights(tmp_path / "model.weights.h5")
        sizes.append([path.stat().st_size for path in sorted(tmp_path.iterdir())])
        assert not any("wide" in weight.path for weight in model.weights)
    assert np.allclose(*sizes, rtol=0, atol=4000)
    with pytest.warns(UserWarning, match=r"left out(?s:.*)from_model"):
        loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.quality.metrics == []
    loaded.fit(small.points(), verbose=0)


@pytest.mark.slow
def test_metrics_that_can_be_made_again_are_loaded(tmp_path):
    model = small.gan()
    kept = [metrics.KernelDistance(block_size=7), metrics.SlicedWasserstein(p=1, name="swd")]
    kept.append(metrics.ModeCoverage([[0.0, 0.0], [1.0, 1.0]], 0.5))
    model.compile(metrics=kept, metric_samples=SAMPLES)
    model.save(tmp_path / "model.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        loaded = keras.saving.load_model(tmp_path / "model.keras")
    results = [m.evaluate(small.points(24), return_dict=True, verbose=0) for m in (model, loaded)]
    assert results[0].keys() == results[1].keys() >= {"kernel_distance/mean", "swd"}
    for key, value in results[0].items():
        assert results[1][key] == pytest.approx(value, rel=1e-6), key


def test_a_reference_on_disk_is_not_lost_in_silence(tmp_path):
    """A loaded metric would be computed against other data under the same name."""
    model = small.gan()
    fixed = metrics.FrechetDistance().set_reference(small.points(24), tmp_path, verbose=0)
    model.compile(metrics=[fixed], metric_samples=SAMPLES)
    with pytest.warns(UserWarning, match="'frechet_distance' has a reference"):
        model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").quality.metrics == []


@pytest.mark.slow
def test_a_generator_that_has_diverged_ends_no_training():
    model = small.gan()
    quality = ["frechet_distance", "precision_recall", "duality_gap"]
    model.compile(metrics=quality, metric_samples=SAMPLES, **small.sgds(0.0))
    model.generator.set_weights([np.full_like(w, np.nan) for w in model.generator.get_weights()])
    with pytest.warns(UserWarning, match="training has diverged"):
        history = model.fit(
            small.points(), epochs=2, validation_data=small.points(24), verbose=0
        ).history
    keys = "precision_recall/precision", "precision_recall/recall"
    for key in ("frechet_distance", "duality_gap", *keys):
        assert np.isnan(history[f"val_{key}"]).all() and len(history[f"val_{key}"]) == 2


def test_references_are_kept_on_disk(tmp_path):
    real, trunk = small.points(50, seed=3), Counted()
    features = metrics.features.Features(trunk)
    for metric in (metrics.FrechetDistance(features), metrics.PrecisionRecall(features)):
        metric.update_state(real=real, fake=small.points(30, seed=4))
        expected = metric.result()
        trunk.passed = 0
        for _ in range(2):
            again = type(metric)(features).set_reference([real[:20], real[20:]], tmp_path)
            again.update_state(fake=small.points(30, seed=4))
            assert again.result() == pytest.approx(expected, rel=1e-9)
            again.reset_state()
            again.update_state(fake=small.points(30, seed=4))
            assert again.result() == pytest.approx(expected, rel=1e-9)
        assert trunk.passed == 50 + 4 * 30, "the second time, the real side was on disk"
        with pytest.raises(ValueError, match="set_reference"):
            again.update_state(real=real)
        with pytest.raises(ValueError, match="shape"):
            again.update_features(fake=np.zeros((3, 9)))


def test_a_reference_is_of_one_metric_with_its_settings(tmp_path):
    """What another metric, setting or training set has left on disk is not taken."""
    real, fake = small.points(50, seed=3), small.points(30, seed=4)
    made = [
        lambda: metrics.KernelDistance(),
        lambda: metrics.PrecisionRecall(),
        lambda: metrics.SlicedWasserstein(seed=0),
        lambda: metrics.SlicedWasserstein(seed=1),
        lambda: metrics.NearestNeighbour(small.points(40, seed=6)),
        lambda: metrics.NearestNeighbour(small.points(40, seed=7)),
    ]
    for make in made:
        whole, fixed = make(), make().set_reference(real, tmp_path, verbose=0)
        whole.update_state(real=real, fake=fake)
        fixed.update_state(fake=fake)
        assert fixed.result() == pytest.approx(whole.result(), rel=1e-9)
    # Both keep rows; they differ in name alone.
    assert len(list(tmp_path.iterdir())) == len(made)
    with pytest.raises(ValueError, match="settings"):
        made[2]().merge_state([made[3]()])
    with pytest.raises(ValueError, match="settings"):
        made[4]().merge_state([made[5]()])


@pytest.mark.slow
def test_replicas_evaluate_as_one_device(two_replicas, tmp_path):
    results = []
    names = ["frechet_distance", "kernel_distance", "precision_recall", "density_coverage"]
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            model = small.gan()
            model.compile(metrics=names, metric_samples=SAMPLES, ema=0.9, **small.adams())
        model.fit(small.points(16), batch_size=8, verbose=0)
        if strategy is two_replicas:
            model.load_weights(tmp_path / "model.weights.h5")
        else:
            model.save_weights(tmp_path / "model.weights.h5")
        history = model.fit(
            small.points(16), batch_size=8, initial_epoch=1, epochs=2,
            validation_data=small.points(24), steps_per_epoch=1, verbose=0,
        ).history  # fmt: skip
        assert {f"val_{key}" for key in ("frechet_distance", "density_coverage/coverage")} <= (
            history.keys()
        )
        model.load_weights(tmp_path / "model.weights.h5")
        results.append(model.evaluate(small.points(24), return_dict=True, verbose=0))
    for key in ("frechet_distance", "kernel_distance/mean", "precision_recall/recall"):
        assert results[1][key] == pytest.approx(results[0][key], rel=1e-5), key


@pytest.mark.slow
def test_features_of_a_network_in_training_are_of_one_time():
    model = small.gan()
    features = metrics.features.from_model(
        model.discriminator, layer=model.discriminator.layers[1].name
    )
    x = small.points(24)
    model.compile(
        metrics=[metrics.FrechetDistance(features)], metric_samples=SAMPLES, **small.adams(0.1)
    )
    history = model.fit(small.points(), epochs=3, validation_data=x, verbose=0).history
    again = model.evaluate(x, return_dict=True, verbose=0)["frechet_distance"]
    assert history["val_frechet_distance"][-1] == pytest.approx(again, rel=1e-6)


@pytest.mark.representatives("evaluate")
@pytest.mark.parametrize("where", ["validation", "evaluate", "callback"])
def test_data_without_an_end_is_refused(where):
    endless = tf.data.Dataset.from_tensor_slices(small.points(8)).batch(4).repeat()
    model = small.gan()
    model.compile(metrics=["frechet_distance"], metric_samples=SAMPLES)
    with pytest.raises(ValueError, match=r"end.*repeat"):
        if where == "validation":
            model.fit(small.points(8), validation_data=endless, verbose=0)
        elif where == "evaluate":
            model.evaluate(endless, verbose=0)
        else:
            keras_gan.callbacks.Evaluation(endless, ["frechet_distance"])
    results = model.evaluate(endless, steps=2, return_dict=True, verbose=0)
    assert np.isfinite(results["frechet_distance"])


@pytest.mark.slow
def test_a_distributed_dataset_is_read_whole(two_replicas):
    x = small.points(24)
    with two_replicas.scope():
        model = small.gan()
        model.compile(metrics=["frechet_distance"], metric_samples=SAMPLES, **small.adams())
    data = tf.data.Dataset.from_tensor_slices(x).batch(8, drop_remainder=True)
    shared = two_replicas.experimental_distribute_dataset(data)
    results = [model.evaluate(d, return_dict=True, verbose=0) for d in (shared, data)]
    assert results[0]["frechet_distance"] == pytest.approx(results[1]["frechet_distance"], rel=1e-6)


def test_steps_bound_the_conditions_too():
    """No metric looks at the real side here: the conditions alone are read."""
    data = tf.data.Dataset.from_tensor_slices((small.points(9), small.labels(9))).batch(3).repeat()
    model = small.gan(classes=3)
    model.compile(metrics=[metrics.ModeCoverage([[0.0, 0.0]], 1.0)], metric_samples=SAMPLES)
    results = model.evaluate(data, steps=2, return_dict=True, verbose=0)
    assert 0 <= results["mode_coverage/high_quality"] <= 1


@pytest.mark.parametrize(
    "options, text",
    [
        ({"metrics": ["multi_scale_ssim"]}, "images"),
        ({"metrics": [metrics.ModeCoverage([[0.0, 0.0, 0.0]], 1.0)]}, "one d for all"),
    ],
)
def test_what_can_not_work_is_told_before_the_first_step(options, text):
    model = small.gan()
    model.compile(metric_samples=SAMPLES, **options)
    with pytest.raises(ValueError, match=text):
        model.fit(small.points(8), validation_data=small.points(8), verbose=0)
    assert model.steps == 0


def test_generated_images_beyond_the_range_are_clipped_with_a_warning():
    model = small.gan(shape=(8, 8, 1))
    model.generator.set_weights([10 * w for w in model.generator.get_weights()])
    model.compile(metrics=["sliced_wasserstein", "multi_scale_ssim"], metric_samples=SAMPLES)
    real = np.random.default_rng(0).uniform(-1, 1, (20, 8, 8, 1)).astype("float32")
    fake = model.generate(SAMPLES, seed=FIRST_SEED)
    assert np.abs(fake).max() > 2
    with pytest.warns(UserWarning, match=r"clipped to \[-1, 1\]"):
        results = model.evaluate(real, return_dict=True, verbose=0)
    expected = metrics.evaluate(["sliced_wasserstein"], real, np.clip(fake, -1, 1), verbose=0)
    assert results["sliced_wasserstein"] == pytest.approx(expected["sliced_wasserstein"], rel=1e-4)


class Halved(metrics.QualityMetric):
    """A metric of a user's own that does more with samples; registered nowhere."""

    def reset_state(self):
        super().reset_state()

    def extract(self, samples):
        return super().extract(samples) / 2

    def compute(self, real, fake):
        return np.abs(real.values).max()


class Plain:
    """The least that `compile` allows: no config, no keys."""

    name = "plain"

    def reset_state(self):
        self.count = 0

    def update_state(self, real=None, fake=None):
        self.count += 0 if real is None else len(real)

    def result(self):
        return {"count": self.count}


@pytest.mark.slow
def test_metrics_of_a_users_own(tmp_path):
    model = small.gan()
    model.compile(metrics=[Halved(), Plain()], metric_samples=SAMPLES)
    x = np.full((8, 2), 4.0, "float32")
    results = model.evaluate(x, return_dict=True, verbose=0)
    assert (results["halved"], results["plain/count"]) == (2.0, 8.0)
    assert metrics.evaluate([Halved(), Plain()], x, x, verbose=0)["halved"] == 2.0
    history = model.fit(x, epochs=2, validation_data=x, verbose=0).history
    assert history["val_halved"] == [2.0, 2.0]
    with pytest.warns(UserWarning, match="'plain' has no config"):
        model.save(tmp_path / "model.keras")
    with pytest.warns(UserWarning, match=r"left out(?s:.*)Halved"):
        loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.quality.metrics == []


def test_progress_says_what_is_being_done(capsys, monkeypatch):
    model = small.gan()
    model.compile(metrics=["kernel_distance"], metric_samples=SAMPLES)
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    model.evaluate(small.points(24), verbose=1)
    said = capsys.readouterr().err
    assert "Real samples" in said and "Generated samples" in said and f"/{SAMPLES}" in said
    model.evaluate(small.points(24), verbose=0)
    assert "samples" not in capsys.readouterr().err


def test_nothing_is_printed_of_quick_evaluations(capsys):
    model = small.gan()
    model.compile(metrics=["kernel_distance"], metric_samples=SAMPLES)
    model.evaluate(small.points(24), verbose=1)
    assert not capsys.readouterr().err


@pytest.mark.slow
def test_conditions_of_a_sorted_dataset_are_of_all_classes():
    model, metric = small.gan(classes=3), metrics.SlicedWasserstein()
    model.compile(metrics=[metric], metric_samples=9)
    labels = np.sort(small.labels(30))
    model.evaluate(small.points(30), labels, verbose=0)
    assert set(model.quality._condition) == {0, 1, 2}
