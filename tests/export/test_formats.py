"""Other formats of an export, run by their own interpreters."""

import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf

import keras_gan

from . import models

KINDS = ("batch norm", "labels", "source image", "spectral norm")


@pytest.fixture(scope="module", params=KINDS)
def kind(request, tmp_path_factory):
    """Return a model's inputs of five rows, directories of all formats, the SavedModel's answers.

    These are by the number of rows.
    """
    model = models.KINDS[request.param]()
    base = tmp_path_factory.mktemp("formats")
    paths = {
        format: pathlib.Path(model.export(base / format, format=format))
        for format in ("tf_saved_model", "litert", "onnx")
    }
    names = {"latents": model.latents, "condition": model.conditional or None}
    inputs = models.inputs_of(model, rows=5)
    inputs = {name: inputs[name] for name, there in names.items() if there is not None}
    loaded = tf.saved_model.load(str(paths["tf_saved_model"]))
    expected = {
        rows: loaded.signatures["serving_default"](
            **{name: tf.constant(array[:rows]) for name, array in inputs.items()}
        )["images"].numpy()
        for rows in (1, 5)
    }
    return inputs, paths, expected


@pytest.mark.representatives("source image-1")
@pytest.mark.parametrize("rows", [1, 5])
def test_litert_is_the_saved_model(kind, rows):
    interpreters = pytest.importorskip("ai_edge_litert.interpreter", reason="no ai-edge-litert")
    inputs, paths, expected = kind
    interpreter = interpreters.Interpreter(str(paths["litert"] / "model.tflite"))
    assert interpreter.get_signature_list() == {
        "serving_default": {"inputs": sorted(inputs), "outputs": ["images"]}
    }
    run = interpreter.get_signature_runner("serving_default")
    images = run(**{name: array[:rows] for name, array in inputs.items()})["images"]
    np.testing.assert_allclose(images, expected[rows], rtol=0, atol=1e-4)


@pytest.mark.representatives("source image-1", "source image-5")
@pytest.mark.parametrize("rows", [1, 5])
def test_onnx_is_the_saved_model(kind, rows):
    onnxruntime = pytest.importorskip("onnxruntime", reason="no onnxruntime")
    inputs, paths, expected = kind
    session = onnxruntime.InferenceSession(str(paths["onnx"] / "model.onnx"))
    assert [put.name for put in session.get_outputs()] == ["images"]
    given = {name: array[:rows] for name, array in inputs.items()}
    assert {put.name for put in session.get_inputs()} == given.keys()
    (images,) = session.run(None, given)
    np.testing.assert_allclose(images, expected[rows], rtol=0, atol=1e-4)


@pytest.mark.representatives("source image")
def test_every_format_has_its_card(kind):
    for path in kind[1].values():
        assert {"model_card.json", "MODEL_CARD.md"} <= {*os.listdir(path)}
        assert keras_gan.export.verify(path)


@pytest.mark.representatives("source image")
def test_a_directory_has_one_format(kind):
    """A server that watches it would find a version that it can't load."""
    model = models.small.gan()
    base = kind[1]["onnx"].parent
    with pytest.raises(ValueError, match=r"a directory for each format.*whose version 1 is 'onnx'"):
        model.export(base)
    assert os.listdir(base) == ["1"]


def test_formats_that_are_not_known_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"Expected `format` to be one of .*Received: format='h5'"):
        models.small.gan().export(tmp_path, format="h5")


def test_the_discriminator_goes_with_saved_models_alone(tmp_path):
    with pytest.raises(ValueError, match="signature of SavedModels alone"):
        models.small.gan().export(tmp_path, format="onnx", include_discriminator=True)
