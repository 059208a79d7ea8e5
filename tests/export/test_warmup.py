"""Warm-up requests: real ones, for each signature, where the server looks for them."""

import importlib.util
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from keras_gan.export import warmup

from . import models


def requests_in(path):
    """Return the requests of a version, in order."""
    file = pathlib.Path(path) / "assets.extra" / "tf_serving_warmup_requests"
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record.numpy())
        for record in tf.data.TFRecordDataset(str(file))
    ]
    return [log.predict_log.request for log in logs]


@pytest.mark.representatives("source image")
@pytest.mark.parametrize("kind", ["labels", "source image"])
def test_every_signature_has_a_request_that_it_answers(tmp_path, kind):
    model = models.KINDS[kind]()
    path = model.export(tmp_path / "digits", include_discriminator=True, warmup=True)
    signatures = tf.saved_model.load(path).signatures
    requests = requests_in(path)
    assert {r.model_spec.signature_name for r in requests} == {*signatures}
    assert {r.model_spec.name for r in requests} == {"digits"}
    for request in requests:
        signature = signatures[request.model_spec.signature_name]
        inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        assert inputs.keys() == signature.structured_input_signature[1].keys()
        outputs = signature(**{key: tf.constant(value) for key, value in inputs.items()})
        assert all(len(output) == 1 for output in outputs.values())


@pytest.mark.slow
def test_other_formats_have_none(tmp_path):
    path = pathlib.Path(models.averaged().export(tmp_path, format="litert", warmup=True))
    assert not (path / "assets.extra").exists()


def without_the_package(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "tensorflow_serving" else found(name, *rest),
    )


def test_without_the_package_there_are_none(monkeypatch):
    assert warmup.is_wanted("auto")
    without_the_package(monkeypatch)
    assert not warmup.is_wanted("auto")
    assert not warmup.is_wanted(False)


def test_asked_for_without_the_package_names_the_extra(monkeypatch, tmp_path):
    without_the_package(monkeypatch)
    with pytest.raises(ImportError, match=r"pip install .keras-gan\[serving\]"):
        models.small.gan().export(tmp_path / "served", warmup=True)
    assert not (tmp_path / "served").exists()


def test_other_values_are_refused():
    with pytest.raises(ValueError, match=r"'auto', True or False\. Received: warmup='yes'"):
        warmup.is_wanted("yes")


def test_requests_are_of_any_size_that_a_spec_allows():
    """A side that may be anything is one that networks of several scales take."""

    @tf.function(input_signature=[tf.TensorSpec((None, None, 32, 3), tf.float32, name="condition")])
    def function(condition):
        return {"images": condition}

    (inputs,) = warmup.requests({"serving_default": function}).values()
    assert inputs["condition"].shape == (1, 64, 32, 3)
    assert inputs["condition"].dtype == np.float32
