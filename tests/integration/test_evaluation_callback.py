"""The callback `Evaluation`: figures of its own epochs and data, for the callbacks after it."""

import csv

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan import metrics
from keras_gan.quality import FIRST_SEED

from . import small
from .counted import SAMPLES, Counted


@pytest.mark.slow
def test_evaluation_callback_fills_the_logs_of_its_epochs():
    features = metrics.features.Features(Counted())
    model, seen = small.gan(classes=3), []
    model.compile(**small.adams(0.05))
    data = small.points(24, seed=5), small.labels(24)
    callback = keras_gan.callbacks.Evaluation(
        data, [metrics.FrechetDistance(features)], samples=SAMPLES, every=2, verbose=0
    )
    after = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(dict(logs)))
    history = model.fit(
        small.points(), small.labels(), epochs=5, callbacks=[callback, after], verbose=0
    ).history
    # A key on every epoch, as Keras's callbacks want it.
    figures = [logs["val_frechet_distance"] for logs in seen]
    assert np.isfinite(figures).tolist() == [True, True, False, True, True]
    np.testing.assert_array_equal(history["val_frechet_distance"], figures)
    assert features.trunk.passed == 2 + 24 + 4 * SAMPLES
    labels = np.resize(data[1][np.random.default_rng(0).permutation(24)], SAMPLES)
    fake = model.generate(SAMPLES, seed=FIRST_SEED, condition=labels)
    expected = metrics.evaluate([metrics.FrechetDistance(features)], data[0], fake, verbose=0)
    assert history["val_frechet_distance"][-1] == pytest.approx(
        expected["frechet_distance"], rel=1e-4
    )


@pytest.mark.slow
def test_files_of_callbacks_hold_the_best_evaluated_epoch(tmp_path):
    """Keras would save on any epoch without the key, and a CSV has the first epoch's columns."""
    model, states = small.gan(), []
    model.compile(**small.sgds(3.0))
    model.fit(
        small.points(),
        epochs=6,
        callbacks=[
            keras_gan.callbacks.Evaluation(small.points(24), ["frechet_distance"], every=2),
            keras.callbacks.ModelCheckpoint(
                str(tmp_path / "best.keras"),
                monitor="val_frechet_distance",
                mode="min",
                save_best_only=True,
            ),
            keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: states.append(small.weights(model))
            ),
        ],
        verbose=0,
    )
    history = model.history.history["val_frechet_distance"]
    best = int(np.nanargmin(history))
    assert np.isnan(history).tolist() == [False, False, True, False, True, False]
    loaded = keras.saving.load_model(tmp_path / "best.keras")
    for one, other in zip(states[best], small.weights(loaded), strict=True):
        np.testing.assert_array_equal(one, other)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    np.testing.assert_allclose([float(r["val_frechet_distance"]) for r in rows], history)


@pytest.mark.slow
def test_a_metric_in_two_places_is_right_in_both():
    """Each sees its own real samples, though the object is one."""
    shared = metrics.FrechetDistance()
    near, far = small.points(24, seed=5), small.points(24, seed=5) + 5
    model = small.gan()
    model.compile(metrics=[shared], metric_samples=SAMPLES, **small.sgds(0.0))
    callbacks = [
        keras_gan.callbacks.Evaluation(x, [shared], samples=SAMPLES, prefix=f"{name}_")
        for name, x in (("near", near), ("far", far))
    ]
    history = model.fit(
        small.points(), epochs=3, validation_data=near, callbacks=callbacks, verbose=0
    ).history
    for prefix in ("val", "near", "far"):
        values = history[f"{prefix}_frechet_distance"]
        assert values == pytest.approx([values[0]] * 3, rel=1e-9), prefix
    assert history["val_frechet_distance"] == pytest.approx(history["near_frechet_distance"])
    assert history["far_frechet_distance"][0] > history["near_frechet_distance"][0] + 10


@pytest.mark.slow
def test_a_callback_reads_a_shuffled_dataset_from_its_start():
    """The figure of the last epoch does not depend on how many evaluations came before."""
    figures = []
    for every in (1, 4):
        data = keras_gan.datasets.from_arrays(small.points(30), small.labels(30), batch_size=7)
        model = small.gan(classes=3)
        model.compile(**small.adams())
        callback = keras_gan.callbacks.Evaluation(
            data, ["kernel_distance"], samples=SAMPLES, every=every, verbose=0
        )
        model.fit(small.points(), small.labels(), epochs=4, callbacks=[callback], verbose=0)
        figures.append(model.history.history["val_kernel_distance/mean"][-1])
    assert figures[0] == figures[1]


@pytest.mark.parametrize(
    "arguments, text",
    [
        ({"metrics": []}, "at least one metric"),
        ({"metrics": "frechet_distance"}, "list"),
        ({"metrics": ["kernel_distance"], "samples": 3}, "at least 4 generated"),
        ({"every": 0}, "every"),
        ({"samples": 0}, "samples"),
        ({"metrics": ["accuracy"]}, "Unknown metric"),
    ],
)
def test_evaluation_callback_refuses_bad_arguments(arguments, text):
    with pytest.raises(ValueError, match=text):
        keras_gan.callbacks.Evaluation(
            small.points(8), **{"metrics": ["frechet_distance"], **arguments}
        )


@pytest.mark.parametrize("classes, data, text", [
    (None, np.zeros((8, 3), "float32"), "shape"),
    (3, small.points(8), "condition"),
])  # fmt: skip
def test_evaluation_callback_checks_its_data_before_the_first_step(classes, data, text):
    model = small.gan(classes=classes)
    model.compile()
    callback = keras_gan.callbacks.Evaluation(data, ["frechet_distance"])
    fit_on = (small.points(8), small.labels(8)) if classes else (small.points(8),)
    with pytest.raises(ValueError, match=text):
        model.fit(*fit_on, callbacks=[callback], verbose=0)
    assert model.steps == 0
