"""Weights in half the space: what is lost is measured, and what is computed is not halved."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from . import models


@pytest.mark.representatives("labels")
@pytest.mark.parametrize("kind", ["batch norm", "labels", "spectral norm", "source image"])
def test_half_of_the_weights_space(tmp_path, kind):
    model = models.KINDS[kind]()
    path = pathlib.Path(model.export(tmp_path / "half", dtype="float16", warmup=False))
    stored = tf.train.load_checkpoint(str(path / "variables" / "variables"))
    dtypes = set(stored.get_variable_to_dtype_map().values()) - {tf.string}
    assert dtypes == {tf.float16}
    inputs = models.inputs_of(model)
    given = {key: inputs[key] for key in ("latents", "condition") if key in inputs}
    signature = tf.saved_model.load(str(path)).signatures["serving_default"]
    images = signature(**{key: tf.constant(value) for key, value in given.items()})["images"]
    condition = inputs.get("condition")
    apart = np.abs(images - model(inputs.get("latents", condition), condition, training=False))
    assert 0 < apart.max() < 0.01
    # As the card says it, of other samples.
    measured = json.loads((path / "model_card.json").read_text())["export"]["difference"]
    assert measured["samples"] == 64
    assert 0 < measured["mean"] < measured["largest"]
    # The largest of more samples: of the same size, not the same number.
    assert apart.max() / 5 <= measured["largest"] <= 5 * apart.max()


@pytest.mark.slow
def test_the_model_is_left_as_it_was(tmp_path):
    model = models.averaged()
    before = [np.array(weight) for weight in model.weights]
    model.export(tmp_path, dtype="float16", warmup=False)
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


@pytest.mark.slow
def test_what_float16_has_no_number_for_is_the_largest_that_it_has(tmp_path):
    model = models.small.gan()
    kernel = model.generator.layers[-2].kernel
    kernel.assign(tf.fill(kernel.shape, 1e6))
    path = model.export(tmp_path, dtype="float16", warmup=False)
    signature = tf.saved_model.load(path).signatures["serving_default"]
    assert np.isfinite(signature(latents=tf.ones((1, 3)))["images"]).all()


def test_other_precisions_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"Expected `dtype` to be one of .*Received: dtype='int8'"):
        models.small.gan().export(tmp_path, dtype="int8")
